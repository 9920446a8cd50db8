/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest finds from 768 KiB to 1 MiB: RAM or ROM, for reads and writes apart. The host
 * bridge's programmable attribute map decides for 13 segments: "82441FX PMC data sheet",
 * section "PAM Registers". A change of state is a change of the VM's memory map:
 *
 *  reads ROM, writes nowhere: the ROM, read-only    reads RAM, writes nowhere: RAM, read-only
 *  reads ROM, writes RAM: the ROM, read-only; a     reads and writes RAM: RAM
 *    write exits and is done here
 *
 * Where there is no ROM, nothing is mapped, and reads exit and find ones.
 */
#ifndef HVRUN_PAM_H
#define HVRUN_PAM_H

#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "guest_ram.h"

#define PAM_GPA 0xc0000ULL
#define PAM_BYTES 0x40000ULL
#define PAM_SEGMENTS 13
#define PAM_REGISTERS 7

#define PAM_READ_RAM 0x1
#define PAM_WRITE_RAM 0x2

/**
 * struct pam - the segments
 * @region: at PAM_GPA on the MMIO bus: the accesses that exit
 * @vm: VM descriptor; -1: none, as in unit tests
 * @ram: guest memory; must reach up to 1 MiB
 * @rom: what the ROM shows from @rom_gpa up to 1 MiB; NULL: there is none
 * @rom_gpa: multiple of 64 KiB
 * @state: of each segment, PAM_READ_RAM and PAM_WRITE_RAM; written under the caller's lock,
 *	read by any thread
 * @mapped: the segments have been mapped for the first time
 */
struct pam {
	struct region region;
	int vm;
	const struct guest_ram *ram;
	uint8_t *rom;
	uint64_t rom_gpa;
	_Atomic uint8_t state[PAM_SEGMENTS];
	bool mapped;
};

/** pam_init() - nothing is mapped before pam_set(); the caller attaches @region */
void pam_init(struct pam *pam, const struct guest_ram *ram, int vm, uint8_t *rom,
	      uint64_t rom_bytes);

/**
 * pam_set() - make the map follow the registers
 * @registers: PAM0 .. PAM6
 *
 * Return: 0, or a negative errno; then the map is as it was.
 */
int pam_set(struct pam *pam, const uint8_t registers[PAM_REGISTERS]);

/** struct pam_segment - one of them, for tests */
struct pam_segment {
	uint64_t gpa;
	uint64_t bytes;
};

struct pam_segment pam_segment(unsigned int index);

#endif /* HVRUN_PAM_H */
