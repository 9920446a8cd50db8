// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which event the guest gets next. Pure: the caller hands in the guest's state as
 * struct event_facts and carries out the decision.
 */
#include "event.h"

enum exception_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

/* SDM "Interrupt 8 - Double Fault Exception", classes of exceptions. */
static enum exception_class class_of(u8 vector)
{
	switch (vector) {
	case X86_TRAP_DE:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
	case X86_TRAP_CP:
		return CONTRIBUTORY;
	case X86_TRAP_PF:
		return PAGE_FAULT;
	case X86_TRAP_DF:
		return DOUBLE_FAULT;
	default:
		return BENIGN;
	}
}

enum merge { TAKE_SECOND, MERGE_TO_DF, MERGE_TO_SHUTDOWN };

/* @second came up while @first was being delivered. */
static enum merge merge(u8 first, u8 second)
{
	enum exception_class a = class_of(first);
	enum exception_class b = class_of(second);

	if (b == BENIGN)
		return TAKE_SECOND;
	if (a == DOUBLE_FAULT)
		return MERGE_TO_SHUTDOWN;
	if (a == PAGE_FAULT || (a == CONTRIBUTORY && b == CONTRIBUTORY))
		return MERGE_TO_DF;
	return TAKE_SECOND;
}

static void set_exception(struct event_state *ev, const struct event *event)
{
	ev->exception = *event;
	ev->exception_pending = true;
	ev->has_payload = false;
	ev->payload = 0;
}

static void queue(struct event_state *ev, const struct event *event)
{
	static const struct event double_fault = {
		.type = EVENT_EXCEPTION,
		.vector = X86_TRAP_DF,
		.has_error = true,
	};
	bool cut_exception = (ev->cut & EVENT_CUT_EXCEPTION) &&
			     ev->cut_exception.type == EVENT_EXCEPTION;
	bool keep_cr2;
	u64 cr2;
	u8 first;

	if (ev->triple_fault)
		return;
	if (!ev->exception_pending && !cut_exception) {
		set_exception(ev, event);
		goto out;
	}
	first = cut_exception ? ev->cut_exception.vector : ev->exception.vector;
	switch (merge(first, event->vector)) {
	case TAKE_SECOND:
		set_exception(ev, event);
		break;
	case MERGE_TO_DF:
		/* CR2 is written when a #PF is found, so its payload outlives it */
		keep_cr2 = ev->exception_pending && first == X86_TRAP_PF && ev->has_payload;
		cr2 = ev->payload;
		set_exception(ev, &double_fault);
		ev->has_payload = keep_cr2;
		ev->payload = keep_cr2 ? cr2 : 0;
		break;
	case MERGE_TO_SHUTDOWN:
		ev->exception_pending = false;
		ev->triple_fault = true;
		break;
	}
out:
	/* INT n and a cut exception come back by themselves, interrupts and NMIs do not. */
	ev->cut &= ~EVENT_CUT_EXCEPTION;
}

void event_queue_exception(struct event_state *ev, u8 vector, bool has_error, u32 error,
			   bool has_payload, u64 payload)
{
	struct event event = {
		.type = EVENT_EXCEPTION,
		.vector = vector,
		.has_error = has_error,
		.error = has_error ? error : 0,
	};

	queue(ev, &event);
	if (has_payload && ev->exception_pending &&
	    (ev->exception.vector == vector || vector == X86_TRAP_PF)) {
		ev->has_payload = true;
		ev->payload = payload;
	}
}

void event_queue_soft(struct event_state *ev, u8 vector, u8 insn_length)
{
	struct event event = {
		.type = EVENT_EXCEPTION,
		.vector = vector,
		.soft = true,
		.insn_length = insn_length,
	};

	queue(ev, &event);
}

