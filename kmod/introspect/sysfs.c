// SPDX-License-Identifier: GPL-2.0-only
/*
 * One value a file, read without locks: what a show function reads is immutable, or
 * one word that its owner writes with WRITE_ONCE or alone. kobject_del() waits for readers, so a
 * VM may die at any moment; therefore no show function may take a lock that a
 * dying VM holds.
 */
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/slab.h>
#include "core/vcpu.h"
#include "host/host.h"
#include "introspect/introspect.h"

/* ---- the device ---- */

static ssize_t backend_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", backend->name);
}
static DEVICE_ATTR_RO(backend);

static const struct {
	u64 bit;
	const char *name;
} cpu_features[] = {
	{ MYHV_CPU_FEATURE_NEXT_RIP, "next_rip" },
	{ MYHV_CPU_FEATURE_DECODE_ASSIST, "decode_assist" },
	{ MYHV_CPU_FEATURE_FLUSH_BY_ASID, "flush_by_asid" },
	{ MYHV_CPU_FEATURE_CLEAN_BITS, "clean_bits" },
	{ MYHV_CPU_FEATURE_TSC_SCALING, "tsc_scaling" },
	{ MYHV_CPU_FEATURE_PAUSE_FILTER, "pause_filter" },
	{ MYHV_CPU_FEATURE_VNMI, "vnmi" },
	{ MYHV_CPU_FEATURE_1G_PAGES, "1g_pages" },
	{ MYHV_CPU_FEATURE_SLAT_AD, "slat_ad" },
	{ MYHV_CPU_FEATURE_TPR_SHADOW, "tpr_shadow" },
	{ MYHV_CPU_FEATURE_APICV, "apicv" },
	{ MYHV_CPU_FEATURE_POSTED_INTR, "posted_intr" },
	{ MYHV_CPU_FEATURE_PML, "pml" },
	{ MYHV_CPU_FEATURE_PREEMPTION_TIMER, "preemption_timer" },
};

static ssize_t features_emit(char *buf, u64 features)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(cpu_features); i++)
		if (features & cpu_features[i].bit)
			len += sysfs_emit_at(buf, len, "%s%s", len ? " " : "",
					     cpu_features[i].name);
	return len + sysfs_emit_at(buf, len, "\n");
}

static ssize_t features_used_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return features_emit(buf, backend_caps.features);
}
static DEVICE_ATTR_RO(features_used);

static ssize_t features_missing_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return features_emit(buf, backend_caps.possible & ~backend_caps.features);
}
static DEVICE_ATTR_RO(features_missing);

static ssize_t mitigations_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct host_mitigations *m = &host_mitigations;
	const struct {
		bool on;
		const char *name;
	} list[] = {
		{ m->ibpb_on_switch, "ibpb" }, { m->spec_ctrl, "spec_ctrl" },
		{ m->rsb_fill, "rsb_fill" },   { m->verw, "verw" },
		{ m->l1d_flush, "l1d_flush" }, { m->virt_spec_ctrl, "virt_spec_ctrl" },
		{ m->ibpb_to_user, "ibpb_to_user" }, { m->clear_bhb, "clear_bhb" },
	};
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(list); i++)
		if (list[i].on)
			len += sysfs_emit_at(buf, len, "%s%s", len ? " " : "", list[i].name);
	return len + sysfs_emit_at(buf, len, "\n");
}
static DEVICE_ATTR_RO(mitigations);

#define DEVICE_NUMBER(file, value)                                                               \
	static ssize_t file##_show(struct device *dev, struct device_attribute *attr, char *buf) \
	{                                                                                        \
		return sysfs_emit(buf, "%llu\n", (unsigned long long)(value));                   \
	}                                                                                        \
	static DEVICE_ATTR_RO(file)

DEVICE_NUMBER(api_version, MYHV_API_VERSION);
DEVICE_NUMBER(max_vcpus, MYHV_MAX_VCPUS);
DEVICE_NUMBER(max_mem_regions, MYHV_MAX_MEM_REGIONS);
DEVICE_NUMBER(gpa_bits, backend_caps.gpa_bits);
DEVICE_NUMBER(slat_levels, backend_caps.slat_format.levels);
DEVICE_NUMBER(asids, backend_caps.nr_asids);

static struct attribute *device_attrs[] = {
	&dev_attr_backend.attr,
	&dev_attr_features_used.attr,
	&dev_attr_features_missing.attr,
	&dev_attr_mitigations.attr,
	&dev_attr_api_version.attr,
	&dev_attr_max_vcpus.attr,
	&dev_attr_max_mem_regions.attr,
	&dev_attr_gpa_bits.attr,
	&dev_attr_slat_levels.attr,
	&dev_attr_asids.attr,
	NULL,
};
static const struct attribute_group device_group = { .attrs = device_attrs };
const struct attribute_group *introspect_device_groups[] = { &device_group, NULL };

