// SPDX-License-Identifier: GPL-2.0-only
/*
 * Control and debug registers: the architectural checks, and what a change means for the
 * rest of the vCPU. SDM "Control Registers", APM "Control Registers".
 *
 * The instructions themselves are run by the emulator, since not every CPU hands over
 * their operands.
 */
#include <asm/processor.h>
#include "chip/chip.h"
#include "core/guest_mem.h"
#include "cpuid_policy.h"
#include "exit/emulate.h"
#include "host/host.h"

#define CR0_DEFINED                                                                    \
	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | \
	 X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)
#define CR3_NO_FLUSH BIT_ULL(63)

/* Bits whose change drops linear translations (SDM "Invalidation of TLBs"). */
#define CR0_FLUSH (X86_CR0_PG | X86_CR0_PE | X86_CR0_WP)
#define CR4_FLUSH                                                                                \
	(X86_CR4_PSE | X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PCIDE | X86_CR4_SMEP | X86_CR4_SMAP | \
	 X86_CR4_PKE | X86_CR4_LA57)

/* Bits whose change loads the PDPTEs again (SDM "PDPTE Registers"). */
#define CR0_PDPTES (X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)
#define CR4_PDPTES (X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)
#define PDPTE_TABLE GENMASK_ULL(31, 5)

#define DR6_WRITABLE (EVENT_DR6_TRAPS | EVENT_DR6_BD | EVENT_DR6_BS | EVENT_DR6_BT)
#define DR7_FIXED BIT_ULL(10)
#define DR7_WRITABLE 0xffff23ffULL
#define DR7_GD BIT_ULL(13)

/* XCR0 components that come in groups. */
#define XCR0_FP BIT_ULL(0)
#define XCR0_SSE BIT_ULL(1)
#define XCR0_YMM BIT_ULL(2)
#define XCR0_MPX (BIT_ULL(3) | BIT_ULL(4))
#define XCR0_AVX512 (BIT_ULL(5) | BIT_ULL(6) | BIT_ULL(7))
#define XCR0_AMX (BIT_ULL(17) | BIT_ULL(18))

static struct myhv_state_control *control(struct myhv_vcpu *vcpu)
{
	return &vcpu_regs(vcpu, MYHV_STATE_CONTROL)->control;
}

static struct myhv_state_control *control_dirty(struct myhv_vcpu *vcpu)
{
	return &vcpu_regs_dirty(vcpu, MYHV_STATE_CONTROL)->control;
}

/* ---- rules, without any change ---- */

static bool cr0_possible(u64 cr0)
{
	if (cr0 >> 32)
		return false;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return false;
	return !(cr0 & X86_CR0_NW) || (cr0 & X86_CR0_CD);
}

static bool cr3_possible(struct myhv_vcpu *vcpu, u64 cr3, u64 efer)
{
	return !(efer & EFER_LMA) || !(cr3 >> vcpu->cpuid->maxphyaddr);
}

static bool all_or_none(u64 value, u64 group)
{
	return (value & group) == 0 || (value & group) == group;
}

/* SDM "XSETBV—Set Extended Control Register" */
static bool xcr0_possible(u64 xcr0)
{
	if (xcr0 & ~(host_fpu_xcr0() | XCR0_FP))
		return false;
	if (!(xcr0 & XCR0_FP))
		return false;
	if ((xcr0 & XCR0_YMM) && !(xcr0 & XCR0_SSE))
		return false;
	if ((xcr0 & XCR0_AVX512) && !(xcr0 & XCR0_YMM))
		return false;
	return all_or_none(xcr0, XCR0_MPX) && all_or_none(xcr0, XCR0_AVX512) &&
	       all_or_none(xcr0, XCR0_AMX);
}

int control_check(struct myhv_vcpu *vcpu, const struct myhv_state_control *c)
{
	/* of these two the CPU is the judge, as under KVM: every real one has them */
	u64 cr4_valid = vcpu->cpuid->cr4_valid | X86_CR4_VME | X86_CR4_PVI;
	bool long_mode = (c->efer & EFER_LME) && (c->cr0 & X86_CR0_PG);

	if (!cr0_possible(c->cr0) || (c->cr0 & ~(u64)CR0_DEFINED))
		return -EINVAL;
	if ((c->cr4 & ~cr4_valid) || (c->efer & ~vcpu->cpuid->efer_valid))
		return -EINVAL;
	if (!!(c->efer & EFER_LMA) != long_mode)
		return -EINVAL;
	if (long_mode && !(c->cr4 & X86_CR4_PAE))
		return -EINVAL;
	if (!long_mode && (c->cr4 & X86_CR4_PCIDE))
		return -EINVAL;
	if (!cr3_possible(vcpu, c->cr3, c->efer) || c->cr8 > 15)
		return -EINVAL;
	return xcr0_possible(c->xcr0) ? 0 : -EINVAL;
}

