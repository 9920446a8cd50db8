// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's memory runs out at every single place in turn: each step of a VM's life is tried
 * again and again with its first, second, third ... allocation made to fail. Each time it works
 * anyway or gives a clean errno and leaves all as it was: the same call then works. Needs a
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
static struct myhv_chip chips[4];

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

static int ask_cpuid(void)
{
	struct myhv_cpuid_entry entries[256];
	uint32_t count = 256;

	return myhv_cpuid_supported(sys, entries, &count);
}

static int ask_msrs(void)
{
	uint32_t indices[1024], count = 1024;

	return myhv_msr_indices(sys, indices, &count);
}

/* What is made once stays until its VM goes: each time a VM is made for it. */
static int spare_vm;
static struct myhv_vcpu spare;

static void make_spare(uint32_t irqchip)
{
	spare_vm = myhv_vm_create(sys, irqchip, 0, "spare");
	if (spare_vm < 0)
		bail_out("creating a VM: %s", strerror(-spare_vm));
}

static void prepare_vcpu(void)
{
	make_spare(MYHV_IRQCHIP_FULL);
}

static void prepare_bare_vm(void)
{
	make_spare(MYHV_IRQCHIP_NONE);
}

static void prepare_spare(void)
{
	make_spare(MYHV_IRQCHIP_FULL);
	if (myhv_vcpu_open(&spare, spare_vm, 0))
		bail_out("creating a vCPU");
}

static void cleanup_spare(void)
{
	myhv_vcpu_close(&spare);
	close(spare_vm);
}

static int create_vcpu(void)
{
	struct myhv_vcpu_create create = { .id = 0 };
	int fd = ioc(spare_vm, MYHV_VCPU_CREATE, &create);

	if (fd >= 0)
		close(fd);
	return fd;
}

static void cleanup_vcpu(void)
{
	close(spare_vm);
}

/* Is the VM broken, which all calls survive, and a run refuses? */
static bool is_broken_well(int broken)
{
	struct myhv_irqfd irqfd = { .fd = event, .gsi = 5 };
	struct myhv_vcpu v;
	struct myhv_chip chip;
	bool refuses;

	myhv_irq_line(broken, 5, 1);
	myhv_irq_msi(broken, 0xfee00000, 0x41);
	myhv_irqfd(broken, &irqfd);
	for (uint32_t i = 0; i < 4; i++) {
		chip.chip = i;
		if (!myhv_chip_get(broken, i, &chip))
			myhv_chip_set(broken, &chip);
	}
	myhv_prop_set(broken, MYHV_PROP_VM_PIT, 1);
	if (myhv_vcpu_open(&v, broken, 0))
		return true;
	refuses = myhv_vcpu_run(&v) == -EIO;
	myhv_vcpu_close(&v);
	return refuses;
}

/* A failure breaks the VM: another one takes its place. */
static int set_irqchip(uint64_t kind)
{
	int r = myhv_prop_set(spare_vm, MYHV_PROP_VM_IRQCHIP, kind);

	if (r != -ENOMEM)
		return r;
	if (!is_broken_well(spare_vm))
		return -EPROTO;
	close(spare_vm);
	make_spare(MYHV_IRQCHIP_NONE);
	return r;
}

static int set_irqchip_full(void)
{
	return set_irqchip(MYHV_IRQCHIP_FULL);
}

static int set_irqchip_split(void)
{
	return set_irqchip(MYHV_IRQCHIP_SPLIT);
}

static int add_pit(void)
{
	uint64_t is = ~0ULL;
	int r = myhv_prop_set(spare_vm, MYHV_PROP_VM_PIT, 1);

	if (r < 0 && (myhv_prop_get(spare_vm, MYHV_PROP_VM_PIT, &is) || is))
		return -EPROTO;
	return r;
}