void event_requeue(struct event_state *ev, const struct event *cut)
{
	switch (cut->type) {
	case EVENT_NONE:
		break;
	case EVENT_EXTERNAL_INTERRUPT:
		ev->cut |= EVENT_CUT_INTERRUPT;
		ev->cut_vector = cut->vector;
		break;
	case EVENT_NMI:
		ev->cut |= EVENT_CUT_NMI;
		break;
	case EVENT_EXCEPTION:
	case EVENT_SOFT_INTERRUPT:
		ev->cut |= EVENT_CUT_EXCEPTION;
		ev->cut_exception = *cut;
		break;
	}
}

/* Faults push RFLAGS with RF set; traps and aborts do not (SDM "RF flag"). */
static bool is_fault(const struct event *event)
{
	if (event->soft)
		return false;
	switch (event->vector) {
	case X86_TRAP_DB:
	case X86_TRAP_NMI:
	case X86_TRAP_BP:
	case X86_TRAP_OF:
	case X86_TRAP_DF:
	case X86_TRAP_MC:
		return false;
	default:
		return true;
	}
}

static void take_exception(struct event_state *ev, struct event_decision *d)
{
	d->inject = ev->exception;
	d->has_payload = ev->has_payload;
	d->payload = ev->payload;
	d->fault = is_fault(&ev->exception);
	ev->exception_pending = false;
	ev->has_payload = false;
}

static const struct event nmi = { .type = EVENT_NMI, .vector = X86_TRAP_NMI };

/*
 * What was cut short: the CPU has taken it already, so masks do not stop it. But after an
 * exception that went before it, RFLAGS.IF may be clear; then an interrupt waits, as the VM
 * entry checks of VMX demand. False: nothing can go.
 */
static bool take_cut(struct event_state *ev, const struct event_facts *facts,
		     struct event_decision *d)
{
	if (ev->cut & EVENT_CUT_EXCEPTION) {
		d->inject = ev->cut_exception;
		ev->cut &= ~EVENT_CUT_EXCEPTION;
	} else if (ev->cut & EVENT_CUT_NMI) {
		d->inject = nmi;
		ev->cut &= ~EVENT_CUT_NMI;
	} else if ((ev->cut & EVENT_CUT_INTERRUPT) && facts->rflags_if && !facts->shadow) {
		d->inject = (struct event){
			.type = EVENT_EXTERNAL_INTERRUPT,
			.vector = ev->cut_vector,
		};
		ev->cut &= ~EVENT_CUT_INTERRUPT;
	} else {
		return false;
	}
	d->took_reinject = true;
	return true;
}

struct event_decision event_decide(struct event_state *ev, const struct event_facts *facts)
{
	struct event_decision d = { .inject = { .type = EVENT_NONE } };
	bool irq_waits = facts->irq_waiting;

	if (ev->triple_fault) {
		d.triple_fault = true;
		return d;
	}
	if (ev->exception_pending) {
		take_exception(ev, &d);
	} else if (ev->cut && take_cut(ev, facts, &d)) {
		; /* d.inject is filled */
	} else if (ev->nmi_pending && !facts->nmi_blocked && !facts->shadow) {
		d.inject = nmi;
		ev->nmi_pending--;
	} else if (irq_waits && !ev->cut && facts->rflags_if && !facts->shadow) {
		d.inject = (struct event){ .type = EVENT_EXTERNAL_INTERRUPT };
		irq_waits = false;
	}
	d.nmi_window = ev->nmi_pending != 0;
	d.irq_window = irq_waits || (ev->cut & EVENT_CUT_INTERRUPT);
	return d;
}

bool event_ends_halt(const struct event_state *ev, bool rflags_if)
{
	u8 cut = ev->cut;

	if (!rflags_if)
		cut &= ~EVENT_CUT_INTERRUPT;
	return ev->exception_pending || ev->triple_fault || cut;
}

u64 event_dr6(u64 dr6, u64 payload)
{
	const u64 inverted = EVENT_DR6_BLD | EVENT_DR6_RTM;

	dr6 &= ~EVENT_DR6_TRAPS;
	dr6 |= inverted;
	dr6 |= payload & ~inverted;
	dr6 &= ~(payload & inverted);
	return dr6;
}
