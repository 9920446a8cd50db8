// SPDX-License-Identifier: GPL-2.0-only
/*
 * The CPUID instruction and the table behind it. What is supported is found out once;
 * vcpu->cpuid is replaced as a whole under vcpu->mutex.
 */
#include <linux/cpufeature.h>
#include <linux/slab.h>
#include <asm/tsc.h>
#include "compat/compat.h"
#include "chip/chip.h"
#include "cpuid_policy.h"
#include "exit/exit.h"
#include "exit/pv.h"
#include "host/host.h"

static struct {
	struct mutex lock;
	u32 count; /* 0: not filled yet */
	struct myhv_cpuid_entry entries[CPUID_MAX_ENTRIES];
} supported = { .lock = __MUTEX_INITIALIZER(supported.lock) };

/*
 * Feature words that the host's kernel keeps in the CPU's layout. It takes features away that
 * do not work (errata, old microcode, clearcpuid=), or that only some of the CPUs have. Words
 * of ancient features are not among them: the kernel also clears what it has no use for.
 */
static const struct {
	u32 function;
	u32 index;
	u8 reg;
	u8 word;
	u32 as_cpu; /* what a guest can use although the kernel does not */
} kernel_words[] = {
	{ 0x1, 0, LEAF_ECX, CPUID_1_ECX },
	{ 0x7, 0, LEAF_EBX, CPUID_7_0_EBX },
	{ 0x7, 0, LEAF_ECX, CPUID_7_ECX, BIT(16) /* LA57 */ },
	{ 0x7, 0, LEAF_EDX, CPUID_7_EDX },
	{ 0x7, 1, LEAF_EAX, CPUID_7_1_EAX },
	{ 0xd, 1, LEAF_EAX, CPUID_D_1_EAX },
	{ 0x80000001, 0, LEAF_ECX, CPUID_8000_0001_ECX },
	{ 0x80000008, 0, LEAF_EBX, CPUID_8000_0008_EBX },
};

static void host_cpuid(void *ctx, u32 function, u32 index, u32 regs[LEAF_NR_REGS])
{
	unsigned int i;

	cpuid_count(function, index, &regs[LEAF_EAX], &regs[LEAF_EBX], &regs[LEAF_ECX],
		    &regs[LEAF_EDX]);
	for (i = 0; i < ARRAY_SIZE(kernel_words); i++) {
		if (kernel_words[i].function == function && kernel_words[i].index == index)
			regs[kernel_words[i].reg] &=
				boot_cpu_data.x86_capability[kernel_words[i].word] |
				kernel_words[i].as_cpu;
	}
}

static void fill_supported(void)
{
	struct cpuid_host host = {
		.cpuid = host_cpuid,
		.xcr0 = host_fpu_xcr0(),
		.spec_ctrl = host_mitigations.spec_ctrl,
		.rdtscp = boot_cpu_has(X86_FEATURE_RDTSCP),
		.tsc_stable = tsc_is_steady(),
		.tsc_khz = tsc_khz,
		.apic_bus_khz = PV_APIC_BUS_KHZ,
		.pv = PV_IMPLEMENTED,
	};

	supported.count = min_t(u32, CPUID_MAX_ENTRIES,
				cpuid_supported_table(&host, supported.entries, CPUID_MAX_ENTRIES));
}

/* Filled on first use; never changes after that. */
static const struct myhv_cpuid_entry *supported_entries(u32 *count)
{
	mutex_lock(&supported.lock);
	if (!supported.count)
		fill_supported();
	mutex_unlock(&supported.lock);
	*count = supported.count;
	return supported.entries;
}

u32 cpuid_supported(struct myhv_cpuid_entry *entries, u32 max)
{
	const struct myhv_cpuid_entry *all;
	u32 count;

	all = supported_entries(&count);
	memcpy(entries, all, min(count, max) * sizeof(*entries));
	return count;
}

int cpuid_set(struct myhv_vcpu *vcpu, const struct myhv_cpuid_entry *entries, u32 count)
{
	struct guest_cpuid *table = kvzalloc(cpuid_table_bytes(count), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!table)
		return -ENOMEM;
	ret = cpuid_table_build(table, entries, count);
	if (ret) {
		kvfree(table);
		return ret;
	}
	kvfree(vcpu->cpuid);
	vcpu->cpuid = table;
	backend->cpuid_changed(vcpu);
	return 0;
}

/* The id of this vCPU wherever CPUID tells it. */
static void set_apic_id(struct guest_cpuid *table, u32 id)
{
	struct cpuid_row *row;

	for (u32 i = 0; i < table->count; i++) {
		row = &table->rows[i];
		if (row->function == 1)
			row->regs[LEAF_EBX] = (row->regs[LEAF_EBX] & 0xffffff) | id << 24;
		else if (row->function == 0xb)
			row->regs[LEAF_EDX] = id;
	}
}

