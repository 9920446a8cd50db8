/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runtime of the flat guests in C, 16, 32 and 64 bit: console, checks, and traps.
 *
 * A guest is one C file with a guest_main(). Every check prints a line "ok NAME" or
 * "not ok NAME: ..." that the harness collects.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"
#include "calls.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned long ulong;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void guest_main(void);

/* ---- results ---- */

void print(const char *s);
void print_hex(u64 value);
void check(bool good, const char *name);
void check_eq(const char *name, u64 got, u64 want);
void __attribute__((noreturn)) guest_exit(u32 status);
/* For harness calls with one argument and one answer. */
u32 host_call(u32 number, u32 arg);
/* TCG has no segment limits, no #AC, no SSE exceptions, no RF in a TSS: leave these out. */
bool is_tcg(void);

/* ---- ports and memory ---- */

static inline void outb(u16 port, u8 v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outw(u16 port, u16 v)
{
	asm volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void outl(u16 port, u32 v)
{
	asm volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 v;

	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u16 inw(u16 port)
{
	u16 v;

	asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u32 inl(u16 port)
{
	u32 v;

	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline u32 read32(ulong address)
{
	return *(volatile u32 *)address;
}

static inline void write32(ulong address, u32 v)
{
	*(volatile u32 *)address = v;
}

/* ---- the processor ---- */

#define X86_CF 0x1
#define X86_ZF 0x40
#define X86_TF 0x100
#define X86_IF 0x200
#define X86_DF 0x400
#define X86_NT 0x4000
#define X86_RF 0x10000
#define X86_AC 0x40000

#define CR0_PE 0x1
#define CR0_MP 0x2
#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_NE 0x20
#define CR0_WP 0x10000
#define CR0_AM 0x40000
#define CR0_PG 0x80000000u
#define CR4_PAE 0x20
#define CR4_DE 0x8
#define CR4_PGE 0x80
#define CR4_OSFXSR 0x200
#define CR4_OSXMMEXCPT 0x400
#define CR4_OSXSAVE 0x40000
#define MSR_EFER 0xc0000080u
#define EFER_SCE 0x1
#define EFER_LME 0x100
#define EFER_LMA 0x400
#define EFER_NXE 0x800

#define GUEST_REG(name)                                                  \
	static inline ulong read_##name(void)                            \
	{                                                                \
		ulong v;                                                 \
		asm volatile("mov %%" #name ", %0" : "=r"(v));           \
		return v;                                                \
	}                                                                \
	static inline void write_##name(ulong v)                         \
	{                                                                \
		asm volatile("mov %0, %%" #name : : "r"(v) : "memory");  \
	}
GUEST_REG(cr0)
GUEST_REG(cr2)
GUEST_REG(cr3)
GUEST_REG(cr4)
GUEST_REG(dr0)
GUEST_REG(dr1)
GUEST_REG(dr2)
GUEST_REG(dr3)
GUEST_REG(dr6)
GUEST_REG(dr7)
#ifdef __x86_64__
GUEST_REG(cr8)
#endif

static inline u64 rdmsr(u32 index)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(index) : "memory");
	return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 index, u64 v)
{
	asm volatile("wrmsr" : : "c"(index), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}

static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (u64)hi << 32 | lo;
}

static inline void cpuid(u32 leaf, u32 subleaf, u32 r[4])
{
	asm volatile("cpuid"
		     : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(subleaf));
}

static inline ulong read_flags(void)
{
	ulong v;

	asm volatile("pushf; pop %0" : "=r"(v));
	return v;
}

static inline void write_flags(ulong v)
{
	asm volatile("push %0; popf" : : "r"(v) : "memory", "cc");
}

static inline void sti(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void cli(void)
{
	asm volatile("cli" : : : "memory");
}

/* STI and HLT without a gap in which the interrupt would be lost. */
static inline void sti_hlt_cli(void)
{
	asm volatile("sti; hlt; cli" : : : "memory");
}

/* ---- traps: 32 and 64 bit only ---- */

struct trap_frame {
#ifdef __x86_64__
	ulong r15, r14, r13, r12, r11, r10, r9, r8;
#endif
	ulong di, si, bp, bx, dx, cx, ax;
	ulong vector, error, ip, cs, flags, sp, ss; /* sp and ss: 64 bit or ring change */
};

typedef void (*trap_handler_fn)(struct trap_frame *frame);

/* Sets GDT, TSS and IDT. Done before guest_main(). */
void traps_init(void);
/* NULL: back to the default, which is to fail unless TRY() expects the vector. */
void trap_handler(u8 vector, trap_handler_fn fn);
/* Make a gate use interrupt stack @ist of the TSS (64 bit). */
void trap_use_ist(u8 vector, unsigned int ist);
/* The gate may be called from ring 3. */
void trap_allow_user(u8 vector);
/* 32 bit: events through this gate switch to a task. */
void trap_task_gate(u8 vector, u16 tss_selector);
void trap_mark_absent(u8 vector);

/**
 * struct trap_seen - what the last trap inside of TRY() was
 * @vector: its vector, or NO_TRAP
 * @error: the error code
 * @ip: the saved instruction pointer
 * @flags: the saved flags
 * @cr2: CR2 for a page fault
 * @insn: address of the tried instruction; with @ip it tells a trap from a fault
 * @count: how many traps came since the start
 */
struct trap_seen {
	u32 vector;
	ulong error;
	ulong ip;
	ulong flags;
	ulong cr2;
	ulong insn;
	ulong after;
	u32 count;
};
extern struct trap_seen trap_seen;
extern ulong trap_resume;
#define NO_TRAP 0x100u

#ifdef __x86_64__
#define TRY_MOV "movq "
#define REG_SP "rsp"
#define REG_BX "rbx"
#define REG_CX "rcx"
#define REG_DX "rdx"
#else
#define TRY_MOV "movl "
#define REG_SP "esp"
#define REG_BX "ebx"
#define REG_CX "ecx"
#define REG_DX "edx"
#endif

/* Run @text on a stack that is not mapped yet: delivery faults on the second level. */
#define ON_STACK(stack, text, ...)                                                        \
	asm volatile("mov %%" REG_SP ", %%" REG_BX "; mov %0, %%" REG_SP "; " text     \
		     "; mov %%" REG_BX ", %%" REG_SP                                     \
		     :                                                                    \
		     : "r"(stack), ##__VA_ARGS__                                          \
		     : REG_BX, "eax", "edx", "memory", "cc")

/* The top of a stack for it, each time another one. */
ulong fresh_stack(void);

/*
 * TRY(asm text, input operands...): run one instruction; a trap is noted in trap_seen
 * and the guest goes on behind the instruction.
 */
#define TRY(text, ...)                                                                     \
	do {                                                                               \
		trap_seen.vector = NO_TRAP;                                                \
		asm volatile(TRY_MOV "$661f, trap_seen + %c[insn];" TRY_MOV                \
				     "$662f, trap_seen + %c[after];" TRY_MOV               \
				     "$662f, trap_resume;"                                 \
				     "661: " text "; 662: "                                \
			     :                                                             \
			     : __VA_OPT__(__VA_ARGS__, )                                   \
			       [insn] "i"(__builtin_offsetof(struct trap_seen, insn)),     \
			       [after] "i"(__builtin_offsetof(struct trap_seen, after))    \
			     : "memory", "cc");                                            \
		trap_resume = 0;                                                           \
	} while (0)

void check_trap(const char *name, u32 vector, ulong error);
void check_no_trap(const char *name);

enum {
	VEC_DE, VEC_DB, VEC_NMI, VEC_BP, VEC_OF, VEC_BR, VEC_UD, VEC_NM, VEC_DF, VEC_TS = 10,
	VEC_NP, VEC_SS, VEC_GP, VEC_PF, VEC_MF = 16, VEC_AC, VEC_MC, VEC_XM,
};

/* ---- tables: 32 and 64 bit only ---- */

extern u64 gdt[16];
/* Change a descriptor; base and limit (in bytes - 1 or pages - 1) and the flags word. */
u64 descriptor(u32 base, u32 limit, u16 attrib);
/* Give back to the descriptor table what the processor caches. */
void gdt_reload(void);

/* A word of the TSS. */
extern u32 tss[32];

/* 4 KiB page tables of one's own for a 2 MiB window; entry i maps the window's page i. */
u64 *map_window(ulong address);
static inline void invlpg(ulong address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

/* Run @fn in ring 3 with flags @flags; it ends with an INT 0x80. */
void run_user(void (*fn)(void), ulong flags);

void *memset(void *to, int value, ulong n);
void *memcpy(void *to, const void *from, ulong n);
int memcmp(const void *a, const void *b, ulong n);

#endif /* GUEST_H */
