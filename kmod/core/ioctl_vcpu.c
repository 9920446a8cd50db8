// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls on a vCPU descriptor. vcpu->mutex serializes them with MYHV_VCPU_RUN; a kick
 * and an NMI take no lock, since they are for a vCPU that runs.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "chip/chip.h"
#include "core/guest_mem.h"
#include "core/ioctl.h"
#include "core/vcpu.h"
#include "exit/exit.h"
#include "exit/hyperv.h"

#define MAX_MSRS 1024
#define MAX_CPUID_ENTRIES 256

/* ---- register groups ---- */

#define GROUP(bit, member)                                                          \
	{                                                                           \
		.group = (bit), .offset = offsetof(struct myhv_vcpu_state, member), \
		.bytes = sizeof_field(struct myhv_vcpu_state, member)               \
	}

static const struct state_group {
	u32 group;
	u32 offset;
	u32 bytes;
} state_groups[] = {
	GROUP(MYHV_STATE_GENERAL, general), GROUP(MYHV_STATE_SEGMENTS, segments),
	GROUP(MYHV_STATE_CONTROL, control), GROUP(MYHV_STATE_DEBUG, debug),
	GROUP(MYHV_STATE_MSRS, msrs),	    GROUP(MYHV_STATE_EVENTS, events),
	GROUP(MYHV_STATE_MP, mp),	    GROUP(MYHV_STATE_LAPIC, lapic),
	GROUP(MYHV_STATE_XSAVE, xsave),
};

static int state_buffer(struct myhv_vcpu *vcpu, const struct myhv_state_io *io)
{
	if (io->flags || io->groups & ~MYHV_STATE_ALL)
		return -EINVAL;
	if (!vcpu->state_copy)
		vcpu->state_copy = kvzalloc(sizeof(*vcpu->state_copy), GFP_KERNEL_ACCOUNT);
	return vcpu->state_copy ? 0 : -ENOMEM;
}

static long vcpu_state_get_user(void *object, void *args)
{
	struct myhv_vcpu *vcpu = object;
	struct myhv_state_io *io = args;
	void __user *user = u64_to_user_ptr(io->state);
	const struct state_group *g;
	long ret;

	ret = state_buffer(vcpu, io);
	if (ret)
		return ret;
	memset(vcpu->state_copy, 0, sizeof(*vcpu->state_copy));
	ret = vcpu_state_get(vcpu, io->groups, vcpu->state_copy);
	if (ret)
		return ret;
	for (g = state_groups; g < state_groups + ARRAY_SIZE(state_groups); g++)
		if ((io->groups & g->group) &&
		    copy_to_user(user + g->offset, (void *)vcpu->state_copy + g->offset, g->bytes))
			return -EFAULT;
	return 0;
}

static long vcpu_state_set_user(void *object, void *args)
{
	struct myhv_vcpu *vcpu = object;
	struct myhv_state_io *io = args;
	const void __user *user = u64_to_user_ptr(io->state);
	const struct state_group *g;
	long ret;

	ret = state_buffer(vcpu, io);
	if (ret)
		return ret;
	for (g = state_groups; g < state_groups + ARRAY_SIZE(state_groups); g++)
		if ((io->groups & g->group) && copy_from_user((void *)vcpu->state_copy + g->offset,
							      user + g->offset, g->bytes))
			return -EFAULT;
	return vcpu_state_set(vcpu, io->groups, vcpu->state_copy);
}

/* ---- CPUID and MSRs ---- */

static long vcpu_cpuid_set(void *object, void *args)
{
	struct myhv_vcpu *vcpu = object;
	struct myhv_cpuid_list *list = args;
	struct myhv_cpuid_entry *entries;
	long ret;

	if (list->flags)
		return -EINVAL;
	if (list->count > MAX_CPUID_ENTRIES)
		return -E2BIG;
	if (vcpu->has_run)
		return -EBUSY;
	entries = ioctl_array(list->entries, list->count, sizeof(*entries));
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	ret = cpuid_set(vcpu, entries, list->count);
	kvfree(entries);
	return ret;
}

