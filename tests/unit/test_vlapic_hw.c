// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local APIC model beside a CPU that delivers from its page (virtual-interrupt delivery). Here
 * the test is that CPU, by the SDM's "Virtual-Interrupt Delivery" and "EOI Virtualization".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "myhv_x86.h"
#include "vlapic.h"

static const struct vlapic_config config = {
	.phys_addr_bits = 48,
	.x2apic = true,
	.tsc_deadline = true,
	.tick_ns = 1,
	.min_period_ns = 200000,
	.hw_delivery = true,
};

static u8 page[VLAPIC_PAGE_BYTES] __attribute__((aligned(4096)));
static u32 pir[VLAPIC_NR_WORDS];
static struct vlapic lapic;
static struct vlapic_fx fx;

static int setup(void **state)
{
	memset(page, 0, sizeof(page));
	memset(pir, 0, sizeof(pir));
	memset(&fx, 0, sizeof(fx));
	vlapic_create(&lapic, page, 3, &config);
	vlapic_mmio_write(&lapic, VLAPIC_SVR, 4, 0x1ff, 0, &fx);
	vlapic_collect(&lapic); /* the hint of the reset */
	return 0;
}

static u32 word(u32 base, u32 vector)
{
	return vlapic_reg(&lapic, base + vector / 32 * 16);
}

static bool bit(u32 base, u32 vector)
{
	return word(base, vector) >> (vector % 32) & 1;
}

static void cpu_write(u32 offset, u32 value)
{
	memcpy(&page[offset], &value, sizeof(value));
}

static void cpu_deliver(u32 vector)
{
	cpu_write(VLAPIC_IRR + vector / 32 * 16, word(VLAPIC_IRR, vector) & ~(1u << vector % 32));
	cpu_write(VLAPIC_ISR + vector / 32 * 16, word(VLAPIC_ISR, vector) | 1u << vector % 32);
}

static void cpu_eoi(u32 vector)
{
	cpu_write(VLAPIC_ISR + vector / 32 * 16, word(VLAPIC_ISR, vector) & ~(1u << vector % 32));
}

static void test_inbox(void **state)
{
	struct apic_msg msg = { .vector = 0x60, .assert = true };

	assert_false(vlapic_has_irr(&lapic));
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_IRQ);
	/* the page is the CPU's, until the vCPU's thread has it */
	assert_false(bit(VLAPIC_IRR, 0x60));
	assert_true(vlapic_has_irr(&lapic));
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_COALESCED);
	assert_true(vlapic_post(&lapic, 0x31));
	assert_int_equal(vlapic_collect(&lapic), 0x60);
	assert_true(bit(VLAPIC_IRR, 0x60) && bit(VLAPIC_IRR, 0x31));
	assert_false(vlapic_has_irr(&lapic));
	/* it waits in the page: one interrupt, not two */
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_COALESCED);
	assert_int_equal(vlapic_collect(&lapic), 0x60);
	cpu_deliver(0x60);
	assert_int_equal(vlapic_collect(&lapic), 0x31);
	assert_int_equal(vlapic_highest_isr(&lapic), 0x60);
	assert_int_equal(vlapic_pending(&lapic), -1);
	cpu_eoi(0x60);
	assert_int_equal(vlapic_highest_isr(&lapic), -1);
	assert_int_equal(vlapic_pending(&lapic), 0x31);
	/* but delivery is the CPU's business, and so is the end */
	assert_int_equal(vlapic_ack(&lapic), -1);
	assert_false(vlapic_eoi_is_silent(&lapic));
}

static void test_watched(void **state)
{
	struct apic_msg level = { .vector = 0x61, .assert = true, .level = true };
	struct apic_msg edge = { .vector = 0x91, .assert = true };

	lapic.pir = pir;
	assert_int_equal(vlapic_accept(&lapic, &edge), VLAPIC_POSTED);
	assert_int_equal(pir[4], 1 << 17);
	assert_int_equal(vlapic_accept(&lapic, &edge), VLAPIC_COALESCED);
	/* the CPU must not find one whose end it does not know to report */
	assert_int_equal(vlapic_accept(&lapic, &level), VLAPIC_IRQ);
	assert_int_equal(pir[3], 0);
	assert_int_equal(lapic.watched[3], 2);
	assert_int_equal(lapic.watched[4], 0);
	edge.vector = 0x92;
	edge.watched = true;
	assert_int_equal(vlapic_accept(&lapic, &edge), VLAPIC_IRQ);
	assert_int_equal(lapic.watched[4], 1 << 18);
	assert_int_equal(vlapic_collect(&lapic), 0x92);
	assert_true(bit(VLAPIC_IRR, 0x91) && bit(VLAPIC_IRR, 0x61));
	assert_int_equal(pir[4], 0);

	vlapic_eoi_seen(&lapic, 0x61, &fx);
	assert_int_equal(fx.what, VLAPIC_FX_EOI);
	assert_true(fx.eoi_broadcast);
	vlapic_eoi_seen(&lapic, 0x92, &fx);
	assert_int_equal(fx.eoi_vector, 0x92);
	assert_false(fx.eoi_broadcast);
}

