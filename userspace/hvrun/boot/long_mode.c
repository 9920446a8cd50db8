// SPDX-License-Identifier: GPL-2.0-or-later
/* Long mode for a kernel that is entered without firmware: see long_mode.h. */
#include <string.h>

#include "boot/long_mode.h"

#define GDT_ENTRIES 6
#define SELECTOR_CODE 0x10
#define SELECTOR_DATA 0x18
#define SELECTOR_TSS 0x20 /* two entries */

#define GDT_CODE 0x00af9b000000ffffULL
#define GDT_DATA 0x00cf93000000ffffULL
#define GDT_TSS 0x00008b0000000067ULL

#define ATTRIB_CODE (0xb | MYHV_SEG_S | MYHV_SEG_P | MYHV_SEG_L | MYHV_SEG_G)
#define ATTRIB_DATA (0x3 | MYHV_SEG_S | MYHV_SEG_P | MYHV_SEG_DB | MYHV_SEG_G)
#define ATTRIB_TSS (0xb | MYHV_SEG_P) /* busy, as it must be in TR */
#define ATTRIB_LDT 0x2		      /* not present: unusable */
#define TSS_LIMIT 0x67

#define PTE_PRESENT_WRITE 0x03
#define PDE_HUGE 0x80
#define TABLE_BYTES 4096
#define ENTRIES 512
#define DIRECTORIES 4 /* 4 GiB in pages of 2 MiB */

#define CR0_PE (1ULL << 0)
#define CR0_ET (1ULL << 4)
#define CR0_NE (1ULL << 5)
#define CR0_PG (1ULL << 31)
#define CR4_PAE (1ULL << 5)
#define EFER_LME (1ULL << 8)
#define EFER_LMA (1ULL << 10)
#define RFLAGS_ALWAYS 0x2

static void write_page_tables(const struct guest_ram *ram)
{
	uint64_t(*table)[ENTRIES] =
		guest_ram_ptr(ram, LINUX_PAGE_TABLES_GPA, (2 + DIRECTORIES) * TABLE_BYTES);

	memset(table, 0, (2 + DIRECTORIES) * TABLE_BYTES);
	table[0][0] = (LINUX_PAGE_TABLES_GPA + TABLE_BYTES) | PTE_PRESENT_WRITE;
	for (uint64_t i = 0; i < DIRECTORIES; i++)
		table[1][i] = (LINUX_PAGE_TABLES_GPA + (2 + i) * TABLE_BYTES) | PTE_PRESENT_WRITE;
	for (uint64_t i = 0; i < DIRECTORIES * ENTRIES; i++)
		table[2 + i / ENTRIES][i % ENTRIES] = i << 21 | PTE_PRESENT_WRITE | PDE_HUGE;
}

void long_mode_prepare(const struct guest_ram *ram)
{
	uint64_t *gdt = guest_ram_ptr(ram, LINUX_GDT_GPA, GDT_ENTRIES * sizeof(*gdt));

	memset(gdt, 0, GDT_ENTRIES * sizeof(*gdt));
	gdt[SELECTOR_CODE / 8] = GDT_CODE;
	gdt[SELECTOR_DATA / 8] = GDT_DATA;
	gdt[SELECTOR_TSS / 8] = GDT_TSS;
	write_page_tables(ram);
}

static struct myhv_segment flat(uint16_t selector, uint16_t attrib)
{
	return (struct myhv_segment){ .limit = ~0U, .selector = selector, .attrib = attrib };
}

void long_mode_enter(struct myhv_vcpu_state *state, const struct linux_entry *entry)
{
	memset(&state->general, 0, sizeof(state->general));
	state->general.rip = entry->rip;
	state->general.rflags = RFLAGS_ALWAYS;
	state->general.gpr[MYHV_RSI] = entry->boot_params_gpa;

	memset(&state->segments, 0, sizeof(state->segments));
	for (int i = MYHV_SEG_ES; i <= MYHV_SEG_GS; i++)
		state->segments.seg[i] = flat(SELECTOR_DATA, ATTRIB_DATA);
	state->segments.seg[MYHV_SEG_CS] = flat(SELECTOR_CODE, ATTRIB_CODE);
	state->segments.seg[MYHV_SEG_LDTR].attrib = ATTRIB_LDT;
	state->segments.seg[MYHV_SEG_TR] = (struct myhv_segment){
		.limit = TSS_LIMIT,
		.selector = SELECTOR_TSS,
		.attrib = ATTRIB_TSS,
	};
	state->segments.gdt.base = LINUX_GDT_GPA;
	state->segments.gdt.limit = GDT_ENTRIES * sizeof(uint64_t) - 1;

	/* replaces CD and NW of the state after RESET: caches are on */
	state->control.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	state->control.cr2 = 0;
	state->control.cr3 = LINUX_PAGE_TABLES_GPA;
	state->control.cr4 = CR4_PAE;
	state->control.efer = EFER_LME | EFER_LMA;
}