/* The CPU looks at its own width of addresses, whatever CPUID says. */
bool pdptes_possible(struct myhv_vcpu *vcpu, const u64 pdptes[4])
{
	return guest_pdptes_possible(pdptes, min_t(u8, vcpu->cpuid->maxphyaddr,
						   boot_cpu_data.x86_phys_bits));
}

/* ---- checked writes: 0; -EINVAL: #GP; -EAGAIN: again, where it may sleep ---- */

/*
 * The PDPTEs that a CPU which keeps them would load now. Where there is no memory it reads
 * entries that are not present.
 */
static int pdptes_check(struct myhv_vcpu *vcpu, u64 cr0, u64 cr4)
{
	const struct myhv_state_control *c = control(vcpu);
	u64 pdptes[4];
	int ret;

	if (likely(!backend_caps.keeps_pdptes || (c->efer & EFER_LME)))
		return 0;
	if (!(cr0 & X86_CR0_PG) || !(cr4 & X86_CR4_PAE))
		return 0;
	ret = guest_phys_read(vcpu, c->cr3 & PDPTE_TABLE, pdptes, sizeof(pdptes));
	if (ret)
		return ret == -EAGAIN ? ret : 0;
	return pdptes_possible(vcpu, pdptes) ? 0 : -EINVAL;
}

/* Paging goes on in long mode, or off: EFER.LMA follows. */
static int switch_long_mode(struct myhv_vcpu *vcpu, struct myhv_state_control *c, bool on)
{
	u16 cs = vcpu_regs(vcpu, MYHV_STATE_SEGMENTS)->segments.seg[MYHV_SEG_CS].attrib;

	if (on) {
		if (!(c->cr4 & X86_CR4_PAE) || (cs & MYHV_SEG_L))
			return -EINVAL;
		c->efer |= EFER_LMA;
		return 0;
	}
	if (cs & MYHV_SEG_L)
		return -EINVAL;
	c->efer &= ~EFER_LMA;
	return 0;
}

int cr0_write(struct myhv_vcpu *vcpu, u64 value)
{
	struct myhv_state_control *c = control(vcpu);
	u64 changed;
	int ret;

	if (!cr0_possible(value))
		return -EINVAL;
	value = (value & CR0_DEFINED) | X86_CR0_ET;
	changed = value ^ c->cr0;
	if ((changed & X86_CR0_PG) && !(value & X86_CR0_PG) && (c->cr4 & X86_CR4_PCIDE))
		return -EINVAL;
	ret = changed & CR0_PDPTES ? pdptes_check(vcpu, value, c->cr4) : 0;
	if (ret)
		return ret;
	if ((changed & X86_CR0_PG) && (c->efer & EFER_LME) &&
	    switch_long_mode(vcpu, c, value & X86_CR0_PG))
		return -EINVAL;
	control_dirty(vcpu)->cr0 = value;
	if (changed & CR0_FLUSH)
		vcpu->tlb_flush = true;
	return 0;
}

int cr3_write(struct myhv_vcpu *vcpu, u64 value)
{
	struct myhv_state_control *c = control(vcpu);
	bool flush = true;

	if (c->cr4 & X86_CR4_PCIDE) {
		flush = !(value & CR3_NO_FLUSH);
		value &= ~CR3_NO_FLUSH;
	}
	if (!cr3_possible(vcpu, value, c->efer))
		return -EINVAL;
	control_dirty(vcpu)->cr3 = value;
	if (flush)
		vcpu->tlb_flush = true;
	return 0;
}

int cr4_write(struct myhv_vcpu *vcpu, u64 value)
{
	struct myhv_state_control *c = control(vcpu);
	u64 changed = value ^ c->cr4;
	int ret;

	if (value & ~vcpu->cpuid->cr4_valid)
		return -EINVAL;
	if (c->efer & EFER_LMA) {
		if (!(value & X86_CR4_PAE) || (changed & X86_CR4_LA57))
			return -EINVAL;
	} else if (value & X86_CR4_PCIDE) {
		return -EINVAL;
	}
	if ((changed & value & X86_CR4_PCIDE) && (c->cr3 & 0xfff))
		return -EINVAL;
	ret = changed & CR4_PDPTES ? pdptes_check(vcpu, c->cr0, value) : 0;
	if (ret)
		return ret;
	control_dirty(vcpu)->cr4 = value;
	if (changed & CR4_FLUSH)
		vcpu->tlb_flush = true;
	return 0;
}

int cr8_write(struct myhv_vcpu *vcpu, u64 value)
{
	if (value > 15)
		return -EINVAL;
	if (vcpu->lapic)
		lapic_cr8_set(vcpu, value);
	else
		control_dirty(vcpu)->cr8 = value;
	return 0;
}

