// SPDX-License-Identifier: GPL-2.0-or-later
/* hvrun's command line, the Ctrl-A commands, and the CPUID topology. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "backend/escape.h"
#include "cpuid.h"
#include "keyval.h"
#include "log.h"
#include "options.h"

static struct options options;
static struct error err;

static int parse(const char *words)
{
	static char copy[512];
	char *argv[32] = { "hvrun" };
	int argc = 1;

	strncpy(copy, words, sizeof(copy) - 1);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	err.text[0] = 0;
	return options_parse(&options, argc, argv, &err);
}

static void assert_refused(const char *words, const char *why)
{
	assert_int_equal(parse(words), -1);
	if (!strstr(err.text, why))
		fail_msg("'%s' says \"%s\", not \"%s\"", words, err.text, why);
	assert_null(strchr(err.text, '\n'));
}

static void test_defaults(void **state)
{
	assert_int_equal(parse("-kernel k"), 0);
	assert_string_equal(options.kernel, "k");
	assert_null(options.initrd);
	assert_string_equal(options.append, "");
	assert_string_equal(options.serial[0], "mon:stdio");
	assert_string_equal(options.name, "hvrun");
	assert_true(options.ram_bytes == 128 << 20);
	assert_int_equal(options.cpus, 1);
	assert_false(options.no_reboot);
}

static void test_all_options(void **state)
{
	assert_int_equal(parse("-kernel k -initrd i -append console=ttyS0 -m 2G -smp 4 -cpu host "
			       "-nographic -serial file:x -monitor none -display none -name vm1 "
			       "-no-reboot -d unimp,reset -D log"),
			 0);
	assert_string_equal(options.initrd, "i");
	assert_string_equal(options.append, "console=ttyS0");
	assert_true(options.ram_bytes == 2ULL << 30);
	assert_int_equal(options.cpus, 4);
	assert_string_equal(options.serial[0], "file:x");
	assert_string_equal(options.name, "vm1");
	assert_true(options.no_reboot);
	assert_int_equal(options.log_items, LOG_UNIMP | LOG_RESET);
	assert_string_equal(options.log_file, "log");

	assert_int_equal(parse("--kernel k --no-reboot"), 0);
	assert_true(options.no_reboot);
	assert_int_equal(parse("-h"), 0);
	assert_true(options.help);
	assert_int_equal(parse("--help"), 0);
	assert_true(options.help);
	assert_int_equal(parse("-version"), 0);
	assert_true(options.version);
}

static void test_serial_follows_display(void **state)
{
	parse("-kernel k -display none");
	assert_string_equal(options.serial[0], "none");
	parse("-kernel k -display none -nographic");
	assert_string_equal(options.serial[0], "mon:stdio");
	parse("-kernel k -serial stdio");
	assert_string_equal(options.serial[0], "stdio");
	parse("-kernel k -nographic -serial stdio");
	assert_string_equal(options.serial[0], "mon:stdio");
}

static void test_firmware_options(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_null(options.kernel);
	assert_null(options.bios);
	assert_null(options.debugcon);
	assert_string_equal(options.boot_order, "cdn");
	assert_false(options.boot_menu);
	assert_int_equal(parse("-bios b -boot d -debugcon file:x -serial stdio -serial null"), 0);
	assert_string_equal(options.bios, "b");
	assert_string_equal(options.boot_order, "d");
	assert_string_equal(options.debugcon, "file:x");
	assert_string_equal(options.serial[0], "stdio");
	assert_string_equal(options.serial[1], "null");
	assert_int_equal(parse("-boot order=nc,menu=on"), 0);
	assert_string_equal(options.boot_order, "nc");
	assert_int_equal(parse("-boot order=dc,once=n -boot menu=on,splash-time=500"), 0);
	assert_int_equal(options.boot_menu_ms, 500);
	assert_string_equal(options.boot_order, "dc");
	assert_string_equal(options.boot_once, "n");
	assert_true(options.boot_menu);
	assert_true(options.boot_menu);
}

static void test_machine_options(void **state)
{
	static const uint8_t uuid[16] = { 0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3,
					  0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x0F };

	assert_int_equal(parse("-smp cpus=4,cores=4 -M pc,accel=myhv -S -no-shutdown -pidfile p "
			       "-uuid 123e4567-e89b-12d3-A456-42661417400F"),
			 0);
	assert_int_equal(options.cpus, 4);
	assert_true(options.stopped);
	assert_true(options.no_shutdown);
	assert_string_equal(options.pidfile, "p");
	assert_true(options.uuid_is_set);
	assert_memory_equal(options.uuid, uuid, 16);
	assert_false(options.daemonize);
	assert_false(options.cpu.has_limit);

	assert_int_equal(parse("-rtc base=2024-02-29T12:00:01 -daemonize -display none"), 0);
	assert_true(options.daemonize);
	assert_true(options.rtc.is_fixed);
	assert_true(options.rtc.seconds == 1709208001);
	assert_int_equal(parse("-rtc base=2024-02-29"), 0);
	assert_true(options.rtc.seconds == 1709164800);
	assert_int_equal(parse("-rtc base=utc,clock=host"), 0);
	assert_false(options.rtc.is_fixed);
	assert_true(options.rtc.seconds == 0);
	assert_int_equal(parse("-rtc base=localtime"), 0);
	assert_false(options.rtc.is_fixed);
}

static const uint32_t AVX2 = 1 << 5, AES = 1 << 25, SSE3 = 1, RDRAND = 1 << 30;

static int apply(const char *cpu, struct myhv_cpuid_entry *table, uint32_t *count)
{
	const struct myhv_cpuid_entry host[] = {
		{ .function = 0, .eax = 0xd },
		{ .function = 1, .edx = 0x0fffffff, .ecx = 0x81ffffff | AES | SSE3 },
		{ .function = 7, .ebx = AVX2 | 0x101 },
		{ .function = 0x40000000, .ebx = 0x4b4d564b },
		{ .function = 0x40000001, .eax = 1 },
		{ .function = 0x80000001, .edx = 0x20100800 | 0x0183fbff, .ecx = 0x21 },
	};
	char words[64];

	snprintf(words, sizeof(words), "-cpu %s", cpu);
	assert_int_equal(parse(words), 0);
	memcpy(table, host, sizeof(host));
	*count = sizeof(host) / sizeof(host[0]);
	return cpu_model_apply(&options.cpu, table, count, &err);
}

static void test_cpu_models(void **state)
{
	struct myhv_cpuid_entry table[8];
	uint32_t count;

	assert_int_equal(apply("host", table, &count), 0);
	assert_int_equal(count, 6);
	assert_int_equal(table[2].ebx, AVX2 | 0x101);
	assert_int_equal(apply("host,-avx2,-aes,+sse3", table, &count), 0);
	assert_int_equal(table[2].ebx, 0x101);
	assert_int_equal(table[1].ecx & (AES | SSE3), SSE3);
	assert_int_equal(apply("host,avx2=off", table, &count), 0);
	assert_int_equal(table[2].ebx, 0x101);
	assert_int_equal(apply("host,kvm=off", table, &count), 0);
	assert_int_equal(count, 4);
	assert_int_equal(table[3].function, 0x80000001);
	/* the last word about a feature counts */
	assert_int_equal(apply("host,-avx2,+avx2", table, &count), 0);
	assert_int_equal(table[2].ebx, AVX2 | 0x101);

	assert_int_equal(apply("qemu64", table, &count), 0);
	assert_int_equal(table[2].ebx, 0);
	assert_int_equal(table[1].ecx & (AES | SSE3), SSE3);
	/* AMD's second copy of the old features stays */
	assert_int_equal(table[5].edx, 0x20100800 | 0x0183fbff);
	assert_int_equal(table[5].ecx, 0x01);
	assert_int_equal(apply("qemu64,+aes", table, &count), 0);
	assert_int_equal(table[1].ecx & AES, AES);

	/* what the host has not */
	assert_int_equal(apply("host,+rdrand", table, &count), -1);
	assert_non_null(strstr(err.text, "rdrand"));
	assert_int_equal(table[1].ecx & RDRAND, 0);
	assert_int_equal(apply("x86-64-v4", table, &count), -1);
	assert_non_null(strstr(err.text, "avx512"));
}

