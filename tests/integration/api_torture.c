// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random calls: valid, mutated and rubbish, by several threads on shared descriptors that
 * are closed at random, with memory that comes and goes, run areas that are written while
 * they are in use, signals and forks, while somebody reads all of sysfs. Every call must end,
 * with an errno that the API knows, and when the process is gone nothing of it may be left.
 *
 * Each round is a process of its own. TORTURE_SEED repeats what each of its threads does
 * (not how they interleave), TORTURE_SECONDS makes it longer.
 * hvlab-timeout: 600
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>

#include "api.h"

#define THREADS 4
/* A round is over after so long, if it has made so many calls: debug kernels are slow. */
#define ROUND_SECONDS 1.0
#define ROUND_CALLS 200
#define ROUND_PATIENCE_SECONDS 60.0
#define ROUND_DEADLINE_SECONDS 240.0

/*
 * All memory that calls may name lies in one reservation with gaps, so that a length gone
 * wrong ends in EFAULT and never in this program's own data.
 */
#define ARENA_BYTES (64ULL << 30)
#define RAM_OFFSET 0ULL
#define RAM_BYTES 0x400000ULL
#define RUN_OFFSET (8ULL << 30)
#define RUN_STRIDE 0x100000ULL
#define SCRATCH_OFFSET (16ULL << 30)
#define SCRATCH_STRIDE (8ULL << 30)
#define SCRATCH_BYTES 0x100000ULL

#define VMS 4
#define VCPUS 8
#define EVENTFDS 4
#define FDS (1 + VMS + VCPUS + EVENTFDS)
#define FD_SYS 0
#define FD_VM 1
#define FD_VCPU (FD_VM + VMS)
#define FD_EVENT (FD_VCPU + VCPUS)

static uint8_t *arena;
static int noise; /* a file of random bytes: reading it writes memory that may be gone */
static atomic_int fds[FDS];
static atomic_bool stop;
static atomic_ulong calls, good_calls, bad_errno;
static atomic_int last_bad;

#define SYSFS "/sys/class/misc/myhv"
/* of all rounds: files of VMs that were read, and such that went while they were read */
static struct sysfs_counts {
	atomic_ulong read, gone, bad;
	atomic_int last_bad;
} *sysfs;

/* ---- random numbers: each thread's own sequence ---- */

static __thread uint64_t rng;
static __thread uint8_t *scratch;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng * 0x2545f4914f6cdd1dULL;
}

