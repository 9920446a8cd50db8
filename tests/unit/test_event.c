// SPDX-License-Identifier: GPL-2.0-or-later
/* The event model: merging of exceptions, re-injection, what goes first, windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "event.h"

static const struct event_facts open_window = { .rflags_if = true };

static void queue(struct event_state *ev, u8 vector)
{
	bool has_error = vector == X86_TRAP_DF || (vector >= X86_TRAP_TS && vector <= X86_TRAP_PF);

	event_queue_exception(ev, vector, has_error, 0x10 + vector, false, 0);
}

static struct event cut_event(enum event_type type, u8 vector)
{
	return (struct event){ .type = type, .vector = vector };
}

static void test_idle(void **state)
{
	struct event_state ev = { 0 };
	struct event_decision d;

	assert_false(event_any(&ev));
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.type, EVENT_NONE);
	assert_false(d.irq_window || d.nmi_window || d.triple_fault);
}

static void test_exception_with_payload(void **state)
{
	struct event_state ev = { 0 };
	struct event_decision d;

	event_queue_exception(&ev, X86_TRAP_PF, true, PFERR_WRITE, true, 0x1234);
	assert_true(event_any(&ev));
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.type, EVENT_EXCEPTION);
	assert_int_equal(d.inject.vector, X86_TRAP_PF);
	assert_true(d.inject.has_error);
	assert_int_equal(d.inject.error, PFERR_WRITE);
	assert_true(d.has_payload);
	assert_int_equal(d.payload, 0x1234);
	assert_true(d.fault);
	assert_false(event_any(&ev));
	assert_int_equal(event_decide(&ev, &open_window).inject.type, EVENT_NONE);
}

static void test_traps_are_no_faults(void **state)
{
	static const u8 traps[] = { X86_TRAP_DB, X86_TRAP_DF, X86_TRAP_MC };
	struct event_state ev = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(traps); i++) {
		queue(&ev, traps[i]);
		assert_false(event_decide(&ev, &open_window).fault);
	}
	event_queue_soft(&ev, X86_TRAP_BP, 1);
	struct event_decision d = event_decide(&ev, &open_window);

	assert_false(d.fault);
	assert_true(d.inject.soft);
	assert_int_equal(d.inject.insn_length, 1);
}

/* Rows: first, columns: second, as in the SDM's table. */
static void test_merge_table(void **state)
{
	static const u8 contributory[] = { X86_TRAP_DE, X86_TRAP_TS, X86_TRAP_NP,
					   X86_TRAP_SS, X86_TRAP_GP, X86_TRAP_CP };
	static const u8 benign[] = { X86_TRAP_DB, X86_TRAP_UD, X86_TRAP_NM, X86_TRAP_MF,
				     X86_TRAP_AC, X86_TRAP_MC, X86_TRAP_XF };
	struct event_state ev;

	for (size_t i = 0; i < ARRAY_SIZE(contributory); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(contributory); j++) {
			ev = (struct event_state){ 0 };
			queue(&ev, contributory[i]);
			queue(&ev, contributory[j]);
			assert_int_equal(ev.exception.vector, X86_TRAP_DF);
			assert_true(ev.exception.has_error);
			assert_int_equal(ev.exception.error, 0);
		}
		/* contributory, then page fault: one after the other */
		ev = (struct event_state){ 0 };
		queue(&ev, contributory[i]);
		queue(&ev, X86_TRAP_PF);
		assert_int_equal(ev.exception.vector, X86_TRAP_PF);
		/* page fault, then contributory */
		ev = (struct event_state){ 0 };
		queue(&ev, X86_TRAP_PF);
		queue(&ev, contributory[i]);
		assert_int_equal(ev.exception.vector, X86_TRAP_DF);
		/* double fault, then contributory */
		ev = (struct event_state){ 0 };
		queue(&ev, X86_TRAP_DF);
		queue(&ev, contributory[i]);
		assert_true(ev.triple_fault);
	}
	ev = (struct event_state){ 0 };
	queue(&ev, X86_TRAP_PF);
	queue(&ev, X86_TRAP_PF);
	assert_int_equal(ev.exception.vector, X86_TRAP_DF);
	queue(&ev, X86_TRAP_PF);
	assert_true(ev.triple_fault);
	for (size_t i = 0; i < ARRAY_SIZE(benign); i++) {
		for (unsigned int other = 0; other <= X86_TRAP_CP; other++) {
			ev = (struct event_state){ 0 };
			queue(&ev, benign[i]);
			queue(&ev, other);
			assert_int_equal(ev.exception.vector, other);
			assert_false(ev.triple_fault);
			ev = (struct event_state){ 0 };
			queue(&ev, other);
			queue(&ev, benign[i]);
			assert_int_equal(ev.exception.vector, benign[i]);
			assert_false(ev.triple_fault);
		}
	}
}

