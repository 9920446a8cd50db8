// SPDX-License-Identifier: GPL-2.0-or-later
/* The bus master: PRD tables that are right, short, long, crooked, or nowhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ide_bench.h"

#define READY (ATA_DRDY | ATA_DSC)
#define TABLE 0x1000
#define AREA 0x10000

static const uint8_t *sector(struct bench *b, unsigned int number)
{
	return b->disk + number * BLOCK_SECTOR;
}

static void test_read_write(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	bench_prd(&b, TABLE, 0, AREA, 512, false);
	bench_prd(&b, TABLE, 1, AREA + 4096, 3 * 512, true);
	bench_command(&b, 10, 4, 0xc8);
	/* the drive waits for the bus master */
	assert_int_equal(bench_alt(&b), READY | ATA_DRQ);
	assert_int_equal(b.requests, 0);
	bench_start_dma(&b, TABLE, true);
	assert_true(b.irq.asserted);
	assert_int_equal(bench_bm_status(&b), BM_CAPABLE | BM_IRQ);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_false(b.irq.asserted);
	/* the bus master's own bit stays until it is cleared */
	assert_int_equal(bench_bm_status(&b), BM_CAPABLE | BM_IRQ);
	bench_bm(&b, 2, 1, BM_IRQ | BM_CAPABLE);
	assert_int_equal(bench_bm_status(&b), BM_CAPABLE);
	assert_memory_equal(b.ram.host + AREA, sector(&b, 10), 512);
	assert_memory_equal(b.ram.host + AREA + 4096, sector(&b, 11), 3 * 512);
	assert_int_equal(b.ram.host[AREA + 512], 0);
	assert_int_equal(b.requests, 1);
	bench_bm(&b, 0, 1, 0);

	/* started before the command; 64 KiB written as "0", 48 bits, FUA */
	for (unsigned int i = 0; i < 65536; i++)
		b.ram.host[AREA + i] = i * 5;
	bench_prd(&b, TABLE, 0, AREA, 0, true);
	bench_start_dma(&b, TABLE, false);
	assert_int_equal(bench_bm_status(&b) & BM_ACTIVE, BM_ACTIVE);
	bench_command_ext(&b, 300, 128, 0x3d);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_memory_equal(b.ram.host + AREA, sector(&b, 300), 65536);
	assert_int_equal(b.durable_writes, 1);
	bench_down(&b);
}

/* Pieces that cut sectors, two bytes at the least: far more of them than one request takes. */
static void test_crooked(void **state)
{
	struct bench b;
	unsigned int count = 0, at = 0;

	bench_up(&b, IDE_DISK);
	while (at < 16 * 512) {
		unsigned int bytes = at < 6 * 512 ? 2 : 2 * (1 + count % 300);

		if (bytes > 16 * 512 - at)
			bytes = 16 * 512 - at;
		bench_prd(&b, TABLE, count++, AREA + at, bytes, at + bytes == 16 * 512);
		at += bytes;
	}
	assert_true(count > 2 * BLOCK_IOV_MAX);
	bench_command(&b, 40, 16, 0xc8);
	bench_start_dma(&b, TABLE, true);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_memory_equal(b.ram.host + AREA, sector(&b, 40), 16 * 512);
	assert_true(b.requests > 2);
	assert_int_equal(bench_bm_status(&b) & (BM_ACTIVE | BM_ERROR), 0);

	bench_bm(&b, 0, 1, 0);
	for (unsigned int i = 0; i < 16 * 512; i++)
		b.ram.host[AREA + i] = i * 11;
	bench_command(&b, 80, 16, 0xca);
	bench_start_dma(&b, TABLE, false);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_memory_equal(b.ram.host + AREA, sector(&b, 80), 16 * 512);
	bench_down(&b);
}

static void test_short_and_long(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	/* too short: no interrupt, not active, and the drive still wants the rest */
	bench_prd(&b, TABLE, 0, AREA, 1024 + 200, true);
	bench_command(&b, 10, 4, 0xc8);
	bench_start_dma(&b, TABLE, true);
	assert_false(b.irq.asserted);
	assert_int_equal(bench_bm_status(&b), BM_CAPABLE);
	assert_int_equal(bench_alt(&b), READY | ATA_DRQ);
	assert_memory_equal(b.ram.host + AREA, sector(&b, 10), 1024);
	bench_bm(&b, 0, 1, 0);
	bench_prd(&b, TABLE, 0, AREA, 1024, true);
	bench_start_dma(&b, TABLE, true);
	assert_true(b.irq.asserted);
	assert_memory_equal(b.ram.host + AREA, sector(&b, 12), 1024);
	bench_bm(&b, 0, 1, 0);
	bench_in(&b, 7);

	/* too long: an interrupt, and still active */
	bench_prd(&b, TABLE, 0, AREA, 4096, true);
	bench_command(&b, 10, 1, 0xc8);
	bench_start_dma(&b, TABLE, true);
	assert_true(b.irq.asserted);
	assert_int_equal(bench_bm_status(&b), BM_CAPABLE | BM_IRQ | BM_ACTIVE);
	bench_bm(&b, 0, 1, 0);
	assert_int_equal(bench_bm_status(&b), BM_CAPABLE | BM_IRQ);
	bench_down(&b);
}