static long vcpu_cpuid_get(void *object, void *args)
{
	struct myhv_vcpu *vcpu = object;
	struct myhv_cpuid_list *list = args;
	struct myhv_cpuid_entry *entries;
	u32 room = list->count, count;
	bool live = list->flags & MYHV_CPUID_LIVE;
	long ret = 0;

	if (list->flags & ~MYHV_CPUID_LIVE)
		return -EINVAL;
	count = cpuid_get(vcpu, live, NULL, 0);
	list->count = count;
	if (count > room)
		return -E2BIG;
	entries = kvcalloc(max(count, 1U), sizeof(*entries), GFP_KERNEL);
	if (!entries)
		return -ENOMEM;
	cpuid_get(vcpu, live, entries, count);
	if (copy_to_user(u64_to_user_ptr(list->entries), entries, count * sizeof(*entries)))
		ret = -EFAULT;
	kvfree(entries);
	return ret;
}

static struct myhv_msr *msrs_copy_in(const struct myhv_msrs *args)
{
	struct myhv_msr *msrs;
	u32 i;

	if (args->flags)
		return ERR_PTR(-EINVAL);
	if (args->count > MAX_MSRS)
		return ERR_PTR(-E2BIG);
	msrs = ioctl_array(args->msrs, args->count, sizeof(*msrs));
	if (IS_ERR(msrs))
		return msrs;
	for (i = 0; i < args->count; i++) {
		if (msrs[i].pad) {
			kvfree(msrs);
			return ERR_PTR(-EINVAL);
		}
	}
	return msrs;
}

static long vcpu_msrs_get(void *object, void *args)
{
	struct myhv_msrs *list = args;
	struct myhv_msr *msrs = msrs_copy_in(list);
	u32 i;
	long ret;

	if (IS_ERR(msrs))
		return PTR_ERR(msrs);
	for (i = 0; i < list->count; i++)
		if (msr_read(object, msrs[i].index, true, &msrs[i].value))
			break;
	ret = i;
	if (copy_to_user(u64_to_user_ptr(list->msrs), msrs, i * sizeof(*msrs)))
		ret = -EFAULT;
	kvfree(msrs);
	return ret;
}

static long vcpu_msrs_set(void *object, void *args)
{
	struct myhv_msrs *list = args;
	struct myhv_msr *msrs = msrs_copy_in(list);
	u32 i;

	if (IS_ERR(msrs))
		return PTR_ERR(msrs);
	for (i = 0; i < list->count; i++)
		if (msr_write(object, msrs[i].index, true, msrs[i].value))
			break;
	kvfree(msrs);
	return i;
}

/* ---- interrupts, debugging ---- */

static long vcpu_external_interrupt(struct myhv_vcpu *vcpu, u32 vector)
{
	if (!vcpu->user_irqs)
		return -ENXIO;
	if (vcpu->user_irq_pending)
		return -EBUSY;
	vcpu->user_irq_vector = vector;
	vcpu->user_irq_pending = true;
	return 0;
}

static long vcpu_interrupt(void *object, void *args)
{
	struct myhv_vcpu *vcpu = object;
	struct myhv_interrupt *irq = args;

	if (irq->type != MYHV_INTERRUPT_EXTERNAL || irq->vector > 255)
		return -EINVAL;
	return vcpu_external_interrupt(vcpu, irq->vector);
}

/* Without vcpu->mutex: an NMI is for a vCPU that runs. SMM is not emulated. */
static long vcpu_interrupt_now(void *object, void *args)
{
	struct myhv_interrupt *irq = args;

	if (irq->type == MYHV_INTERRUPT_NMI) {
		vcpu_request(object, VCPU_REQ_NMI);
		return 0;
	}
	return irq->type == MYHV_INTERRUPT_EXTERNAL ? 1 : -EINVAL;
}