static void test_sizes(void **state)
{
	static const struct {
		const char *words;
		uint64_t bytes;
	} good[] = {
		{ "-kernel k -m 512", 512ULL << 20 },
		{ "-kernel k -m 512M", 512ULL << 20 },
		{ "-kernel k -m 512m", 512ULL << 20 },
		{ "-kernel k -m size=3g", 3ULL << 30 },
		{ "-kernel k -m 1048576K", 1ULL << 30 },
		{ "-kernel k -m 1048577B", (1 << 20) + 4096 },
		{ "-kernel k -m 1T", 1ULL << 40 },
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(parse(good[i].words), 0);
		assert_true(options.ram_bytes == good[i].bytes);
	}
	assert_refused("-kernel k -m 0", "too little");
	assert_refused("-kernel k -m 4K", "too little");
	assert_refused("-kernel k -m -1", "no size");
	assert_refused("-kernel k -m x", "no size");
	assert_refused("-kernel k -m 12Q", "no size");
	assert_refused("-kernel k -m 12GB", "no size");
	assert_refused("-kernel k -m 99999999999999999999", "too much");
	assert_refused("-kernel k -m 999999T", "too much");
}

static void test_control(void **state)
{
	assert_int_equal(parse("-qmp unix:/a,server=on -qmp tcp:h:1 -monitor unix:/b"), 0);
	assert_int_equal(options.qmps, 2);
	assert_string_equal(options.qmp[1], "tcp:h:1");
	assert_string_equal(options.monitor, "unix:/b");
	assert_string_equal(options.serial[0], "mon:stdio");

	/* alone on the terminal, or sharing it */
	assert_int_equal(parse("-monitor stdio"), 0);
	assert_string_equal(options.monitor, "stdio");
	assert_string_equal(options.serial[0], "none");
	assert_int_equal(parse("-nographic -monitor stdio"), 0);
	assert_null(options.monitor);
	assert_string_equal(options.serial[0], "mon:stdio");
	assert_refused("-serial stdio -monitor stdio", "used once");
	assert_refused("-serial stdio -qmp stdio", "used once");
	assert_refused("-qmp a -qmp a -qmp a -qmp a -qmp a", "4 are the most");
}

