#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# hvrun_debian_long with a disk for UEFI, by OVMF from flash.
# hvlab-long, hvlab-timeout: 7200
[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || { echo "no OVMF: install the package ovmf"; exit 77; }
cp /usr/share/OVMF/OVMF_VARS_4M.fd vars.fd || exit
export FIRMWARE=uefi DEBIAN_IMAGE=${DEBIAN_EFI_IMAGE:?}
exec "$(dirname "$0")/hvrun_debian_long.sh"
