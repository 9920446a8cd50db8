#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Both QEMUs, all machines, irqchip in the kernel and split, 1, 2 and 4 processors.
# hvlab-timeout: 3000
# hvlab-long
# what Windows is given; without KVM's leaves Linux uses them too
hyperv=hv-time,hv-stimer,hv-synic,hv-vpindex,hv-relaxed,hv-vapic
export MACHINES="
7.2|1|-M pc|
7.2|1|-M pc,kernel_irqchip=split|
7.2|1|-M q35 -cpu host|
7.2|1|-M microvm|reboot=t
7.2|1|-M microvm,kernel_irqchip=split|reboot=t
7.2|2|-M pc -cpu max|
7.2|4|-M q35,kernel_irqchip=split|
10.0|1|-M pc|
10.0|1|-M pc,kernel_irqchip=split -cpu host|
10.0|1|-M q35 -cpu host|
10.0|1|-M microvm|reboot=t
10.0|2|-M q35,kernel_irqchip=split|
10.0|4|-M pc -cpu max|
7.2|1|-M pc -cpu host,kvm=off,$hyperv|
10.0|2|-M q35 -cpu host,$hyperv|"
exec "$(dirname "$0")/shim_qemu.sh"