static bool gva_is_canonical(struct myhv_vcpu *vcpu, u64 gva)
{
	const struct vcpu_regs *regs = vcpu_regs(vcpu, MYHV_STATE_CONTROL);
	unsigned int unused = regs->control.cr4 & X86_CR4_LA57 ? 7 : 16;

	if (!(regs->control.efer & EFER_LMA))
		return !(gva >> 32);
	return (u64)((s64)(gva << unused) >> unused) == gva;
}

/* Mapped for the supervisor, or (SMAP, SMEP) only for the user? */
static int translate_any(struct myhv_vcpu *vcpu, u64 gva, u32 access,
			 struct guest_walk_result *result)
{
	int ret = guest_translate_peek(vcpu, gva, access, result);

	if (ret == -EFAULT)
		ret = guest_translate_peek(vcpu, gva, access | X86_ACCESS_USER, result);
	return ret;
}

static long vcpu_translate(void *object, void *args)
{
	struct myhv_translate *t = args;
	struct guest_walk_result result;
	u32 access = 0;

	if (t->access & ~(MYHV_ACCESS_READ | MYHV_ACCESS_WRITE | MYHV_ACCESS_FETCH))
		return -EINVAL;
	if (t->access & MYHV_ACCESS_WRITE)
		access |= X86_ACCESS_WRITE;
	if (t->access & MYHV_ACCESS_FETCH)
		access |= X86_ACCESS_FETCH;
	t->gpa = 0;
	t->valid = 0;
	t->rights = 0;
	t->user = 0;
	if (!gva_is_canonical(object, t->gva) || translate_any(object, t->gva, access, &result))
		return 0;
	t->gpa = result.gpa;
	t->valid = 1;
	t->rights = MYHV_ACCESS_READ | (result.rights & GUEST_WALK_WRITE ? MYHV_ACCESS_WRITE : 0) |
		    (result.rights & GUEST_WALK_EXEC ? MYHV_ACCESS_FETCH : 0);
	t->user = !!(result.rights & GUEST_WALK_USER);
	return 0;
}

static long vcpu_debug(void *object, void *args)
{
	struct myhv_debug *debug = args;
	u32 known = MYHV_DEBUG_ENABLE | MYHV_DEBUG_STEP | MYHV_DEBUG_SW_BP | MYHV_DEBUG_HW_BP;

	if (debug->flags & ~known || debug->pad || debug->dr[4] || debug->dr[5] || debug->dr[6])
		return -EINVAL;
	return guest_debug_set(object, debug);
}

static long vcpu_mce(void *object, void *args)
{
	const struct myhv_mce *mce = args;

	return memchr_inv(mce->pad, 0, sizeof(mce->pad)) ? -EINVAL : inject_mce(object, mce);
}

static long vcpu_dirty_list(void *object, void *args)
{
	struct myhv_dirty_list *list = args;

	return list->limit > DIRTY_LIST_MAX ? -EINVAL : dirty_list_take(object, list);
}

