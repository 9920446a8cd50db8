#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# QEMU's monitor and gdbstub: info kvm, stop, breakpoints, savevm, migration, by 7.2.
# hvlab-timeout: 3000
# hvlab-long
set -u

[ -x /usr/bin/qemu-system-x86_64 ] || { echo "no QEMU"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
"$here/../lab/mkinitrd" "$PWD/initrd" "$here/../shim/guest-init.sh" || exit
exec "$here/../shim/qemu_control.py" "$O/qemu-system-x86_64-myhv" "$GUEST_KERNEL" "$PWD/initrd"
