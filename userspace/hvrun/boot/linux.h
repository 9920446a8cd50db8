/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loads a Linux bzImage as its 64-bit boot protocol wants it. Linux's document "The
 * Linux/x86 Boot Protocol" gives the header's fields and the rules.
 */
#ifndef HVRUN_LINUX_H
#define HVRUN_LINUX_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "guest_ram.h"

/* Where the loader puts its own things, all of it below the BIOS area. */
#define LINUX_GDT_GPA 0x1000ULL
#define LINUX_BOOT_PARAMS_GPA 0x7000ULL
#define LINUX_PAGE_TABLES_GPA 0x9000ULL /* 6 pages */
#define LINUX_SETUP_DATA_GPA 0x10000ULL
#define LINUX_CMDLINE_GPA 0x20000ULL
#define LINUX_CMDLINE_MAX 0x10000ULL
#define LINUX_LOW_RAM_END 0x9fc00ULL
#define LINUX_HIGH_RAM_START 0x100000ULL

/**
 * struct linux_image - an opened kernel and initial ramdisk
 * @kernel_path: for messages
 * @initrd_path: for messages; NULL: none
 * @kernel_fd: descriptor
 * @initrd_fd: descriptor, or -1
 * @setup_bytes: the real-mode part at the start of the file
 * @kernel_bytes: what follows
 * @initrd_bytes: size of the ramdisk
 * @header: the file's setup header, as struct setup_header of <asm/bootparam.h>
 * @header_bytes: how much of it the kernel has
 */
struct linux_image {
	const char *kernel_path;
	const char *initrd_path;
	int kernel_fd;
	int initrd_fd;
	uint64_t setup_bytes;
	uint64_t kernel_bytes;
	uint64_t initrd_bytes;
	uint8_t header[128];
	size_t header_bytes;
};

/** struct linux_entry - where a loaded kernel starts */
struct linux_entry {
	uint64_t rip;
	uint64_t boot_params_gpa;
};

/** linux_open() - open and check both files; @initrd_path may be NULL */
int linux_open(struct linux_image *image, const char *kernel_path, const char *initrd_path,
	       struct error *err);
void linux_close(struct linux_image *image);

/**
 * linux_load() - put everything into guest memory; may be repeated for a reset
 * @image: from linux_open()
 * @ram: guest memory
 * @cmdline: kernel command line
 * @rsdp_gpa: ACPI root pointer
 * @entry: out
 */
int linux_load(const struct linux_image *image, const struct guest_ram *ram, const char *cmdline,
	       uint64_t rsdp_gpa, struct linux_entry *entry, struct error *err);

#endif /* HVRUN_LINUX_H */