/* ---- a VM ---- */

struct vm_introspect {
	struct kobject kobj;
	struct kobject *vcpus;
	struct myhv_vm *vm;
};

struct vm_attribute {
	struct attribute attr;
	ssize_t (*show)(struct myhv_vm *vm, char *buf);
};

#define VM_ATTR(file)                                       \
	static const struct vm_attribute vm_attr_##file = { \
		.attr = { .name = #file, .mode = 0444 },    \
		.show = vm_##file##_show,                   \
	}

#define VM_NUMBER(file, value)                                                 \
	static ssize_t vm_##file##_show(struct myhv_vm *vm, char *buf)         \
	{                                                                      \
		return sysfs_emit(buf, "%llu\n", (unsigned long long)(value)); \
	}                                                                      \
	VM_ATTR(file)

static ssize_t vm_name_show(struct myhv_vm *vm, char *buf)
{
	return sysfs_emit(buf, "%s\n", vm->name);
}
VM_ATTR(name);

static ssize_t vm_irqchip_show(struct myhv_vm *vm, char *buf)
{
	static const char *const names[] = { "none", "split", "full" };

	return sysfs_emit(buf, "%s\n", names[vm->irqchip]);
}
VM_ATTR(irqchip);

VM_NUMBER(pid, vm->pid);
VM_NUMBER(vcpu_count, READ_ONCE(vm->nr_vcpus));
VM_NUMBER(broken, READ_ONCE(vm->broken));
VM_NUMBER(age_ms, ktime_ms_delta(ktime_get_boottime(), vm->created));
VM_NUMBER(memory_bytes, READ_ONCE(vm->mem.nr_pages) * PAGE_SIZE);
VM_NUMBER(table_bytes, atomic_long_read(&vm->slat.table_pages) * PAGE_SIZE);
VM_NUMBER(mapped_4k, atomic_long_read(&vm->slat.mapped[0]));
VM_NUMBER(mapped_2m, atomic_long_read(&vm->slat.mapped[1]));
VM_NUMBER(mapped_1g, atomic_long_read(&vm->slat.mapped[2]));

static const struct attribute *const vm_attrs[] = {
	&vm_attr_name.attr,	    &vm_attr_irqchip.attr,     &vm_attr_pid.attr,
	&vm_attr_vcpu_count.attr,   &vm_attr_broken.attr,      &vm_attr_age_ms.attr,
	&vm_attr_memory_bytes.attr, &vm_attr_table_bytes.attr, &vm_attr_mapped_4k.attr,
	&vm_attr_mapped_2m.attr,    &vm_attr_mapped_1g.attr,   NULL,
};

static ssize_t vm_attr_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct vm_introspect *in = container_of(kobj, struct vm_introspect, kobj);

	return container_of(attr, struct vm_attribute, attr)->show(in->vm, buf);
}

static void vm_introspect_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct vm_introspect, kobj));
}

static const struct sysfs_ops vm_sysfs_ops = { .show = vm_attr_show };
static const struct kobj_type vm_ktype = {
	.release = vm_introspect_release,
	.sysfs_ops = &vm_sysfs_ops,
};

/* vms/, there as soon as VMs can be made */
static struct kobject *vms_kobj;

int introspect_vm_add(struct myhv_vm *vm)
{
	struct vm_introspect *in;
	int ret;

	if (!READ_ONCE(vms_kobj))
		return -ENODEV; /* the module is still loading */
	in = kzalloc(sizeof(*in), GFP_KERNEL_ACCOUNT);
	if (!in)
		return -ENOMEM;
	in->vm = vm;
	ret = kobject_init_and_add(&in->kobj, &vm_ktype, vms_kobj, "%u", vm->id);
	if (ret)
		goto put;
	in->vcpus = kobject_create_and_add("vcpus", &in->kobj);
	ret = in->vcpus ? 0 : -ENOMEM;
	if (!ret)
		ret = sysfs_create_files(&in->kobj, (const struct attribute *const *)vm_attrs);
	if (ret)
		goto del;
	vm->introspect = in;
	return 0;

del:
	kobject_put(in->vcpus);
	kobject_del(&in->kobj);
put:
	kobject_put(&in->kobj);
	return ret;
}

void introspect_vm_remove(struct myhv_vm *vm)
{
	struct vm_introspect *in = vm->introspect;
	struct myhv_vcpu *vcpu;
	unsigned long id;

	xa_for_each(&vm->vcpus, id, vcpu)
		introspect_vcpu_remove(vcpu);
	kobject_put(in->vcpus);
	kobject_del(&in->kobj);
	kobject_put(&in->kobj);
}

/* ---- a vCPU ---- */

struct vcpu_introspect {
	struct kobject kobj;
	struct myhv_vcpu *vcpu;
};

struct vcpu_attribute {
	struct attribute attr;
	ssize_t (*show)(struct myhv_vcpu *vcpu, char *buf);
};

