// SPDX-License-Identifier: GPL-2.0-or-later
/* The IDE disk by its registers: selection, PIO, settings, resets, errors. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ide_bench.h"

#define READY (ATA_DRDY | ATA_DSC)

static uint8_t data[128 * 1024];

static const uint8_t *sector(struct bench *b, unsigned int number)
{
	return b->disk + number * BLOCK_SECTOR;
}

static uint16_t word(const uint8_t *identify, unsigned int number)
{
	return identify[2 * number] | identify[2 * number + 1] << 8;
}

static void test_presence(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	/* as firmware looks for it */
	bench_out(&b, 6, 0xa0);
	bench_out(&b, 2, 0x55);
	bench_out(&b, 3, 0xaa);
	assert_int_equal(bench_in(&b, 2), 0x55);
	assert_int_equal(bench_in(&b, 3), 0xaa);
	assert_int_equal(bench_in(&b, 7), READY);

	/* the other one is not there: zeros, and commands lead to nothing */
	bench_out(&b, 6, 0xb0);
	assert_int_equal(bench_in(&b, 2), 0);
	assert_int_equal(bench_in(&b, 7), 0);
	assert_int_equal(bench_alt(&b), 0);
	bench_out(&b, 7, 0xec);
	assert_int_equal(bench_in(&b, 7), 0);
	assert_int_equal(b.irq.raised, 0);
	bench_read_data(&b, data, 2);
	assert_int_equal(data[0], 0xff);

	/* what was written meanwhile reached both */
	bench_out(&b, 2, 0x12);
	bench_out(&b, 6, 0xa0);
	assert_int_equal(bench_in(&b, 2), 0x12);
	bench_down(&b);

	bench_up(&b, IDE_NONE);
	bench_out(&b, 2, 0x55);
	assert_int_equal(bench_in(&b, 2), 0);
	bench_out(&b, 7, 0x90);
	assert_int_equal(bench_in(&b, 7), 0);
	bench_down(&b);
}

static void test_identify(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	bench_command(&b, 0, 0, 0xec);
	assert_true(b.irq.asserted);
	assert_int_equal(bench_alt(&b), READY | ATA_DRQ);
	assert_true(b.irq.asserted);
	assert_int_equal(bench_in(&b, 7), READY | ATA_DRQ);
	assert_false(b.irq.asserted);
	bench_read_data(&b, data, 512);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(b.irq.raised, 1);

	assert_memory_equal(data + 54, "YMVHH RADDSI K  ", 16);
	assert_int_equal(word(data, 60) | word(data, 61) << 16, BENCH_SECTORS);
	assert_int_equal(word(data, 100), BENCH_SECTORS);
	assert_int_equal(word(data, 83) & 0xc400, 0x4400);
	assert_int_equal(word(data, 85) & 0x20, 0x20);
	assert_int_equal(word(data, 88), 0x203f);
	assert_int_equal(word(data, 1), BENCH_SECTORS / 16 / 63);
	/* no more data than that */
	bench_read_data(&b, data, 2);
	assert_int_equal(data[1], 0xff);

	/* it grows while the guest runs */
	b.block.bytes = 2 * BENCH_SECTORS * BLOCK_SECTOR;
	ide_disk_grow(&b.channel.drive[0]);
	bench_command(&b, 0, 0, 0xec);
	bench_read_data(&b, data, 512);
	assert_int_equal(word(data, 100), 2 * BENCH_SECTORS);

	/* a big disk: 28 bits hold what they can */
	b.block.bytes = 3ULL << 40;
	ide_channel_reset(&b.channel);
	bench_command(&b, 0, 0, 0xec);
	bench_read_data(&b, data, 512);
	assert_int_equal(word(data, 60), 0xffff);
	assert_int_equal(word(data, 61), 0x0fff);
	assert_int_equal(word(data, 102), 1);
	assert_int_equal(word(data, 1), 16383);
	b.block.bytes = BENCH_SECTORS * BLOCK_SECTOR;
	bench_down(&b);
}