static void test_triple_fault_stops_all(void **state)
{
	struct event_state ev = { .nmi_pending = 1 };
	struct event_facts facts = { .rflags_if = true, .irq_waiting = true };
	struct event_decision d;

	queue(&ev, X86_TRAP_DF);
	queue(&ev, X86_TRAP_GP);
	queue(&ev, X86_TRAP_UD);
	assert_false(ev.exception_pending);
	assert_true(event_any(&ev));
	d = event_decide(&ev, &facts);
	assert_true(d.triple_fault);
	assert_int_equal(d.inject.type, EVENT_NONE);
	assert_int_equal(ev.nmi_pending, 1);
}

/* The same table holds for an exception whose delivery the hardware reports as cut. */
static void test_cut_exception_merges(void **state)
{
	struct event_state ev = { 0 };
	struct event cut = cut_event(EVENT_EXCEPTION, X86_TRAP_PF);
	struct event_decision d;

	event_requeue(&ev, &cut);
	queue(&ev, X86_TRAP_GP);
	assert_int_equal(ev.cut, 0);
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.vector, X86_TRAP_DF);
	assert_false(d.took_reinject);

	cut.vector = X86_TRAP_DF;
	event_requeue(&ev, &cut);
	queue(&ev, X86_TRAP_PF);
	assert_true(event_decide(&ev, &open_window).triple_fault);
}

static void test_cut_event_goes_first(void **state)
{
	struct event_state ev = { .nmi_pending = 1 };
	struct event_facts facts = { .rflags_if = true, .irq_waiting = true };
	struct event cut = cut_event(EVENT_EXTERNAL_INTERRUPT, 0x31);
	struct event_decision d;

	event_requeue(&ev, &cut);
	d = event_decide(&ev, &facts);
	assert_true(d.took_reinject);
	assert_int_equal(d.inject.type, EVENT_EXTERNAL_INTERRUPT);
	assert_int_equal(d.inject.vector, 0x31);
	assert_true(d.nmi_window);
	assert_true(d.irq_window);
	d = event_decide(&ev, &facts);
	assert_int_equal(d.inject.type, EVENT_NMI);
	assert_false(d.nmi_window);
	assert_true(d.irq_window);
	d = event_decide(&ev, &facts);
	assert_int_equal(d.inject.type, EVENT_EXTERNAL_INTERRUPT);
	assert_false(d.took_reinject);
	assert_false(d.irq_window);
}

/* A fault before a cut interrupt: the interrupt is kept and waits for IF. */
static void test_cut_interrupt_survives_fault(void **state)
{
	struct event_state ev = { 0 };
	struct event_facts closed = { .rflags_if = false };
	struct event cut = cut_event(EVENT_EXTERNAL_INTERRUPT, 0x44);
	struct event_decision d;

	event_requeue(&ev, &cut);
	queue(&ev, X86_TRAP_PF);
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.vector, X86_TRAP_PF);
	assert_true(d.irq_window);
	d = event_decide(&ev, &closed);
	assert_int_equal(d.inject.type, EVENT_NONE);
	assert_true(d.irq_window);
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.vector, 0x44);
	assert_false(d.irq_window);
}

/*
 * The handler of the fault that went first faults itself, on a stack that the host swapped
 * out: its delivery is cut short too. Neither is lost.
 */
static void test_cut_interrupt_survives_cut_fault(void **state)
{
	struct event_state ev = { 0 };
	struct event_facts closed = { .rflags_if = false };
	struct event irq = cut_event(EVENT_EXTERNAL_INTERRUPT, 0x44);
	struct event fault = cut_event(EVENT_EXCEPTION, X86_TRAP_PF);
	struct event_decision d;

	event_requeue(&ev, &irq);
	queue(&ev, X86_TRAP_PF);
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.vector, X86_TRAP_PF);
	for (int i = 0; i < 2; i++) {
		event_requeue(&ev, &fault);
		d = event_decide(&ev, &closed);
		assert_int_equal(d.inject.type, EVENT_EXCEPTION);
		assert_int_equal(d.inject.vector, X86_TRAP_PF);
		assert_true(d.took_reinject);
		assert_true(d.irq_window);
	}
	/* a second fault merges with the cut one; the interrupt still waits */
	event_requeue(&ev, &fault);
	queue(&ev, X86_TRAP_GP);
	d = event_decide(&ev, &closed);
	assert_int_equal(d.inject.vector, X86_TRAP_DF);
	assert_int_equal(event_decide(&ev, &closed).inject.type, EVENT_NONE);
	assert_true(event_any(&ev));
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.type, EVENT_EXTERNAL_INTERRUPT);
	assert_int_equal(d.inject.vector, 0x44);
	assert_true(d.took_reinject);
	assert_false(event_any(&ev));
}

