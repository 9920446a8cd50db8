// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line: a table of options, one small function for each that has a value. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keyval.h"
#include "log.h"
#include "options.h"
#include "qemu_options.h"

#define NAME_MAX_LENGTH 31
#define RAM_MIN (1ULL << 20)
#define RAM_MAX (1ULL << 46)
#define RAM_UNIT 4096

struct option {
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
	int (*set)(struct options *options, const char *value, struct error *err);
};

static int set_kernel(struct options *options, const char *value, struct error *err)
{
	options->kernel = value;
	return 0;
}

static int set_initrd(struct options *options, const char *value, struct error *err)
{
	options->initrd = value;
	return 0;
}

static int set_append(struct options *options, const char *value, struct error *err)
{
	options->append = value;
	return 0;
}

static const char *skip_key(const char *value, const char *key)
{
	size_t length = strlen(key);

	return strncmp(value, key, length) ? value : value + length;
}

/* Shift of a size suffix; -1: none such. */
static int suffix_shift(const char *suffix)
{
	if (!*suffix)
		return 20; /* MiB */
	if (suffix[1])
		return -1;
	switch (toupper((unsigned char)*suffix)) {
	case 'B':
		return 0;
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	case 'T':
		return 40;
	default:
		return -1;
	}
}

static int set_ram(struct options *options, const char *value, struct error *err)
{
	const char *number = skip_key(value, "size=");
	unsigned long long n;
	char *end;
	int shift;

	n = strtoull(number, &end, 10);
	shift = suffix_shift(end);
	if (!isdigit((unsigned char)*number) || shift < 0)
		return error_set(err, "-m '%s' is no size; write for example -m 512 (MiB) or -m 2G",
				 value);
	if (n > RAM_MAX >> shift)
		return error_set(err, "-m '%s' is too much", value);
	n <<= shift;
	if (n < RAM_MIN)
		return error_set(err, "-m '%s' is too little memory; 1M is the least", value);
	options->ram_bytes = (n + RAM_UNIT - 1) / RAM_UNIT * RAM_UNIT;
	return 0;
}

/* The guest sees one socket with as many cores, so other shapes are refused. */
static int set_cpus(struct options *options, const char *value, struct error *err)
{
	static struct keyval words;
	uint64_t cpus = 0, sockets = 1, cores = 0, threads = 1, most = 0;

	if (keyval_parse(&words, "smp", "cpus", value, err) < 0 ||
	    keyval_get_number(&words, "cpus", OPTIONS_CPUS_MAX, &cpus, err) < 0 ||
	    keyval_get_number(&words, "sockets", OPTIONS_CPUS_MAX, &sockets, err) < 0 ||
	    keyval_get_number(&words, "cores", OPTIONS_CPUS_MAX, &cores, err) < 0 ||
	    keyval_get_number(&words, "threads", OPTIONS_CPUS_MAX, &threads, err) < 0 ||
	    keyval_get_number(&words, "maxcpus", OPTIONS_CPUS_MAX, &most, err) < 0 ||
	    keyval_finish(&words, err) < 0)
		return -1;
	if (!cpus)
		cpus = cores;
	if (!cpus)
		return error_set(err, "-smp '%s': give a number from 1 to %d", value,
				 OPTIONS_CPUS_MAX);
	if (sockets != 1 || threads != 1 || (cores && cores != cpus) || (most && most != cpus))
		return error_set(err,
				 "-smp '%s': there is one socket with %u cores of one thread, "
				 "and no processor comes later",
				 value, (unsigned int)cpus);
	options->cpus = cpus;
	return 0;
}

static int set_cpu_model(struct options *options, const char *value, struct error *err)
{
	return cpu_model_parse(&options->cpu, value, err);
}

static int set_machine(struct options *options, const char *value, struct error *err)
{
	static struct keyval words;
	const char *type, *accel;

	if (keyval_parse(&words, "machine", "type", value, err) < 0)
		return -1;
	type = keyval_get(&words, "type");
	accel = keyval_get(&words, "accel");
	if (type && strcmp(type, "pc"))
		return error_set(err, "-machine '%s': there is only 'pc'", type);
	if (accel && strcmp(accel, "myhv"))
		return error_set(err, "-machine accel=%s: there is only 'myhv'", accel);
	return keyval_finish(&words, err);
}