static uint32_t below(uint32_t n)
{
	return (rnd() >> 32) % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

static uint64_t nasty(void)
{
	static const uint64_t values[] = { 0,	       1,	   2,	       7,
					   8,	       0x7f,	   0xff,       0x100,
					   0xfff,      0x1000,	   0xffff,     0x7fffffff,
					   0x80000000, 0xffffffff, 1ULL << 40, 1ULL << 47,
					   1ULL << 52, 1ULL << 63, ~0ULL,      ~0xfffULL,
					   0xfee00000, 0xfec00000 };

	return one_in(4) ? rnd() : values[below(sizeof(values) / sizeof(values[0]))];
}

/* An address for the kernel to read or write: mostly good. */
static uint64_t pointer(void)
{
	switch (below(12)) {
	case 0:
		return 0x10;
	case 1:
		return (uintptr_t)arena + RAM_OFFSET + below(RAM_BYTES);
	case 2:
		return (uintptr_t)scratch + SCRATCH_BYTES - below(64);
	case 3:
		return 0xffff888000000000ULL + below(0x10000000);
	case 4:
		return (uintptr_t)arena + RUN_OFFSET + below(VCPUS) * RUN_STRIDE;
	default:
		return (uintptr_t)scratch + (below(SCRATCH_BYTES / 2) & ~7U);
	}
}

/* ---- arguments ---- */

union argument {
	struct myhv_prop prop;
	struct myhv_vm_create vm_create;
	struct myhv_vcpu_create vcpu_create;
	struct myhv_mem_update mem_update;
	struct myhv_mem_dirty mem_dirty;
	struct myhv_irq_line irq_line;
	struct myhv_msi msi;
	struct myhv_irq_routing irq_routing;
	struct myhv_irqfd irqfd;
	struct myhv_ioeventfd ioeventfd;
	struct myhv_chip chip;
	struct myhv_state_io state_io;
	struct myhv_cpuid_list list;
	struct myhv_interrupt interrupt;
	struct myhv_translate translate;
	struct myhv_debug debug;
	struct myhv_mce mce;
	struct myhv_coalesce coalesce;
	struct myhv_msr_filter msr_filter;
	struct myhv_sigmask sigmask;
	struct myhv_dirty_list dirty_list;
	uint8_t bytes[4096];
	uint64_t words[512];
};

static const unsigned long requests[] = {
	MYHV_PROP_GET,	     MYHV_PROP_SET,	  MYHV_CPUID_SUPPORTED, MYHV_MSR_INDICES,
	MYHV_VM_CREATE,	     MYHV_VCPU_CREATE,	  MYHV_MEM_UPDATE,	MYHV_MEM_DIRTY,
	MYHV_IRQ_LINE,	     MYHV_IRQ_MSI,	  MYHV_IRQ_ROUTING,	MYHV_IRQFD,
	MYHV_IOEVENTFD,	     MYHV_CHIP_GET,	  MYHV_CHIP_SET,	MYHV_VCPU_RUN,
	MYHV_VCPU_RUN,	     MYHV_VCPU_RUN,	  MYHV_VCPU_KICK,	MYHV_VCPU_STATE_GET,
	MYHV_VCPU_STATE_SET, MYHV_VCPU_CPUID_SET, MYHV_VCPU_CPUID_GET,	MYHV_VCPU_MSRS_GET,
	MYHV_VCPU_MSRS_SET,  MYHV_VCPU_INTERRUPT, MYHV_VCPU_TRANSLATE,	MYHV_VCPU_DEBUG,
	MYHV_VCPU_MCE,	     MYHV_MSR_FILTER,	  MYHV_COALESCE,	MYHV_VCPU_DIRTY_LIST,
	MYHV_VCPU_SIGMASK,
};
#define REQUESTS (sizeof(requests) / sizeof(requests[0]))

static int some_fd(unsigned int first, unsigned int count)
{
	return atomic_load(&fds[first + below(count)]);
}

/* Which kind of descriptor a request is for. */
static int fd_for(unsigned long request)
{
	unsigned int nr = _IOC_NR(request);

	if (one_in(16))
		return some_fd(0, FDS);
	if (nr < 2 && one_in(2))
		return some_fd(FD_VCPU, VCPUS);
	if (nr < 0x10 && nr >= 2)
		return atomic_load(&fds[FD_SYS]);
	return nr < 0x20 ? some_fd(FD_VM, VMS) : some_fd(FD_VCPU, VCPUS);
}

static void fill_mem_update(union argument *a)
{
	struct myhv_mem_op *ops = (void *)scratch;

	a->mem_update.count = 1 + below(4);
	a->mem_update.ops = (uintptr_t)ops;
	for (unsigned int i = 0; i < a->mem_update.count; i++) {
		ops[i] = (struct myhv_mem_op){
			.op = below(4),
			.gpa = below(8) * 0x100000ULL,
			.bytes = one_in(3) ? 0x100000 : (1 + below(0x200)) * 0x1000ULL,
		};
		if (ops[i].op == MYHV_MEM_MAP)
			ops[i].hva = (uintptr_t)arena + RAM_OFFSET + below(0x300) * 0x1000ULL;
		if (ops[i].op == MYHV_MEM_MOVE)
			ops[i].new_gpa = below(16) * 0x80000ULL;
		else if (ops[i].op != MYHV_MEM_UNMAP)
			ops[i].flags = one_in(3) ? below(4) : 0;
		if (one_in(10))
			((uint64_t *)&ops[i])[below(5)] = nasty();
	}
}

/* What a well-meaning caller could have written. */
static void fill_valid(union argument *a, unsigned long request)
{
	memset(a, 0, sizeof(*a));
	switch (request) {
	case MYHV_PROP_GET:
	case MYHV_PROP_SET:
		a->prop.id = below(3) * 0x1000 + below(16);
		a->prop.value = nasty();
		break;
	case MYHV_VM_CREATE:
		a->vm_create.irqchip = below(3);
		a->vm_create.flags = a->vm_create.irqchip == MYHV_IRQCHIP_FULL && one_in(2);
		break;
	case MYHV_VCPU_CREATE:
		a->vcpu_create.id = below(VCPUS);
		break;
	case MYHV_MEM_UPDATE:
		fill_mem_update(a);
		break;
	case MYHV_MEM_DIRTY:
		a->mem_dirty.op = below(5);
		a->mem_dirty.gpa = below(8) * 0x100000ULL;
		a->mem_dirty.bytes = one_in(2) ? 0x100000 : 0x40000;
		a->mem_dirty.bitmap = pointer();
		break;
	case MYHV_IRQ_LINE:
		a->irq_line.gsi = below(26);
		a->irq_line.level = below(2);
		break;
	case MYHV_IRQ_MSI:
		a->msi.address = 0xfee00000 | below(0x100000);
		a->msi.data = below(0x10000);
		break;
	case MYHV_IRQFD:
		a->irqfd.fd = some_fd(FD_EVENT, EVENTFDS);
		a->irqfd.resample_fd = some_fd(FD_EVENT, EVENTFDS);
		a->irqfd.gsi = below(24);
		a->irqfd.flags = below(4);
		break;
	case MYHV_IOEVENTFD:
		a->ioeventfd.fd = some_fd(FD_EVENT, EVENTFDS);
		a->ioeventfd.addr = one_in(2) ? 0x80 : below(64) * 0x100000;
		a->ioeventfd.len = one_in(4) ? 0 : 1U << below(4);
		a->ioeventfd.flags = below(8);
		break;
	case MYHV_COALESCE:
		a->coalesce.addr = one_in(2) ? below(0x100) : below(64) * 0x100000;
		a->coalesce.len = 1 + (one_in(2) ? below(0x100) : rnd());
		a->coalesce.flags = below(4);
		break;
	case MYHV_MSR_FILTER:
		a->msr_filter.flags = below(2);
		a->msr_filter.count = one_in(2) ? 0 : below(18);
		a->msr_filter.ranges = (uintptr_t)scratch;
		break;
	case MYHV_CHIP_GET:
	case MYHV_CHIP_SET:
		a->chip.chip = below(4);
		break;
	case MYHV_VCPU_STATE_GET:
	case MYHV_VCPU_STATE_SET:
		a->state_io.groups = one_in(4) ? MYHV_STATE_ALL : rnd() & MYHV_STATE_ALL;
		a->state_io.state = (uintptr_t)scratch + SCRATCH_BYTES / 2;
		if (request == MYHV_VCPU_STATE_SET && one_in(3))
			a->state_io.state += below(64) * 8;
		break;
	case MYHV_VCPU_INTERRUPT:
		a->interrupt.vector = below(256);
		a->interrupt.type = below(3);
		break;
	case MYHV_VCPU_TRANSLATE:
		a->translate.gva = nasty();
		a->translate.access = 1U << below(3);
		break;
	case MYHV_VCPU_DEBUG:
		a->debug.flags = below(16);
		for (int i = 0; i < 4; i++)
			a->debug.dr[i] = below(0x10000);
		a->debug.dr[7] = rnd() & 0xffff07ff;
		break;
	case MYHV_VCPU_MCE:
		a->mce.status = (uint64_t)rnd() << 56;
		a->mce.bank = below(40);
		break;
	case MYHV_VCPU_SIGMASK:
		a->sigmask.enable = below(2);
		a->sigmask.mask = nasty();
		break;
	case MYHV_VCPU_DIRTY_LIST:
		a->dirty_list.count = below(300);
		a->dirty_list.limit = one_in(4) ? 0 : below(1000);
		a->dirty_list.pages = (uintptr_t)scratch;
		break;
	default: /* the lists: count, flags, pointer */
		a->list.count = below(300);
		a->list.entries = (uintptr_t)scratch;
	}
}

static void mutate(union argument *a, unsigned int bytes)
{
	for (unsigned int i = 1 + below(3); i; i--) {
		if (one_in(2) && bytes >= 8)
			a->words[below(bytes / 8)] = one_in(3) ? pointer() : nasty();
		else if (bytes)
			a->bytes[below(bytes)] ^= 1 << below(8);
	}
}

/* Nothing else ends a run, or a child, for sure: these two stay open. */
#define NEEDED_SIGNALS (1ULL << (SIGUSR1 - 1) | 1ULL << (SIGALRM - 1))

/* What the call gets. Where the kernel may read is where nothing can go wrong for us. */
static void *argument(unsigned long request, union argument *a)
{
	if (_IOC_NR(request) == _IOC_NR(MYHV_VCPU_SIGMASK)) {
		a->sigmask.mask &= ~NEEDED_SIGNALS;
		return one_in(100) ? BAD_POINTER : a;
	}
	return one_in(100) ? (void *)pointer() : a;
}

static bool errno_is_known(int error)
{
	static const int known[] = { ENOTTY, EINVAL, EFAULT, EBADF,  EIO,   EBUSY, EEXIST, ENOENT,
				     ENXIO,  E2BIG,  ENOSPC, ENOMEM, EINTR, EPERM, EMFILE };

	for (unsigned int i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] == error)
			return true;
	return false;
}

