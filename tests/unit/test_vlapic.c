// SPDX-License-Identifier: GPL-2.0-or-later
/* The local APIC model: registers, priorities, messages, timer, modes, state. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "myhv_x86.h"
#include "vlapic.h"

static const struct vlapic_config config = {
	.phys_addr_bits = 48,
	.x2apic = true,
	.tsc_deadline = true,
	.eoi_suppression = true,
	.tick_ns = 1,
	.min_period_ns = 200000,
};

static u8 pages[2][VLAPIC_PAGE_BYTES] __attribute__((aligned(4096)));
static struct vlapic lapic, other;
static struct vlapic_fx fx;

static void write_at(u32 offset, u32 value, u64 now_ns)
{
	memset(&fx, 0, sizeof(fx));
	vlapic_mmio_write(&lapic, offset, 4, value, now_ns, &fx);
}

static void write_reg(u32 offset, u32 value)
{
	write_at(offset, value, 0);
}

static u32 read_reg(u32 offset)
{
	return (u32)vlapic_mmio_read(&lapic, offset, 4, 0);
}

static int setup(void **state)
{
	memset(pages, 0, sizeof(pages));
	vlapic_create(&lapic, pages[0], 3, &config);
	vlapic_create(&other, pages[1], 5, &config);
	write_reg(VLAPIC_SVR, 0x1ff);
	memset(&fx, 0, sizeof(fx));
	return 0;
}

static void enter_x2apic(void)
{
	struct vlapic_fx ignored = { 0 };

	assert_true(vlapic_base_write(&lapic, lapic.base | VLAPIC_BASE_EXTD, &ignored));
	assert_true(ignored.what & VLAPIC_FX_MAP);
}

static bool wrmsr(u32 offset, u64 value)
{
	memset(&fx, 0, sizeof(fx));
	return vlapic_msr_write(&lapic, 0x800 + (offset >> 4), value, 0, &fx);
}

static void test_reset_values(void **state)
{
	vlapic_reset(&lapic, false);
	assert_int_equal(read_reg(VLAPIC_ID), 3u << 24);
	assert_int_equal(read_reg(VLAPIC_VERSION), 0x01050014);
	assert_int_equal(read_reg(VLAPIC_SVR), 0xff);
	assert_int_equal(read_reg(VLAPIC_DFR), 0xffffffff);
	assert_int_equal(read_reg(VLAPIC_LDR), 0);
	assert_int_equal(read_reg(VLAPIC_LVTT), 0x10000);
	assert_int_equal(read_reg(VLAPIC_LVT0), 0x10000);
	assert_int_equal(read_reg(VLAPIC_LVTERR), 0x10000);
	assert_int_equal(lapic.base, 0xfee00800);
	assert_int_equal(vlapic_pending(&lapic), -1);

	vlapic_reset(&lapic, true);
	assert_int_equal(lapic.base, 0xfee00900);
	assert_int_equal(read_reg(VLAPIC_LVT0), 0x700);
	assert_true(vlapic_accepts_pic(&lapic));
	assert_false(vlapic_accepts_pic(&other));
}

static void test_init_keeps_mode_and_id(void **state)
{
	write_reg(VLAPIC_ID, 9u << 24);
	write_reg(VLAPIC_TPR, 0x33);
	vlapic_post(&lapic, 0x80);
	vlapic_init(&lapic);
	assert_int_equal(read_reg(VLAPIC_ID), 9u << 24);
	assert_int_equal(read_reg(VLAPIC_TPR), 0);
	assert_int_equal(vlapic_highest_irr(&lapic), -1);

	setup(NULL);
	enter_x2apic();
	vlapic_init(&lapic);
	assert_true(vlapic_x2apic_mode(&lapic));
	assert_int_equal(vlapic_reg(&lapic, VLAPIC_ID), 3);
	assert_int_equal(vlapic_reg(&lapic, VLAPIC_LDR), 1 << 3);
}

static void test_post_ack_eoi(void **state)
{
	assert_false(vlapic_has_irr(&lapic) && vlapic_highest_irr(&lapic) >= 0);
	assert_true(vlapic_post(&lapic, 0x41));
	assert_false(vlapic_post(&lapic, 0x41));
	assert_true(vlapic_has_irr(&lapic));
	assert_int_equal(read_reg(VLAPIC_IRR + 0x20), 2);
	assert_int_equal(vlapic_pending(&lapic), 0x41);
	assert_int_equal(vlapic_ack(&lapic), 0x41);
	assert_int_equal(read_reg(VLAPIC_IRR + 0x20), 0);
	assert_int_equal(read_reg(VLAPIC_ISR + 0x20), 2);
	assert_int_equal(read_reg(VLAPIC_PPR), 0x40);
	assert_int_equal(vlapic_ack(&lapic), -1);

	/* the same class waits, a higher one nests */
	vlapic_post(&lapic, 0x4f);
	assert_int_equal(vlapic_pending(&lapic), -1);
	assert_int_equal(vlapic_highest_irr(&lapic), 0x4f);
	vlapic_post(&lapic, 0xf0);
	assert_int_equal(vlapic_ack(&lapic), 0xf0);
	assert_int_equal(read_reg(VLAPIC_PPR), 0xf0);

	write_reg(VLAPIC_EOI, 0);
	assert_int_equal(fx.what, VLAPIC_FX_EOI);
	assert_int_equal(fx.eoi_vector, 0xf0);
	assert_false(fx.eoi_broadcast);
	assert_int_equal(vlapic_pending(&lapic), -1);
	write_reg(VLAPIC_EOI, 0);
	assert_int_equal(fx.eoi_vector, 0x41);
	assert_int_equal(vlapic_ack(&lapic), 0x4f);
	write_reg(VLAPIC_EOI, 0);
	write_reg(VLAPIC_EOI, 0);
	assert_int_equal(fx.what, 0);
	assert_int_equal(vlapic_pending(&lapic), -1);
	assert_false(vlapic_has_irr(&lapic));
}