/* What somebody types who comes from QEMU. */
static void test_words_from_qemu(void **state)
{
	static const char *const elsewhere[] = {
		"-enable-kvm",	  "-accel kvm", "-netdev user", "-device virtio-blk", "-net user",
		"-nic tap",	  "-usb",	"-gdb tcp::1",	"-s",		      "-chardev null",
		"-blockdev raw", "-smbios x",	"-nodefaults",
	};

	for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++) {
		assert_int_equal(parse(elsewhere[i]), -1);
		assert_null(strstr(err.text, "unknown"));
		assert_null(strchr(err.text, '\n'));
		assert_true(strlen(err.text) > 30);
	}
	assert_refused("-netdev user,id=n", "no network card");
	assert_refused("--enable-kvm", "leave it away");
	assert_refused("-sdl", "-vnc :0");

	assert_int_equal(parse("-nic none -net none -accel myhv -m 1G disk.img"), 0);
	assert_int_equal(options.drives.count, 1);
	assert_string_equal(options.drives.drive[0].file, "disk.img");
	assert_int_equal(options.drives.drive[0].index, 0);
	assert_refused("disk.img -hda other.img", "taken by another drive");
}

static void test_refusals(void **state)
{
	assert_refused("-initrd x", "-kernel");
	assert_refused("-append x", "-kernel");
	assert_refused("-kernel k -bios b", "-bios");
	assert_refused("-boot order=x", "letters");
	assert_refused("-boot once=x", "once=x");
	assert_refused("-boot cdcdcdcdcdcd", "letters");
	assert_refused("-boot menu=maybe", "on or off");
	assert_refused("-boot order=c,frob=1", "frob");
	assert_refused("-serial null -serial null -serial null", "2 serial ports");
	assert_refused("-kernel k -frobnicate", "unknown option '-frobnicate'");
	assert_refused("-kernel k -frobnicate", "-help");
	assert_refused("-kernel k -", "unknown option");
	assert_refused("-kernel", "wants an argument");
	assert_refused("-kernel k -smp 0", "-smp");
	assert_refused("-kernel k -smp 65", "-smp");
	assert_refused("-kernel k -smp 2x", "-smp");
	assert_refused("-kernel k -smp -1", "-smp");
	assert_refused("-kernel k -cpu EPYC", "x86-64-v3");
	assert_refused("-cpu host,+nosuch", "nosuch");
	assert_refused("-cpu host,avx=maybe", "on or off");
	assert_refused("-cpu host,-avx=on", "on or off");
	assert_refused("-cpu ,", "model");
	assert_refused("-smp 4,sockets=2,cores=2", "one socket");
	assert_refused("-smp 2,maxcpus=4", "later");
	assert_refused("-smp 2,books=4", "books");
	assert_refused("-M q35", "only 'pc'");
	assert_refused("-machine pc,accel=kvm", "myhv");
	assert_refused("-rtc base=yesterday", "2024");
	assert_refused("-rtc base=2024-13-01", "2024");
	assert_refused("-rtc base=utc,clock=vm", "clock");
	assert_refused("-uuid 1234", "-uuid");
	assert_refused("-uuid 123e4567-e89b-12d3-a456-4266141740001", "-uuid");
	assert_refused("-uuid 123e4567-e89b-12d3-a456-42661417400g", "-uuid");
	assert_refused("-uuid 123e4567ae89b-12d3-a456-426614174000", "-uuid");
	assert_refused("-daemonize", "-daemonize");
	assert_refused("-daemonize -display none -serial stdio", "-daemonize");
	assert_refused("-kernel k -display gtk", "-display");
	assert_refused("-kernel k -d everything", "unknown item");
	assert_refused("-kernel k -name a/b", "-name");
	assert_refused("-kernel k -name 0123456789012345678901234567890123456789", "too long");
}

