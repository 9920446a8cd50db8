// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hvlab-timeout: 600
 *
 * Guest memory follows the process's: whatever the host does to a page under a running
 * guest, both sides go on seeing the same memory. The guest copies a control word to an
 * echo word for ever; a stale mapping of either page would keep the echo from coming.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>

#include "api.h"

#define RAM_BYTES (16u << 20)
#define PAGE 4096u
#define DATA 0x20000u /* the guest's data segment */
#define CONTROL (DATA + 0x1000)
#define ECHO (DATA + 0x2000)

static const uint8_t guest_code[] = {
	0xb8, 0x00, 0x20,	/* mov $0x2000, %ax */
	0x8e, 0xd8,		/* mov %ax, %ds */
	0xff, 0x06, 0x00, 0x00, /* again: incw 0 */
	0xa1, 0x00, 0x10,	/* mov 0x1000, %ax */
	0xa3, 0x00, 0x20,	/* mov %ax, 0x2000 */
	0xeb, 0xf4,		/* jmp again */
};

#define MAX_VCPUS 4
#define ROUNDS 8
static struct world {
	int vm;
	uint64_t id;
	uint8_t *ram;
	unsigned int nr_vcpus;
	volatile bool stop;
	uint16_t value;
	struct runner {
		struct myhv_vcpu vcpu;
		pthread_t thread;
		int result;
	} cpu[MAX_VCPUS];
} w;

static void *run_guest(void *arg)
{
	struct runner *c = arg;
	int r;

	do
		r = myhv_vcpu_run(&c->vcpu);
	while (r == -EINTR && !w.stop);
	c->result = r;
	return NULL;
}

static void threads_start(void)
{
	unsigned int i;

	w.stop = false;
	for (i = 0; i < w.nr_vcpus; i++)
		pthread_create(&w.cpu[i].thread, NULL, run_guest, &w.cpu[i]);
}

static void threads_stop(void)
{
	unsigned int i;

	w.stop = true;
	for (i = 0; i < w.nr_vcpus; i++)
		myhv_vcpu_kick(&w.cpu[i].vcpu);
	for (i = 0; i < w.nr_vcpus; i++)
		pthread_join(w.cpu[i].thread, NULL);
}

static void vcpu_start(unsigned int id)
{
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));
	uint32_t groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS;
	struct myhv_vcpu *vcpu = &w.cpu[id].vcpu;

	if (myhv_vcpu_open(vcpu, w.vm, id) || myhv_vcpu_state_get(vcpu, groups, s))
		bail_out("creating vCPU %u", id);
	s->segments.seg[MYHV_SEG_CS].base = 0;
	s->segments.seg[MYHV_SEG_CS].selector = 0;
	s->general.rip = MINI_CODE;
	if (myhv_vcpu_state_set(vcpu, groups, s))
		bail_out("setting registers");
	free(s);
}