static void test_cut_interrupt_survives_cut_nmi(void **state)
{
	struct event_state ev = { .nmi_pending = 1 };
	struct event_facts closed = { .rflags_if = false };
	struct event_facts in_nmi = { .nmi_blocked = true };
	struct event irq = cut_event(EVENT_EXTERNAL_INTERRUPT, 0x44);
	struct event nmi = cut_event(EVENT_NMI, X86_TRAP_NMI);
	struct event fault = cut_event(EVENT_EXCEPTION, X86_TRAP_PF);
	struct event_decision d;

	event_requeue(&ev, &irq);
	assert_int_equal(event_decide(&ev, &closed).inject.type, EVENT_NMI);
	event_requeue(&ev, &nmi);
	queue(&ev, X86_TRAP_PF);
	assert_int_equal(event_decide(&ev, &in_nmi).inject.vector, X86_TRAP_PF);
	event_requeue(&ev, &fault);
	d = event_decide(&ev, &in_nmi);
	assert_int_equal(d.inject.type, EVENT_EXCEPTION);
	assert_true(d.irq_window);
	d = event_decide(&ev, &in_nmi);
	assert_int_equal(d.inject.type, EVENT_NMI);
	assert_true(d.took_reinject);
	assert_int_equal(event_decide(&ev, &in_nmi).inject.type, EVENT_NONE);
	assert_int_equal(event_decide(&ev, &open_window).inject.vector, 0x44);
	assert_false(event_any(&ev));
}

/* An interrupt that cannot be taken does not end HLT, all others do. */
static void test_halt_ends(void **state)
{
	static const enum event_type types[] = { EVENT_NMI, EVENT_EXCEPTION, EVENT_SOFT_INTERRUPT };
	struct event_state ev = { 0 };
	struct event irq = cut_event(EVENT_EXTERNAL_INTERRUPT, 0x44);

	assert_false(event_ends_halt(&ev, true));
	event_requeue(&ev, &irq);
	assert_false(event_ends_halt(&ev, false));
	assert_true(event_ends_halt(&ev, true));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		struct event cut = cut_event(types[i], X86_TRAP_BP);

		ev = (struct event_state){ 0 };
		event_requeue(&ev, &cut);
		assert_true(event_ends_halt(&ev, false));
	}
	ev = (struct event_state){ .nmi_pending = 1 };
	assert_false(event_ends_halt(&ev, true)); /* the caller knows whether NMIs are blocked */
	ev = (struct event_state){ .triple_fault = true };
	assert_true(event_ends_halt(&ev, false));
	ev = (struct event_state){ 0 };
	queue(&ev, X86_TRAP_DB);
	assert_true(event_ends_halt(&ev, false));
}

static void test_cut_soft_interrupt_is_reexecuted(void **state)
{
	struct event_state ev = { 0 };
	struct event cut = { .type = EVENT_SOFT_INTERRUPT, .vector = 0x80, .insn_length = 2 };

	event_requeue(&ev, &cut);
	queue(&ev, X86_TRAP_NP);
	assert_int_equal(ev.cut, 0);
	assert_int_equal(event_decide(&ev, &open_window).inject.vector, X86_TRAP_NP);
	assert_false(event_any(&ev));

	/* without a fault it is injected again, masks or not */
	struct event_facts closed = { .shadow = true };

	event_requeue(&ev, &cut);
	assert_int_equal(event_decide(&ev, &closed).inject.type, EVENT_SOFT_INTERRUPT);
}