/* A descriptor takes a place; what was there is closed, perhaps in the middle of its use. */
static void place_fd(unsigned int place, int fd)
{
	int old = atomic_exchange(&fds[place], fd);

	if (old >= 0)
		close(old);
}

static void map_run_area(unsigned int vcpu, int fd, uint32_t bytes)
{
	mmap(arena + RUN_OFFSET + vcpu * RUN_STRIDE, bytes, PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_FIXED, fd, 0);
}

static void call(void)
{
	unsigned long request = requests[below(REQUESTS)];
	unsigned int bytes = _IOC_SIZE(request), place;
	int fd = fd_for(request), r;
	union argument a;

	fill_valid(&a, request);
	if (one_in(4))
		mutate(&a, bytes);
	if (one_in(40))
		for (unsigned int i = 0; i < sizeof(a) / 8; i++)
			a.words[i] = rnd();
	if (one_in(40))
		request = with_size(request, below(sizeof(a)));
	if (one_in(100))
		request = rnd();
	/* a rubbish number must not reach the generic calls that every file has */
	if (_IOC_TYPE(request) != MYHV_IOC_MAGIC)
		request = (request & ~0xff00UL) | MYHV_IOC_MAGIC << 8;
	r = ioc(fd, request, argument(request, &a));
	atomic_fetch_add(&calls, 1);
	if (r < 0) {
		if (!errno_is_known(-r)) {
			atomic_fetch_add(&bad_errno, 1);
			atomic_store(&last_bad, -r);
		}
		return;
	}
	atomic_fetch_add(&good_calls, 1);
	if (_IOC_NR(request) == _IOC_NR(MYHV_VM_CREATE)) {
		place_fd(FD_VM + below(VMS), r);
	} else if (_IOC_NR(request) == _IOC_NR(MYHV_VCPU_CREATE)) {
		place = below(VCPUS);
		map_run_area(place, r, a.vcpu_create.run_bytes);
		place_fd(FD_VCPU + place, r);
	}
}