static int enable_synic(void)
{
	uint64_t is = ~0ULL;
	int r = myhv_prop_set(spare.fd, MYHV_PROP_VCPU_SYNIC, 1);

	if (r < 0 && (myhv_prop_get(spare.fd, MYHV_PROP_VCPU_SYNIC, &is) || is))
		return -EPROTO;
	return r;
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

static int get_chips(void)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < 4; i++)
		r = myhv_chip_get(vm, i, &chips[i]);
	return r;
}

static int set_chips(void)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < 4; i++)
		r = myhv_chip_set(vm, &chips[i]);
	return r;
}

static int filter_msrs(unsigned int count)
{
	static const uint64_t allowed[4];
	struct myhv_msr_range ranges[] = {
		{ .first = 0x10, .count = 1, .flags = MYHV_MSR_RANGE_WRITE,
		  .allowed = (uintptr_t)allowed },
		{ .first = 0x200, .count = 200, .flags = MYHV_MSR_RANGE_READ,
		  .allowed = (uintptr_t)allowed },
		{ .first = 0xc0000080, .count = 64, .flags = MYHV_MSR_RANGE_READ,
		  .allowed = (uintptr_t)allowed },
	};
	struct myhv_msr_filter filter = { .count = count, .ranges = (uintptr_t)ranges };

	return ioc(vm, MYHV_MSR_FILTER, &filter);
}

static int set_msr_filter(void)
{
	return filter_msrs(3);
}

static void set_other_msr_filter(void)
{
	if (filter_msrs(1))
		bail_out("setting an MSR filter");
}

static void drop_msr_filter(void)
{
	if (filter_msrs(0))
		bail_out("dropping an MSR filter");
}

static int coalesce(uint32_t flags)
{
	struct myhv_coalesce zone = {
		.addr = flags & MYHV_COALESCE_PIO ? 0x5658 : 0x50000000,
		.len = 8,
		.flags = flags,
	};

	return myhv_coalesce(vm, &zone);
}

static int coalesce_ports(void)
{
	return coalesce(MYHV_COALESCE_PIO);
}

static int coalesce_memory(void)
{
	return coalesce(0);
}

static int drop_port_zones(void)
{
	return coalesce(MYHV_COALESCE_PIO | MYHV_COALESCE_REMOVE);
}

static void forget_port_zones(void)
{
	drop_port_zones();
}

static void forget_memory_zones(void)
{
	coalesce(MYHV_COALESCE_REMOVE);
}

static void prepare_port_zone(void)
{
	if (coalesce_ports())
		bail_out("a zone");
}

static int list_dirty(uint32_t limit)
{
	struct myhv_dirty_list list = { .limit = limit };

	return ioc(vcpu.fd, MYHV_VCPU_DIRTY_LIST, &list);
}

static int start_dirty_list(void)
{
	return list_dirty(4096);
}

static void stop_dirty_list(void)
{
	if (list_dirty(0))
		bail_out("stopping a dirty list");
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

static int drop_ioeventfd(void)
{
	return ioeventfd(MYHV_IOEVENTFD_DEASSIGN);
}

static void deassign_ioeventfd(void)
{
	drop_ioeventfd();
}

static void prepare_ioeventfd(void)
{
	if (assign_ioeventfd())
		bail_out("an ioeventfd");
}

static int start_dirty_log(void)
{
	return myhv_mem_dirty(vm, MYHV_DIRTY_START, 0, RAM_BYTES, NULL);
}

static void stop_dirty_log(void)
{
	myhv_mem_dirty(vm, MYHV_DIRTY_STOP, 0, RAM_BYTES, NULL);
}

static void prepare_dirty_log(void)
{
	if (start_dirty_log())
		bail_out("starting a dirty log");
}

static int harvest(void)
{
	static uint64_t bitmap[RAM_BYTES / 4096 / 64];

	return myhv_mem_dirty(vm, MYHV_DIRTY_HARVEST, 0, RAM_BYTES, bitmap);
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
	prepare_dirty_log();
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

/* Refused for want of memory: with memory the same call works. */
static int attempt_again(const struct step *step, unsigned int nth)
{
	int r = step->attempt();

	if (r < 0)
		note("%s: refused at allocation %u, it does not work after that", step->name, nth);
	return r;
}

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
		if (r == -ENOMEM && injected) {
			refused++;
			r = attempt_again(step, nth);
		}
		if (step->cleanup)
			step->cleanup();
		if (r < 0)
			break;
		if (step->undo && (injected || !keep))
			step->undo();
	}
	ok(r >= 0 && !injected, "%s: %u allocations, %u of them needed (%s)", step->name, nth - 2,
	   refused, r < 0 ? strerror(-r) : "in the end it works");
	if (step->check)
		step->check();
}