static void test_silent_eoi(void **state)
{
	struct vlapic_fx fx = { 0 };
	const struct apic_msg level = { .dest = VAPIC_DEST_BROADCAST, .vector = 0x51, .level = true,
					.assert = true };

	assert_false(vlapic_eoi_is_silent(&lapic)); /* nothing is in service */
	vlapic_post(&lapic, 0x41);
	assert_false(vlapic_eoi_is_silent(&lapic));
	vlapic_ack(&lapic);
	assert_true(vlapic_eoi_is_silent(&lapic));
	/* one that waits for its end */
	vlapic_post(&lapic, 0x31);
	assert_false(vlapic_eoi_is_silent(&lapic));
	vlapic_eoi(&lapic, &fx);
	vlapic_ack(&lapic);
	assert_true(vlapic_eoi_is_silent(&lapic));
	/* nested, in the same word and in another one */
	vlapic_post(&lapic, 0x42);
	vlapic_ack(&lapic);
	assert_false(vlapic_eoi_is_silent(&lapic));
	vlapic_post(&lapic, 0x91);
	vlapic_ack(&lapic);
	assert_false(vlapic_eoi_is_silent(&lapic));
	for (unsigned int i = 0; i < 3; i++)
		vlapic_eoi(&lapic, &fx);
	/* the IOAPIC wants to know */
	vlapic_accept(&lapic, &level);
	assert_int_equal(vlapic_ack(&lapic), 0x51);
	assert_false(vlapic_eoi_is_silent(&lapic));
}

static void test_every_vector(void **state)
{
	for (int v = 16; v < 256; v++) {
		assert_true(vlapic_post(&lapic, (u8)v));
		assert_int_equal(vlapic_highest_irr(&lapic), v);
	}
	for (int v = 255; v >= 16; v--) {
		assert_int_equal(vlapic_ack(&lapic), v);
		memset(&fx, 0, sizeof(fx));
		vlapic_eoi(&lapic, &fx);
		assert_int_equal(fx.eoi_vector, v);
	}
	assert_int_equal(vlapic_ack(&lapic), -1);
}

static void test_task_priority(void **state)
{
	vlapic_post(&lapic, 0x55);
	write_reg(VLAPIC_TPR, 0x50);
	assert_int_equal(read_reg(VLAPIC_PPR), 0x50);
	assert_int_equal(vlapic_cr8(&lapic), 5);
	assert_int_equal(vlapic_pending(&lapic), -1);
	vlapic_set_tpr(&lapic, 4 << 4);
	assert_int_equal(vlapic_pending(&lapic), 0x55);
	assert_int_equal(vlapic_ack(&lapic), 0x55);
	/* PPR keeps the TPR's low bits only when the TPR wins */
	write_reg(VLAPIC_TPR, 0x5a);
	assert_int_equal(read_reg(VLAPIC_PPR), 0x5a);
	write_reg(VLAPIC_TPR, 0x4a);
	assert_int_equal(read_reg(VLAPIC_PPR), 0x50);
	write_reg(VLAPIC_TPR, 0xffffff4a);
	assert_int_equal(read_reg(VLAPIC_TPR), 0x4a);
}

static void test_accept_fixed(void **state)
{
	struct apic_msg msg = { .vector = 0x60, .assert = true };

	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_IRQ);
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_COALESCED);
	vlapic_ack(&lapic);
	vlapic_eoi(&lapic, &fx);
	assert_false(fx.eoi_broadcast);

	msg.level = true;
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_IRQ);
	assert_int_equal(read_reg(VLAPIC_TMR + 0x30), 1);
	vlapic_ack(&lapic);
	vlapic_eoi(&lapic, &fx);
	assert_true(fx.eoi_broadcast);
	assert_int_equal(fx.eoi_vector, 0x60);

	/* directed EOI: no broadcast */
	vlapic_accept(&lapic, &msg);
	vlapic_ack(&lapic);
	write_reg(VLAPIC_SVR, 0x11ff);
	assert_int_equal(read_reg(VLAPIC_SVR), 0x11ff);
	vlapic_eoi(&lapic, &fx);
	assert_false(fx.eoi_broadcast);

	/* edge again: TMR is cleared */
	msg.level = false;
	vlapic_accept(&lapic, &msg);
	assert_int_equal(read_reg(VLAPIC_TMR + 0x30), 0);

	/* level de-assert */
	msg = (struct apic_msg){ .vector = 0x61, .level = true };
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_IGNORED);

	/* software disabled: fixed refused, pending kept, the others accepted */
	write_reg(VLAPIC_SVR, 0xff);
	msg = (struct apic_msg){ .vector = 0x70, .assert = true };
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_IGNORED);
	assert_int_equal(vlapic_pending(&lapic), 0x60);
	msg.mode = VAPIC_DM_NMI;
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_NMI);
}

static void test_accept_other_modes(void **state)
{
	static const struct {
		u8 mode;
		bool level, assert;
		enum vlapic_action action;
	} cases[] = {
		{ VAPIC_DM_LOWEST, false, true, VLAPIC_IRQ },
		{ VAPIC_DM_SMI, false, true, VLAPIC_SMI },
		{ VAPIC_DM_RESERVED, false, true, VLAPIC_IGNORED },
		{ VAPIC_DM_NMI, false, true, VLAPIC_NMI },
		{ VAPIC_DM_INIT, false, true, VLAPIC_INIT },
		{ VAPIC_DM_INIT, true, true, VLAPIC_INIT },
		{ VAPIC_DM_INIT, true, false, VLAPIC_IGNORED },
		{ VAPIC_DM_STARTUP, false, true, VLAPIC_SIPI },
		{ VAPIC_DM_EXTINT, false, true, VLAPIC_EXTINT },
		{ 99, false, true, VLAPIC_IGNORED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct apic_msg msg = {
			.vector = 0x40,
			.mode = cases[i].mode,
			.level = cases[i].level,
			.assert = cases[i].assert,
		};
		assert_int_equal(vlapic_accept(&lapic, &msg), cases[i].action);
	}
	assert_true(vlapic_base_write(&lapic, 0xfee00000, &fx));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct apic_msg msg = { .vector = 0x40, .mode = cases[i].mode, .assert = true };
		assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_IGNORED);
	}
	assert_true(vlapic_accepts_pic(&lapic));
}

