#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A disk for UEFI that boots by itself: OVMF from flash, GRUB from the EFI system partition, a
# kernel that works on its disk and powers off. What OVMF writes down is kept.
# hvlab-long, hvlab-timeout: 600
set -u

code=/usr/share/OVMF/OVMF_CODE_4M.fd
vars=/usr/share/OVMF/OVMF_VARS_4M.fd
. "${0%/*}/lib.sh"
[ -e $code ] || { echo "no OVMF: install the package ovmf"; exit 77; }

cp "$SMALL_EFI_IMAGE" disk.img
cp $vars vars.fd
timeout -k 5 580 "$HVRUN" -m 256 -nographic -hda disk.img \
	-drive if=pflash,format=raw,readonly=on,file=$code \
	-drive if=pflash,format=raw,file=vars.fd >out.log 2>err.log </dev/null
status=$?
[ $status = 0 ]
check $? "it ends with status $status"
grep -aq "GNU GRUB" out.log && grep -aq "myhv test guest" out.log
check $? "GRUB shows its menu"
grep -q "job: ok" out.log
check $? "the guest is content with its disk"
! cmp -s $vars vars.fd
check $? "the variables were written"
! [ -s err.log ]
check $? "hvrun has nothing to say: $(head -c 200 err.log)"
finish
