// SPDX-License-Identifier: GPL-2.0-only
/*
 * The instruction at RIP: its bytes, its length, and moving behind it. What the
 * hardware hands over (next RIP, bytes) is used; the rest is fetched through the guest's own
 * page tables and decoded.
 */
#include <linux/mm.h>
#include "core/guest_mem.h"
#include "exit/emulate.h"
#include "model/x86_decode.h"

/* Fetch @len bytes; false with *@action when the handler must return it. */
static bool fetch(struct myhv_vcpu *vcpu, u64 linear, u8 *bytes, unsigned int len,
		  enum exit_action *action)
{
	struct guest_walk_fault fault;
	int ret = guest_fetch(vcpu, linear, bytes, len, &fault);

	if (likely(!ret))
		return true;
	switch (ret) {
	case -EAGAIN:
		*action = vcpu->in_burst ? EXIT_NEEDS_SLEEP : RESUME_GUEST;
		break;
	case -EFAULT:
		inject_pf(vcpu, fault.address, fault.error_code);
		*action = RESUME_GUEST;
		break;
	default:
		*action = exit_failed(vcpu, MYHV_EXIT_EMULATION);
		break;
	}
	return false;
}

static __always_inline void get_context(struct myhv_vcpu *vcpu, struct insn_context *c)
{
	const struct vcpu_regs *r = &vcpu->regs;

	if (likely(!(r->dirty & (MYHV_STATE_CONTROL | MYHV_STATE_SEGMENTS)))) {
		backend->insn_context(vcpu, c);
		return;
	}
	vcpu_regs(vcpu, MYHV_STATE_CONTROL | MYHV_STATE_SEGMENTS);
	*c = (struct insn_context){
		.cr0 = r->control.cr0,
		.cr3 = r->control.cr3,
		.cr4 = r->control.cr4,
		.efer = r->control.efer,
		.cs_base = r->segments.seg[MYHV_SEG_CS].base,
		.cs_attrib = r->segments.seg[MYHV_SEG_CS].attrib,
		.cpl = vcpu_cpl(vcpu),
	};
}

static __always_inline enum x86_mode mode_in(struct myhv_vcpu *vcpu, const struct insn_context *c)
{
	return x86_mode_of(c->cr0, c->efer, vcpu->regs.general.rflags, c->cs_attrib);
}

/* Out of line: a wrap of RIP is rare. */
static noinline u64 wrap_rip(struct myhv_vcpu *vcpu, u64 rip)
{
	struct insn_context c;

	get_context(vcpu, &c);
	switch (mode_in(vcpu, &c)) {
	case X86_MODE_LONG64:
		return rip;
	case X86_MODE_PROT32:
		return (u32)rip;
	default:
		return (u16)rip;
	}
}

unsigned int insn_peek(struct myhv_vcpu *vcpu, enum x86_mode *mode)
{
	u64 linear = vcpu->regs.general.rip;
	struct insn_context c;

	get_context(vcpu, &c);
	*mode = mode_in(vcpu, &c);
	if (vcpu->insn.nr_bytes)
		return vcpu->insn.nr_bytes;
	if (*mode != X86_MODE_LONG64)
		linear = (u32)(c.cs_base + linear);
	return insn_fetch_fast(vcpu, &c, linear, vcpu->insn.bytes) ? INSN_BYTES_MAX : 0;
}

void insn_learn(struct myhv_vcpu *vcpu, u64 linear)
{
	struct insn_context c;

	get_context(vcpu, &c);
	insn_fetch_learn(vcpu, &c, linear);
}

/*
 * Bytes at RIP, at least to the end of its page: enough for nearly every instruction. 0 when
 * the handler must return *@action.
 */
static unsigned int fetch_first(struct myhv_vcpu *vcpu, const struct insn_context *c, u64 linear,
				enum exit_action *action)
{
	unsigned int have;