static void test_nmi_blocking(void **state)
{
	struct event_state ev = { .nmi_pending = 2 };
	struct event_facts facts = { .nmi_blocked = true };
	struct event_decision d;

	d = event_decide(&ev, &facts);
	assert_int_equal(d.inject.type, EVENT_NONE);
	assert_true(d.nmi_window);
	facts = (struct event_facts){ .shadow = true };
	assert_int_equal(event_decide(&ev, &facts).inject.type, EVENT_NONE);
	facts = (struct event_facts){ 0 };
	d = event_decide(&ev, &facts);
	assert_int_equal(d.inject.type, EVENT_NMI);
	assert_int_equal(d.inject.vector, X86_TRAP_NMI);
	assert_true(d.nmi_window); /* the second one */
	assert_int_equal(ev.nmi_pending, 1);

	/* an NMI that was cut ignores the blocking that its own delivery set */
	struct event cut = cut_event(EVENT_NMI, X86_TRAP_NMI);

	ev = (struct event_state){ 0 };
	event_requeue(&ev, &cut);
	facts = (struct event_facts){ .nmi_blocked = true };
	assert_int_equal(event_decide(&ev, &facts).inject.type, EVENT_NMI);
}

static void test_interrupt_gates(void **state)
{
	struct event_state ev = { 0 };
	struct event_facts facts = { .irq_waiting = true };
	struct event_decision d;

	d = event_decide(&ev, &facts);
	assert_int_equal(d.inject.type, EVENT_NONE);
	assert_true(d.irq_window);
	facts.rflags_if = true;
	facts.shadow = true;
	d = event_decide(&ev, &facts);
	assert_int_equal(d.inject.type, EVENT_NONE);
	assert_true(d.irq_window);
	facts.shadow = false;
	d = event_decide(&ev, &facts);
	assert_int_equal(d.inject.type, EVENT_EXTERNAL_INTERRUPT);
	assert_false(d.irq_window);
	/* behind an exception it waits */
	queue(&ev, X86_TRAP_UD);
	d = event_decide(&ev, &facts);
	assert_int_equal(d.inject.vector, X86_TRAP_UD);
	assert_true(d.irq_window);
}

static void test_page_fault_in_double_fault_sets_cr2(void **state)
{
	struct event_state ev = { 0 };
	struct event_decision d;

	queue(&ev, X86_TRAP_PF);
	event_queue_exception(&ev, X86_TRAP_PF, true, 0, true, 0xabc000);
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.vector, X86_TRAP_DF);
	assert_true(d.has_payload);
	assert_int_equal(d.payload, 0xabc000);

	event_queue_exception(&ev, X86_TRAP_PF, true, 0, true, 0xdef000);
	queue(&ev, X86_TRAP_GP);
	d = event_decide(&ev, &open_window);
	assert_int_equal(d.inject.vector, X86_TRAP_DF);
	assert_true(d.has_payload);
	assert_int_equal(d.payload, 0xdef000);

	/* a replaced #PF takes its payload along */
	event_queue_exception(&ev, X86_TRAP_PF, true, 0, true, 0x111000);
	queue(&ev, X86_TRAP_UD);
	assert_false(event_decide(&ev, &open_window).has_payload);
}

static void test_dr6(void **state)
{
	assert_int_equal(event_dr6(EVENT_DR6_INIT, EVENT_DR6_BS), EVENT_DR6_INIT | EVENT_DR6_BS);
	/* old B bits go, sticky ones stay */
	assert_int_equal(event_dr6(EVENT_DR6_INIT | EVENT_DR6_BS | 3, 4),
			 EVENT_DR6_INIT | EVENT_DR6_BS | 4);
	assert_int_equal(event_dr6(EVENT_DR6_INIT, EVENT_DR6_RTM | 1),
			 (EVENT_DR6_INIT & ~EVENT_DR6_RTM) | 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_exception_with_payload),
		cmocka_unit_test(test_traps_are_no_faults),
		cmocka_unit_test(test_merge_table),
		cmocka_unit_test(test_triple_fault_stops_all),
		cmocka_unit_test(test_cut_exception_merges),
		cmocka_unit_test(test_cut_event_goes_first),
		cmocka_unit_test(test_cut_interrupt_survives_fault),
		cmocka_unit_test(test_cut_interrupt_survives_cut_fault),
		cmocka_unit_test(test_cut_interrupt_survives_cut_nmi),
		cmocka_unit_test(test_halt_ends),
		cmocka_unit_test(test_cut_soft_interrupt_is_reexecuted),
		cmocka_unit_test(test_nmi_blocking),
		cmocka_unit_test(test_interrupt_gates),
		cmocka_unit_test(test_page_fault_in_double_fault_sets_cr2),
		cmocka_unit_test(test_dr6),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