/* "2006-06-17T16:01:21" or "2006-06-17", in UTC. */
static bool parse_time(const char *text, int64_t *seconds)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!end || *end) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(text, "%Y-%m-%d", &tm);
	}
	*seconds = timegm(&tm);
	return end && !*end;
}

static int set_rtc(struct options *options, const char *value, struct error *err)
{
	static struct keyval words;
	const char *base, *clock;
	time_t now = time(NULL);
	struct tm tm;

	if (keyval_parse(&words, "rtc", NULL, value, err) < 0)
		return -1;
	base = keyval_get(&words, "base");
	clock = keyval_get(&words, "clock");
	if (clock && strcmp(clock, "host"))
		return error_set(err, "-rtc clock=%s: there is only 'host'", clock);
	options->rtc = (struct rtc_base){ .is_fixed = false };
	if (base && !strcmp(base, "localtime"))
		options->rtc.seconds = localtime_r(&now, &tm) ? tm.tm_gmtoff : 0;
	else if (base && strcmp(base, "utc")) {
		options->rtc.is_fixed = true;
		if (!parse_time(base, &options->rtc.seconds))
			return error_set(err,
					 "-rtc base=%s: write utc, localtime, or a time like "
					 "2024-02-29T12:00:00",
					 base);
	}
	return keyval_finish(&words, err);
}

/* 8-4-4-4-12 hexadecimal digits; the bytes in the order of the text. */
static int set_uuid(struct options *options, const char *value, struct error *err)
{
	unsigned int digits = 0;

	for (const char *c = value; *c; c++) {
		bool dash = c - value == 8 || c - value == 13 || c - value == 18 || c - value == 23;

		if (dash ? *c != '-' : !isxdigit((unsigned char)*c) || digits == 32)
			digits = 99;
		if (digits >= 32)
			break;
		if (dash)
			continue;
		options->uuid[digits / 2] <<= 4;
		options->uuid[digits / 2] |= isdigit((unsigned char)*c) ?
						     *c - '0' :
						     tolower((unsigned char)*c) - 'a' + 10;
		digits++;
	}
	if (digits != 32 || strlen(value) != 36)
		return error_set(err,
				 "-uuid '%s': write it like "
				 "123e4567-e89b-12d3-a456-426614174000",
				 value);
	options->uuid_is_set = true;
	return 0;
}

static int set_pidfile(struct options *options, const char *value, struct error *err)
{
	options->pidfile = value;
	return 0;
}

static int set_daemonize(struct options *options, const char *value, struct error *err)
{
	options->daemonize = true;
	return 0;
}

static int set_no_shutdown(struct options *options, const char *value, struct error *err)
{
	options->no_shutdown = true;
	return 0;
}

static int set_stopped(struct options *options, const char *value, struct error *err)
{
	options->stopped = true;
	return 0;
}

static int set_serial(struct options *options, const char *value, struct error *err)
{
	if (options->serials == OPTIONS_SERIALS)
		return error_set(err, "-serial '%s': there are only %d serial ports", value,
				 OPTIONS_SERIALS);
	options->serial[options->serials++] = value;
	return 0;
}

static int set_bios(struct options *options, const char *value, struct error *err)
{
	options->bios = value;
	return 0;
}

static int set_debugcon(struct options *options, const char *value, struct error *err)
{
	options->debugcon = value;
	return 0;
}

static int get_boot_order(struct keyval *words, const char *key, char order[8], struct error *err)
{
	const char *value = keyval_get(words, key);

	if (value && (strspn(value, "acdn") != strlen(value) || strlen(value) >= 8))
		return error_set(err,
				 "-boot %s=%s: the letters are a (floppy), c (disk), "
				 "d (CD-ROM), n (network)",
				 key, value);
	if (value)
		snprintf(order, 8, "%s", value);
	return 0;
}