int cpuid_vcpu_init(struct myhv_vcpu *vcpu)
{
	const struct myhv_cpuid_entry *entries;
	struct guest_cpuid *table;
	u32 count;
	int ret;

	entries = supported_entries(&count);
	table = kvzalloc(cpuid_table_bytes(count), GFP_KERNEL_ACCOUNT);
	if (!table)
		return -ENOMEM;
	ret = cpuid_table_build(table, entries, count);
	if (ret) {
		kvfree(table);
		return ret;
	}
	set_apic_id(table, vcpu->id);
	vcpu->cpuid = table;
	return 0;
}

void cpuid_vcpu_free(struct myhv_vcpu *vcpu)
{
	kvfree(vcpu->cpuid);
	vcpu->cpuid = NULL;
}

bool pv_allowed(struct myhv_vcpu *vcpu, u32 features)
{
	const struct cpuid_row *row;

	if (likely(!vcpu->pv_strict))
		return true;
	row = cpuid_find(vcpu->cpuid, vcpu->cpuid->pv_features, 0);
	return row && (row->regs[LEAF_EAX] & features);
}

bool cpuid_has_mwait(struct myhv_vcpu *vcpu)
{
	if (READ_ONCE(vcpu->vm->quirks) & MYHV_QUIRK_MWAIT_BY_MSR)
		return vcpu->msrs.misc_enable & MISC_ENABLE_MWAIT;
	return vcpu->cpuid->mwait;
}

static u32 pv_offered(struct myhv_vcpu *vcpu)
{
	u64 pv = vcpu->vm->pv_features;
	u32 bits = CPUID_PV_NOP_IO_DELAY;

	if (pv & MYHV_PV_CLOCK)
		bits |= CPUID_PV_CLOCK | CPUID_PV_CLOCK2 | CPUID_PV_CLOCK_STABLE;
	if (pv & MYHV_PV_EOI)
		bits |= CPUID_PV_EOI;
	if (pv & MYHV_PV_UNHALT)
		bits |= CPUID_PV_UNHALT;
	return bits;
}

static noinline void apply_runtime(struct myhv_vcpu *vcpu, const struct cpuid_row *row, u32 *regs)
{
	struct cpuid_runtime runtime = {
		.cr4 = vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control.cr4,
		.xcr0 = vcpu->fpu.xcr0,
		.xss = vcpu->msrs.xss,
		.apic_enabled = !vcpu->lapic || (lapic_base_get(vcpu) & BIT(11)),
		.mwait = cpuid_has_mwait(vcpu),
		.pv = pv_offered(vcpu),
	};

	cpuid_apply_runtime(vcpu->cpuid, row, &runtime, regs);
}

u32 cpuid_get(struct myhv_vcpu *vcpu, bool live, struct myhv_cpuid_entry *entries, u32 max)
{
	const struct guest_cpuid *table = vcpu->cpuid;
	const struct cpuid_row *row;
	u32 regs[LEAF_NR_REGS];

	for (u32 i = 0; i < min(table->count, max); i++) {
		row = &table->rows[i];
		memcpy(regs, row->regs, sizeof(regs));
		if (live && row->runtime)
			apply_runtime(vcpu, row, regs);
		entries[i] = (struct myhv_cpuid_entry){
			.function = row->function,
			.index = row->index,
			.flags = row->indexed ? MYHV_CPUID_INDEXED : 0,
			.eax = regs[LEAF_EAX],
			.ebx = regs[LEAF_EBX],
			.ecx = regs[LEAF_ECX],
			.edx = regs[LEAF_EDX],
		};
	}
	return table->count;
}

static void put_regs(struct myhv_vcpu *vcpu, const u32 regs[LEAF_NR_REGS])
{
	*vcpu_gpr(vcpu, MYHV_RAX) = regs[LEAF_EAX];
	*vcpu_gpr(vcpu, MYHV_RBX) = regs[LEAF_EBX];
	*vcpu_gpr(vcpu, MYHV_RCX) = regs[LEAF_ECX];
	*vcpu_gpr(vcpu, MYHV_RDX) = regs[LEAF_EDX];
}

/* A leaf that is not in the table, or depends on the vCPU's state. */
static noinline void put_other_leaf(struct myhv_vcpu *vcpu, u32 function, u32 index)
{
	u32 regs[LEAF_NR_REGS];
	const struct cpuid_row *row = cpuid_lookup(vcpu->cpuid, function, index, regs);

	if (row)
		apply_runtime(vcpu, row, regs);
	put_regs(vcpu, regs);
}

enum exit_action exit_cpuid(struct myhv_vcpu *vcpu)
{
	u32 function = vcpu_gpr32(vcpu, MYHV_RAX), index = vcpu_gpr32(vcpu, MYHV_RCX);
	const struct cpuid_row *row;
	enum exit_action action;
	u8 length;

	if (!insn_length(vcpu, &length, &action))
		return action;
	row = cpuid_find(vcpu->cpuid, function, index);
	if (likely(row && !row->runtime))
		put_regs(vcpu, row->regs);
	else
		put_other_leaf(vcpu, function, index);
	insn_finish(vcpu, length);
	return RESUME_GUEST;
}
