// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's memory runs out at every single place in turn: each step of a VM's life is tried
 * again and again with its first, second, third ... allocation made to fail. Each time it works
 * anyway or gives a clean errno and leaves all as it was, which the next try proves. Needs a
 * kernel with fault injection (/proc/thread-self/fail-nth), as the lab's debug kernel.
 *
 * hvlab-timeout: 1200
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mount.h>

#include "api.h"

#define FAIL_NTH "/proc/thread-self/fail-nth"
#define DEBUGFS "/sys/kernel/debug/"
#define KMEMLEAK DEBUGFS "kmemleak"
#define MOST_ALLOCATIONS 500
#define RAM_BYTES MINI_BYTES
#define CODE MINI_CODE
#define NEW_GPA 0x40000000

static int fail_nth;
static int sys = -1, vm = -1, event, resample;
static uint8_t *ram;
static struct myhv_vcpu vcpu;
static struct myhv_vcpu_state state;
static struct myhv_cpuid_entry cpuid[256];
static uint32_t cpuid_count = 256;

/* ---- fault injection ---- */

static bool set_file(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, value, strlen(value)) == (ssize_t)strlen(value);

	if (fd >= 0)
		close(fd);
	return done;
}

static void setup(void)
{
	fail_nth = open(FAIL_NTH, O_RDWR);
	if (fail_nth < 0)
		skip_all("the host's kernel cannot inject faults");
	if (access(DEBUGFS "failslab", F_OK))
		mount("none", DEBUGFS, "debugfs", 0, NULL);
	if (!set_file(DEBUGFS "failslab/ignore-gfp-wait", "N"))
		skip_all("no failslab in debugfs");
	set_file(DEBUGFS "failslab/verbose", "0");
	set_file(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	set_file(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	set_file(DEBUGFS "fail_page_alloc/min-order", "0");
	set_file(DEBUGFS "fail_page_alloc/verbose", "0");
}

/* The @nth allocation of this thread from now on fails; 0: none. */
static void arm(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(fail_nth, text, length, 0) != length)
		bail_out("writing to " FAIL_NTH ": %s", strerror(errno));
}

/* Did it fail, or were there fewer allocations? */
static bool disarm(void)
{
	char text[16] = "";
	bool failed;

	if (pread(fail_nth, text, sizeof(text) - 1, 0) <= 0)
		bail_out("reading " FAIL_NTH ": %s", strerror(errno));
	failed = atoi(text) == 0;
	arm(0);
	return failed;
}

/* ---- the steps; each gives a negative errno, or what it made ---- */

static int open_device(void)
{
	sys = open(MYHV_DEVICE, O_RDWR | O_CLOEXEC);
	return sys < 0 ? -errno : 0;
}

static void close_device(void)
{
	close(sys);
}

static int create_vm(void)
{
	vm = myhv_vm_create(sys, MYHV_IRQCHIP_FULL, MYHV_VM_PIT, "faults");
	return vm;
}

static void close_vm(void)
{
	close(vm);
}

static int map_ram(void)
{
	return myhv_mem_map(vm, 0, ram, RAM_BYTES, 0);
}

static void unmap_ram(void)
{
	myhv_mem_unmap(vm, 0, RAM_BYTES);
}

/* vCPUs stay until their VM goes: each time a VM is made for it. */
static int spare_vm;

static void prepare_vcpu(void)
{
	spare_vm = myhv_vm_create(sys, MYHV_IRQCHIP_FULL, 0, "spare");
	if (spare_vm < 0)
		bail_out("creating a VM: %s", strerror(-spare_vm));
}

static int create_vcpu(void)
{
	struct myhv_vcpu spare;
	int r = myhv_vcpu_open(&spare, spare_vm, 0);

	if (!r)
		myhv_vcpu_close(&spare);
	return r;
}

static void cleanup_vcpu(void)
{
	close(spare_vm);
}

static int set_cpuid(void)
{
	return myhv_vcpu_cpuid_set(&vcpu, cpuid, cpuid_count);
}

static int get_state(void)
{
	return myhv_vcpu_state_get(&vcpu, MYHV_STATE_ALL, &state);
}

static int set_state(void)
{
	return myhv_vcpu_state_set(&vcpu, MYHV_STATE_ALL, &state);
}

static int set_msr(void)
{
	struct myhv_msr msr = { .index = 0xc0000082, .value = 0x1000 };

	return myhv_vcpu_msrs_set(&vcpu, &msr, 1);
}

static int set_debug(void)
{
	struct myhv_debug debug = { .flags = 0 };

	return myhv_vcpu_debug(&vcpu, &debug);
}

static int set_routes(void)
{
	static const struct myhv_irq_route routes[] = {
		{ .gsi = 5, .type = MYHV_ROUTE_IRQCHIP, .chip = MYHV_CHIP_PIC_MASTER, .pin = 5 },
		{ .gsi = 5, .type = MYHV_ROUTE_IRQCHIP, .chip = MYHV_CHIP_IOAPIC, .pin = 5 },
		{ .gsi = 30, .type = MYHV_ROUTE_MSI,
		  .msi = { .address = 0xfee00000, .data = 0x40 } },
	};

	return myhv_irq_routing(vm, routes, 3);
}

static int irqfd(uint32_t flags)
{
	struct myhv_irqfd arg = {
		.fd = event,
		.gsi = 5,
		.flags = flags,
		.resample_fd = flags & MYHV_IRQFD_RESAMPLE ? resample : 0,
	};

	return myhv_irqfd(vm, &arg);
}

static int assign_irqfd(void)
{
	return irqfd(0);
}

static int assign_resampling_irqfd(void)
{
	return irqfd(MYHV_IRQFD_RESAMPLE);
}

static void deassign_irqfd(void)
{
	irqfd(MYHV_IRQFD_DEASSIGN);
}

static int ioeventfd(uint32_t flags)
{
	struct myhv_ioeventfd arg = {
		.addr = 0x510,
		.len = 2,
		.fd = event,
		.flags = flags | MYHV_IOEVENTFD_PIO,
	};

	return myhv_ioeventfd(vm, &arg);
}

static int assign_ioeventfd(void)
{
	return ioeventfd(0);
}

static void deassign_ioeventfd(void)
{
	ioeventfd(MYHV_IOEVENTFD_DEASSIGN);
}

static int start_dirty_log(void)
{
	return myhv_mem_dirty(vm, MYHV_DIRTY_START, 0, RAM_BYTES, NULL);
}

static void stop_dirty_log(void)
{
	myhv_mem_dirty(vm, MYHV_DIRTY_STOP, 0, RAM_BYTES, NULL);
}

static int move_ram(void)
{
	struct myhv_mem_op op = {
		.op = MYHV_MEM_MOVE, .gpa = 0, .bytes = RAM_BYTES, .new_gpa = NEW_GPA,
	};

	return myhv_mem_update(vm, &op, 1);
}

static void move_ram_back(void)
{
	struct myhv_mem_op op = {
		.op = MYHV_MEM_MOVE, .gpa = NEW_GPA, .bytes = RAM_BYTES, .new_gpa = 0,
	};

	myhv_mem_update(vm, &op, 1);
}

static void check_ram(void)
{
	is(move_ram(), 0, "memory moves");
	move_ram_back();
}

/* A guest whose memory, and all tables for it, must be made anew. */
static void prepare_run(void)
{
	/* mov %ax, 0x8000; mov %ax, 0x9000; out %al, $0x80 */
	static const uint8_t code[] = { 0xa3, 0x00, 0x80, 0xa3, 0x00, 0x90, 0xe6, 0x80 };

	unmap_ram();
	madvise(ram, RAM_BYTES, MADV_DONTNEED);
	memcpy(ram + CODE, code, sizeof(code));
	if (map_ram())
		bail_out("mapping memory");
	state.general.rip = CODE;
	if (myhv_vcpu_state_set(&vcpu, MYHV_STATE_GENERAL, &state))
		bail_out("setting registers");
}

static int run(void)
{
	int r;

	do
		r = myhv_vcpu_run(&vcpu);
	while (r == -EINTR);
	if (!r && vcpu.exit->reason != MYHV_EXIT_IO)
		return -EPROTO;
	/* what the host's fault handler makes of it, when the page is user space's */
	return r == -EFAULT && vcpu.exit->reason == MYHV_EXIT_MEMORY_FAULT ? -ENOMEM : r;
}

static void prepare_logged_run(void)
{
	prepare_run();
	if (start_dirty_log())
		bail_out("starting a dirty log");
}

static void check_run(void)
{
	is(run(), 0, "the guest goes on where it was stopped");
}

/* ---- the walk ---- */

struct step {
	const char *name;
	int (*attempt)(void);
	void (*undo)(void);    /* after it worked, before the next attempt */
	void (*prepare)(void); /* before each attempt */
	void (*cleanup)(void); /* after each attempt, whatever came of it */
	void (*check)(void);   /* after the walk: still in order? */
};

static void walk(const struct step *step, bool keep)
{
	unsigned int nth, refused = 0;
	bool injected = true;
	int r = 0;

	for (nth = 1; injected && nth <= MOST_ALLOCATIONS; nth++) {
		if (step->prepare)
			step->prepare();
		arm(nth);
		r = step->attempt();
		injected = disarm();
		if (step->cleanup)
			step->cleanup();
		if (r < 0) {
			refused++;
			if (r != -ENOMEM || !injected)
				break;
		} else if (step->undo && (injected || !keep)) {
			step->undo();
		}
	}
	ok(r >= 0 && !injected, "%s: %u allocations, %u of them needed (%s)", step->name, nth - 2,
	   refused, r < 0 ? strerror(-r) : "in the end it works");
	if (step->check)
		step->check();
}

static const struct step making[] = {
	{ .name = "open the device", .attempt = open_device, .undo = close_device },
	{ .name = "create a VM", .attempt = create_vm, .undo = close_vm },
	{ .name = "map memory", .attempt = map_ram, .undo = unmap_ram },
};

static const struct step using[] = {
	{ .name = "create a vCPU", .attempt = create_vcpu, .prepare = prepare_vcpu,
	  .cleanup = cleanup_vcpu },
	{ .name = "set CPUID", .attempt = set_cpuid },
	{ .name = "read all state", .attempt = get_state },
	{ .name = "write all state", .attempt = set_state },
	{ .name = "write an MSR", .attempt = set_msr },
	{ .name = "debug", .attempt = set_debug },
	{ .name = "move memory", .attempt = move_ram, .undo = move_ram_back, .check = check_ram },
	{ .name = "set the routes", .attempt = set_routes },
	{ .name = "assign an irqfd", .attempt = assign_irqfd, .undo = deassign_irqfd },
	{ .name = "assign a resampling irqfd", .attempt = assign_resampling_irqfd,
	  .undo = deassign_irqfd },
	{ .name = "assign an ioeventfd", .attempt = assign_ioeventfd, .undo = deassign_ioeventfd },
	{ .name = "start a dirty log", .attempt = start_dirty_log, .undo = stop_dirty_log },
	{ .name = "run", .attempt = run, .prepare = prepare_run, .check = check_run },
};

static const struct step logged = {
	.name = "run with a dirty log", .attempt = run, .prepare = prepare_logged_run,
	.check = check_run,
};

static void look_for_leaks(void)
{
	char line[256];
	bool ours = false;
	FILE *f;

	/* twice: what was just freed may look lost once */
	if (!set_file(KMEMLEAK, "scan"))
		return;
	sleep(6);
	set_file(KMEMLEAK, "scan");
	f = fopen(KMEMLEAK, "r");
	while (f && fgets(line, sizeof(line), f))
		ours |= strstr(line, "[myhv]") != NULL;
	if (f)
		fclose(f);
	ok(!ours, "kmemleak finds nothing of the module's");
}

int main(void)
{
	int r;

	close(sys_open());
	setup();
	event = eventfd(0, EFD_NONBLOCK);
	resample = eventfd(0, EFD_NONBLOCK);
	ram = mmap(NULL, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED)
		bail_out("no memory");
	memset(ram, 0, RAM_BYTES);
	for (unsigned int i = 0; i < sizeof(making) / sizeof(making[0]); i++)
		walk(&making[i], true);

	r = myhv_vcpu_open(&vcpu, vm, 0);
	if (r)
		bail_out("creating a vCPU: %s", strerror(-r));
	myhv_cpuid_supported(sys, cpuid, &cpuid_count);
	get_state();
	state.segments.seg[MYHV_SEG_CS].base = 0;
	state.segments.seg[MYHV_SEG_CS].selector = 0;
	set_state();
	for (unsigned int i = 0; i < sizeof(using) / sizeof(using[0]); i++)
		walk(&using[i], false);
	walk(&logged, false);

	myhv_vcpu_close(&vcpu);
	close(vm);
	close(sys);
	look_for_leaks();
	return done_testing();
}