static int set_boot(struct options *options, const char *value, struct error *err)
{
	static struct keyval words;

	if (keyval_parse(&words, "boot", "order", value, err) < 0 ||
	    keyval_get_bool(&words, "menu", &options->boot_menu, err) < 0 ||
	    keyval_get_number(&words, "splash-time", UINT16_MAX, &options->boot_menu_ms, err) < 0 ||
	    get_boot_order(&words, "order", options->boot_order, err) < 0 ||
	    get_boot_order(&words, "once", options->boot_once, err) < 0)
		return -1;
	return keyval_finish(&words, err);
}

static int set_monitor(struct options *options, const char *value, struct error *err)
{
	options->monitor = value;
	return 0;
}

static int set_qmp(struct options *options, const char *value, struct error *err)
{
	if (options->qmps == OPTIONS_QMPS)
		return error_set(err, "-qmp %s: %d are the most", value, OPTIONS_QMPS);
	options->qmp[options->qmps++] = value;
	return 0;
}

static int set_vnc(struct options *options, const char *value, struct error *err)
{
	options->display_is_set = true;
	options->vnc = strcmp(value, "none") ? value : NULL;
	return 0;
}

static int set_display(struct options *options, const char *value, struct error *err)
{
	options->display_is_set = true;
	options->curses = !strcmp(value, "curses");
	if (!strncmp(value, "vnc=", 4))
		return set_vnc(options, value + 4, err);
	if (!options->curses && strcmp(value, "none"))
		return error_set(err, "-display '%s': there are none, curses and vnc=...", value);
	return 0;
}

static int set_vga(struct options *options, const char *value, struct error *err)
{
	options->vga = !strcmp(value, "std");
	options->vga_is_set = true;
	if (!options->vga && strcmp(value, "none"))
		return error_set(err, "-vga '%s': there are std and none", value);
	return 0;
}

static int set_nographic(struct options *options, const char *value, struct error *err)
{
	options->nographic = true;
	return 0;
}

/* The name appears in sysfs, so it must be one. */
static int set_name(struct options *options, const char *value, struct error *err)
{
	const char *name = skip_key(value, "guest=");
	size_t length = strlen(name);

	if (length > NAME_MAX_LENGTH)
		return error_set(err, "-name '%s' is too long; %d characters are the most", name,
				 NAME_MAX_LENGTH);
	for (size_t i = 0; i < length; i++)
		if (!isprint((unsigned char)name[i]) || strchr("/,", name[i]))
			return error_set(err,
					 "-name '%s': only printable characters, no '/' and "
					 "no ','",
					 name);
	options->name = name;
	return 0;
}

static int set_hda(struct options *options, const char *value, struct error *err)
{
	return drive_list_add_file(&options->drives, "hda", 0, false, value, err);
}

static int set_hdb(struct options *options, const char *value, struct error *err)
{
	return drive_list_add_file(&options->drives, "hdb", 1, false, value, err);
}

static int set_hdc(struct options *options, const char *value, struct error *err)
{
	return drive_list_add_file(&options->drives, "hdc", 2, false, value, err);
}

static int set_hdd(struct options *options, const char *value, struct error *err)
{
	return drive_list_add_file(&options->drives, "hdd", 3, false, value, err);
}

static int set_cdrom(struct options *options, const char *value, struct error *err)
{
	return drive_list_add_file(&options->drives, "cdrom", 2, true, value, err);
}

static int set_drive(struct options *options, const char *value, struct error *err)
{
	return drive_list_add(&options->drives, value, err);
}

static int set_snapshot(struct options *options, const char *value, struct error *err)
{
	options->drives.snapshot = true;
	return 0;
}

/* Anything but "none" is asked for in vain. */
static int set_nic(struct options *options, const char *value, struct error *err)
{
	if (strcmp(value, "none") != 0)
		return error_set(err, "-nic '%.40s': %s", value, qemu_option_advice("nic"));
	return 0;
}

static int set_accel(struct options *options, const char *value, struct error *err)
{
	if (strcmp(value, "myhv") != 0)
		return error_set(err, "-accel '%.40s': %s", value, qemu_option_advice("accel"));
	return 0;
}

static int set_no_reboot(struct options *options, const char *value, struct error *err)
{
	options->no_reboot = true;
	return 0;
}

static int set_log_items(struct options *options, const char *value, struct error *err)
{
	return log_parse_items(value, &options->log_items, err);
}