/* ---- what happens besides calls ---- */

/* 1: incw 0x2000; out %al, $0x80; in $0x80, %al; pause; jmp 1b -- 16 bytes with the NOPs */
static const uint8_t safe_code[16] = { 0xff, 0x06, 0x00, 0x20, 0xe6, 0x80, 0xe4, 0x80,
				       0xf3, 0x90, 0x90, 0x90, 0x90, 0x90, 0xeb, 0xf0 };

static void ram_fill(void)
{
	uint8_t *ram = arena + RAM_OFFSET;

	mmap(ram, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
	     0);
	/* one page of code from a file of it, over and over, so that no fault can kill us */
	for (uint64_t at = 0; at < RAM_BYTES; at += 4096)
		if (pread(noise, ram + at, 4096, 0) < 0)
			break;
}

static void ram_change(void)
{
	uint8_t *at = arena + RAM_OFFSET + below(RAM_BYTES / 4096) * 4096ULL;
	uint64_t room = arena + RAM_OFFSET + RAM_BYTES - at;
	uint64_t bytes = (1 + below(64)) * 4096ULL;

	if (bytes > room)
		bytes = room;
	switch (below(4)) {
	case 0:
		madvise(at, bytes, MADV_DONTNEED);
		break;
	case 1:
		mprotect(at, bytes, one_in(2) ? PROT_READ : PROT_READ | PROT_WRITE);
		break;
	case 2:
		mmap(at, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		     -1, 0);
		break;
	default:
		if (one_in(8))
			ram_fill();
	}
}