static void start(int irqchip, unsigned int nr_vcpus)
{
	uint8_t *area;
	unsigned int i;

	memset(&w, 0, sizeof(w));
	w.nr_vcpus = nr_vcpus;
	/* on a 2 MiB boundary, so that huge pages fit */
	area = mmap(NULL, RAM_BYTES + (2 << 20), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	w.ram = (uint8_t *)(((uintptr_t)area + (2 << 20) - 1) & -(2ul << 20));
	if (mmap(w.ram, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		bail_out("no memory");
	madvise(w.ram, RAM_BYTES, MADV_HUGEPAGE);
	memcpy(w.ram + MINI_CODE, guest_code, sizeof(guest_code));
	w.vm = vm_open(irqchip);
	myhv_prop_get(w.vm, MYHV_PROP_VM_ID, &w.id);
	if (myhv_mem_map(w.vm, 0, w.ram, RAM_BYTES, 0))
		bail_out("mapping memory");
	for (i = 0; i < nr_vcpus; i++)
		vcpu_start(i);
	threads_start();
}

static void stop(void)
{
	unsigned int i;

	threads_stop();
	for (i = 0; i < w.nr_vcpus; i++) {
		is(w.cpu[i].result, -EINTR, "vCPU %u ran until it was stopped", i);
		myhv_vcpu_close(&w.cpu[i].vcpu);
	}
	close(w.vm);
	munmap(w.ram, RAM_BYTES);
}

/* A new control word comes back; within a minute, on a host that has other things to do. */
static bool echoes(void)
{
	struct timespec pause = { .tv_nsec = 200000 };
	volatile uint16_t *control = (uint16_t *)(w.ram + CONTROL);
	volatile uint16_t *echo = (uint16_t *)(w.ram + ECHO);
	int i;

	*control = ++w.value;
	for (i = 0; i < 300000 && *echo != w.value; i++)
		nanosleep(&pause, NULL);
	return *echo == w.value;
}

static void drop_pages(void)
{
	madvise(w.ram + DATA, 4 * PAGE, MADV_DONTNEED);
}

static void protect_and_back(void)
{
	mprotect(w.ram + DATA, 4 * PAGE, PROT_READ);
	/* now the guest's writes fault in the host: the run ends with EFAULT, see below */
	mprotect(w.ram + DATA, 4 * PAGE, PROT_READ | PROT_WRITE);
}

/* Other pages at the same address; the guest runs into the hole for a moment. */
static void move_away(void)
{
	uint8_t *spare = mmap(NULL, 4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mremap(w.ram + DATA, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, spare) != spare)
		bail_out("mremap: %s", strerror(errno));
	if (mmap(w.ram + DATA, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		bail_out("mmap: %s", strerror(errno));
	/* what was there must not be written to any more */
	memset(spare, 0xaa, 4 * PAGE);
	w.ram[CONTROL] = 0x11;
	usleep(3000);
	if (spare[ECHO - DATA] != 0xaa)
		ok(false, "pages that were moved away are left alone");
	munmap(spare, 4 * PAGE);
}

static void map_over(void)
{
	if (mmap(w.ram + DATA, 4 * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		bail_out("mmap: %s", strerror(errno));
}

static void map_file_over(void)
{
	int fd = memfd_create("guest", 0);

	if (fd < 0 || ftruncate(fd, 4 * PAGE) ||
	    mmap(w.ram + DATA, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) ==
		    MAP_FAILED)
		bail_out("memfd: %s", strerror(errno));
	close(fd);
}

/* Copy on write on our side while a child holds the pages. */
static void fork_a_child(void)
{
	pid_t pid = fork();

	if (!pid) {
		usleep(2000);
		_exit(0);
	}
	w.ram[CONTROL + 100]++;
	waitpid(pid, NULL, 0);
}

static void page_out(void)
{
	madvise(w.ram + DATA, 4 * PAGE, MADV_PAGEOUT);
}

static void go_cold(void)
{
	madvise(w.ram + DATA, 4 * PAGE, MADV_COLD);
}

static const struct {
	const char *name;
	void (*op)(void);
	bool faults; /* the guest may run into a hole: EFAULT, and it is started again */
} ops[] = {
	{ "MADV_DONTNEED", drop_pages, false },
	{ "mmap over", map_over, true },
	{ "mremap", move_away, true },
	{ "fork", fork_a_child, false },
	{ "a shared file", map_file_over, true },
	{ "fork with a shared file", fork_a_child, false },
	{ "mmap over the file", map_over, true },
	{ "MADV_PAGEOUT", page_out, false },
	{ "MADV_COLD", go_cold, false },
	{ "mprotect", protect_and_back, true },
};

/* A vCPU that hit a hole has stopped with EFAULT: on it goes. */
static void restart_after_fault(void)
{
	unsigned int i;

	threads_stop();
	for (i = 0; i < w.nr_vcpus; i++)
		if (w.cpu[i].result != -EINTR && w.cpu[i].result != -EFAULT)
			is(w.cpu[i].result, -EFAULT, "a hole in the host's memory ends the run");
	threads_start();
}

static void follow(const char *what)
{
	unsigned int i, n;

	ok(echoes(), "%s: the guest runs", what);
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		for (n = 0; n < ROUNDS; n++) {
			ops[i].op();
			if (ops[i].faults)
				restart_after_fault();
			if (!echoes())
				break;
		}
		is(n, ROUNDS, "%s: %s", what, ops[i].name);
	}
}

static unsigned long sysfs(const char *file)
{
	char path[128];
	unsigned long value = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/class/misc/myhv/vms/%u/%s", (unsigned int)w.id, file);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%lu", &value) != 1)
		ok(false, "reading %s", path);
	if (f)
		fclose(f);
	return value;
}

static bool process_has_huge_pages(void)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long kib = 0, one;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "AnonHugePages: %lu kB", &one) == 1)
			kib += one;
	if (f)
		fclose(f);
	return kib;
}

static void huge_pages(void)
{
	unsigned int n;

	start(MYHV_IRQCHIP_NONE, 1);
	ok(echoes(), "huge: the guest runs");
	if (process_has_huge_pages())
		ok(sysfs("mapped_2m") > 0, "huge: mapped large");
	else
		note("no huge pages here");
	for (n = 0; n < ROUNDS; n++) {
		/* splits it; then a neighbour is dropped; the guest goes on */
		mprotect(w.ram + 0x40000, PAGE, PROT_READ);
		madvise(w.ram + 0x50000, PAGE, MADV_DONTNEED);
		if (!n)
			is(sysfs("mapped_2m"), 0, "huge: no large mapping outlives the split");
		if (!echoes())
			break;
		drop_pages();
		if (!echoes())
			break;
		mprotect(w.ram + 0x40000, PAGE, PROT_READ | PROT_WRITE);
	}
	is(n, ROUNDS, "huge: split under the guest");
	follow("after the split");
	stop();
}

/* Regions that come and go, with the guest running in another one. */
static void regions(void)
{
	uint8_t *other;
	unsigned int n;
	int r = 0;

	start(MYHV_IRQCHIP_NONE, 1);
	other = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (n = 0; n < 200 && !r; n++) {
		r = myhv_mem_map(w.vm, RAM_BYTES, other, RAM_BYTES, n & 1 ? MYHV_MEM_LOG_DIRTY : 0);
		if (!r && !echoes())
			r = 1;
		if (!r)
			r = myhv_mem_unmap(w.vm, RAM_BYTES, RAM_BYTES);
	}
	is(r, 0, "another region comes and goes 200 times");
	for (n = 0; n < 100 && !r; n++) {
		/* other memory in place of the one the guest runs in, in one step */
		uint8_t *next = n & 1 ? w.ram : other;
		struct myhv_mem_op op[2] = {
			{ .op = MYHV_MEM_UNMAP, .gpa = 0, .bytes = RAM_BYTES },
			{ .op = MYHV_MEM_MAP, .gpa = 0, .bytes = RAM_BYTES,
			  .hva = (uintptr_t)next },
		};
		uint16_t count;

		memcpy(next + MINI_CODE, guest_code, sizeof(guest_code));
		r = myhv_mem_update(w.vm, op, 2);
		/* the old memory stands still from now on */
		count = *(volatile uint16_t *)((n & 1 ? other : w.ram) + DATA);
		usleep(1000);
		if (count != *(volatile uint16_t *)((n & 1 ? other : w.ram) + DATA))
			r = 2;
	}
	is(r, 0, "the guest's memory is replaced 100 times under it");
	ok(echoes(), "and it still runs");
	stop();
	munmap(other, RAM_BYTES);
}

int main(void)
{
	start(MYHV_IRQCHIP_NONE, 1);
	follow("no irqchip");
	stop();
	start(MYHV_IRQCHIP_FULL, 1);
	follow("full irqchip");
	stop();
	/* all fault on the same pages */
	start(MYHV_IRQCHIP_NONE, MAX_VCPUS);
	follow("four vCPUs");
	stop();
	huge_pages();
	regions();
	return done_testing();
}