static void test_dropped(void **state)
{
	struct apic_msg edge = { .vector = 0x91, .assert = true };

	lapic.pir = pir;
	vlapic_accept(&lapic, &edge);
	vlapic_post(&lapic, 0x41);
	vlapic_init(&lapic);
	assert_int_equal(vlapic_collect(&lapic), -1);
	assert_int_equal(pir[4], 0);
}

/* Priorities by what the guest wrote meanwhile. */
static void test_priorities(void **state)
{
	struct myhv_state_lapic saved;

	vlapic_post(&lapic, 0x55);
	cpu_write(VLAPIC_TPR, 0x50);
	assert_int_equal(vlapic_ppr(&lapic), 0x50);
	assert_int_equal(vlapic_pending(&lapic), -1);
	assert_int_equal(vlapic_held_class(&lapic), 5);
	vlapic_get_state(&lapic, 0, &saved);
	assert_int_equal(saved.regs[VLAPIC_PPR], 0x50);
	cpu_write(VLAPIC_TPR, 0x4f);
	assert_int_equal(vlapic_pending(&lapic), 0x55);
	assert_int_equal(vlapic_held_class(&lapic), 0);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_PPR, 4, 0), 0x4f);
}

/* The CPU writes before we are told: what counts is what was in force. */
static void test_written(void **state)
{
	vlapic_mmio_write(&lapic, VLAPIC_TDCR, 4, 0xb, 0, &fx);
	vlapic_mmio_write(&lapic, VLAPIC_LVTT, 4, 0x44, 0, &fx);
	vlapic_mmio_write(&lapic, VLAPIC_TMICT, 4, 1000, 0, &fx);
	/* half of it is gone; from now on four times as slow */
	cpu_write(VLAPIC_TDCR, 0x1);
	vlapic_reg_written(&lapic, VLAPIC_TDCR, 500, &fx);
	assert_int_equal(vlapic_timer_next(&lapic, 500).at, 500 + 500 * 4);
	/* reserved bits do not stay */
	cpu_write(VLAPIC_LVTT, 0xffffff44 & ~(3u << 17));
	vlapic_reg_written(&lapic, VLAPIC_LVTT, 500, &fx);
	assert_int_equal(vlapic_reg(&lapic, VLAPIC_LVTT), 0x10044);
	/* another mode: disarmed */
	memset(&fx, 0, sizeof(fx));
	cpu_write(VLAPIC_LVTT, 0x44 | VLAPIC_TIMER_TSC_DEADLINE << VLAPIC_LVTT_MODE_SHIFT);
	vlapic_reg_written(&lapic, VLAPIC_LVTT, 600, &fx);
	assert_true(fx.what & VLAPIC_FX_TIMER);
	assert_int_equal(vlapic_timer_next(&lapic, 600).kind, VLAPIC_DEADLINE_NONE);
	/* there the count is not to be had */
	cpu_write(VLAPIC_TMICT, 77);
	vlapic_reg_written(&lapic, VLAPIC_TMICT, 600, &fx);
	assert_int_equal(vlapic_reg(&lapic, VLAPIC_TMICT), 0);
	/* an IPI */
	memset(&fx, 0, sizeof(fx));
	cpu_write(VLAPIC_ICR2, 5u << 24);
	cpu_write(VLAPIC_ICR, 0x41);
	vlapic_reg_written(&lapic, VLAPIC_ICR, 600, &fx);
	assert_int_equal(fx.what, VLAPIC_FX_IPI);
	assert_int_equal(fx.ipi.dest, 5);
}

/* The model takes over what the CPU had begun. */
static void test_left(void **state)
{
	struct apic_msg low = { .vector = 0x41, .assert = true };
	struct apic_msg high = { .vector = 0x92, .assert = true };

	lapic.pir = pir;
	assert_int_equal(vlapic_accept(&lapic, &low), VLAPIC_POSTED);
	vlapic_collect(&lapic);
	cpu_deliver(0x41);
	assert_int_equal(vlapic_accept(&lapic, &high), VLAPIC_POSTED);
	vlapic_leave_hw(&lapic);
	assert_null(lapic.pir);
	assert_int_equal(vlapic_highest_isr(&lapic), 0x41);
	assert_int_equal(vlapic_pending(&lapic), 0x92);
	assert_int_equal(vlapic_ack(&lapic), 0x92);
	vlapic_eoi(&lapic, &fx);
	assert_int_equal(fx.eoi_vector, 0x92);
	assert_int_equal(vlapic_pending(&lapic), -1);
	/* and new ones go to the page */
	high.vector = 0x93;
	assert_int_equal(vlapic_accept(&lapic, &high), VLAPIC_IRQ);
	assert_true(bit(VLAPIC_IRR, 0x93));
	assert_int_equal(vlapic_ack(&lapic), 0x93);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_inbox, setup),
		cmocka_unit_test_setup(test_watched, setup),
		cmocka_unit_test_setup(test_dropped, setup),
		cmocka_unit_test_setup(test_priorities, setup),
		cmocka_unit_test_setup(test_written, setup),
		cmocka_unit_test_setup(test_left, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
