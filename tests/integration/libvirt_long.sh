#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Debian's libvirt above the shim: runs the blocks of docs/libvirt.md as they stand there.
# hvlab-timeout: 3600
# hvlab-long
set -u
for program in libvirtd virtlogd virsh virt-install systemd-tmpfiles dbus-daemon; do
	command -v $program >/dev/null || { echo "no $program"; exit 77; }
done
source=$(cd "$(dirname "$0")/../.." && pwd)
export SOURCE=$source DEBIAN_IMAGE SMALL_IMAGE
# libvirt enters QEMU's mount namespace by setns(), which ends at the namespace's own root. In L1
# that is the initramfs, so the root that everybody sees has to be moved there.
if [ -n "${MYHV_LAB:-}" ]; then
	exec nsenter --target 1 --mount --root /bin/busybox unshare -m /bin/busybox sh -c '
		here=$1; shift; cd /root && mount --move . / && exec chroot . /usr/bin/env -C "$here" "$@"
		' sh "$PWD" python3 "$source/tests/shim/libvirt_doc.py"
fi
exec python3 "$source/tests/shim/libvirt_doc.py"
