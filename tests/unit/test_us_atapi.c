// SPDX-License-Identifier: GPL-2.0-or-later
/* The CD-ROM drive: packets by PIO and DMA, sense, the tray, other discs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dev/atapi.h"
#include "ide_bench.h"

#define READY (ATA_DRDY | ATA_DSC)
#define SECTORS (BENCH_SECTORS / 4)
#define TABLE 0x1000
#define AREA 0x10000

static uint8_t data[65536];

/* Send a packet; features bit 0 asks for DMA. */
static void packet(struct bench *b, const uint8_t *bytes, unsigned int limit, bool dma)
{
	bench_out(b, 6, 0xa0);
	bench_out(b, 1, dma);
	bench_out(b, 4, limit);
	bench_out(b, 5, limit >> 8);
	bench_out(b, 7, 0xa0);
	assert_int_equal(bench_in(b, 7) & (ATA_BSY | ATA_DRQ), ATA_DRQ);
	assert_int_equal(bench_in(b, 2), ATAPI_COMMAND);
	bench_write_data(b, bytes, 12);
}

/* Take all windows by PIO; the number of bytes. */
static unsigned int take(struct bench *b)
{
	unsigned int got = 0;

	while (bench_alt(b) & ATA_DRQ) {
		unsigned int bytes = bench_in(b, 4) | bench_in(b, 5) << 8;

		assert_int_equal(bench_in(b, 2), ATAPI_TO_HOST);
		assert_true(b->irq.asserted);
		bench_in(b, 7);
		assert_true(got + bytes + 1 <= sizeof(data));
		bench_read_data(b, data + got, bytes + bytes % 2);
		got += bytes;
	}
	assert_int_equal(bench_in(b, 2), ATAPI_COMMAND | ATAPI_TO_HOST);
	return got;
}

static unsigned int ask(struct bench *b, const uint8_t *bytes)
{
	packet(b, bytes, 0xfffe, false);
	return take(b);
}

static void assert_sense(struct bench *b, uint8_t key, uint8_t code, uint8_t qualifier)
{
	static const uint8_t request_sense[12] = { 0x03, 0, 0, 0, 18 };

	assert_int_equal(bench_in(b, 7), ATA_DRDY | ATA_ERR);
	assert_int_equal(bench_in(b, 1), key << 4 | ATA_ABRT);
	assert_int_equal(ask(b, request_sense), 18);
	assert_int_equal(data[2], key);
	assert_int_equal(data[12], code);
	assert_int_equal(data[13], qualifier);
}

static const uint8_t test_unit_ready[12] = { 0x00 };

static void test_signature(void **state)
{
	struct bench b;

	bench_up(&b, IDE_CDROM);
	bench_control(&b, ATA_SRST);
	bench_control(&b, 0);
	assert_int_equal(bench_in(&b, 7), 0);
	assert_int_equal(bench_in(&b, 4), 0x14);
	assert_int_equal(bench_in(&b, 5), 0xeb);
	/* IDENTIFY DEVICE says "look again", IDENTIFY PACKET DEVICE answers */
	bench_out(&b, 4, 0);
	bench_out(&b, 7, 0xec);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);
	assert_int_equal(bench_in(&b, 4), 0x14);
	bench_out(&b, 7, 0xa1);
	bench_read_data(&b, data, 512);
	assert_int_equal(data[1] << 8 | data[0], 0x85c0);
	assert_int_equal(bench_in(&b, 7), READY);
	/* a disk's commands are none of its */
	bench_command(&b, 0, 1, 0xc8);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);
	/* DEVICE RESET works at any time, and raises no interrupt */
	bench_out(&b, 7, 0xa0);
	bench_out(&b, 7, 0x08);
	assert_int_equal(bench_in(&b, 7), 0);
	assert_int_equal(bench_in(&b, 1), 1);
	bench_down(&b);
}