static void run_area_change(void)
{
	unsigned int vcpu = below(VCPUS);
	uint8_t *area = arena + RUN_OFFSET + vcpu * RUN_STRIDE;

	if (one_in(20)) {
		mmap(area, RUN_STRIDE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	} else if (one_in(4)) {
		map_run_area(vcpu, atomic_load(&fds[FD_VCPU + vcpu]), 4096U << below(4));
	} else if (pread(noise, area + below(0x4000), 1 + below(64), 4096 + below(4096)) < 0) {
		return; /* not mapped: that is part of it */
	}
}

/* The child has descriptors that are not for it. */
static void fork_and_call(void)
{
	pid_t pid = fork();

	if (!pid) {
		alarm(1); /* in a VM of its own it may wait for ever */
		for (int i = 0; i < 20; i++)
			call();
		_exit(0);
	}
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

static void *worker(void *arg)
{
	rng = (uintptr_t)arg * 0x9e3779b97f4a7c15ULL + 1;
	for (int i = 0; i < 8; i++)
		rnd();
	scratch = arena + SCRATCH_OFFSET + ((uintptr_t)arg % THREADS) * SCRATCH_STRIDE;
	while (!atomic_load(&stop)) {
		call();
		if (one_in(8))
			run_area_change();
		if (one_in(16))
			ram_change();
		if (one_in(200))
			place_fd(FD_VM + below(VMS + VCPUS), -1);
		if (one_in(200))
			place_fd(FD_EVENT + below(EVENTFDS), eventfd(0, EFD_NONBLOCK));
		if (one_in(2000))
			fork_and_call();
	}
	return NULL;
}

/* ---- who looks on ---- */

static void note_sysfs_error(int error)
{
	if (error == ENOENT || error == ENODEV) {
		atomic_fetch_add(&sysfs->gone, 1);
	} else {
		atomic_fetch_add(&sysfs->bad, 1);
		atomic_store(&sysfs->last_bad, error);
	}
}

static void read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[8192];

	if (fd < 0 || read(fd, text, sizeof(text)) < 0)
		note_sysfs_error(errno);
	else if (strstr(path, "/vms/"))
		atomic_fetch_add(&sysfs->read, 1);
	if (fd >= 0)
		close(fd);
}

static void read_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char inner[512];

	if (!dir) {
		note_sysfs_error(errno);
		return;
	}
	while (!atomic_load(&stop) && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(inner, sizeof(inner), "%.200s/%s", path, e->d_name);
		if (e->d_type == DT_REG)
			read_file(inner);
		else if (e->d_type == DT_DIR && strcmp(e->d_name, "power"))
			read_folder(inner);
	}
	closedir(dir);
}

static void *reader(void *arg)
{
	while (!atomic_load(&stop)) {
		read_folder(SYSFS);
		usleep(1000);
	}
	return NULL;
}

/* ---- a round ---- */

