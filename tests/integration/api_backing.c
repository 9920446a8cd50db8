// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guest memory of other kinds than anonymous pages: hugetlbfs, whose pages are mapped as large as
 * they are, and pages that the host merges (KSM) and takes apart again under the guest. Pages of
 * 1 GiB are there only if the host reserved one when it booted: hugepagesz=1G hugepages=1.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "api.h"

#define PAGE 4096u
#define DATA 0x20000u
#define CONTROL (DATA + 0x1000)
#define ECHO (DATA + 0x2000)
#define TWINS 0x100000u /* pages that look like the control page */
#define NR_TWINS 64u

#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

static const uint8_t guest_code[] = {
	0xb8, 0x00, 0x20, /* mov $0x2000, %ax */
	0x8e, 0xd8,	  /* mov %ax, %ds */
	0xa1, 0x00, 0x10, /* again: mov 0x1000, %ax */
	0xa3, 0x00, 0x20, /* mov %ax, 0x2000 */
	0xeb, 0xf8,	  /* jmp again */
};

static int vm;
static uint64_t vm_id;
static struct myhv_vcpu vcpu;
static pthread_t thread;
static volatile bool stopping;
static uint8_t *ram;
static uint64_t ram_bytes;
static uint16_t value;

static long number_in(const char *path)
{
	FILE *f = fopen(path, "r");
	long v = -1;

	if (f && fscanf(f, "%ld", &v) != 1)
		v = -1;
	if (f)
		fclose(f);
	return v;
}

static bool put(const char *path, long v)
{
	FILE *f = fopen(path, "w");
	bool done = f && fprintf(f, "%ld\n", v) > 0;

	return f && !fclose(f) && done;
}

static long mapped(const char *size)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/class/misc/myhv/vms/%u/mapped_%s", (unsigned int)vm_id,
		 size);
	return number_in(path);
}

static void *run_guest(void *arg)
{
	int r;

	do
		r = myhv_vcpu_run(&vcpu);
	while (r == -EINTR && !stopping);
	return (void *)(intptr_t)r;
}

static void start(void)
{
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));
	uint32_t groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS;

	memcpy(ram + MINI_CODE, guest_code, sizeof(guest_code));
	vm = vm_open(MYHV_IRQCHIP_NONE);
	myhv_prop_get(vm, MYHV_PROP_VM_ID, &vm_id);
	if (myhv_mem_map(vm, 0, ram, ram_bytes, 0) || myhv_vcpu_open(&vcpu, vm, 0) ||
	    myhv_vcpu_state_get(&vcpu, groups, s))
		bail_out("no VM");
	s->segments.seg[MYHV_SEG_CS].base = 0;
	s->segments.seg[MYHV_SEG_CS].selector = 0;
	s->general.rip = MINI_CODE;
	if (myhv_vcpu_state_set(&vcpu, groups, s))
		bail_out("setting registers");
	free(s);
	stopping = false;
	pthread_create(&thread, NULL, run_guest, NULL);
}

static void stop(const char *what)
{
	void *result;

	stopping = true;
	myhv_vcpu_kick(&vcpu);
	pthread_join(thread, &result);
	is((intptr_t)result, -EINTR, "%s: it ran until it was stopped", what);
	myhv_vcpu_close(&vcpu);
	close(vm);
}

static bool echo_is(uint16_t want)
{
	struct timespec pause = { .tv_nsec = 200000 };
	volatile uint16_t *echo = (uint16_t *)(ram + ECHO);

	for (int i = 0; i < 300000 && *echo != want; i++)
		nanosleep(&pause, NULL);
	return *echo == want;
}

static bool echoes(void)
{
	*(volatile uint16_t *)(ram + CONTROL) = ++value;
	return echo_is(value);
}

/* ---- hugetlbfs ---- */

/*
 * @bytes in pieces that can go alone: a 6.1 with lockdep warns of its own hugetlb_split() when
 * it has to cut one.
 */
static uint8_t *map_huge(uint64_t bytes, unsigned int shift, uint64_t piece)
{
	uint64_t page = 1ull << shift;
	uint8_t *p = mmap(NULL, bytes + page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return MAP_FAILED;
	p = (uint8_t *)(((uintptr_t)p + page - 1) & ~(page - 1));
	for (uint64_t at = 0; at < bytes; at += piece)
		if (mmap(p + at, piece, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_HUGETLB |
				 shift << MAP_HUGE_SHIFT,
			 -1, 0) == MAP_FAILED)
			return MAP_FAILED;
	return p;
}

static void huge(unsigned int shift, const char *pool, const char *size)
{
	bool ours = put(pool, shift == 21 ? 8 : 1);
	ram_bytes = shift == 21 ? 16u << 20 : 1ull << shift;
	ram = map_huge(ram_bytes, shift, 1ull << shift);
	if (!ours || ram == MAP_FAILED) {
		note("the host has no pages of %s to give", size);
		put(pool, 0);
		return;
	}
	start();
	ok(echoes(), "hugetlbfs, %s: the guest runs", size);
	is(mapped(size), 1, "hugetlbfs: its page is mapped as one of %s", size);
	is(mapped("4k"), 0, "and nothing by the piece");
	if (shift == 21) {
		munmap(ram + (8u << 20), 2u << 20);
		ok(echoes(), "a neighbour goes, the guest stays");
		mmap(ram + (8u << 20), 2u << 20, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	stop("hugetlbfs");
	munmap(ram, ram_bytes);
	put(pool, 0);
}

/* ---- KSM ---- */

#define KSM "/sys/kernel/mm/ksm/"

static bool merged(void)
{
	for (int i = 0; i < 100; i++) {
		if (number_in(KSM "pages_sharing") >= NR_TWINS)
			return true;
		usleep(100000);
	}
	return false;
}

static void merging(void)
{
	unsigned int n, i;

	ram_bytes = 4u << 20;
	ram = mmap(NULL, ram_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	madvise(ram, ram_bytes, MADV_NOHUGEPAGE);
	start();
	ok(echoes(), "KSM: the guest runs");
	if (madvise(ram, ram_bytes, MADV_MERGEABLE) || !put(KSM "sleep_millisecs", 1) ||
	    !put(KSM "pages_to_scan", 2000)) {
		note("no KSM here");
		stop("KSM");
		return;
	}
	for (n = 0; n < 4; n++) {
		/* control, echo and the twins hold the same: they become one page */
		for (i = 0; i < NR_TWINS; i++)
			*(uint16_t *)(ram + TWINS + i * PAGE) = value;
		put(KSM "run", 1);
		if (!merged() || !echo_is(value))
			break;
		/* which the host's write and the guest's take apart again */
		if (!echoes())
			break;
		for (i = 0; i < NR_TWINS; i++)
			if (*(uint16_t *)(ram + TWINS + i * PAGE) != (uint16_t)(value - 1))
				break;
		if (i < NR_TWINS)
			break;
	}
	is(n, 4, "merged and taken apart under the guest, the twins untouched");
	put(KSM "run", 2);
	ok(echoes(), "nothing is merged any more");
	put(KSM "run", 0);
	stop("KSM");
	munmap(ram, ram_bytes);
}

int main(void)
{
	huge(21, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "2m");
	huge(30, "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "1g");
	merging();
	return done_testing();
}