static void test_errors(void **state)
{
	struct apic_msg msg = { .vector = 15, .assert = true };

	write_reg(VLAPIC_LVTERR, 0xe0);
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_IGNORED);
	assert_int_equal(vlapic_pending(&lapic), 0xe0);
	assert_int_equal(read_reg(VLAPIC_ESR), 0); /* latched by a write */
	write_reg(VLAPIC_ESR, 0xff);
	assert_int_equal(read_reg(VLAPIC_ESR), VLAPIC_ESR_RECV_ILLEGAL_VECTOR);
	write_reg(VLAPIC_ESR, 0);
	assert_int_equal(read_reg(VLAPIC_ESR), 0);

	write_reg(VLAPIC_ICR, 0x0000000f); /* vector 15 */
	assert_int_equal(fx.what, 0);
	write_reg(VLAPIC_ESR, 0);
	assert_int_equal(read_reg(VLAPIC_ESR), VLAPIC_ESR_SEND_ILLEGAL_VECTOR);

	read_reg(0x000);
	write_reg(0x040, 1);
	read_reg(0x3f0);
	read_reg(0x400);
	read_reg(0xff0);
	write_reg(VLAPIC_ESR, 0);
	assert_int_equal(read_reg(VLAPIC_ESR), VLAPIC_ESR_ILLEGAL_REGISTER);
	/* known but read-only or write-only: no error */
	write_reg(VLAPIC_VERSION, 0);
	write_reg(VLAPIC_PPR, 0xff);
	assert_int_equal(read_reg(VLAPIC_EOI), 0);
	write_reg(VLAPIC_ESR, 0);
	assert_int_equal(read_reg(VLAPIC_ESR), 0);
	assert_int_equal(read_reg(VLAPIC_PPR), 0);

	/* an illegal vector in the error LVT itself must not recurse */
	write_reg(VLAPIC_LVTERR, 0x05);
	vlapic_post(&lapic, 3);
	read_reg(0x000);
	write_reg(VLAPIC_ESR, 0);
	assert_int_equal(read_reg(VLAPIC_ESR),
			 VLAPIC_ESR_RECV_ILLEGAL_VECTOR | VLAPIC_ESR_ILLEGAL_REGISTER);
}

static void test_access_sizes(void **state)
{
	write_reg(VLAPIC_LVT0, 0x1a7f3);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_LVT0, 1, 0), 0xf3);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_LVT0 + 1, 1, 0), 0xa7);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_LVT0 + 2, 2, 0), 1);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_LVT0, 8, 0), 0x1a7f3);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_LVT0 + 4, 4, 0), 0);
	assert_int_equal(vlapic_mmio_read(&lapic, 0xffffffff, 8, 0), 0);
	vlapic_mmio_write(&lapic, VLAPIC_LVT0, 1, 0, 0, &fx);
	vlapic_mmio_write(&lapic, VLAPIC_LVT0, 8, 0, 0, &fx);
	vlapic_mmio_write(&lapic, VLAPIC_LVT0 + 4, 4, 0, 0, &fx);
	vlapic_mmio_write(&lapic, 0xfffffff0, 4, 0, 0, &fx);
	assert_int_equal(read_reg(VLAPIC_LVT0), 0x1a7f3);
}

static void test_svr_disable_masks_lvts(void **state)
{
	write_reg(VLAPIC_LVTT, 0x20030);
	write_reg(VLAPIC_LVT1, 0x400);
	write_reg(VLAPIC_SVR, 0x0ff);
	assert_int_equal(read_reg(VLAPIC_LVTT), 0x30030);
	assert_int_equal(read_reg(VLAPIC_LVT1), 0x10400);
	write_reg(VLAPIC_LVT1, 0x400);
	assert_int_equal(read_reg(VLAPIC_LVT1), 0x10400);
	write_reg(VLAPIC_SVR, 0x1ff);
	assert_int_equal(read_reg(VLAPIC_LVT1), 0x10400);
	write_reg(VLAPIC_LVT1, 0x400);
	assert_int_equal(read_reg(VLAPIC_LVT1), 0x400);
}

static void test_lvt_fire(void **state)
{
	assert_int_equal(vlapic_lvt_fire(&lapic, VLAPIC_LVT1), VLAPIC_IGNORED);
	write_reg(VLAPIC_LVT1, 0x400);
	assert_int_equal(vlapic_lvt_fire(&lapic, VLAPIC_LVT1), VLAPIC_NMI);
	write_reg(VLAPIC_LVT0, 0x700);
	assert_int_equal(vlapic_lvt_fire(&lapic, VLAPIC_LVT0), VLAPIC_EXTINT);
	assert_true(vlapic_accepts_pic(&lapic));
	write_reg(VLAPIC_LVT0, 0x8031);
	assert_int_equal(vlapic_lvt_fire(&lapic, VLAPIC_LVT0), VLAPIC_IRQ);
	assert_int_equal(read_reg(VLAPIC_TMR + 0x10), 1u << 17);
	assert_false(vlapic_accepts_pic(&lapic));
	write_reg(VLAPIC_LVT0, 0x600); /* no start-up from a pin */
	assert_int_equal(vlapic_lvt_fire(&lapic, VLAPIC_LVT0), VLAPIC_IGNORED);
	/* the performance counter's entry masks itself */
	write_reg(VLAPIC_LVTPC, 0x400);
	assert_int_equal(vlapic_lvt_fire(&lapic, VLAPIC_LVTPC), VLAPIC_NMI);
	assert_int_equal(read_reg(VLAPIC_LVTPC), 0x10400);
	assert_int_equal(vlapic_lvt_fire(&lapic, VLAPIC_LVTPC), VLAPIC_IGNORED);
}

static void test_match_physical(void **state)
{
	assert_true(vlapic_match_dest(&lapic, 3, false));
	assert_false(vlapic_match_dest(&lapic, 2, false));
	assert_false(vlapic_match_dest(&lapic, 0x103, false));
	assert_true(vlapic_match_dest(&lapic, VAPIC_DEST_BROADCAST, false));
	write_reg(VLAPIC_ID, 7u << 24);
	assert_true(fx.what & VLAPIC_FX_MAP);
	assert_true(vlapic_match_dest(&lapic, 7, false));
	assert_false(vlapic_match_dest(&lapic, 3, false));
	enter_x2apic();
	assert_true(vlapic_match_dest(&lapic, 3, false));
	assert_true(vlapic_match_dest(&lapic, VAPIC_DEST_BROADCAST, true));
	assert_true(vlapic_base_set(&lapic, 0xfee00000, &fx));
	assert_false(vlapic_match_dest(&lapic, 3, false));
	assert_false(vlapic_match_dest(&lapic, VAPIC_DEST_BROADCAST, false));
}

static void test_match_logical(void **state)
{
	write_reg(VLAPIC_LDR, 0x04ffffff);
	assert_int_equal(read_reg(VLAPIC_LDR), 0x04000000);
	assert_true(vlapic_match_dest(&lapic, 0x04, true));
	assert_true(vlapic_match_dest(&lapic, 0x0c, true));
	assert_false(vlapic_match_dest(&lapic, 0x0b, true));
	assert_false(vlapic_match_dest(&lapic, 0x104, true));
	assert_false(vlapic_match_dest(&lapic, 0, true));

	write_reg(VLAPIC_DFR, 0);
	assert_int_equal(read_reg(VLAPIC_DFR), 0x0fffffff);
	write_reg(VLAPIC_LDR, 0x22000000); /* cluster 2, CPU 1 */
	assert_true(vlapic_match_dest(&lapic, 0x22, true));
	assert_true(vlapic_match_dest(&lapic, 0x2f, true));
	assert_true(vlapic_match_dest(&lapic, 0xf2, true));
	assert_false(vlapic_match_dest(&lapic, 0x32, true));
	assert_false(vlapic_match_dest(&lapic, 0x2d, true));

	write_reg(VLAPIC_DFR, 0x50000000); /* neither flat nor cluster */
	assert_false(vlapic_match_dest(&lapic, 0x22, true));
}

