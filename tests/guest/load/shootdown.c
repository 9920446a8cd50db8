// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TLB shootdowns. Writers on all processors write to a shared page, each to its own word;
 * the protector takes the permission away. When mprotect() has returned, no processor may
 * still write by an old translation.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "load.h"

#define WORD(cpu) ((cpu) * 8) /* a cache line each */

static volatile uint64_t *page;
static _Atomic uint32_t writable;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static __thread sigjmp_buf after_fault;
static __thread volatile bool expects_fault;

static void on_fault(int signal, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (!expects_fault)
		fail("a fault at %p that nobody asked for: signal %d, code %d, trap %lld, "
		     "error %#llx, RIP %#llx, RSP %#llx, flags %#llx",
		     info->si_addr, signal, info->si_code, regs[REG_TRAPNO], regs[REG_ERR],
		     regs[REG_RIP], regs[REG_RSP], regs[REG_EFL]);
	siglongjmp(after_fault, 1);
}

static void prepare(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &action, NULL);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		fail("cannot map a page");
	atomic_store(&writable, 1);
}

static void write_some(struct worker *w)
{
	expects_fault = true;
	if (!sigsetjmp(after_fault, 1)) {
		for (int i = 0; i < 2000; i++)
			page[WORD(w->cpu)]++;
	}
	expects_fault = false;
}

void *writer_run(void *worker)
{
	struct worker *w = worker;

	pthread_once(&once, prepare);
	pin_to(w->cpu);
	while (!load_over()) {
		write_some(w);
		step(w);
		do
			sleep_ns(100000);
		while (!atomic_load(&writable) && !load_over());
	}
	return NULL;
}

static void protect(int permission)
{
	if (mprotect((void *)page, 4096, permission) < 0)
		fail("mprotect: %s", strerror(errno));
}

void *protector_run(void *worker)
{
	struct worker *w = worker;
	uint64_t before[MAX_CPUS];

	pthread_once(&once, prepare);
	do {
		atomic_store(&writable, 0);
		protect(PROT_READ);
		for (unsigned int i = 0; i < load_cpus; i++)
			before[i] = page[WORD(i)];
		for (int spin = 0; spin < 2000; spin++)
			__builtin_ia32_pause();
		for (unsigned int i = 0; i < load_cpus; i++)
			if (page[WORD(i)] != before[i])
				fail("processor %u wrote to a page after mprotect()", i);
		protect(PROT_READ | PROT_WRITE);
		atomic_store(&writable, 1);
		step(w);
		sleep_ns(300000);
	} while (!load_over());
	return NULL;
}