static void test_keyval(void **state)
{
	static struct keyval kv;
	uint64_t number = 7;
	bool flag = false;

	assert_int_equal(keyval_parse(&kv, "drive", "file", "a,,b.img,format=raw,ro,n=0x10", &err),
			 0);
	assert_string_equal(keyval_get(&kv, "file"), "a,b.img");
	assert_string_equal(keyval_get(&kv, "format"), "raw");
	assert_null(keyval_get(&kv, "nothing"));
	assert_int_equal(keyval_finish(&kv, &err), -1);
	assert_string_equal(err.text, "-drive: 'ro' is not known here (hvrun -help)");
	assert_int_equal(keyval_get_bool(&kv, "ro", &flag, &err), 0);
	assert_true(flag);
	assert_int_equal(keyval_get_number(&kv, "n", 16, &number, &err), 0);
	assert_true(number == 16);
	assert_int_equal(keyval_get_number(&kv, "n", 15, &number, &err), -1);
	assert_int_equal(keyval_get_number(&kv, "missing", 15, &number, &err), 0);
	assert_true(number == 16);
	assert_int_equal(keyval_get_number(&kv, "format", 15, &number, &err), -1);
	assert_int_equal(keyval_get_bool(&kv, "format", &flag, &err), -1);
	assert_int_equal(keyval_finish(&kv, &err), 0);

	/* the last one counts; an empty value is one; '=' may be part of the value */
	assert_int_equal(keyval_parse(&kv, "x", NULL, "a=1,a=2,b=,c=d=e", &err), 0);
	assert_string_equal(keyval_get(&kv, "a"), "2");
	assert_string_equal(keyval_get(&kv, "b"), "");
	assert_string_equal(keyval_get(&kv, "c"), "d=e");
	assert_int_equal(keyval_parse(&kv, "x", "f", "", &err), -1);
	assert_int_equal(keyval_parse(&kv, "x", "f", "a,", &err), -1);
	assert_int_equal(keyval_parse(&kv, "x", "f", "=a", &err), -1);
	assert_int_equal(keyval_parse(&kv, "x", "f",
				      "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,"
				      "a,a,a",
				      &err),
			 -1);
}