static void test_read_pio(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	/* a DRQ and an interrupt for each sector */
	bench_command(&b, 5, 3, 0x20);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(b.irq.raised, 1 + i);
		assert_int_equal(bench_in(&b, 7), READY | ATA_DRQ);
		bench_read_data(&b, data, 512);
		assert_memory_equal(data, sector(&b, 5 + i), 512);
	}
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(b.irq.raised, 3);
	assert_int_equal(b.requests, 1);

	/* count 0 is 256: more than the buffer holds; READ MULTIPLE takes 16 at a time */
	bench_out(&b, 2, 16);
	bench_out(&b, 7, 0xc6);
	b.irq.raised = 0;
	bench_in(&b, 7);
	bench_command(&b, 1000, 0, 0xc4);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(bench_in(&b, 7), READY | ATA_DRQ);
		bench_read_data(&b, data + i * 8192, 8192);
	}
	assert_memory_equal(data, sector(&b, 1000), 256 * 512);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(b.irq.raised, 16);

	/* 48 bits, and 32 at once through the data register */
	bench_command_ext(&b, BENCH_SECTORS - 2, 2, 0x24);
	bench_in(&b, 7);
	for (int i = 0; i < 256; i++) {
		uint32_t value = ide_read(&b.channel, 0, 4);

		memcpy(data + 4 * i, &value, 4);
	}
	assert_memory_equal(data, sector(&b, BENCH_SECTORS - 2), 1024);

	/* cylinder, head, sector: 16 heads of 63 sectors */
	bench_out(&b, 2, 1);
	bench_out(&b, 3, 5);
	bench_out(&b, 4, 1);
	bench_out(&b, 5, 0);
	bench_out(&b, 6, 0xa2);
	bench_out(&b, 7, 0x20);
	bench_read_data(&b, data, 512);
	assert_memory_equal(data, sector(&b, (1 * 16 + 2) * 63 + 4), 512);
	bench_out(&b, 3, 0); /* there is no sector 0 */
	bench_out(&b, 7, 0x20);
	assert_int_equal(bench_in(&b, 7), READY | ATA_ERR);
	bench_down(&b);
}

static void test_write_pio(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	memset(data, 0xab, sizeof(data));
	bench_command(&b, 100, 2, 0x30);
	/* the first window has no interrupt */
	assert_int_equal(b.irq.raised, 0);
	assert_int_equal(bench_in(&b, 7), READY | ATA_DRQ);
	bench_write_data(&b, data, 512);
	assert_int_equal(b.irq.raised, 1);
	assert_int_equal(b.requests, 0);
	bench_in(&b, 7);
	bench_write_data(&b, data, 512);
	assert_int_equal(b.irq.raised, 2);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_memory_equal(sector(&b, 100), data, 1024);
	assert_int_not_equal(sector(&b, 102)[0], 0xab);
	assert_int_equal(b.durable_writes, 0);
	assert_int_equal(b.requests, 1);

	/* 200 sectors: more than the buffer */
	for (unsigned int i = 0; i < 200 * 512; i++)
		data[i] = i * 3 + i / 512;
	bench_command_ext(&b, 200, 200, 0x39);
	for (unsigned int at = 0; at < 200 * 512;) {
		unsigned int bytes = 200 * 512 - at < 8192 ? 200 * 512 - at : 8192;

		assert_int_equal(bench_in(&b, 7), READY | ATA_DRQ);
		bench_write_data(&b, data + at, bytes);
		at += bytes;
	}
	assert_int_equal(bench_in(&b, 7), READY);
	assert_memory_equal(sector(&b, 200), data, 200 * 512);

	/* with the cache off, writes are durable; switching it off flushes */
	bench_out(&b, 1, 0x82);
	bench_out(&b, 7, 0xef);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(b.flushes, 1);
	bench_command(&b, 1, 1, 0x30);
	bench_write_data(&b, data, 512);
	assert_int_equal(b.durable_writes, 1);
	bench_command(&b, 0, 0, 0xe7);
	assert_int_equal(b.flushes, 2);
	bench_down(&b);
}

