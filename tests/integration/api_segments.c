// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A thread of the host with segments of its own, as 32-bit programs have them: from the GDT's
 * TLS entries, and from an LDT. A run of the guest leaves selectors and bases as they were, and
 * the guest's KERNEL_GS_BASE is the guest's.
 */
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>

#include "api.h"

#define MSR_KERNEL_GS_BASE 0xc0000102
#define GUEST_BASE 0x123456789000
#define LDT_SELECTOR 7 /* entry 0, ring 3 */
#define RUNS 50

static uint32_t tls_word = 0x11111111, ldt_word = 0x22222222;

#define SELECTOR(reg)                                         \
	static uint16_t get_##reg(void)                       \
	{                                                     \
		uint16_t v;                                   \
		asm volatile("mov %%" #reg ", %0" : "=r"(v)); \
		return v;                                     \
	}                                                     \
	static void set_##reg(uint16_t v)                     \
	{                                                     \
		asm volatile("mov %0, %%" #reg : : "r"(v));   \
	}
SELECTOR(ds)
SELECTOR(es)
SELECTOR(gs)

static uint32_t word_in_gs(void)
{
	uint32_t v;

	asm volatile("movl %%gs:0, %0" : "=r"(v));
	return v;
}

static uint64_t gs_base(void)
{
	uint64_t base = 0;

	syscall(SYS_arch_prctl, ARCH_GET_GS, &base);
	return base;
}

/* A data segment, whose base has 32 bits: what it points to lies in a page down there. */
static struct user_desc segment(int entry, uint32_t *word)
{
	return (struct user_desc){
		.entry_number = entry,
		.base_addr = (uintptr_t)word,
		.limit = 0xfffff,
		.seg_32bit = 1,
		.limit_in_pages = 1,
		.useable = 1,
	};
}

static sigjmp_buf no_such_call;

static void on_fault(int signal)
{
	siglongjmp(no_such_call, 1);
}

/*
 * Only 32-bit programs can set one, by their system calls, which a kernel may not have: 0.
 * @desc is a copy down there.
 */
static uint16_t tls_selector(uint32_t *word, struct user_desc *desc)
{
	long ret = 243; /* set_thread_area */

	*desc = segment(-1, word);
	signal(SIGSEGV, on_fault);
	if (sigsetjmp(no_such_call, 1))
		return 0;
	asm volatile("int $0x80" : "+a"(ret) : "b"(desc) : "memory", "r8", "r9", "r10", "r11");
	signal(SIGSEGV, SIG_DFL);
	return ret ? 0 : desc->entry_number << 3 | 3;
}

static void ldt_entry(uint32_t *word)
{
	struct user_desc desc = segment(0, word);

	is(syscall(SYS_modify_ldt, 0x11, &desc, sizeof(desc)), 0, "an LDT");
}

static uint64_t guest_base(struct mini *m)
{
	struct myhv_msr msr = { .index = MSR_KERNEL_GS_BASE };

	myhv_vcpu_msrs_get(&m->vcpu, &msr, 1);
	return msr.value;
}

/* Short runs, and one that host interrupts cut into pieces. */
static void runs(struct mini *m, uint16_t selector, uint32_t value, const char *name)
{
	uint64_t base = gs_base();
	unsigned int i, lost = 0;

	for (i = 0; i < RUNS; i++) {
		mini_run(m);
		lost += get_ds() != selector || get_es() != selector || get_gs() != selector ||
			word_in_gs() != value || gs_base() != base ||
			guest_base(m) != GUEST_BASE;
	}
	is(lost, 0, "%s: segments of both sides after %u runs", name, RUNS);
	is(get_gs(), selector, "%s: GS is %#x", name, selector);
	is(word_in_gs(), value, "%s: what GS points to", name);
	is(guest_base(m), GUEST_BASE, "%s: the guest's KERNEL_GS_BASE", name);
}

static void with_selector(struct mini *m, uint16_t selector, uint32_t value, const char *name)
{
	set_ds(selector);
	set_es(selector);
	set_gs(selector);
	runs(m, selector, value, name);
	set_ds(0);
	set_es(0);
	set_gs(0);
}

int main(void)
{
	struct myhv_msr msr = { .index = MSR_KERNEL_GS_BASE, .value = GUEST_BASE };
	uint32_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	uint16_t tls;
	struct mini m;

	if (low == MAP_FAILED)
		bail_out("no memory below 4 GiB");
	low[0] = tls_word;
	low[1] = ldt_word;
	tls = tls_selector(&low[0], (struct user_desc *)&low[2]);
	ldt_entry(&low[1]);

	/* mov cx, 0x1000; 1: loop 1b; out 0x80, al; jmp 0 */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xb9, 0x00, 0x10, 0xe2, 0xfe, 0xe6, 0x80, 0xeb, 0xf7);
	is(myhv_vcpu_msrs_set(&m.vcpu, &msr, 1), 1, "the guest's KERNEL_GS_BASE is set");
	if (tls)
		with_selector(&m, tls, tls_word, "TLS");
	else
		printf("# the kernel runs no 32-bit programs\n");
	with_selector(&m, LDT_SELECTOR, ldt_word, "LDT");
	mini_close(&m);
	return done_testing();
}