static const struct step making[] = {
	{ .name = "open the device", .attempt = open_device, .undo = close_device },
	{ .name = "ask for CPUID", .attempt = ask_cpuid },
	{ .name = "ask for the MSRs", .attempt = ask_msrs },
	{ .name = "create a VM", .attempt = create_vm, .undo = close_vm },
	{ .name = "map memory", .attempt = map_ram, .undo = unmap_ram },
};

static const struct step using[] = {
	{ .name = "create a vCPU", .attempt = create_vcpu, .prepare = prepare_vcpu,
	  .cleanup = cleanup_vcpu },
	{ .name = "set the chips, all in the kernel", .attempt = set_irqchip_full,
	  .prepare = prepare_bare_vm, .cleanup = cleanup_vcpu },
	{ .name = "set the chips, split", .attempt = set_irqchip_split,
	  .prepare = prepare_bare_vm, .cleanup = cleanup_vcpu },
	{ .name = "add a PIT", .attempt = add_pit, .prepare = prepare_vcpu,
	  .cleanup = cleanup_vcpu },
	{ .name = "enable the SynIC", .attempt = enable_synic, .prepare = prepare_spare,
	  .cleanup = cleanup_spare },
	{ .name = "set CPUID", .attempt = set_cpuid },
	{ .name = "read all state", .attempt = get_state },
	{ .name = "write all state", .attempt = set_state },
	{ .name = "write an MSR", .attempt = set_msr },
	{ .name = "set an MSR filter", .attempt = set_msr_filter, .undo = drop_msr_filter },
	{ .name = "replace an MSR filter", .attempt = set_msr_filter, .undo = drop_msr_filter,
	  .prepare = set_other_msr_filter },
	{ .name = "read the chips", .attempt = get_chips },
	{ .name = "write the chips", .attempt = set_chips },
	{ .name = "debug", .attempt = set_debug },
	{ .name = "move memory", .attempt = move_ram, .undo = move_ram_back, .check = check_ram },
	{ .name = "set the routes", .attempt = set_routes },
	{ .name = "assign an irqfd", .attempt = assign_irqfd, .undo = deassign_irqfd },
	{ .name = "assign a resampling irqfd", .attempt = assign_resampling_irqfd,
	  .undo = deassign_irqfd },
	{ .name = "assign an ioeventfd", .attempt = assign_ioeventfd, .undo = deassign_ioeventfd },
	{ .name = "deassign an ioeventfd", .attempt = drop_ioeventfd,
	  .prepare = prepare_ioeventfd },
	{ .name = "coalesce writes to ports", .attempt = coalesce_ports,
	  .undo = forget_port_zones },
	{ .name = "coalesce writes to memory", .attempt = coalesce_memory,
	  .undo = forget_memory_zones },
	{ .name = "stop to coalesce", .attempt = drop_port_zones, .prepare = prepare_port_zone },
	{ .name = "start a dirty log", .attempt = start_dirty_log, .undo = stop_dirty_log },
	{ .name = "harvest a dirty log", .attempt = harvest, .prepare = prepare_dirty_log,
	  .cleanup = stop_dirty_log },
	{ .name = "start a dirty list", .attempt = start_dirty_list, .undo = stop_dirty_list },
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