static int set_log_file(struct options *options, const char *value, struct error *err)
{
	options->log_file = value;
	return 0;
}

static int set_help(struct options *options, const char *value, struct error *err)
{
	options->help = true;
	return 0;
}

static int set_version(struct options *options, const char *value, struct error *err)
{
	options->version = true;
	return 0;
}

static const struct option table[] = {
	{ "kernel", "FILE", "boot this Linux bzImage", set_kernel },
	{ "initrd", "FILE", "initial ramdisk for -kernel", set_initrd },
	{ "append", "TEXT", "kernel command line for -kernel", set_append },
	{ "m", "SIZE", "memory: MiB, or with K, M, G, T (default 128)", set_ram },
	{ "smp", "N", "processors (default 1)", set_cpus },
	{ "cpu", "MODEL", "processor: host, or a model, with +FEATURE and -FEATURE",
	  set_cpu_model },
	{ "machine", "pc", "the machine; -M as well", set_machine },
	{ "hda", "FILE", "first IDE disk", set_hda },
	{ "hdb", "FILE", "second IDE disk", set_hdb },
	{ "hdc", "FILE", "third IDE disk", set_hdc },
	{ "hdd", "FILE", "fourth IDE disk", set_hdd },
	{ "cdrom", "FILE", "CD-ROM (in place of hdc)", set_cdrom },
	{ "drive", "WORDS", "file=FILE and more: see docs/hvrun.md", set_drive },
	{ "snapshot", NULL, "leave the images of all disks as they are", set_snapshot },
	{ "bios", "FILE", "firmware (default: SeaBIOS' bios-256k.bin)", set_bios },
	{ "boot", "ORDER", "order=LETTERS (c disk, d CD-ROM, n network), once=LETTERS, menu=on",
	  set_boot },
	{ "debugcon", "DEV", "firmware's messages (ports 0x402, 0xe9), as -serial", set_debugcon },
	{ "serial", "DEV", "serial port: stdio, mon:stdio, file:PATH, null, none", set_serial },
	{ "nographic", NULL, "serial port on the terminal, with Ctrl-A commands (default)",
	  set_nographic },
	{ "vga", "CARD", "graphics card: std, none (default: std, but none with -kernel)",
	  set_vga },
	{ "display", "KIND", "curses, vnc=..., none; then there is no serial port unless -serial",
	  set_display },
	{ "vnc", "WHERE", "the screen by VNC: :N, HOST:N, unix:PATH [,password=on]", set_vnc },
	{ "monitor", "DEV", "monitor: stdio, unix:PATH,server=on,wait=off, none", set_monitor },
	{ "qmp", "DEV", "control by programs: unix:PATH,server=on,wait=off, tcp:HOST:PORT,...",
	  set_qmp },
	{ "nic", "none", "there is no network card", set_nic },
	{ "net", "none", "as -nic none", set_nic },
	{ "accel", "myhv", "what it runs on; there is nothing else", set_accel },
	{ "name", "NAME", "name of the VM", set_name },
	{ "uuid", "UUID", "the machine's UUID, as SMBIOS tells it", set_uuid },
	{ "rtc", "BASE", "base=utc, localtime or 2024-02-29T12:00:00: the clock at the start",
	  set_rtc },
	{ "no-reboot", NULL, "end when the guest resets", set_no_reboot },
	{ "no-shutdown", NULL, "stop, do not end, when the guest switches off", set_no_shutdown },
	{ "S", NULL, "do not start the guest: wait for the monitor's cont", set_stopped },
	{ "daemonize", NULL, "go into the background when the machine is set up", set_daemonize },
	{ "pidfile", "FILE", "write the process's number there", set_pidfile },
	{ "d", "ITEMS", "log: unimp, guest_errors, reset, firmware (comma separated)",
	  set_log_items },
	{ "D", "FILE", "log to FILE instead of standard error", set_log_file },
	{ "version", NULL, "print the version", set_version },
	{ "help", NULL, "print this help; -h as well", set_help },
};