int efer_write(struct myhv_vcpu *vcpu, u64 value, bool host)
{
	struct myhv_state_control *c = control(vcpu);
	u64 old = c->efer;

	if (msr_efer_check(&value, old, c->cr0, vcpu->cpuid->efer_valid))
		return -EINVAL;
	control_dirty(vcpu)->efer = value;
	if ((value ^ old) & EFER_NX)
		vcpu->tlb_flush = true;
	return 0;
}

int xcr0_write(struct myhv_vcpu *vcpu, u64 value)
{
	u64 cr4 = control(vcpu)->cr4;

	if (!xcr0_possible(value) || (value & ~vcpu->cpuid->xcr0_valid))
		return -EINVAL;
	host_fpu_set_xcr0(vcpu, value);
	host_fpu_pkru_update(vcpu, cr4);
	vcpu->regs.control.xcr0 = value;
	return 0;
}

int dr_write(struct myhv_vcpu *vcpu, unsigned int nr, u64 value)
{
	struct myhv_state_debug *d = &vcpu_regs(vcpu, MYHV_STATE_DEBUG)->debug;

	if (nr >= 6 && value >> 32)
		return -EINVAL;
	vcpu_regs_dirty(vcpu, MYHV_STATE_DEBUG);
	switch (nr) {
	case 0 ... 3:
		d->dr[nr] = value;
		break;
	case 6:
		d->dr6 = (value & DR6_WRITABLE) | EVENT_DR6_INIT;
		break;
	default:
		d->dr7 = (value & DR7_WRITABLE) | DR7_FIXED;
		break;
	}
	backend->debug_update(vcpu);
	return 0;
}

/* ---- for the emulator ---- */

int cr_get(struct myhv_vcpu *vcpu, unsigned int nr, u64 *value)
{
	struct myhv_state_control *c = control(vcpu);

	switch (nr) {
	case 0:
		*value = c->cr0;
		return 0;
	case 2:
		*value = c->cr2;
		return 0;
	case 3:
		*value = c->cr3;
		return 0;
	case 4:
		*value = c->cr4;
		return 0;
	case 8:
		*value = vcpu->lapic ? lapic_cr8_get(vcpu) : c->cr8;
		return 0;
	default:
		return -ENOENT;
	}
}

int cr_set(struct myhv_vcpu *vcpu, unsigned int nr, u64 value)
{
	switch (nr) {
	case 0:
		return cr0_write(vcpu, value);
	case 2:
		control_dirty(vcpu)->cr2 = value;
		return 0;
	case 3:
		return cr3_write(vcpu, value);
	case 4:
		return cr4_write(vcpu, value);
	case 8:
		return cr8_write(vcpu, value);
	default:
		return -ENOENT;
	}
}

/* DR4 and DR5 are DR6 and DR7, unless CR4.DE is set. */
static int dr_number(struct myhv_vcpu *vcpu, unsigned int *nr)
{
	if (*nr > 7)
		return -ENOENT;
	if (*nr == 4 || *nr == 5) {
		if (control(vcpu)->cr4 & X86_CR4_DE)
			return -ENOENT;
		*nr += 2;
	}
	return 0;
}

int dr_get(struct myhv_vcpu *vcpu, unsigned int nr, u64 *value)
{
	struct myhv_state_debug *d = &vcpu_regs(vcpu, MYHV_STATE_DEBUG)->debug;

	if (dr_number(vcpu, &nr))
		return -ENOENT;
	switch (nr) {
	case 6:
		*value = d->dr6;
		break;
	case 7:
		*value = d->dr7;
		break;
	default:
		*value = d->dr[nr];
		break;
	}
	return 0;
}

int dr_set(struct myhv_vcpu *vcpu, unsigned int nr, u64 value)
{
	if (dr_number(vcpu, &nr))
		return -ENOENT;
	return dr_write(vcpu, nr, value);
}

bool dr_access_faults(struct myhv_vcpu *vcpu)
{
	if (!(vcpu_regs(vcpu, MYHV_STATE_DEBUG)->debug.dr7 & DR7_GD))
		return false;
	inject_db(vcpu, EVENT_DR6_BD);
	return true;
}

enum exit_action exit_cr_access(struct myhv_vcpu *vcpu)
{
	return emulate_current(vcpu);
}

/*
 * First use of a debug register: from now on, and until the end of the burst, they are
 * the guest's. Most guests touch them a few times at boot and never again; one that does gets
 * them without exits. With DR7.GD, or a debugger that holds them, each access is looked at.
 */
enum exit_action exit_dr_access(struct myhv_vcpu *vcpu)
{
	if (!vcpu->in_burst || debugger_has_drs(vcpu) || (vcpu->drs.dr7 & DR7_GD))
		return emulate_current(vcpu);
	backend->debug_live(vcpu, true);
	return RESUME_GUEST;
}

enum exit_action exit_invlpg(struct myhv_vcpu *vcpu)
{
	return emulate_current(vcpu);
}