static void test_hostile(void **state)
{
	uint8_t before[512];
	struct bench b;

	bench_up(&b, IDE_DISK);
	/* a table that is nowhere */
	bench_command(&b, 10, 1, 0xc8);
	bench_start_dma(&b, 0xfffffff0, true);
	assert_int_equal(bench_bm_status(&b) & (BM_ACTIVE | BM_ERROR), BM_ERROR);
	assert_false(b.irq.asserted);
	bench_bm(&b, 0, 1, 0);

	/* a table at the very end of memory, without an end */
	bench_prd(&b, BENCH_RAM - 8, 0, AREA, 512, false);
	bench_command(&b, 10, 2, 0xc8);
	bench_start_dma(&b, BENCH_RAM - 8, true);
	assert_int_equal(bench_bm_status(&b) & (BM_ACTIVE | BM_ERROR), BM_ERROR);
	bench_bm(&b, 0, 1, 0);

	/* pieces that are no memory, or only in part: read into the void, written as anything */
	memcpy(before, b.ram.host + BENCH_RAM - 512, 512);
	bench_prd(&b, TABLE, 0, 0xe0000000, 512, false);
	bench_prd(&b, TABLE, 1, BENCH_RAM - 256, 512, false);
	bench_prd(&b, TABLE, 2, 0xfffffe00, 512, true);
	bench_command(&b, 10, 3, 0xc8);
	bench_start_dma(&b, TABLE, true);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_memory_equal(b.ram.host + BENCH_RAM - 512, before, 512);
	bench_bm(&b, 0, 1, 0);
	bench_command(&b, 10, 3, 0xca);
	bench_start_dma(&b, TABLE, false);
	assert_int_equal(bench_in(&b, 7), READY);
	bench_bm(&b, 0, 1, 0);

	/* a table that only ever holds two bytes: it ends after the most entries there can be */
	for (unsigned int i = 0; i < 20000; i++)
		bench_prd(&b, 0x20000, i, AREA, 2, false);
	bench_command(&b, 0, 0, 0xc8);
	bench_start_dma(&b, 0x20000, true);
	assert_int_equal(bench_bm_status(&b) & BM_ACTIVE, 0);
	assert_true(b.requests < 100);
	bench_bm(&b, 0, 1, 0);

	/* a guest that overwrites its table by the very transfer */
	bench_prd(&b, TABLE, 0, TABLE, 512, false);
	bench_prd(&b, TABLE, 1, AREA, 512, true);
	bench_command(&b, 10, 2, 0xc8);
	bench_start_dma(&b, TABLE, true);
	bench_bm(&b, 0, 1, 0);
	bench_control(&b, ATA_SRST);
	bench_control(&b, 0);
	assert_int_equal(bench_in(&b, 7), READY);
	bench_down(&b);
}

static bool no_mastering(void *context)
{
	return false;
}

static void test_stop_and_reset(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	/* stopped in flight: the request ends, the rest waits */
	b.hold = true;
	bench_prd(&b, TABLE, 0, AREA, 512, true);
	bench_command(&b, 10, 1, 0xc8);
	bench_start_dma(&b, TABLE, true);
	assert_int_equal(bench_alt(&b), ATA_BSY);
	bench_bm(&b, 0, 1, 0);
	assert_int_equal(bench_bm_status(&b) & BM_ACTIVE, 0);
	bench_pump(&b);
	assert_int_equal(bench_in(&b, 7), READY);

	/* reset in flight: what is read must not come after the reset is over */
	bench_command(&b, 10, 1, 0xc8);
	bench_start_dma(&b, TABLE, true);
	bench_control(&b, ATA_SRST);
	bench_pump(&b);
	assert_int_equal(bench_alt(&b), ATA_BSY);
	bench_control(&b, 0);
	assert_int_equal(bench_alt(&b), READY);
	assert_false(b.irq.asserted);
	b.hold = false;

	/* bus mastering switched off in the PCI command register */
	b.channel.may_master = no_mastering;
	bench_command(&b, 10, 1, 0xc8);
	bench_start_dma(&b, TABLE, true);
	assert_int_equal(bench_alt(&b), READY | ATA_DRQ);
	assert_false(b.irq.asserted);
	bench_down(&b);
}

static void test_trim(void **state)
{
	struct bench b;
	uint64_t *ranges;

	bench_up(&b, IDE_DISK);
	ranges = (uint64_t *)(b.ram.host + AREA);
	bench_prd(&b, TABLE, 0, AREA, 512, true);
	ranges[0] = 100 | 8ULL << 48;
	ranges[3] = 200 | 16ULL << 48;
	bench_out(&b, 1, 1);
	bench_command(&b, 0, 1, 0x06);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);

	b.block.discards = true;
	bench_out(&b, 1, 1);
	bench_command_ext(&b, 0, 1, 0x06);
	bench_start_dma(&b, TABLE, false);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(b.discarded, 24 * 512);

	bench_bm(&b, 0, 1, 0);
	ranges[1] = BENCH_SECTORS | 1ULL << 48;
	bench_out(&b, 1, 1);
	bench_command_ext(&b, 0, 1, 0x06);
	bench_start_dma(&b, TABLE, false);
	assert_int_equal(bench_in(&b, 1), ATA_IDNF);
	bench_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_write),     cmocka_unit_test(test_crooked),
		cmocka_unit_test(test_short_and_long), cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_stop_and_reset), cmocka_unit_test(test_trim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
