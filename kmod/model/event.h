/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events on their way to the guest: queueing, merging (double and triple fault),
 * re-queueing after a cut-short delivery, and the choice of what the next entry injects.
 *
 * SDM "Priority Among Concurrent Events", "Interrupt 8 - Double Fault Exception"; APM
 * "Event Injection", "Double-Fault-Exception (Vector 8)".
 */
#ifndef MYHV_EVENT_H
#define MYHV_EVENT_H

#include "x86_defs.h"

enum event_type {
	EVENT_NONE,
	EVENT_EXTERNAL_INTERRUPT,
	EVENT_NMI,
	EVENT_EXCEPTION,
	EVENT_SOFT_INTERRUPT, /* INT n */
};

/**
 * struct event - one event as the hardware is to inject it, or was injecting it
 * @type: what it is
 * @vector: 0..255
 * @has_error: pushes @error
 * @soft: #BP or #OF raised by INT3/INTO: the return address lies behind the instruction
 * @insn_length: for soft ones, bytes to skip; 0 when RIP stands behind already
 * @error: error code
 */
struct event {
	enum event_type type;
	u8 vector;
	bool has_error;
	bool soft;
	u8 insn_length;
	u32 error;
};

/*
 * One of each at most: an interrupt that was cut short waits for RFLAGS.IF, if a fault went
 * before it, and the delivery of that fault, or of an NMI, may be cut short as well.
 */
#define EVENT_CUT_EXCEPTION 1 /* or INT n */
#define EVENT_CUT_NMI 2
#define EVENT_CUT_INTERRUPT 4

/**
 * struct event_state - all that waits for delivery to one vCPU
 * @exception: pending (not yet looked at by the hardware): payload not yet written
 * @exception_pending: @exception is to be delivered
 * @has_payload: @payload holds the new CR2 (#PF) or DR6 bits (#DB), to be
 *	written when the exception is injected
 * @cut: EVENT_CUT_*: what an exit cut short in its delivery; goes first
 * @cut_exception: the exception or INT n of EVENT_CUT_EXCEPTION
 * @cut_vector: vector of the interrupt of EVENT_CUT_INTERRUPT
 * @nmi_pending: NMIs waiting, 0..2
 * @smi_pending: an SMI waits (refused: SMM is not emulated)
 * @triple_fault: shut down
 */
struct event_state {
	struct event exception;
	bool exception_pending;
	bool has_payload;
	u64 payload;
	u8 cut;
	u8 cut_vector;
	struct event cut_exception;
	u8 nmi_pending;
	bool smi_pending;
	bool triple_fault;
};

/**
 * event_queue_exception() - a fault or trap is to be delivered
 *
 * Merges with what is pending or being re-injected: contributory and page faults give
 * #DF, one of them while #DF is delivered gives a triple fault. In all other cases the
 * newer one goes first, and what it interrupted is given up where executing the instruction
 * again brings it back; a cut external interrupt or NMI stays, since nothing would.
 */
void event_queue_exception(struct event_state *ev, u8 vector, bool has_error, u32 error,
			   bool has_payload, u64 payload);

/**
 * event_requeue() - the hardware reports that delivery of @cut was cut short
 *
 * Called at the exit, before any handler queues a fault.
 */
void event_requeue(struct event_state *ev, const struct event *cut);

/**
 * event_queue_soft() - #BP or #OF of INT3 or INTO is to be delivered
 * @insn_length: of the instruction at RIP; it is skipped by the delivery
 */
void event_queue_soft(struct event_state *ev, u8 vector, u8 insn_length);

/**
 * struct event_facts - the guest's side of the decision
 * @rflags_if: RFLAGS.IF
 * @shadow: an interrupt shadow (STI, MOV SS) is active
 * @nmi_blocked: between NMI and IRET
 * @irq_waiting: an external interrupt waits (LAPIC, PIC or user space)
 */
struct event_facts {
	bool rflags_if;
	bool shadow;
	bool nmi_blocked;
	bool irq_waiting;
};

/**
 * struct event_decision - what to do at this entry
 * @inject: event to inject; EVENT_EXTERNAL_INTERRUPT: the caller acknowledges the
 *	controller and fills in the vector
 * @irq_window: ask for an exit when interrupts can be taken
 * @nmi_window: same for NMIs
 * @triple_fault: do not enter, shut down
 * @took_reinject: @inject was cut short before (and is no longer in ev->cut)
 * @has_payload: @payload goes to DR6 (#DB, see event_dr6()) or CR2 (#PF, and a #DF that a #PF
 *	became) before the entry
 * @fault: @inject is a fault: RFLAGS.RF is set in the image that it pushes
 * @payload: see @has_payload
 */
struct event_decision {
	struct event inject;
	bool irq_window;
	bool nmi_window;
	bool triple_fault;
	bool took_reinject;
	bool has_payload;
	bool fault;
	u64 payload;
};

/**
 * event_decide() - choose the event of the next entry and take it out of @ev
 *
 * At most one event is injected; for what remains a window is asked for.
 */
struct event_decision event_decide(struct event_state *ev, const struct event_facts *facts);

/**
 * event_dr6() - DR6 after a #DB
 * @dr6: as it was
 * @payload: what the exception reports: B0-B3, BD, BS, BT set for "yes"; and
 *	EVENT_DR6_BLD, EVENT_DR6_RTM likewise, although they are stored inverted
 *
 * B0-B3 show this exception alone, the others stay until software clears them (SDM "Debug
 * Status Register (DR6)").
 */
u64 event_dr6(u64 dr6, u64 payload);

#define EVENT_DR6_TRAPS 0x0fULL
#define EVENT_DR6_BLD BIT_ULL(11)
#define EVENT_DR6_BD BIT_ULL(13)
#define EVENT_DR6_BS BIT_ULL(14)
#define EVENT_DR6_BT BIT_ULL(15)
#define EVENT_DR6_RTM BIT_ULL(16)
/* DR6 with nothing to report: reserved bits and inverted ones */
#define EVENT_DR6_INIT 0xffff0ff0ULL

/* Is anything there that event_decide() must look at? Cheap, for every entry. */
static inline bool event_any(const struct event_state *ev)
{
	return ev->exception_pending | ev->triple_fault | (ev->cut != 0) | (ev->nmi_pending != 0);
}

/**
 * event_ends_halt() - does what waits here wake a halted CPU?
 * @rflags_if: RFLAGS.IF
 *
 * Pending NMIs aside: whether they are blocked, the caller knows.
 */
bool event_ends_halt(const struct event_state *ev, bool rflags_if);

#endif /* MYHV_EVENT_H */