static void test_match_logical_x2apic(void **state)
{
	memset(pages, 0, sizeof(pages));
	vlapic_create(&lapic, pages[0], 0x25, &config);
	enter_x2apic();
	assert_int_equal(vlapic_reg(&lapic, VLAPIC_LDR), 0x20020);
	assert_true(vlapic_match_dest(&lapic, 0x20020, true));
	assert_true(vlapic_match_dest(&lapic, 0x2ffff, true));
	assert_false(vlapic_match_dest(&lapic, 0x10020, true));
	assert_false(vlapic_match_dest(&lapic, 0x2ffdf, true));
	assert_true(vlapic_match_dest(&lapic, 0x25, false));
}

static void test_icr(void **state)
{
	write_reg(VLAPIC_ICR2, 0x05000000);
	write_reg(VLAPIC_ICR, 0x00004841 | BIT(12));
	assert_int_equal(fx.what, VLAPIC_FX_IPI);
	assert_int_equal(fx.ipi.dest, 5);
	assert_int_equal(fx.ipi.vector, 0x41);
	assert_int_equal(fx.ipi.mode, VAPIC_DM_FIXED);
	assert_true(fx.ipi.logical);
	assert_true(fx.ipi.assert);
	assert_false(fx.ipi.level);
	assert_int_equal(read_reg(VLAPIC_ICR), 0x4841); /* delivery status is idle */
	write_reg(VLAPIC_ICR, 0xfff37041); /* reserved bits do nothing, and read as written */
	assert_int_equal(read_reg(VLAPIC_ICR), 0xfff36041);
	assert_int_equal(fx.ipi.shorthand, 0);
	assert_int_equal(fx.ipi.mode, VAPIC_DM_FIXED);

	write_reg(VLAPIC_ICR2, 0xff000000);
	write_reg(VLAPIC_ICR, 0x00041);
	assert_int_equal(fx.ipi.dest, VAPIC_DEST_BROADCAST);
	write_reg(VLAPIC_ICR, 0x000c0441); /* NMI to all others */
	assert_int_equal(fx.ipi.shorthand, VAPIC_SH_OTHERS);
	assert_int_equal(fx.ipi.mode, VAPIC_DM_NMI);
	write_reg(VLAPIC_ICR, 0x00080041); /* fixed, all */
	assert_int_equal(fx.ipi.shorthand, VAPIC_SH_ALL);
	write_reg(VLAPIC_ICR, 0x0000c500); /* INIT, level, assert */
	assert_int_equal(fx.ipi.mode, VAPIC_DM_INIT);
	assert_true(fx.ipi.level && fx.ipi.assert);
	write_reg(VLAPIC_ICR, 0x00008500); /* INIT level de-assert */
	assert_true(fx.ipi.level && !fx.ipi.assert);
	assert_int_equal(vlapic_accept(&other, &fx.ipi), VLAPIC_IGNORED);
	write_reg(VLAPIC_ICR, 0x000c4699); /* SIPI page 0x99 */
	assert_int_equal(fx.ipi.mode, VAPIC_DM_STARTUP);
	assert_int_equal(fx.ipi.vector, 0x99);
	write_reg(VLAPIC_ICR, 0x00000105); /* lowest priority, bad vector */
	assert_int_equal(fx.what, 0);

	/* not sent: reserved modes; INIT or SIPI to itself or to all */
	write_reg(VLAPIC_ICR, 0x300);
	assert_int_equal(fx.what, 0);
	write_reg(VLAPIC_ICR, 0x700);
	assert_int_equal(fx.what, 0);
	write_reg(VLAPIC_ICR, 0x00040500);
	assert_int_equal(fx.what, 0);
	write_reg(VLAPIC_ICR, 0x00080600);
	assert_int_equal(fx.what, 0);
	assert_int_equal(vlapic_pending(&lapic), -1);

	/* self: at once, no message */
	write_reg(VLAPIC_ICR, 0x00040077);
	assert_int_equal(fx.what, 0);
	assert_int_equal(vlapic_pending(&lapic), 0x77);
}

static void test_x2apic_registers(void **state)
{
	u64 value = 0;

	assert_false(vlapic_msr_read(&lapic, 0x802, 0, &value));
	assert_false(wrmsr(VLAPIC_TPR, 0));
	enter_x2apic();
	assert_true(vlapic_msr_read(&lapic, 0x802, 0, &value));
	assert_int_equal(value, 3);
	assert_true(vlapic_msr_read(&lapic, 0x80d, 0, &value));
	assert_int_equal(value, 8);
	assert_true(vlapic_msr_read(&lapic, 0x803, 0, &value));

	/* do not exist here, or not for this direction */
	assert_false(vlapic_msr_read(&lapic, 0x80e, 0, &value)); /* DFR */
	assert_false(vlapic_msr_read(&lapic, 0x809, 0, &value)); /* APR */
	assert_false(vlapic_msr_read(&lapic, 0x80b, 0, &value)); /* EOI */
	assert_false(vlapic_msr_read(&lapic, 0x831, 0, &value)); /* ICR high */
	assert_false(vlapic_msr_read(&lapic, 0x83f, 0, &value)); /* self IPI */
	assert_false(vlapic_msr_read(&lapic, 0x82f, 0, &value)); /* CMCI */
	assert_false(vlapic_msr_read(&lapic, 0x840, 0, &value));
	assert_false(vlapic_msr_read(&lapic, 0x8ff, 0, &value));
	assert_false(vlapic_msr_read(&lapic, 0x7ff, 0, &value));
	assert_false(wrmsr(VLAPIC_ID, 3));
	assert_false(wrmsr(VLAPIC_LDR, 0));
	assert_false(wrmsr(VLAPIC_VERSION, 0));
	assert_false(wrmsr(VLAPIC_ICR2, 0));

	/* reserved bits */
	assert_false(wrmsr(VLAPIC_EOI, 1));
	assert_true(wrmsr(VLAPIC_EOI, 0));
	assert_false(wrmsr(VLAPIC_ESR, 1));
	assert_true(wrmsr(VLAPIC_ESR, 0));
	assert_false(wrmsr(VLAPIC_TPR, 0x100));
	assert_false(wrmsr(VLAPIC_TPR, 1ULL << 32));
	assert_true(wrmsr(VLAPIC_TPR, 0x20));
	assert_false(wrmsr(VLAPIC_SVR, 0x21ff));
	assert_true(wrmsr(VLAPIC_SVR, 0x11ff));
	assert_false(wrmsr(VLAPIC_LVT0, 1u << 17));
	assert_true(wrmsr(VLAPIC_LVT0, 0x1000 | 0x4000 | 0x30));
	assert_true(vlapic_msr_read(&lapic, 0x835, 0, &value));
	assert_int_equal(value, 0x30);
	assert_false(wrmsr(VLAPIC_ICR, 1u << 20));
	assert_false(wrmsr(VLAPIC_ICR, 1u << 13));
	assert_false(wrmsr(VLAPIC_TMICT, 1ULL << 32));

	/* the ICR is one register of 64 bits */
	assert_true(wrmsr(VLAPIC_ICR, 0x0001000200000841ULL | BIT(12)));
	assert_int_equal(fx.what, VLAPIC_FX_IPI);
	assert_int_equal(fx.ipi.dest, 0x10002);
	assert_true(vlapic_msr_read(&lapic, 0x830, 0, &value));
	assert_true(value == 0x0001000200000841ULL);
	/* 0xff is an ordinary x2APIC ID */
	assert_true(wrmsr(VLAPIC_ICR, 0x000000ff00000041ULL));
	assert_int_equal(fx.ipi.dest, 0xff);

	assert_true(wrmsr(VLAPIC_TPR, 0));
	assert_true(wrmsr(VLAPIC_SELF_IPI, 0x66));
	assert_int_equal(vlapic_pending(&lapic), 0x66);
	assert_false(wrmsr(VLAPIC_SELF_IPI, 0x166));
	assert_true(wrmsr(VLAPIC_SELF_IPI, 5));
	assert_true(wrmsr(VLAPIC_ESR, 0));
	assert_true(vlapic_msr_read(&lapic, 0x828, 0, &value));
	assert_int_equal(value, VLAPIC_ESR_SEND_ILLEGAL_VECTOR);
}