static void test_queries(void **state)
{
	static const uint8_t inquiry[12] = { 0x12, 0, 0, 0, 36 };
	static const uint8_t short_inquiry[12] = { 0x12, 0, 0, 0, 5 };
	static const uint8_t capacity[12] = { 0x25 };
	static const uint8_t toc[12] = { 0x43, 2, 0, 0, 0, 0, 0, 0, 100 };
	static const uint8_t configuration[12] = { 0x46, 0, 0, 0, 0, 0, 0, 0, 200 };
	static const uint8_t mode[12] = { 0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 200 };
	static const uint8_t bad_mode[12] = { 0x5a, 0, 0x11, 0, 0, 0, 0, 0, 200 };
	static const uint8_t unknown[12] = { 0xee };
	struct bench b;

	bench_up(&b, IDE_CDROM);
	assert_int_equal(ask(&b, inquiry), 36);
	assert_int_equal(data[0], 5);
	assert_int_equal(data[1], 0x80);
	assert_memory_equal(data + 8, "MYHV    ", 8);
	assert_int_equal(ask(&b, short_inquiry), 5);
	assert_int_equal(ask(&b, capacity), 8);
	assert_int_equal(data[2] << 8 | data[3], SECTORS - 1);
	assert_int_equal(data[6] << 8 | data[7], 2048);
	/* one track from 00:02:00, the lead-out behind the last sector */
	assert_int_equal(ask(&b, toc), 20);
	assert_int_equal(data[6], 1);
	assert_int_equal(data[10], 2);
	assert_int_equal(data[14], 0xaa);
	assert_int_equal((data[17] * 60 + data[18]) * 75 + data[19], SECTORS + 150);
	assert_int_equal(ask(&b, configuration), 40);
	assert_int_equal(data[7], 0x08);
	assert_int_equal(ask(&b, mode), 28);
	assert_int_equal(data[8], 0x2a);
	ask(&b, bad_mode);
	assert_sense(&b, 5, 0x24, 0);
	ask(&b, unknown);
	assert_sense(&b, 5, 0x20, 0);
	/* sense is gone once a command went well */
	ask(&b, test_unit_ready);
	assert_int_equal(bench_in(&b, 7), READY);
	bench_down(&b);
}

