// SPDX-License-Identifier: GPL-2.0-only
/* See vmx_state.h. */
#include "vmx_state.h"

/* The API's attributes: bits 7:0 are the same, AVL L DB G lie four bits lower. */
#define ATTRIB_LOW 0xffu
#define ATTRIB_HIGH 0xf00u
#define ATTRIB_HIGH_SHIFT 4
#define ATTRIB_P BIT(7)

#define TYPE_ACCESSED 1u
#define TYPE_WRITE 2u
#define TYPE_EXPAND_DOWN 4u
#define TYPE_CODE 8u
#define TYPE_BUSY 2u
#define TYPE_LDT 2u
#define TYPE_TSS16_BUSY 3u
#define TYPE_TSS32_BUSY 11u

#define SEL_TI BIT(2)
#define SEL_RPL 3u

static u32 granularity(u32 ar, u32 limit)
{
	if (limit >> 20)
		return ar | VMX_AR_G;
	if ((limit & 0xfff) != 0xfff)
		return ar & ~(u32)VMX_AR_G;
	return ar;
}

u32 vmx_segment_ar(unsigned int nr, u16 attrib, u32 limit)
{
	u32 ar = (attrib & ATTRIB_LOW) | (attrib & ATTRIB_HIGH) << ATTRIB_HIGH_SHIFT;

	if (!(attrib & ATTRIB_P) && nr != X86_SEG_TR)
		return ar | VMX_AR_UNUSABLE;
	if (nr == X86_SEG_TR)
		ar |= TYPE_BUSY;
	else if (ar & VMX_AR_S)
		ar |= TYPE_ACCESSED;
	return granularity(ar, limit);
}

u16 vmx_segment_attrib(u32 ar)
{
	u16 attrib = (ar & ATTRIB_LOW) | ((ar >> ATTRIB_HIGH_SHIFT) & ATTRIB_HIGH);

	return ar & VMX_AR_UNUSABLE ? attrib & ~ATTRIB_P : attrib;
}

/* ---- the checks ---- */

static bool canonical(u64 address, u8 bits)
{
	return (u64)((s64)(address << (64 - bits)) >> (64 - bits)) == address;
}

static u32 type_of(const struct vmx_segment *s)
{
	return s->ar & VMX_AR_TYPE;
}

static u32 dpl_of(const struct vmx_segment *s)
{
	return (s->ar >> VMX_AR_DPL_SHIFT) & 3;
}

static bool usable(const struct vmx_segment *s)
{
	return !(s->ar & VMX_AR_UNUSABLE);
}

static bool limit_fits(const struct vmx_segment *s)
{
	if ((s->limit & 0xfff) != 0xfff && (s->ar & VMX_AR_G))
		return false;
	return !(s->limit >> 20) || (s->ar & VMX_AR_G);
}

static const char *check_control(const struct vmx_guest_state *g)
{
	bool paging = g->cr0 & X86_CR0_PG;

	if (!(g->cr0 & X86_CR0_NE))
		return "CR0.NE is clear";
	if (paging && !(g->cr0 & X86_CR0_PE))
		return "CR0.PG without PE";
	if ((~g->cr4 & g->cr4_fixed0) || (g->cr4 & ~g->cr4_fixed1))
		return "CR4 has bits that the CPU does not allow";
	if (g->long_mode && (!paging || !(g->cr4 & X86_CR4_PAE)))
		return "long mode without paging or PAE";
	if (!g->long_mode && (g->cr4 & X86_CR4_PCIDE))
		return "CR4.PCIDE outside long mode";
	if (g->cr3 >> g->phys_bits)
		return "CR3 is wider than physical addresses";
	if (!!(g->efer & EFER_LMA) != g->long_mode)
		return "EFER.LMA is not the mode of the entry";
	if (paging && !!(g->efer & EFER_LMA) != !!(g->efer & EFER_LME))
		return "EFER.LME is not LMA, with paging";
	return NULL;
}

static const char *check_code(const struct vmx_guest_state *g)
{
	const struct vmx_segment *cs = &g->seg[X86_SEG_CS], *ss = &g->seg[X86_SEG_SS];
	u32 type = type_of(cs);

	if (!usable(cs))
		return "CS is unusable";
	if (!(cs->ar & VMX_AR_S) || !(cs->ar & VMX_AR_P))
		return "CS is no code segment or not present";
	if (type != 3 && !((type & TYPE_CODE) && (type & TYPE_ACCESSED)))
		return "CS has a wrong type";
	if (type == 3 && dpl_of(cs))
		return "CS is a data segment with DPL above 0";
	if ((type == 9 || type == 11) && dpl_of(cs) != dpl_of(ss))
		return "CS.DPL is not SS.DPL";
	if ((type == 13 || type == 15) && dpl_of(cs) > dpl_of(ss))
		return "CS.DPL is above SS.DPL";
	if (g->long_mode && (cs->ar & VMX_AR_L) && (cs->ar & VMX_AR_DB))
		return "CS has L and D";
	return limit_fits(cs) ? NULL : "CS.G does not fit its limit";
}

static const char *check_data(const struct vmx_guest_state *g)
{
	static const char *const names[] = { "ES is not possible", NULL, "SS is not possible",
					     "DS is not possible", "FS is not possible",
					     "GS is not possible" };
	unsigned int i;

	for (i = X86_SEG_ES; i <= X86_SEG_GS; i++) {
		const struct vmx_segment *s = &g->seg[i];
		u32 type = type_of(s);

		if (i == X86_SEG_CS || !usable(s))
			continue;
		if (!(s->ar & VMX_AR_S) || !(s->ar & VMX_AR_P) || !limit_fits(s))
			return names[i];
		if (i == X86_SEG_SS ? type != 3 && type != 7 :
				      !(type & TYPE_ACCESSED) ||
					      ((type & TYPE_CODE) && !(type & TYPE_WRITE)))
			return names[i];
	}
	if (!(g->cr0 & X86_CR0_PE) && dpl_of(&g->seg[X86_SEG_SS]))
		return "SS.DPL is above 0 in real mode";
	return NULL;
}