static void test_base_transitions(void **state)
{
	const u64 off = 0xfee00000, xapic = off | VLAPIC_BASE_EN;
	const u64 x2apic = xapic | VLAPIC_BASE_EXTD;
	u64 modes[3] = { off, xapic, x2apic };
	/* SDM "x2APIC State Transitions": row from, column to */
	static const bool legal[3][3] = {
		{ true, true, false },
		{ true, true, true },
		{ true, false, true },
	};

	for (int from = 0; from < 3; from++)
		for (int to = 0; to < 3; to++) {
			setup(NULL);
			assert_true(vlapic_base_set(&lapic, modes[from], &fx));
			assert_int_equal(vlapic_base_write(&lapic, modes[to], &fx),
					 legal[from][to]);
			assert_true(lapic.base == (legal[from][to] ? modes[to] : modes[from]));
		}

	setup(NULL);
	assert_false(vlapic_base_write(&lapic, off | VLAPIC_BASE_EXTD, &fx));
	assert_false(vlapic_base_set(&lapic, off | VLAPIC_BASE_EXTD, &fx));
	assert_false(vlapic_base_write(&lapic, xapic | 1, &fx));
	assert_false(vlapic_base_write(&lapic, xapic | 0x200, &fx));
	assert_false(vlapic_base_write(&lapic, xapic | 1ULL << 48, &fx));
	assert_true(vlapic_base_write(&lapic, 0x123456789000 | VLAPIC_BASE_EN, &fx));

	lapic.cfg.x2apic = false;
	assert_false(vlapic_base_write(&lapic, x2apic, &fx));
	assert_false(vlapic_base_set(&lapic, x2apic, &fx));

	/* switched off and on: registers are those of power-up */
	setup(NULL);
	write_reg(VLAPIC_TPR, 0x40);
	vlapic_post(&lapic, 0x90);
	memset(&fx, 0, sizeof(fx));
	assert_true(vlapic_base_write(&lapic, off, &fx));
	assert_int_equal(fx.what, VLAPIC_FX_MAP | VLAPIC_FX_TIMER);
	assert_int_equal(vlapic_pending(&lapic), -1);
	assert_true(vlapic_base_write(&lapic, xapic, &fx));
	assert_int_equal(read_reg(VLAPIC_TPR), 0);
	assert_int_equal(read_reg(VLAPIC_SVR), 0xff);
	assert_int_equal(read_reg(VLAPIC_ID), 3u << 24);
}

static void test_timer_oneshot(void **state)
{
	struct vlapic_deadline next;

	write_reg(VLAPIC_LVTT, 0x30);
	write_reg(VLAPIC_TDCR, 0xb); /* divide by 1 */
	assert_int_equal(vlapic_timer_next(&lapic, 0).kind, VLAPIC_DEADLINE_NONE);
	write_at(VLAPIC_TMICT, 1000, 5000);
	assert_int_equal(fx.what, VLAPIC_FX_TIMER);
	next = vlapic_timer_next(&lapic, 5000);
	assert_int_equal(next.kind, VLAPIC_DEADLINE_NS);
	assert_int_equal(next.at, 6000);
	assert_int_equal(next.period_ns, 0);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_TMCCT, 4, 5000), 1000);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_TMCCT, 4, 5999), 1);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_TMCCT, 4, 6000), 0);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_TMCCT, 4, ~0ULL >> 1), 0);
	/* a clock that went back does no harm */
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_TMCCT, 4, 0), 1000);
	assert_true(vlapic_timer_fire(&lapic, &next));
	assert_int_equal(vlapic_ack(&lapic), 0x30);

	/* expired, then periodic: no second life */
	write_at(VLAPIC_LVTT, 0x20030, 7000);
	assert_int_equal(vlapic_timer_next(&lapic, 7000).kind, VLAPIC_DEADLINE_NONE);

	write_at(VLAPIC_TMICT, 0, 8000);
	assert_int_equal(fx.what, VLAPIC_FX_TIMER);
	assert_int_equal(vlapic_timer_next(&lapic, 8000).kind, VLAPIC_DEADLINE_NONE);

	/* masked: expires without an interrupt */
	write_reg(VLAPIC_LVTT, 0x10031);
	assert_false(vlapic_timer_fire(&lapic, &next));
	assert_int_equal(vlapic_highest_irr(&lapic), -1);
}