static void test_escapes(void **state)
{
	struct escape escape = { false };

	assert_int_equal(escape_feed(&escape, 'x'), ESCAPE_SEND);
	assert_int_equal(escape_feed(&escape, ESCAPE_KEY), ESCAPE_NOTHING);
	assert_int_equal(escape_feed(&escape, 'x'), ESCAPE_QUIT);
	assert_int_equal(escape_feed(&escape, 'x'), ESCAPE_SEND);
	escape_feed(&escape, ESCAPE_KEY);
	assert_int_equal(escape_feed(&escape, 'h'), ESCAPE_HELP);
	escape_feed(&escape, ESCAPE_KEY);
	assert_int_equal(escape_feed(&escape, 'b'), ESCAPE_BREAK);
	escape_feed(&escape, ESCAPE_KEY);
	assert_int_equal(escape_feed(&escape, 'c'), ESCAPE_MONITOR);
	escape_feed(&escape, ESCAPE_KEY);
	assert_int_equal(escape_feed(&escape, ESCAPE_KEY), ESCAPE_SEND);
	/* the second Ctrl-A did not arm it again */
	assert_int_equal(escape_feed(&escape, 'x'), ESCAPE_SEND);
	escape_feed(&escape, ESCAPE_KEY);
	assert_int_equal(escape_feed(&escape, 'q'), ESCAPE_NOTHING);
	assert_int_equal(escape_feed(&escape, 'q'), ESCAPE_SEND);
}

static const struct myhv_cpuid_entry *leaf(const struct myhv_cpuid_entry *table, uint32_t count,
					   uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < count; i++)
		if (table[i].function == function && table[i].index == index)
			return &table[i];
	fail_msg("no leaf %#x.%u", function, index);
	return NULL;
}

static void test_cpuid_topology(void **state)
{
	struct myhv_cpuid_entry table[CPUID_MAX_ENTRIES] = {
		{ .function = 0, .eax = 0xd, .ebx = 0x68747541 },
		{ .function = 1, .ebx = 0x12345678, .edx = 0x0fffffff },
		{ .function = 0xb, .flags = MYHV_CPUID_INDEXED, .edx = 99 },
		{ .function = 0x80000008, .eax = 0x3030, .ecx = 0xffff },
		{ .function = 0x8000001e, .eax = 77, .ebx = 77, .ecx = 77 },
	};
	const struct myhv_cpuid_entry *entry;
	uint32_t count = cpuid_for_vcpu(table, 5, 2, 3);

	assert_int_equal(count, 7);
	assert_int_equal(leaf(table, count, 0, 0)->ebx, 0x68747541);
	entry = leaf(table, count, 1, 0);
	assert_int_equal(entry->ebx, 0x02035678);
	assert_int_equal(entry->edx, 0x1fffffff);
	/* threads: one a core; cores: two bits of id */
	entry = leaf(table, count, 0xb, 0);
	assert_int_equal(entry->eax, 0);
	assert_int_equal(entry->ebx, 1);
	assert_int_equal(entry->ecx, 0x100);
	assert_int_equal(entry->edx, 2);
	entry = leaf(table, count, 0xb, 1);
	assert_int_equal(entry->eax, 2);
	assert_int_equal(entry->ebx, 3);
	assert_int_equal(entry->ecx, 0x201);
	entry = leaf(table, count, 0xb, 2);
	assert_int_equal(entry->ecx, 2);
	assert_int_equal(entry->flags, MYHV_CPUID_INDEXED);
	entry = leaf(table, count, 0x80000008, 0);
	assert_int_equal(entry->eax, 0x3030);
	assert_int_equal(entry->ecx, 0x2f02);
	entry = leaf(table, count, 0x8000001e, 0);
	assert_int_equal(entry->eax, 2);
	assert_int_equal(entry->ebx, 2);
	assert_int_equal(entry->ecx, 0);
}

static void test_cpuid_single(void **state)
{
	struct myhv_cpuid_entry table[CPUID_MAX_ENTRIES] = {
		{ .function = 0, .eax = 0x7 },
		{ .function = 1, .edx = 0xffffffff },
	};
	uint32_t count = cpuid_for_vcpu(table, 2, 0, 1);

	/* no leaf above the highest one, no hyper-threading flag */
	assert_int_equal(count, 2);
	assert_int_equal(leaf(table, count, 1, 0)->edx, 0xefffffff);
	assert_int_equal(leaf(table, count, 1, 0)->ebx, 0x00010000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_all_options),
		cmocka_unit_test(test_serial_follows_display),
		cmocka_unit_test(test_firmware_options),
		cmocka_unit_test(test_machine_options),
		cmocka_unit_test(test_cpu_models),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_words_from_qemu),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_keyval),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_cpuid_topology),
		cmocka_unit_test(test_cpuid_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