static void on_signal(int signal)
{
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void setup(uint64_t seed)
{
	struct sigaction action = { .sa_handler = on_signal };
	uint8_t page[8192];

	sigaction(SIGUSR1, &action, NULL);
	rng = seed * 0x9e3779b97f4a7c15ULL + 1;
	arena = mmap(NULL, ARENA_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		     0);
	noise = memfd_create("noise", MFD_CLOEXEC);
	for (unsigned int i = 0; i < sizeof(page); i++)
		page[i] = i < 4096 ? safe_code[i % 16] : one_in(2) ? 0 : rnd();
	if (arena == MAP_FAILED || write(noise, page, sizeof(page)) != sizeof(page))
		_exit(2);
	for (unsigned int i = 0; i < THREADS; i++)
		mmap(arena + SCRATCH_OFFSET + i * SCRATCH_STRIDE, SCRATCH_BYTES,
		     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ram_fill();
	for (unsigned int i = 0; i < FDS; i++)
		fds[i] = -1;
	fds[FD_SYS] = myhv_open(NULL);
}

/* All of them get signals until the last has ended: one may wait for another one's run. */
static void join_all(pthread_t *threads)
{
	bool joined[THREADS] = { false };
	union sigval none = { 0 };

	for (unsigned int left = THREADS; left; usleep(1000)) {
		for (unsigned int i = 0; i < THREADS; i++) {
			if (joined[i])
				continue;
			pthread_sigqueue(threads[i], SIGUSR1, none);
			joined[i] = !pthread_tryjoin_np(threads[i], NULL);
			left -= joined[i];
		}
	}
}

/*
 * The process of a round. Signals keep its threads from staying in the guest; half of the
 * rounds just end, with calls under way.
 */
static void play_round(uint64_t seed)
{
	double end = now() + ROUND_SECONDS;
	pthread_t threads[THREADS], onlooker;
	union sigval none = { 0 };

	setup(seed);
	pthread_create(&onlooker, NULL, reader, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, worker, (void *)(seed * THREADS + i));
	while (now() < end || (calls < ROUND_CALLS && now() < end + ROUND_PATIENCE_SECONDS)) {
		pthread_sigqueue(threads[below(THREADS)], SIGUSR1, none);
		usleep(1000);
	}
	if (one_in(2)) {
		atomic_store(&stop, true);
		join_all(threads);
		pthread_join(onlooker, NULL);
	}
	printf("# seed %llu: %lu calls, %lu good\n", (unsigned long long)seed, calls, good_calls);
	if (bad_errno)
		printf("# %lu with an errno that the API does not name, the last %d\n", bad_errno,
		       last_bad);
	fflush(stdout);
	_exit(bad_errno ? 1 : good_calls ? 0 : 3);
}

/* What each thread of a process that does not end is at. */
static void tell_threads(pid_t pid)
{
	static const char *const files[] = { "syscall", "wchan", "stack" };
	char path[64], text[2048];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		for (unsigned int i = 0; e->d_name[0] != '.' && i < 3; i++) {
			int fd, n;

			snprintf(path, sizeof(path), "/proc/%d/task/%.16s/%s", pid, e->d_name,
				 files[i]);
			fd = open(path, O_RDONLY);
			n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
			text[n < 0 ? 0 : n] = '\0';
			for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
				note("thread %s, %s: %s", e->d_name, files[i], line);
			close(fd);
		}
	}
	if (dir)
		closedir(dir);
}

/* Status of the round's process, or -1 when it had to be killed. */
static int wait_round(pid_t pid)
{
	double end = now() + ROUND_DEADLINE_SECONDS;
	int status;

	while (now() < end) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		usleep(10000);
	}
	tell_threads(pid);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -1;
}

static int users_of_module(void)
{
	FILE *f = fopen("/sys/module/myhv/refcnt", "r");
	int users = -1;

	if (f) {
		if (fscanf(f, "%d", &users) != 1)
			users = -1;
		fclose(f);
	}
	return users;
}

static int users_at_last(void)
{
	for (int ms = 0; ms < 60000 && users_of_module() > 0; ms += 10)
		usleep(10000);
	return users_of_module();
}

static void a_guest_still_runs(void)
{
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_FULL, 0xe6, 0x80); /* out %al, $0x80 */
	is(mini_run(&m), 0, "after all that a guest runs");
	is(m.vcpu.exit->reason, MYHV_EXIT_IO, "and exits as it should");
	mini_close(&m);
}

int main(void)
{
	const char *given = getenv("TORTURE_SEED"), *length = getenv("TORTURE_SECONDS");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	double end = now() + (length ? atof(length) : 60);

	close(sys_open());
	sysfs = mmap(NULL, sizeof(*sysfs), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (sysfs == MAP_FAILED)
		bail_out("no memory");
	do {
		pid_t pid = fork();
		int status;

		if (!pid)
			play_round(seed);
		status = wait_round(pid);
		ok(status == 0, "round with seed %llu ends well (%#x)", (unsigned long long)seed,
		   status);
		is(users_at_last(), 0, "and leaves nothing behind");
		seed++;
	} while (now() < end);
	ok(sysfs->read > 0, "%lu files of VMs were read, %lu more were gone", sysfs->read,
	   sysfs->gone);
	is(sysfs->bad, 0, "none with another error (the last %d)", sysfs->last_bad);
	a_guest_still_runs();
	return done_testing();
}