static void test_timer_divider(void **state)
{
	static const struct {
		u32 dcr, divisor;
	} cases[] = {
		{ 0x0, 2 },  { 0x1, 4 },  { 0x2, 8 },	{ 0x3, 16 },
		{ 0x8, 32 }, { 0x9, 64 }, { 0xa, 128 }, { 0xb, 1 },
	};

	write_reg(VLAPIC_LVTT, 0x30);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		write_reg(VLAPIC_TMICT, 0);
		write_reg(VLAPIC_TDCR, 0xfffffff4 | cases[i].dcr);
		assert_int_equal(read_reg(VLAPIC_TDCR), cases[i].dcr);
		write_at(VLAPIC_TMICT, 0xffffffff, 0);
		assert_true(vlapic_timer_next(&lapic, 0).at == 0xffffffffULL * cases[i].divisor);
	}
	/* a new divider while it runs: the count goes on from where it is */
	write_reg(VLAPIC_TDCR, 0xb);
	write_at(VLAPIC_TMICT, 1000, 10000);
	write_at(VLAPIC_TDCR, 0x0, 10400);
	assert_int_equal(fx.what, VLAPIC_FX_TIMER);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_TMCCT, 4, 10400), 600);
	assert_int_equal(vlapic_timer_next(&lapic, 10400).at, 11600);
}

static void test_timer_periodic(void **state)
{
	struct vlapic_deadline next;

	write_reg(VLAPIC_LVTT, 0x20031);
	write_reg(VLAPIC_TDCR, 0xb);
	write_at(VLAPIC_TMICT, 1000000, 500);
	next = vlapic_timer_next(&lapic, 500);
	assert_int_equal(next.at, 1000500);
	assert_int_equal(next.period_ns, 1000000);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_TMCCT, 4, 2500500), 500000);
	assert_int_equal(vlapic_timer_next(&lapic, 2500500).at, 3000500);
	assert_true(vlapic_timer_fire(&lapic, &next));
	assert_false(vlapic_timer_fire(&lapic, &next)); /* coalesced */

	/* to one-shot in mid-period: finishes this one */
	write_at(VLAPIC_LVTT, 0x31, 2500500);
	next = vlapic_timer_next(&lapic, 2500500);
	assert_int_equal(next.at, 3000500);
	assert_int_equal(next.period_ns, 0);

	/* hostile: count 1 */
	write_reg(VLAPIC_LVTT, 0x20031);
	write_at(VLAPIC_TMICT, 1, 0);
	next = vlapic_timer_next(&lapic, 0);
	assert_int_equal(next.period_ns, 200000);
	assert_int_equal(next.at, 200000);
	assert_int_equal(vlapic_mmio_read(&lapic, VLAPIC_TMCCT, 4, 100), 1);

	/* not even a configuration of zeros divides by zero */
	lapic.cfg.min_period_ns = 0;
	lapic.cfg.tick_ns = 0;
	assert_true(vlapic_timer_next(&lapic, 77).period_ns > 0);
}

static void test_timer_tsc_deadline(void **state)
{
	struct vlapic_deadline next, old;

	vlapic_tsc_deadline_write(&lapic, 1000, &fx);
	assert_int_equal(fx.what, 0);
	assert_int_equal(vlapic_tsc_deadline_read(&lapic), 0);

	write_reg(VLAPIC_TDCR, 0xb);
	write_at(VLAPIC_TMICT, 1000, 0);
	write_at(VLAPIC_LVTT, 0x40032, 10);
	assert_int_equal(fx.what, VLAPIC_FX_TIMER);
	assert_int_equal(vlapic_timer_next(&lapic, 10).kind, VLAPIC_DEADLINE_NONE);
	assert_int_equal(read_reg(VLAPIC_TMICT), 0);
	write_at(VLAPIC_TMICT, 1000, 20);
	assert_int_equal(fx.what, 0);
	assert_int_equal(read_reg(VLAPIC_TMICT), 0);

	vlapic_tsc_deadline_write(&lapic, 1000, &fx);
	assert_int_equal(fx.what, VLAPIC_FX_TIMER);
	old = vlapic_timer_next(&lapic, 0);
	assert_int_equal(old.kind, VLAPIC_DEADLINE_TSC);
	assert_int_equal(old.at, 1000);
	assert_int_equal(vlapic_tsc_deadline_read(&lapic), 1000);

	/* the old one fires late: the new one stays armed */
	vlapic_tsc_deadline_write(&lapic, 2000, &fx);
	assert_false(vlapic_timer_fire(&lapic, &old));
	assert_int_equal(vlapic_tsc_deadline_read(&lapic), 2000);
	next = vlapic_timer_next(&lapic, 0);
	assert_true(vlapic_timer_fire(&lapic, &next));
	assert_int_equal(vlapic_tsc_deadline_read(&lapic), 0);
	assert_int_equal(vlapic_ack(&lapic), 0x32);
	assert_false(vlapic_timer_fire(&lapic, &next));

	/* a stale count-down timer does not fire in this mode, and leaving it disarms */
	old = (struct vlapic_deadline){ .kind = VLAPIC_DEADLINE_NS, .at = 5 };
	assert_false(vlapic_timer_fire(&lapic, &old));
	vlapic_tsc_deadline_write(&lapic, 3000, &fx);
	write_reg(VLAPIC_LVTT, 0x32);
	assert_int_equal(vlapic_timer_next(&lapic, 0).kind, VLAPIC_DEADLINE_NONE);
	write_reg(VLAPIC_LVTT, 0x40032);
	assert_int_equal(vlapic_tsc_deadline_read(&lapic), 0);

	/* mode 3 is reserved: silence; not offered: bit 18 does not exist */
	write_reg(VLAPIC_LVTT, 0x60032);
	write_reg(VLAPIC_TMICT, 100);
	assert_int_equal(vlapic_timer_next(&lapic, 0).kind, VLAPIC_DEADLINE_NONE);
	assert_int_equal(read_reg(VLAPIC_TMCCT), 0);
	lapic.cfg.tsc_deadline = false;
	write_reg(VLAPIC_LVTT, 0x40032);
	assert_int_equal(read_reg(VLAPIC_LVTT), 0x32);
}