static void test_refusals(void **state)
{
	static const uint8_t unknown[] = { 0x00, 0x08, 0xa0, 0xa1, 0xff, 0xf5, 0x06 };
	struct bench b;

	bench_up(&b, IDE_DISK);
	for (unsigned int i = 0; i < sizeof(unknown); i++) {
		bench_command(&b, 0, 1, unknown[i]);
		assert_int_equal(bench_in(&b, 7), READY | ATA_ERR);
		assert_int_equal(bench_in(&b, 1), ATA_ABRT);
	}
	/* past the end, and over it */
	bench_command(&b, BENCH_SECTORS, 1, 0x20);
	assert_int_equal(bench_in(&b, 1), ATA_IDNF);
	bench_command(&b, BENCH_SECTORS - 1, 2, 0x30);
	assert_int_equal(bench_in(&b, 1), ATA_IDNF);
	bench_command_ext(&b, 0xffffffffffffULL, 0, 0x25);
	assert_int_equal(bench_in(&b, 1), ATA_IDNF);
	bench_command(&b, BENCH_SECTORS - 1, 2, 0x40);
	assert_int_equal(bench_in(&b, 1), ATA_IDNF);
	bench_command(&b, BENCH_SECTORS - 1, 1, 0x40);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(b.requests, 0);

	/* 3 sectors at a time do not exist; without any, READ MULTIPLE does not work */
	bench_command(&b, 0, 3, 0xc6);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);
	bench_command(&b, 0, 0, 0xc6);
	assert_int_equal(bench_in(&b, 7), READY);
	bench_command(&b, 0, 1, 0xc4);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);

	/* modes: UDMA 5 exists, UDMA 7 and PIO 5 do not */
	bench_out(&b, 1, 0x03);
	bench_command(&b, 0, 0x45, 0xef);
	assert_int_equal(bench_in(&b, 7), READY);
	bench_command(&b, 0, 0x47, 0xef);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);
	bench_out(&b, 1, 0x03);
	bench_command(&b, 0, 0x0d, 0xef);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);
	bench_down(&b);
}

static void test_settings(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	bench_command(&b, 0, 0, 0xe5);
	assert_int_equal(bench_in(&b, 2), 0xff);
	bench_command_ext(&b, 0, 0, 0x27);
	assert_int_equal(bench_in(&b, 3), (BENCH_SECTORS - 1) & 0xff);
	assert_int_equal(bench_in(&b, 4), (BENCH_SECTORS - 1) >> 8);

	/* SMART: only when meant, and not when switched off */
	bench_out(&b, 1, 0xda);
	bench_command(&b, 0x000000, 0, 0xb0);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);
	bench_out(&b, 1, 0xda);
	bench_command(&b, 0xc24f00, 0, 0xb0);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(bench_in(&b, 4), 0x4f);
	bench_out(&b, 1, 0xd0);
	bench_command(&b, 0xc24f00, 0, 0xb0);
	bench_read_data(&b, data, 512);
	uint8_t sum = 0;

	for (int i = 0; i < 512; i++)
		sum += data[i];
	assert_int_equal(sum, 0);
	bench_out(&b, 1, 0xd9);
	bench_command(&b, 0xc24f00, 0, 0xb0);
	bench_out(&b, 1, 0xda);
	bench_command(&b, 0xc24f00, 0, 0xb0);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);

	/* HOB shows what was written before; the next write ends it */
	bench_out(&b, 3, 0x11);
	bench_out(&b, 3, 0x22);
	assert_int_equal(bench_in(&b, 3), 0x22);
	bench_control(&b, ATA_HOB);
	assert_int_equal(bench_in(&b, 3), 0x11);
	bench_out(&b, 4, 0);
	assert_int_equal(bench_in(&b, 3), 0x22);
	bench_down(&b);
}

static void test_irq_off(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	bench_control(&b, ATA_NIEN);
	bench_command(&b, 0, 1, 0x40);
	assert_int_equal(b.irq.raised, 0);
	/* it is only held back */
	bench_control(&b, 0);
	assert_true(b.irq.asserted);
	/* and it is the selected drive's */
	bench_out(&b, 6, 0xb0);
	assert_false(b.irq.asserted);
	bench_out(&b, 6, 0xa0);
	assert_true(b.irq.asserted);
	bench_in(&b, 7);
	assert_false(b.irq.asserted);
	bench_down(&b);
}