	static_assert(sizeof(vcpu->insn.bytes) >= INSN_FETCH_BYTES);
	if (likely(insn_fetch_fast(vcpu, c, linear, vcpu->insn.bytes)))
		return INSN_BYTES_MAX;
	have = min_t(u64, INSN_BYTES_MAX, PAGE_SIZE - offset_in_page(linear));
	if (!fetch(vcpu, linear, vcpu->insn.bytes, have, action))
		return 0;
	insn_fetch_learn(vcpu, c, linear);
	return have;
}

/* The next page is touched only if the decoder asks for more, as the CPU does. */
static bool decode(struct myhv_vcpu *vcpu, struct x86_insn *insn, u8 *length,
		   enum exit_action *action)
{
	unsigned int have = vcpu->insn.nr_bytes;
	u64 linear = vcpu->regs.general.rip;
	enum x86_decode_result result;
	struct insn_context c;
	enum x86_mode mode;
	unsigned int len;

	get_context(vcpu, &c);
	mode = mode_in(vcpu, &c);
	if (mode != X86_MODE_LONG64)
		linear = (u32)(c.cs_base + linear);
	if (!have) {
		have = fetch_first(vcpu, &c, linear, action);
		if (!have)
			return false;
	}
	for (;;) {
		if (insn) {
			result = x86_decode(insn, vcpu->insn.bytes, have, mode);
			len = insn->length;
		} else {
			result = x86_insn_length(vcpu->insn.bytes, have, mode, &len);
		}
		if (result != X86_DECODE_MORE || have == INSN_BYTES_MAX)
			break;
		if (!fetch(vcpu, linear + have, vcpu->insn.bytes + have, INSN_BYTES_MAX - have,
			   action))
			return false;
		have = INSN_BYTES_MAX;
	}
	if (likely(result == X86_DECODE_OK)) {
		*length = len;
		return true;
	}
	if (result == X86_DECODE_TOO_LONG) {
		inject_gp(vcpu);
		*action = RESUME_GUEST;
	} else {
		/* the CPU has executed it up to the intercept, so it is the decoder's gap */
		vcpu->insn.nr_bytes = have;
		*action = exit_failed(vcpu, MYHV_EXIT_EMULATION);
	}
	return false;
}

bool insn_decode_current(struct myhv_vcpu *vcpu, struct x86_insn *insn, enum exit_action *action)
{
	u8 length;

	return decode(vcpu, insn, &length, action);
}

struct insn_extent insn_length_decode(struct myhv_vcpu *vcpu)
{
	struct insn_extent e = { 0 };
	u8 length;

	if (decode(vcpu, NULL, &length, &e.action))
		e.bytes = length;
	return e;
}

enum x86_mode insn_mode(struct myhv_vcpu *vcpu, unsigned int *cpl)
{
	struct insn_context c;

	get_context(vcpu, &c);
	*cpl = c.cpl;
	return mode_in(vcpu, &c);
}

int insn_bytes(struct myhv_vcpu *vcpu, void *bytes, unsigned int len, u64 *linear)
{
	struct guest_walk_fault fault;
	struct insn_context c;

	get_context(vcpu, &c);
	*linear = vcpu->regs.general.rip;
	if (mode_in(vcpu, &c) != X86_MODE_LONG64)
		*linear = (u32)(c.cs_base + *linear);
	return guest_fetch(vcpu, *linear, bytes, len, &fault);
}

void insn_finish(struct myhv_vcpu *vcpu, u8 length)
{
	struct myhv_state_general *general = &vcpu->regs.general;
	u64 rip = general->rip + length;

	/* Only a carry out of bit 15 or 31 can be a wrap: look at the mode then alone. */
	if (unlikely((rip ^ general->rip) >> 16))
		rip = wrap_rip(vcpu, rip);
	general->rip = rip;
	if (unlikely(vcpu->in_shadow))
		backend->shadow_set(vcpu, 0);
	general->rflags &= ~(u64)X86_EFLAGS_RF;
	if (unlikely(vcpu->guest_debug.flags & MYHV_DEBUG_STEP))
		vcpu_request(vcpu, VCPU_REQ_STEPPED);
	else if (unlikely(general->rflags & X86_EFLAGS_TF))
		inject_db(vcpu, EVENT_DR6_BS);
}