static void test_state_round_trip(void **state)
{
	struct myhv_state_lapic saved, again;
	u32 value;

	write_reg(VLAPIC_TPR, 0x20);
	write_reg(VLAPIC_LVTT, 0x20031);
	write_reg(VLAPIC_TDCR, 0xb);
	write_at(VLAPIC_TMICT, 1000000, 0);
	vlapic_post(&lapic, 0x55);
	vlapic_ack(&lapic);
	vlapic_accept(&lapic, &(struct apic_msg){ .vector = 0x91, .level = true, .assert = true });
	vlapic_get_state(&lapic, 400000, &saved);
	memcpy(&value, &saved.regs[VLAPIC_TMCCT], 4);
	assert_int_equal(value, 600000);

	memset(&fx, 0, sizeof(fx));
	vlapic_set_state(&other, 7000000, &saved, &fx);
	assert_int_equal(fx.what, VLAPIC_FX_TIMER | VLAPIC_FX_MAP);
	assert_int_equal(vlapic_timer_next(&other, 7000000).at, 7600000);
	assert_int_equal(vlapic_ack(&other), 0x91);
	vlapic_eoi(&other, &fx);
	assert_true(fx.eoi_broadcast);
	vlapic_eoi(&other, &fx);
	assert_int_equal(fx.eoi_vector, 0x55);

	vlapic_set_state(&other, 7000000, &saved, &fx);
	vlapic_get_state(&other, 7000000, &again);
	assert_memory_equal(&saved, &again, sizeof(saved));

	/* a one-shot count that is over stays so */
	write_reg(VLAPIC_LVTT, 0x31);
	vlapic_get_state(&lapic, 5000000, &saved);
	vlapic_set_state(&other, 6000000, &saved, &fx);
	assert_int_equal(vlapic_timer_next(&other, 6000000).kind, VLAPIC_DEADLINE_NONE);
}

static void test_state_hostile(void **state)
{
	struct myhv_state_lapic junk;
	u64 value;

	memset(&junk, 0xff, sizeof(junk));
	vlapic_set_state(&lapic, 1, &junk, &fx);
	assert_int_equal(read_reg(VLAPIC_ISR), 0xffff0000);
	assert_int_equal(read_reg(VLAPIC_VERSION), 0x01050014);
	assert_int_equal(read_reg(VLAPIC_TDCR), 0xb);
	assert_int_equal(read_reg(VLAPIC_LVTERR), 0x100ff);
	assert_int_equal(vlapic_highest_irr(&lapic), 255);
	for (int i = 0; i < 300; i++) {
		vlapic_ack(&lapic);
		vlapic_eoi(&lapic, &fx);
	}
	assert_int_equal(vlapic_highest_irr(&lapic), 255); /* TPR 0xff */

	/* requests that are no vectors stay to be seen, and are never delivered */
	memset(&junk, 0, sizeof(junk));
	memset(&junk.regs[VLAPIC_IRR], 0xff, 2);
	setup(NULL);
	vlapic_set_state(&lapic, 1, &junk, &fx);
	assert_int_equal(read_reg(VLAPIC_IRR), 0xffff);
	write_reg(VLAPIC_SVR, 0x1ff);
	assert_int_equal(vlapic_pending(&lapic), -1);
	assert_int_equal(vlapic_ack(&lapic), -1);
	memset(&junk, 0xff, sizeof(junk));

	setup(NULL);
	enter_x2apic();
	vlapic_set_state(&lapic, 1, &junk, &fx);
	assert_true(vlapic_msr_read(&lapic, 0x802, 0, &value));
	assert_int_equal(value, 3);
	assert_true(vlapic_match_dest(&lapic, 0x8, true));
	memset(&junk, 0, sizeof(junk));
	vlapic_set_state(&lapic, 1, &junk, &fx);
	assert_int_equal(vlapic_pending(&lapic), -1);
}

static void test_small_print(void **state)
{
	struct apic_msg msg = { .vector = 16, .assert = true };
	struct myhv_state_lapic saved;
	u64 value;

	/* the lowest legal vector; a message that is edge clears nobody's TMR but its own */
	assert_int_equal(vlapic_accept(&lapic, &msg), VLAPIC_IRQ);
	assert_int_equal(vlapic_highest_irr(&lapic), 16);
	assert_false(vlapic_post(&lapic, 15));
	/* all LVTs are masked by a software disable, and stay so */
	for (u32 lvt = VLAPIC_LVTT; lvt <= VLAPIC_LVTERR; lvt += 0x10)
		write_reg(lvt, 0);
	write_reg(VLAPIC_SVR, 0xff);
	for (u32 lvt = VLAPIC_LVTT; lvt <= VLAPIC_LVTERR; lvt += 0x10) {
		assert_int_equal(read_reg(lvt), 0x10000);
		write_reg(lvt, 0);
		assert_int_equal(read_reg(lvt), 0x10000);
	}

	/* flags of the ICR that are off stay off; level only counts for INIT */
	setup(NULL);
	write_reg(VLAPIC_ICR, 0x8041);
	assert_false(fx.ipi.logical);
	assert_false(fx.ipi.level);
	assert_true(fx.ipi.assert);

	/* every unknown register is an error, in both directions */
	write_reg(VLAPIC_ESR, 0);
	write_reg(0x040, 1);
	write_reg(VLAPIC_ESR, 0);
	assert_int_equal(read_reg(VLAPIC_ESR), VLAPIC_ESR_ILLEGAL_REGISTER);
	read_reg(0x400);
	write_reg(VLAPIC_ESR, 0);
	assert_int_equal(read_reg(VLAPIC_ESR), VLAPIC_ESR_ILLEGAL_REGISTER);

	/* INIT forgets timer, errors and logical address */
	read_reg(0x400);
	write_reg(VLAPIC_LDR, 0x01000000);
	write_reg(VLAPIC_LVTT, 0x31);
	write_reg(VLAPIC_TMICT, 1000);
	vlapic_post(&lapic, 0x51);
	vlapic_ack(&lapic);
	vlapic_init(&lapic);
	assert_int_equal(vlapic_timer_next(&lapic, 0).kind, VLAPIC_DEADLINE_NONE);
	assert_int_equal(read_reg(VLAPIC_LDR), 0);
	write_reg(VLAPIC_ESR, 0);
	assert_int_equal(read_reg(VLAPIC_ESR), 0);
	write_reg(VLAPIC_EOI, 0);
	assert_int_equal(fx.what, 0);

	/* a mode change while it counts tells the timer */
	write_reg(VLAPIC_SVR, 0x1ff);
	write_reg(VLAPIC_TMICT, 1000000);
	write_reg(VLAPIC_LVTT, 0x20031);
	assert_int_equal(fx.what, VLAPIC_FX_TIMER);
	assert_int_equal(vlapic_timer_next(&lapic, 0).kind, VLAPIC_DEADLINE_NS);
	/* a periodic count of zero in a saved state begins anew */
	vlapic_get_state(&lapic, 0, &saved);
	memset(&saved.regs[VLAPIC_TMCCT], 0, 4);
	vlapic_set_state(&other, 500, &saved, &fx);
	assert_int_equal(vlapic_timer_next(&other, 500).at, 500 + 2000000);

	/* xAPIC address 0xff is a bit mask as any other in flat mode */
	write_reg(VLAPIC_LDR, 0x04000000);
	assert_true(vlapic_match_dest(&lapic, 0xff, true));
	/* a move of the base alone changes no mode and no map */
	memset(&fx, 0, sizeof(fx));
	assert_true(vlapic_base_write(&lapic, 0x10000 | VLAPIC_BASE_EN, &fx));
	assert_int_equal(fx.what, 0);
	assert_int_equal(read_reg(VLAPIC_LDR), 0x04000000);

	/* the high half of the x2APIC's ICR moves with the state */
	enter_x2apic();
	assert_true(wrmsr(VLAPIC_ICR, 0x0000007700000041ULL));
	vlapic_get_state(&lapic, 0, &saved);
	assert_true(wrmsr(VLAPIC_ICR, 0x41));
	vlapic_set_state(&lapic, 0, &saved, &fx);
	assert_true(vlapic_msr_read(&lapic, 0x830, 0, &value));
	assert_true(value == 0x0000007700000041ULL);
}