/* Virtual-8086 mode leaves no choice at all. */
static const char *check_v86(const struct vmx_guest_state *g)
{
	unsigned int i;

	for (i = X86_SEG_ES; i <= X86_SEG_GS; i++) {
		const struct vmx_segment *s = &g->seg[i];

		if (s->base != (u64)s->selector << 4 || s->limit != 0xffff || s->ar != 0xf3)
			return "a segment is not that of virtual-8086 mode";
	}
	return NULL;
}

static const char *check_system(const struct vmx_guest_state *g)
{
	const struct vmx_segment *tr = &g->seg[X86_SEG_TR], *ldtr = &g->seg[X86_SEG_LDTR];
	u32 type = type_of(tr);

	if (!usable(tr) || !(tr->ar & VMX_AR_P) || (tr->ar & VMX_AR_S) ||
	    (type != TYPE_TSS32_BUSY && (g->long_mode || type != TYPE_TSS16_BUSY)))
		return "TR is no busy TSS";
	if ((tr->selector & SEL_TI) || !limit_fits(tr))
		return "TR has a wrong selector or limit";
	if (!usable(ldtr))
		return NULL;
	if (type_of(ldtr) != TYPE_LDT || (ldtr->ar & VMX_AR_S) || !(ldtr->ar & VMX_AR_P) ||
	    (ldtr->selector & SEL_TI) || !limit_fits(ldtr))
		return "LDTR is no LDT";
	return NULL;
}

static const char *check_addresses(const struct vmx_guest_state *g)
{
	static const u8 checked[] = { X86_SEG_FS, X86_SEG_GS, X86_SEG_TR };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(checked); i++)
		if (!canonical(g->seg[checked[i]].base, g->linear_bits))
			return "the base of FS, GS or TR is not canonical";
	if (usable(&g->seg[X86_SEG_LDTR]) &&
	    !canonical(g->seg[X86_SEG_LDTR].base, g->linear_bits))
		return "the base of LDTR is not canonical";
	for (i = X86_SEG_ES; i <= X86_SEG_DS; i++)
		if ((i == X86_SEG_CS || usable(&g->seg[i])) && g->seg[i].base >> 32)
			return "the base of CS, SS, DS or ES is above 4 GiB";
	if (!canonical(g->gdtr_base, g->linear_bits) || !canonical(g->idtr_base, g->linear_bits))
		return "the base of GDTR or IDTR is not canonical";
	if (g->gdtr_limit >> 16 || g->idtr_limit >> 16)
		return "the limit of GDTR or IDTR is above 64 KiB";
	return NULL;
}

static const char *check_rip(const struct vmx_guest_state *g)
{
	const u64 reserved = ~0x3f7fd7ULL;

	if (!(g->long_mode && (g->seg[X86_SEG_CS].ar & VMX_AR_L))) {
		if (g->rip >> 32)
			return "RIP is above 4 GiB outside 64-bit mode";
	} else if (!canonical(g->rip, g->linear_bits)) {
		return "RIP is not canonical";
	}
	if ((g->rflags & reserved) || !(g->rflags & X86_EFLAGS_FIXED))
		return "RFLAGS has a reserved bit";
	if ((g->rflags & X86_EFLAGS_VM) && (g->long_mode || !(g->cr0 & X86_CR0_PE)))
		return "RFLAGS.VM outside protected mode";
	return NULL;
}

static const char *check_interruptibility(const struct vmx_guest_state *g)
{
	const u32 shadow = VMX_BLOCK_STI | VMX_BLOCK_MOV_SS;
	u32 type = g->event & VMX_EVENT_TYPE;
	bool event = g->event & VMX_EVENT_VALID;
	bool bs = g->pending_debug & BIT_ULL(14);

	if ((g->interruptibility & shadow) == shadow)
		return "blocking by STI and by MOV SS at once";
	if ((g->interruptibility & VMX_BLOCK_STI) && !(g->rflags & X86_EFLAGS_IF))
		return "blocking by STI without RFLAGS.IF";
	if (event && type == VMX_EVENT_INTR &&
	    ((g->interruptibility & shadow) || !(g->rflags & X86_EFLAGS_IF)))
		return "an interrupt is to be injected and cannot be taken";
	if (event && type == VMX_EVENT_NMI &&
	    (g->interruptibility & (VMX_BLOCK_MOV_SS | VMX_BLOCK_NMI)))
		return "an NMI is to be injected and cannot be taken";
	if ((g->interruptibility & shadow) && bs != !!(g->rflags & X86_EFLAGS_TF))
		return "the pending single step is not RFLAGS.TF";
	return NULL;
}

const char *vmx_guest_state_fault(const struct vmx_guest_state *g)
{
	static const char *(*const checks[])(const struct vmx_guest_state *) = {
		check_control, check_rip, check_addresses, check_system, check_interruptibility,
	};
	const char *fault;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		fault = checks[i](g);
		if (fault)
			return fault;
	}
	if (g->rflags & X86_EFLAGS_VM)
		return check_v86(g);
	fault = check_code(g);
	return fault ? fault : check_data(g);
}