static void test_resets(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	bench_command(&b, 7, 5, 0x20);
	bench_control(&b, ATA_SRST);
	assert_int_equal(bench_alt(&b), ATA_BSY);
	assert_false(b.irq.asserted);
	bench_out(&b, 7, 0xec); /* nobody listens */
	bench_control(&b, 0);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(bench_in(&b, 1), 1);
	assert_int_equal(bench_in(&b, 2), 1);
	assert_int_equal(bench_in(&b, 3), 1);
	assert_int_equal(bench_in(&b, 4), 0);

	/* with a request in flight the drive stays busy until that has ended, unheard */
	b.hold = true;
	bench_command(&b, 7, 1, 0x20);
	assert_int_equal(bench_in(&b, 7), ATA_BSY);
	bench_out(&b, 3, 0x99);
	bench_out(&b, 7, 0xec);
	assert_int_equal(bench_in(&b, 7), ATA_BSY);
	bench_control(&b, ATA_SRST);
	bench_control(&b, 0);
	assert_int_equal(bench_in(&b, 7), ATA_BSY);
	bench_pump(&b);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_int_equal(bench_in(&b, 3), 1);
	assert_false(b.irq.asserted);
	b.hold = false;

	/* EXECUTE DEVICE DIAGNOSTIC selects drive 0 */
	bench_out(&b, 6, 0xb0);
	bench_out(&b, 7, 0x90);
	assert_int_equal(bench_in(&b, 1), 1);
	assert_int_equal(bench_in(&b, 6) & 0x10, 0);
	assert_true(b.irq.asserted);

	/* a command in the midst of a transfer ends that */
	bench_command(&b, 7, 5, 0x20);
	bench_read_data(&b, data, 100);
	bench_command(&b, 9, 1, 0x20);
	bench_read_data(&b, data, 512);
	assert_memory_equal(data, sector(&b, 9), 512);
	assert_int_equal(bench_in(&b, 7), READY);
	bench_down(&b);
}

static unsigned int stops;

static void failed(void *context, const struct block_failure *failure)
{
	stops += failure->action == BLOCK_STOP;
}

static void test_errors(void **state)
{
	struct bench b;

	bench_up(&b, IDE_DISK);
	b.layer.failed = failed;
	b.layer.blocks = &b.block;
	b.fail_with = -EIO;
	bench_command(&b, 0x123, 4, 0x20);
	assert_int_equal(bench_in(&b, 7), READY | ATA_ERR);
	assert_int_equal(bench_in(&b, 1), ATA_UNC);
	assert_int_equal(bench_in(&b, 3), 0x23);
	assert_int_equal(bench_in(&b, 4), 0x01);
	bench_command(&b, 0, 0, 0xe7);
	assert_int_equal(bench_in(&b, 1), ATA_ABRT);
	assert_int_equal(stops, 0);

	/* no space: the guest waits, and gets its sector written when there is some */
	memset(data, 0x77, 512);
	b.fail_with = -ENOSPC;
	bench_command(&b, 50, 1, 0x30);
	bench_write_data(&b, data, 512);
	assert_int_equal(stops, 1);
	assert_int_equal(bench_alt(&b), ATA_BSY);
	block_layer_retry(&b.layer);
	bench_pump(&b);
	assert_int_equal(stops, 2);
	assert_int_equal(bench_alt(&b), ATA_BSY);
	b.fail_with = 0;
	block_layer_retry(&b.layer);
	bench_pump(&b);
	assert_int_equal(bench_in(&b, 7), READY);
	assert_memory_equal(sector(&b, 50), data, 512);

	/* a machine that is reset while it waits */
	b.fail_with = -ENOSPC;
	bench_command(&b, 51, 1, 0x30);
	bench_write_data(&b, data, 512);
	ide_channel_reset(&b.channel);
	assert_int_equal(bench_in(&b, 7), READY);
	b.fail_with = 0;
	block_layer_retry(&b.layer);
	bench_pump(&b);
	assert_int_not_equal(sector(&b, 51)[0], 0x77);

	/* werror=ignore, rerror=stop */
	b.block.on_write_error = BLOCK_IGNORE;
	b.block.on_read_error = BLOCK_STOP;
	b.fail_with = -EIO;
	bench_command(&b, 52, 1, 0x30);
	bench_write_data(&b, data, 512);
	assert_int_equal(bench_in(&b, 7), READY);
	bench_command(&b, 52, 1, 0x20);
	assert_int_equal(bench_alt(&b), ATA_BSY);
	b.fail_with = 0;
	block_layer_retry(&b.layer);
	bench_pump(&b);
	assert_int_equal(bench_in(&b, 7), READY | ATA_DRQ);
	bench_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presence), cmocka_unit_test(test_identify),
		cmocka_unit_test(test_read_pio), cmocka_unit_test(test_write_pio),
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_settings),
		cmocka_unit_test(test_irq_off),	 cmocka_unit_test(test_resets),
		cmocka_unit_test(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