static const struct option *find_option(const char *name)
{
	if (!strcmp(name, "h"))
		name = "help";
	if (!strcmp(name, "M"))
		name = "machine";
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

static const char *default_serial(const struct options *options)
{
	bool monitor_is_alone = options->monitor && !strcmp(options->monitor, "stdio");

	if (options->nographic)
		return "mon:stdio";
	return options->display_is_set || monitor_is_alone ? "none" : "mon:stdio";
}

/* One terminal serves one line, which a monitor may share. */
static int settle_terminal(struct options *options, struct error *err)
{
	unsigned int users = options->curses;

	for (unsigned int i = 0; i < OPTIONS_SERIALS; i++)
		users += options->serial[i] && strstr(options->serial[i], "stdio") != NULL;
	if (options->monitor && !strcmp(options->monitor, "stdio")) {
		if (!strcmp(options->serial[0], "mon:stdio"))
			options->monitor = NULL; /* shared, by Ctrl-A c */
		else
			users++;
	}
	for (unsigned int i = 0; i < options->qmps; i++)
		users += !strcmp(options->qmp[i], "stdio");
	if (users > 1)
		return error_set(err,
				 "the terminal can be used once: there are %u users in "
				 "-display, -serial, -monitor and -qmp (-serial mon:stdio "
				 "shares it with the monitor)",
				 users);
	return 0;
}

/* What the combination means. */
static int settle(struct options *options, struct error *err)
{
	if (options->help || options->version)
		return 0;
	if (!options->kernel && (options->initrd || *options->append))
		return error_set(err, "-initrd and -append go with -kernel, which is missing");
	if (options->kernel && options->bios)
		return error_set(err, "-kernel starts without firmware: leave -bios away");
	for (unsigned int i = 0; options->kernel && i < options->drives.count; i++)
		if (options->drives.drive[i].interface == DRIVE_PFLASH)
			return error_set(err, "-kernel starts without firmware: leave "
					      "-drive if=pflash away");
	if (!options->vga_is_set)
		options->vga = !options->kernel || options->vnc || options->curses;
	if (!options->serial[0])
		options->serial[0] = default_serial(options);
	if (options->daemonize && (options->nographic || strstr(options->serial[0], "stdio")))
		return error_set(err, "-daemonize leaves the terminal: give -display none, and "
				      "-serial file:PATH or the like");
	/* with -nographic QEMU multiplexes its monitor, and so the escapes, on the terminal */
	if (options->nographic && !strcmp(options->serial[0], "stdio"))
		options->serial[0] = "mon:stdio";
	return settle_terminal(options, err);
}

static int unknown_option(const char *as_given, const char *name, struct error *err)
{
	const char *advice = qemu_option_advice(name);

	if (advice)
		return error_set(err, "hvrun has no option '%s' of QEMU's: %s", as_given, advice);
	return error_set(err, "unknown option '%s' (hvrun -help lists the options)", as_given);
}

int options_parse(struct options *options, int argc, char **argv, struct error *err)
{
	memset(options, 0, sizeof(*options));
	options->append = "";
	snprintf(options->boot_order, sizeof(options->boot_order), "cdn");
	options->name = "hvrun";
	options->ram_bytes = OPTIONS_DEFAULT_RAM;
	options->cpus = 1;

	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *value = NULL;
		const struct option *option;

		/* a word alone is a disk's image, as for QEMU */
		if (word[0] != '-') {
			if (set_hda(options, word, err) < 0)
				return -1;
			continue;
		}
		word += word[1] == '-' ? 2 : 1;
		option = find_option(word);
		if (!option)
			return unknown_option(argv[i], word, err);
		if (option->argument) {
			if (i + 1 == argc)
				return error_set(err, "-%s wants an argument: -%s %s", option->name,
						 option->name, option->argument);
			value = argv[++i];
		}
		if (option->set(options, value, err) < 0)
			return -1;
	}
	return settle(options, err);
}

void options_print_help(FILE *to)
{
	fputs("usage: hvrun [OPTION]...\n"
	      "Runs a virtual machine on myhv. Options are QEMU's:\n",
	      to);
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		fprintf(to, "  -%-11s %-6s  %s\n", table[i].name,
			table[i].argument ? table[i].argument : "", table[i].help);
	fputs("Exit status: 0 the guest switched off or Ctrl-A x; 1 hvrun failed;\n"
	      "2 the guest reset under -no-reboot; 3 the guest crashed.\n",
	      to);
}