#define VCPU_ATTR(file)                                         \
	static const struct vcpu_attribute vcpu_attr_##file = { \
		.attr = { .name = #file, .mode = 0444 },        \
		.show = vcpu_##file##_show,                     \
	}

#define VCPU_NUMBER(file, value)                                               \
	static ssize_t vcpu_##file##_show(struct myhv_vcpu *vcpu, char *buf)   \
	{                                                                      \
		return sysfs_emit(buf, "%llu\n", (unsigned long long)(value)); \
	}                                                                      \
	VCPU_ATTR(file)

static ssize_t vcpu_state_show(struct myhv_vcpu *vcpu, char *buf)
{
	static const char *const mp[] = { "runnable", "uninitialized", "init-received", "halted" };
	u32 state = READ_ONCE(vcpu->mp_state);

	if (READ_ONCE(vcpu->mode) == VCPU_IN_GUEST)
		return sysfs_emit(buf, "guest\n");
	return sysfs_emit(buf, "%s\n", state < ARRAY_SIZE(mp) ? mp[state] : "unknown");
}
VCPU_ATTR(state);

/* CODE or NAME and a count per line: reasons that never happened are left out. */
static ssize_t vcpu_exits_by_reason_show(struct myhv_vcpu *vcpu, char *buf)
{
	unsigned int i;
	int len = 0;

	for (i = 0; i < ARRAY_SIZE(vcpu->stat.by_reason); i++) {
		u64 count = READ_ONCE(vcpu->stat.by_reason[i]);
		const char *name = backend->exit_name(i);

		if (!count)
			continue;
		if (name)
			len += sysfs_emit_at(buf, len, "%s %llu\n", name, count);
		else
			len += sysfs_emit_at(buf, len, "0x%x %llu\n", i, count);
	}
	return len;
}
VCPU_ATTR(exits_by_reason);

static ssize_t vcpu_host_cpu_show(struct myhv_vcpu *vcpu, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(vcpu->running_cpu));
}
VCPU_ATTR(host_cpu);

VCPU_NUMBER(exits, READ_ONCE(vcpu->stat.exits));
VCPU_NUMBER(user_exits, READ_ONCE(vcpu->stat.user_exits));
VCPU_NUMBER(halts, READ_ONCE(vcpu->stat.halts));
VCPU_NUMBER(injections, READ_ONCE(vcpu->stat.injections));
VCPU_NUMBER(faults, READ_ONCE(vcpu->stat.faults));

static const struct attribute *const vcpu_attrs[] = {
	&vcpu_attr_state.attr,	    &vcpu_attr_exits_by_reason.attr, &vcpu_attr_host_cpu.attr,
	&vcpu_attr_exits.attr,	    &vcpu_attr_user_exits.attr,	     &vcpu_attr_halts.attr,
	&vcpu_attr_injections.attr, &vcpu_attr_faults.attr,	     NULL,
};

static ssize_t vcpu_attr_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	struct vcpu_introspect *in = container_of(kobj, struct vcpu_introspect, kobj);

	return container_of(attr, struct vcpu_attribute, attr)->show(in->vcpu, buf);
}

static void vcpu_introspect_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct vcpu_introspect, kobj));
}

static const struct sysfs_ops vcpu_sysfs_ops = { .show = vcpu_attr_show };
static const struct kobj_type vcpu_ktype = {
	.release = vcpu_introspect_release,
	.sysfs_ops = &vcpu_sysfs_ops,
};

int introspect_vcpu_add(struct myhv_vcpu *vcpu)
{
	struct vcpu_introspect *in;
	int ret;

	in = kzalloc(sizeof(*in), GFP_KERNEL_ACCOUNT);
	if (!in)
		return -ENOMEM;
	in->vcpu = vcpu;
	ret = kobject_init_and_add(&in->kobj, &vcpu_ktype, vcpu->vm->introspect->vcpus, "%u",
				   vcpu->id);
	if (ret)
		goto put;
	ret = sysfs_create_files(&in->kobj, (const struct attribute *const *)vcpu_attrs);
	if (ret)
		goto del;
	vcpu->introspect = in;
	return 0;

del:
	kobject_del(&in->kobj);
put:
	kobject_put(&in->kobj);
	return ret;
}

void introspect_vcpu_remove(struct myhv_vcpu *vcpu)
{
	kobject_del(&vcpu->introspect->kobj);
	kobject_put(&vcpu->introspect->kobj);
}

/* ---- module load ---- */

int introspect_init(struct device *dev)
{
	struct kobject *kobj = kobject_create_and_add("vms", &dev->kobj);

	if (!kobj)
		return -ENOMEM;
	WRITE_ONCE(vms_kobj, kobj);
	return 0;
}

void introspect_exit(void)
{
	kobject_put(vms_kobj);
}