static long vcpu_sigmask(void *object, void *args)
{
	struct myhv_vcpu *vcpu = object;
	struct myhv_sigmask *mask = args;

	if (mask->enable > 1 || mask->pad)
		return -EINVAL;
	vcpu->has_sigmask = mask->enable;
	BUILD_BUG_ON(sizeof(vcpu->sigmask) != sizeof(mask->mask));
	memcpy(&vcpu->sigmask, &mask->mask, sizeof(mask->mask));
	sigdelsetmask(&vcpu->sigmask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	return 0;
}

/* ---- properties ---- */

static int vcpu_prop_value(struct myhv_vcpu *vcpu, u32 id, u64 *value)
{
	switch (id) {
	case MYHV_PROP_VCPU_ID:
		*value = vcpu->id;
		return 0;
	case MYHV_PROP_VCPU_TSC_KHZ:
		*value = vcpu->tsc.khz;
		return 0;
	case MYHV_PROP_VCPU_TSC_OFFSET:
		*value = vcpu->tsc.offset;
		return 0;
	case MYHV_PROP_VCPU_EXITS:
		*value = READ_ONCE(vcpu->stat.exits);
		return 0;
	case MYHV_PROP_VCPU_SYNIC:
		*value = !!vcpu->synic;
		return 0;
	case MYHV_PROP_VCPU_USER_EXITS:
		*value = READ_ONCE(vcpu->stat.user_exits);
		return 0;
	case MYHV_PROP_VCPU_HALTS:
		*value = READ_ONCE(vcpu->stat.halts);
		return 0;
	case MYHV_PROP_VCPU_INJECTIONS:
		*value = READ_ONCE(vcpu->stat.injections);
		return 0;
	case MYHV_PROP_VCPU_FAULTS:
		*value = READ_ONCE(vcpu->stat.faults);
		return 0;
	case MYHV_PROP_VCPU_PV_STRICT:
		*value = vcpu->pv_strict;
		return 0;
	case MYHV_PROP_VCPU_CLOCK_STOPPED:
		*value = vcpu->clock_stopped;
		return 0;
	}
	return -ENOENT;
}

static long vcpu_prop_get(void *object, void *args)
{
	struct myhv_prop *prop = args;

	return prop->flags ? -EINVAL : vcpu_prop_value(object, prop->id, &prop->value);
}

/* What any thread may ask for while the vCPU runs, or sleeps in HLT. 1: it is something else. */
static long vcpu_prop_get_now(void *object, void *args)
{
	struct myhv_prop *prop = args;

	switch (prop->id) {
	case MYHV_PROP_VCPU_ID:
	case MYHV_PROP_VCPU_EXITS:
	case MYHV_PROP_VCPU_USER_EXITS:
	case MYHV_PROP_VCPU_HALTS:
	case MYHV_PROP_VCPU_INJECTIONS:
	case MYHV_PROP_VCPU_FAULTS:
		return vcpu_prop_get(object, args);
	default:
		return 1;
	}
}

static long vcpu_prop_set(void *object, void *args)
{
	struct myhv_vcpu *vcpu = object;
	struct myhv_prop *prop = args;
	u64 unused;

	if (prop->flags)
		return -EINVAL;
	switch (prop->id) {
	case MYHV_PROP_VCPU_TSC_KHZ:
		if (prop->value > U32_MAX)
			return -EINVAL;
		return guest_tsc_set_khz(vcpu, prop->value);
	case MYHV_PROP_VCPU_TSC_OFFSET:
		vcpu->tsc.offset = prop->value;
		backend->tsc_update(vcpu);
		if (vcpu->lapic)
			lapic_tsc_changed(vcpu);
		vcpu_request(vcpu, VCPU_REQ_CLOCK);
		return 0;
	case MYHV_PROP_VCPU_PV_STRICT:
		if (prop->value > 1)
			return -EINVAL;
		vcpu->pv_strict = prop->value;
		return 0;
	case MYHV_PROP_VCPU_SYNIC:
		return prop->value == 1 ? synic_create(vcpu) : -EINVAL;
	case MYHV_PROP_VCPU_CLOCK_STOPPED:
		return prop->value == 1 ? pvclock_tell_stopped(vcpu) : -EINVAL;
	}
	return vcpu_prop_value(vcpu, prop->id, &unused) ? -ENOENT : -EPERM;
}

/* ---- the descriptor ---- */

static long vcpu_kick_now(void *object, void *args)
{
	vcpu_request(object, VCPU_REQ_KICK);
	return 0;
}

#define VCPU_FIRST 0x21
static const struct ioctl_call vcpu_calls[] = {
	[_IOC_NR(MYHV_VCPU_KICK) - VCPU_FIRST] = { .cmd = MYHV_VCPU_KICK, .fn = vcpu_kick_now },
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_STATE_GET, struct myhv_state_io, vcpu_state_get_user),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_STATE_SET, struct myhv_state_io, vcpu_state_set_user),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_CPUID_SET, struct myhv_cpuid_list, vcpu_cpuid_set),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_CPUID_GET, struct myhv_cpuid_list, vcpu_cpuid_get),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_MSRS_GET, struct myhv_msrs, vcpu_msrs_get),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_MSRS_SET, struct myhv_msrs, vcpu_msrs_set),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_INTERRUPT, struct myhv_interrupt, vcpu_interrupt),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_TRANSLATE, struct myhv_translate, vcpu_translate),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_DEBUG, struct myhv_debug, vcpu_debug),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_MCE, struct myhv_mce, vcpu_mce),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_SIGMASK, struct myhv_sigmask, vcpu_sigmask),
	IOCTL_CALL(VCPU_FIRST, MYHV_VCPU_DIRTY_LIST, struct myhv_dirty_list, vcpu_dirty_list),
};
static const struct ioctl_call vcpu_prop_calls[] = {
	IOCTL_CALL(0, MYHV_PROP_GET, struct myhv_prop, vcpu_prop_get),
	IOCTL_CALL(0, MYHV_PROP_SET, struct myhv_prop, vcpu_prop_set),
};
static const struct ioctl_call interrupt_now = {
	.cmd = MYHV_VCPU_INTERRUPT,
	.min_bytes = sizeof(struct myhv_interrupt),
	.fn = vcpu_interrupt_now,
};

