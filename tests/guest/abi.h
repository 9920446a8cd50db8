/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a flat guest and the harness agree on: the image's header, the memory map and
 * the ports. For C and assembly, on both sides.
 */
#ifndef GUEST_ABI_H
#define GUEST_ABI_H

/* The header stands at the image's first byte. */
#define GUEST_MAGIC 0x5456484d /* "MHVT" */

/* header.mode: the state at the entry point */
#define GUEST_RESET 0	/* as after RESET; the image is the last bytes below 4 GiB */
#define GUEST_REAL 1	/* real mode, all segments 0 */
#define GUEST_PROT32 2	/* flat 32 bit, no paging */
#define GUEST_PAE 3	/* flat 32 bit, PAE, the first 4 GiB mapped one to one */
#define GUEST_LONG 4	/* 64 bit, the first 4 GiB mapped one to one */

/* Memory map, all guest-physical. */
#define GUEST_GDT 0x1000
#define GUEST_PAGE_TABLES 0x2000 /* 6 pages */
#define GUEST_REAL_LOAD 0x8000
#define GUEST_LOAD 0x100000
#define GUEST_RAM_BYTES 0x1000000
/* Memory of which the host has nothing yet; its pages come one by one. */
#define GUEST_FRESH 0x800000
#define GUEST_FRESH_BYTES 0x400000
/* A device that is nothing but a memory of its own; harness and guest know its place. */
#define GUEST_MMIO 0x8000000
#define GUEST_MMIO_BYTES 0x4000
/* Nothing is here: reads give ones. */
#define GUEST_HOLE 0x9000000

/* Selectors of the GDT at entry, and of the one that the guests set up themselves. */
#define SEL_CODE32 0x08
#define SEL_DATA 0x10
#define SEL_CODE64 0x18
#define SEL_CODE16 0x20
#define SEL_DATA16 0x28
#define SEL_USER32 0x33
#define SEL_USER_DATA 0x3b
#define SEL_USER64 0x43
#define SEL_TSS 0x50

/* Ports of the harness. */
#define PORT_CONSOLE 0xe9 /* write a byte: output */
#define PORT_EXIT 0xf4	  /* write 32 bits: the end; 0 is success */
/*
 * Write 32 bits: ask the harness for something; it answers the next read of
 * PORT_ARG. What a number means is between a guest and its test.
 */
#define PORT_CALL 0xf0
#define PORT_ARG 0xf8 /* read and write 32 bits: an argument, an answer */
/* A port that remembers what was written to it, and tells it; 4 of them. */
#define PORT_LATCH 0x200
/* String input comes from here: a counter of bytes, starting at 0 after a write. */
#define PORT_COUNTER 0x210
/* String output goes here: what was written is added up and counted. */
#define PORT_SUM 0x220

#endif /* GUEST_ABI_H */
