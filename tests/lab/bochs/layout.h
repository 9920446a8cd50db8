/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where L1's memory holds what at its first instruction; directboot.py reads this too. */
#define ADDR_BOOT_PARAMS	0x100000
#define ADDR_CMDLINE		0x101000
#define ADDR_PML4		0x102000	/* then the PDPT, then four page directories */
#define ADDR_ENTRY		0x108000	/* the kernel's entry point, 64 bits */
#define ADDR_BOOTS		0x108008	/* how often the boot sector ran, 32 bits */
#define ADDR_BOOT_END		0x109000	/* below this L1's kernel puts nothing */
#define ADDR_STACK		0x110000
#define ADDR_KERNEL		0x1000000	/* at least; the ELF headers have the last word */

#define BOOT_CS			0x10
#define BOOT_DS			0x18