static const struct ioctl_call prop_get_now = {
	.cmd = MYHV_PROP_GET,
	.min_bytes = sizeof(struct myhv_prop),
	.fn = vcpu_prop_get_now,
};

/* The thread's own mask comes back before signals are delivered on the way to user space. */
static noinline long vcpu_run_masked(struct myhv_vcpu *vcpu)
{
	sigset_t own;
	long ret;

	sigprocmask(SIG_SETMASK, &vcpu->sigmask, &own);
	ret = vcpu_run(vcpu);
	sigprocmask(SIG_SETMASK, &own, NULL);
	return ret;
}

static long vcpu_ioctl_run(struct myhv_vcpu *vcpu)
{
	long ret;

	if (mutex_lock_interruptible(&vcpu->mutex))
		return -EINTR;
	ret = unlikely(vcpu->has_sigmask) ? vcpu_run_masked(vcpu) : vcpu_run(vcpu);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static long vcpu_ioctl_locked(struct myhv_vcpu *vcpu, const struct ioctl_call *call,
			      unsigned int cmd, unsigned long arg)
{
	long ret;

	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	ret = ioctl_invoke(call, vcpu, cmd, arg);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static noinline long vcpu_ioctl_other(struct myhv_vcpu *vcpu, unsigned int cmd,
				      unsigned long arg)
{
	const struct ioctl_call *call;
	long ret;

	call = ioctl_find(vcpu_calls, ARRAY_SIZE(vcpu_calls), VCPU_FIRST, cmd);
	if (!call)
		call = ioctl_find(vcpu_prop_calls, ARRAY_SIZE(vcpu_prop_calls), 0, cmd);
	if (!call)
		return -ENOTTY;
	if (call->cmd == MYHV_VCPU_KICK)
		return ioctl_invoke(call, vcpu, cmd, arg);
	if (call->cmd == MYHV_VCPU_INTERRUPT) {
		ret = ioctl_invoke(&interrupt_now, vcpu, cmd, arg);
		if (ret <= 0)
			return ret;
	}
	if (call->cmd == MYHV_PROP_GET) {
		ret = ioctl_invoke(&prop_get_now, vcpu, cmd, arg);
		if (ret <= 0)
			return ret;
	}
	return vcpu_ioctl_locked(vcpu, call, cmd, arg);
}

long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct myhv_vcpu *vcpu = file->private_data;

	if (current->mm != vcpu->vm->mm)
		return -EIO;
	if (likely(cmd == MYHV_VCPU_RUN))
		return vcpu_ioctl_run(vcpu);
	return vcpu_ioctl_other(vcpu, cmd, arg);
}
