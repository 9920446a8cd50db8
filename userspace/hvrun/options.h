/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line. Option names and their meaning are QEMU's. */
#ifndef HVRUN_OPTIONS_H
#define HVRUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cpu_model.h"
#include "drive_options.h"
#include "error.h"

#define OPTIONS_DEFAULT_RAM (128ULL << 20)
#define OPTIONS_CPUS_MAX 64
#define OPTIONS_SERIALS 2
#define OPTIONS_QMPS 4

/**
 * struct rtc_base - what the guest's clock shows at the start
 * @is_fixed: @seconds is a time since 1970, else to be added to the host's UTC
 */
struct rtc_base {
	bool is_fixed;
	int64_t seconds;
};

/** struct options - what the user wants; strings point into argv */
struct options {
	const char *kernel;
	const char *initrd;
	const char *append;		     /* never NULL */
	const char *name;		     /* never NULL */
	const char *serial[OPTIONS_SERIALS]; /* COM1 (never NULL) ..., as chardev_open() takes it */
	const char *bios;		     /* NULL: the default */
	const char *qmp[OPTIONS_QMPS];	     /* as chardev_open() takes it */
	const char *monitor;		     /* the same; NULL: where a serial port shares its line
					      * with it; "none" */
	const char *vnc;		     /* as vnc_open() takes it; NULL: none */
	const char *debugcon;		     /* as chardev_open() takes it; NULL: none */
	uint64_t boot_menu_ms;		     /* of the menu; 0: as firmware likes */
	char boot_order[8];		     /* letters */
	char boot_once[8];		     /* the same until the first reset, or empty */
	const char *log_file;
	const char *pidfile; /* NULL: none */
	struct cpu_model cpu;
	struct rtc_base rtc;
	uint8_t uuid[16];
	struct drive_list drives;
	uint64_t ram_bytes;
	unsigned int cpus;
	unsigned int log_items;
	unsigned int serials;
	unsigned int qmps;
	bool boot_menu;
	bool vga;
	bool vga_is_set;
	bool nographic;
	bool display_is_set; /* by -display or -vnc */
	bool curses;
	bool uuid_is_set;
	bool no_reboot;
	bool no_shutdown;
	bool stopped; /* -S */
	bool daemonize;
	bool help;
	bool version;
};

/** options_parse() - 0, or -1 with @err */
int options_parse(struct options *options, int argc, char **argv, struct error *err);

void options_print_help(FILE *to);

#endif /* HVRUN_OPTIONS_H */