static void test_random_writes(void **state)
{
	srandom(1);
	for (int i = 0; i < 300000; i++) {
		u32 offset = (u32)random() & 0xfff;
		u64 value = (u64)random() << 33 ^ (u64)random();
		u64 now = (u64)random() << (random() % 33);
		struct vlapic_deadline next;

		memset(&fx, 0, sizeof(fx));
		switch (random() % 8) {
		case 0:
			vlapic_mmio_write(&lapic, offset, 1u << random() % 4, value, now, &fx);
			break;
		case 1:
			vlapic_msr_write(&lapic, 0x800 + (offset >> 4), value, now, &fx);
			break;
		case 2:
			vlapic_base_write(&lapic, value & 0xd00, &fx);
			break;
		case 3:
			vlapic_ack(&lapic);
			break;
		case 4:
			vlapic_mmio_read(&lapic, offset, 1u << random() % 4, now);
			break;
		case 5:
			vlapic_tsc_deadline_write(&lapic, value, &fx);
			break;
		default:
			vlapic_mmio_write(&lapic, offset & ~0xfu, 4,
					  random() % 2 ? value : value & 0x1ff, now, &fx);
		}
		next = vlapic_timer_next(&lapic, now);
		if (next.kind == VLAPIC_DEADLINE_NS && next.period_ns)
			assert_true(next.period_ns >= config.min_period_ns);
		assert_true(vlapic_pending(&lapic) < 256);
	}
}

#define POSTS 200000

static void *poster(void *arg)
{
	u8 vector = (u8)(uintptr_t)arg;

	for (int i = 0; i < POSTS; i++)
		vlapic_post(&lapic, vector);
	return NULL;
}

/* Two CPUs post two vectors of one word while the vCPU takes them: none stays behind. */
static void test_concurrent_posting(void **state)
{
	pthread_t threads[2];
	u32 taken[2] = { 0 };
	int vector;

	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, poster, (void *)(0x81 + i)), 0);
	for (int i = 0; i < POSTS; i++) {
		vector = vlapic_ack(&lapic);
		if (vector < 0)
			continue;
		assert_true(vector == 0x81 || vector == 0x82);
		taken[vector - 0x81]++;
		vlapic_eoi(&lapic, &fx);
	}
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	/* whatever was posted last is visible now */
	while ((vector = vlapic_ack(&lapic)) >= 0) {
		taken[vector - 0x81]++;
		vlapic_eoi(&lapic, &fx);
	}
	assert_true(taken[0] > 0 && taken[1] > 0);
	assert_int_equal(read_reg(VLAPIC_IRR + 0x40), 0);
	assert_false(vlapic_has_irr(&lapic));
}

static bool stop_inits;

static void *init_often(void *arg)
{
	while (!__atomic_load_n(&stop_inits, __ATOMIC_RELAXED))
		vlapic_init(&lapic);
	return NULL;
}

/* The SIPI may come while INIT is still at work: it must find its target, and no other. */
static void test_addressed_during_init(void **state)
{
	unsigned int i, lost = 0, stray = 0;
	pthread_t thread;

	stop_inits = false;
	assert_int_equal(pthread_create(&thread, NULL, init_often, NULL), 0);
	for (i = 0; i < 1000000; i++) {
		lost += !vlapic_match_dest(&lapic, 3, false);
		stray += vlapic_match_dest(&lapic, 0, false);
	}
	__atomic_store_n(&stop_inits, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(lost, 0);
	assert_int_equal(stray, 0);
}

static void test_msi(void **state)
{
	struct apic_msg msg;

	assert_true(apic_msg_from_msi(&msg, 0xfee0300c, 0x4151));
	assert_int_equal(msg.dest, 3);
	assert_int_equal(msg.vector, 0x51);
	assert_int_equal(msg.mode, VAPIC_DM_LOWEST);
	assert_true(msg.logical && msg.redirect && apic_msg_one_target(&msg));
	assert_false(msg.level);
	assert_true(apic_msg_from_msi(&msg, 0xfeeff000, 0x8051));
	assert_int_equal(msg.dest, VAPIC_DEST_BROADCAST);
	assert_true(msg.level && msg.assert);
	assert_true(apic_msg_from_msi(&msg, 0x00012300fee45000, 0xc051));
	assert_int_equal(msg.dest, 0x12345);
	assert_true(msg.level && msg.assert);
	assert_false(apic_msg_one_target(&msg));
	assert_false(apic_msg_from_msi(&msg, 0xfed00000, 0x51));
	assert_false(apic_msg_from_msi(&msg, 0x00000001fee00000, 0x51));
	assert_false(apic_msg_from_msi(&msg, 0xfee00000, 0x351));
	assert_false(apic_msg_from_msi(&msg, 0xfee00000, 0x651));
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_reset_values),
		T(test_init_keeps_mode_and_id),
		T(test_post_ack_eoi),
		T(test_silent_eoi),
		T(test_every_vector),
		T(test_task_priority),
		T(test_accept_fixed),
		T(test_accept_other_modes),
		T(test_errors),
		T(test_access_sizes),
		T(test_svr_disable_masks_lvts),
		T(test_lvt_fire),
		T(test_match_physical),
		T(test_match_logical),
		T(test_match_logical_x2apic),
		T(test_icr),
		T(test_x2apic_registers),
		T(test_base_transitions),
		T(test_timer_oneshot),
		T(test_timer_divider),
		T(test_timer_periodic),
		T(test_timer_tsc_deadline),
		T(test_state_round_trip),
		T(test_state_hostile),
		T(test_small_print),
		T(test_random_writes),
		T(test_concurrent_posting),
		T(test_addressed_during_init),
		T(test_msi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