static void test_read(void **state)
{
	static const uint8_t read[12] = { 0x28, 0, 0, 0, 0, 10, 0, 0, 3 };
	static const uint8_t read12[12] = { 0xa8, 0, 0, 0, 0, 10, 0, 0, 0, 40 };
	static const uint8_t nothing[12] = { 0x28, 0, 0, 0, 0, 10 };
	static const uint8_t beyond[12] = { 0x28, 0, 0, 0, 0x03, 0xff, 0, 0, 2 };
	static const uint8_t far[12] = { 0xa8, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct bench b;

	bench_up(&b, IDE_CDROM);
	/* the limit cuts the data into windows; it need not be a sector */
	packet(&b, read, 1000, false);
	assert_int_equal(bench_in(&b, 4) | bench_in(&b, 5) << 8, 1000);
	assert_int_equal(take(&b), 3 * 2048);
	assert_memory_equal(data, b.disk + 10 * 2048, 3 * 2048);
	assert_int_equal(b.irq.raised, 8);
	/* a limit of 0 is as much as can be */
	packet(&b, read, 0, false);
	assert_int_equal(take(&b), 3 * 2048);
	ask(&b, nothing);
	assert_int_equal(bench_in(&b, 7), READY);
	ask(&b, beyond);
	assert_sense(&b, 5, 0x21, 0);
	ask(&b, far);
	assert_sense(&b, 5, 0x21, 0);

	bench_prd(&b, TABLE, 0, AREA, 2048, false);
	bench_prd(&b, TABLE, 1, AREA + 2048, 39 * 2048 & 0xffff, true);
	packet(&b, read12, 0, true);
	assert_int_equal(bench_alt(&b) & ATA_DRQ, ATA_DRQ);
	bench_start_dma(&b, TABLE, true);
	/* 39 sectors are more than an entry can name */
	assert_int_equal(bench_bm_status(&b) & BM_ACTIVE, 0);
	bench_bm(&b, 0, 1, 0);
	bench_prd(&b, TABLE, 0, AREA, 0, false);
	bench_prd(&b, TABLE, 1, AREA + 65536, 0, true);
	bench_start_dma(&b, TABLE, true);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(bench_in(&b, 2), ATAPI_COMMAND | ATAPI_TO_HOST);
	bench_bm(&b, 0, 1, 0);

	b.fail_with = -EIO;
	ask(&b, read);
	b.fail_with = 0;
	assert_sense(&b, 3, 0x11, 0);
	bench_down(&b);
}

static void test_small_dma(void **state)
{
	static const uint8_t capacity[12] = { 0x25 };
	struct bench b;

	bench_up(&b, IDE_CDROM);
	bench_prd(&b, TABLE, 0, AREA, 4, false);
	bench_prd(&b, TABLE, 1, AREA + 100, 4, true);
	packet(&b, capacity, 0, true);
	bench_start_dma(&b, TABLE, true);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(b.ram.host[AREA + 3], (SECTORS - 1) & 0xff);
	assert_int_equal(b.ram.host[AREA + 102], 2048 >> 8);
	assert_int_equal(bench_bm_status(&b) & BM_ACTIVE, 0);
	bench_down(&b);
}

static void test_tray(void **state)
{
	static const uint8_t lock[12] = { 0x1e, 0, 0, 0, 1 }, unlock[12] = { 0x1e };
	static const uint8_t eject[12] = { 0x1b, 0, 0, 0, 2 }, load[12] = { 0x1b, 0, 0, 0, 3 };
	static const uint8_t event[12] = { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 };
	struct ide_drive *drive;
	struct bench b;

	bench_up(&b, IDE_CDROM);
	drive = &b.channel.drive[0];
	ask(&b, lock);
	assert_true(atapi_is_locked(drive));
	ask(&b, eject);
	assert_sense(&b, 5, 0x53, 2);
	atapi_request_eject(drive);
	assert_int_equal(ask(&b, event), 8);
	assert_int_equal(data[4], 1);
	ask(&b, event);
	assert_int_equal(data[4], 0);
	ask(&b, unlock);
	ask(&b, eject);
	assert_true(atapi_tray_is_open(drive));
	ask(&b, test_unit_ready);
	assert_sense(&b, 2, 0x3a, 2);
	/* in again: the first command hears of it, the next works */
	ask(&b, load);
	ask(&b, test_unit_ready);
	assert_sense(&b, 6, 0x28, 0);
	ask(&b, test_unit_ready);
	assert_int_equal(bench_in(&b, 7), READY);

	/* the user takes it out, and puts it in */
	assert_ptr_equal(atapi_change(drive, NULL, true), &b.block);
	ask(&b, test_unit_ready);
	assert_sense(&b, 2, 0x3a, 2);
	assert_int_equal(ask(&b, event), 8);
	assert_int_equal(data[4], 3);
	assert_int_equal(data[5], 1);
	assert_null(atapi_change(drive, &b.block, false));
	assert_int_equal(ask(&b, event), 8);
	assert_int_equal(data[4], 2);
	assert_int_equal(data[5], 2);
	ask(&b, test_unit_ready);
	assert_sense(&b, 6, 0x28, 0);
	ask(&b, test_unit_ready);
	assert_int_equal(bench_in(&b, 7), READY);

	/* while a read has stopped for an error: it is given up */
	b.block.on_read_error = BLOCK_STOP;
	b.fail_with = -EIO;
	static const uint8_t read[12] = { 0x28, 0, 0, 0, 0, 10, 0, 0, 3 };

	packet(&b, read, 0, false);
	assert_int_equal(bench_alt(&b), ATA_BSY);
	assert_ptr_equal(atapi_change(drive, NULL, true), &b.block);
	assert_sense(&b, 3, 0x11, 0);
	bench_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature), cmocka_unit_test(test_queries),
		cmocka_unit_test(test_read),	  cmocka_unit_test(test_small_dma),
		cmocka_unit_test(test_tray),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
