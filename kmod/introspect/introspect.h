/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sysfs tree: /sys/class/misc/myhv/ for the device, vms/ID/ for each VM and
 * vms/ID/vcpus/ID/ for each vCPU. docs/abi/sysfs.md describes every file.
 */
#ifndef MYHV_INTROSPECT_H
#define MYHV_INTROSPECT_H

#include <linux/sysfs.h>

struct device;
struct myhv_vm;
struct myhv_vcpu;

extern const struct attribute_group *introspect_device_groups[];

int introspect_init(struct device *dev);
void introspect_exit(void);

int introspect_vm_add(struct myhv_vm *vm);
/* After return no reader of a file uses @vm or its vCPUs. Sleeps. */
void introspect_vm_remove(struct myhv_vm *vm);
/* vm->lock held; the vCPU is complete. */
int introspect_vcpu_add(struct myhv_vcpu *vcpu);
void introspect_vcpu_remove(struct myhv_vcpu *vcpu);

#endif /* MYHV_INTROSPECT_H */
