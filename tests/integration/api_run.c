// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Running and stopping: kicks are never lost, whoever sends them and whenever; signals
 * and immediate_exit stop a run; a process that did not make the VM gets EIO.
 * hvlab-timeout: 600
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "api.h"
#include "klog.h"

#define LOOP 0xeb, 0xfe	      /* jmp . */
#define STI_HLT 0xfb, 0xf4, 0xeb, 0xfd /* sti; 1: hlt; jmp 1b */

static volatile bool stop;
static struct mini *current;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void *kick_later(void *arg)
{
	usleep(30000);
	myhv_vcpu_kick(arg);
	return NULL;
}

static void kicks(struct mini *m)
{
	pthread_t thread;

	is(myhv_vcpu_kick(&m->vcpu), 0, "kick without a run");
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "the next run returns at once");
	is(m->vcpu.exit->reason, MYHV_EXIT_INTR, "and says why");
	myhv_vcpu_kick(&m->vcpu);
	myhv_vcpu_kick(&m->vcpu);
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "two kicks");
	pthread_create(&thread, NULL, kick_later, &m->vcpu);
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "are one; a kick from a thread stops a spinning guest");
	pthread_join(thread, NULL);
}

static void *kick_often(void *arg)
{
	unsigned long *sent = arg;

	while (!stop) {
		myhv_vcpu_kick(&current->vcpu);
		(*sent)++;
		sched_yield();
	}
	return NULL;
}

/* One thread kicks without an end: every run must return, and soon. */
static void kick_storm(struct mini *m)
{
	unsigned long sent = 0, runs = 0;
	double end = now() + 1.0;
	pthread_t thread;
	bool good = true;

	current = m;
	stop = false;
	pthread_create(&thread, NULL, kick_often, &sent);
	while (now() < end && good) {
		good = myhv_vcpu_run(&m->vcpu) == -EINTR;
		runs++;
	}
	stop = true;
	pthread_join(thread, NULL);
	ok(good, "%lu kicks ended %lu runs", sent, runs);
	if (myhv_vcpu_kick(&m->vcpu) == 0)
		is(myhv_vcpu_run(&m->vcpu), -EINTR, "the last one as well");
}

static void set_immediate_exit(int sig)
{
	current->vcpu.page->immediate_exit = 1;
}

static void nothing(int sig)
{
}

/* Again and again: the first may come before the run that it is to end. 0: no more */
static void alarm_every(unsigned int us, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };
	struct itimerval timer = { { .tv_usec = us }, { .tv_usec = us } };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void signals(struct mini *m)
{
	current = m;
	m->vcpu.page->immediate_exit = 1;
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "immediate_exit");
	is(m->vcpu.page->immediate_exit, 1, "the kernel does not clear it");
	m->vcpu.page->immediate_exit = 0;
	alarm_every(30000, nothing);
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "a signal ends a run");
	alarm_every(30000, set_immediate_exit);
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "a signal whose handler sets immediate_exit");
	while (!m->vcpu.page->immediate_exit)
		usleep(1000);
	alarm_every(0, nothing);
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "which holds on");
	m->vcpu.page->immediate_exit = 0;
	/* The handler runs before the system call: the byte must be seen. */
	set_immediate_exit(0);
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "set just before the call");
	m->vcpu.page->immediate_exit = 0;
}

/* A signal that the thread blocks, and the run does not. */
static void signal_mask(struct mini *m)
{
	struct myhv_sigmask mask = { .enable = 1 };
	struct timespec now = { 0 };
	sigset_t blocked, old;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &blocked, &old);
	check_sizes("SIGMASK", m->vcpu.fd, MYHV_VCPU_SIGMASK, &mask, sizeof(mask), 0, true);
	pthread_kill(pthread_self(), SIGUSR1);
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "a signal that was blocked before ends the run");
	is(sigtimedwait(&blocked, NULL, &now), SIGUSR1, "it is still pending");
	pthread_sigmask(SIG_BLOCK, NULL, &blocked);
	is(sigismember(&blocked, SIGUSR1), 1, "and the thread blocks it again");

	mask.mask = ~0ULL; /* but SIGKILL and SIGSTOP, whatever is asked for */
	is(ioc(m->vcpu.fd, MYHV_VCPU_SIGMASK, &mask), 0, "block all");
	alarm_every(1000, nothing);
	usleep(20000);
	myhv_vcpu_kick(&m->vcpu);
	is(myhv_vcpu_run(&m->vcpu), -EINTR, "a kick ends it then");
	alarm_every(0, nothing);
	mask.enable = 2;
	is(ioc(m->vcpu.fd, MYHV_VCPU_SIGMASK, &mask), -EINVAL, "unknown flag");
	mask.enable = 0;
	is(ioc(m->vcpu.fd, MYHV_VCPU_SIGMASK, &mask), 0, "the thread's own again");
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void halted(void)
{
	pthread_t thread;
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_FULL, STI_HLT);
	pthread_create(&thread, NULL, kick_later, &m.vcpu);
	is(myhv_vcpu_run(&m.vcpu), -EINTR, "a kick ends a halt in the kernel");
	pthread_join(thread, NULL);
	alarm_every(30000, nothing);
	is(myhv_vcpu_run(&m.vcpu), -EINTR, "so does a signal");
	/* on a busy host all of these may have come before the guest reached HLT */
	for (int i = 0; i < 500 && m.vcpu.state->mp.state != MYHV_MP_HALTED; i++) {
		myhv_vcpu_run(&m.vcpu);
		is(myhv_vcpu_state_get(&m.vcpu, MYHV_STATE_MP, m.vcpu.state), 0, "state");
	}
	alarm_every(0, nothing);
	is(m.vcpu.state->mp.state, MYHV_MP_HALTED, "it is still halted");
	mini_close(&m);
}

static void halt_exits(void)
{
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_FULL, STI_HLT);
	is(myhv_prop_set(m.vm, MYHV_PROP_VM_EXITS, MYHV_VM_EXIT_HLT), 0, "HLT shall exit");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "it does");
	mini_close(&m);
}

static void msr_exits(void)
{
	struct mini m;

	/* mov $0x12345678, %ecx; rdmsr; inc %eax; wrmsr; hlt */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0x66, 0xb9, 0x78, 0x56, 0x34, 0x12, 0x0f, 0x32, 0x66,
		  0x40, 0x0f, 0x30, 0xf4);
	is(myhv_prop_set(m.vm, MYHV_PROP_VM_EXITS, MYHV_VM_EXIT_MSR), 0, "MSRs shall exit");
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_MSR_READ, "RDMSR exits");
	is(m.vcpu.exit->msr.index, 0x12345678, "its index");
	m.vcpu.exit->msr.value = 0x1122334455667788;
	m.vcpu.exit->msr.error = 0;
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_MSR_WRITE, "WRMSR exits");
	is(m.vcpu.exit->msr.value, 0x1122334455667789, "its value");
	m.vcpu.exit->msr.error = 0;
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "and goes on");
	mini_close(&m);
}

static void *run_in_thread(void *arg)
{
	return (void *)(long)myhv_vcpu_run(arg);
}

/* Two threads want to run the same vCPU: one waits for the other. */
static void two_runners(void)
{
	bool a_ended = false, b_ended = false;
	void *ra = NULL, *rb = NULL;
	pthread_t a, b;
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, LOOP);
	pthread_create(&a, NULL, run_in_thread, &m.vcpu);
	pthread_create(&b, NULL, run_in_thread, &m.vcpu);
	/* kicks that come before a run are one */
	while (!a_ended || !b_ended) {
		usleep(20000);
		myhv_vcpu_kick(&m.vcpu);
		a_ended = a_ended || !pthread_tryjoin_np(a, &ra);
		b_ended = b_ended || !pthread_tryjoin_np(b, &rb);
	}
	is((long)ra, -EINTR, "the first runner");
	is((long)rb, -EINTR, "the second runner");
	mini_close(&m);
}

/* A child after fork is another process: it may close, and nothing else. */
static void other_process(struct mini *m)
{
	struct myhv_vcpu_state s;
	uint64_t v;
	pid_t pid;
	int status;

	pid = fork();
	if (pid == 0) {
		struct myhv_vcpu_create c = { .id = 1 };

		if (ioc(m->vcpu.fd, MYHV_VCPU_RUN, NULL) != -EIO)
			_exit(1);
		if (myhv_vcpu_state_get(&m->vcpu, MYHV_STATE_GENERAL, &s) != -EIO)
			_exit(2);
		if (ioc(m->vcpu.fd, MYHV_VCPU_KICK, NULL) != -EIO)
			_exit(3);
		if (myhv_mem_map(m->vm, MINI_BYTES, m->ram, 4096, 0) != -EIO)
			_exit(4);
		if (ioc(m->vm, MYHV_VCPU_CREATE, &c) != -EIO)
			_exit(5);
		if (myhv_prop_get(m->vm, MYHV_PROP_VM_ID, &v) != -EIO)
			_exit(6);
		if (close(m->vcpu.fd) || close(m->vm))
			_exit(7);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	is(WEXITSTATUS(status), 0, "a child gets EIO for everything but close");
	mini_restart(m, "\xf4", 1);
	is(mini_run(m), 0, "the parent goes on");
	is(m->vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");
}

/* Killed in the middle of a run: the process must die at once. */
static void killed(void)
{
	double start;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct mini m;

		MINI_OPEN(&m, MYHV_IRQCHIP_FULL, LOOP);
		for (;;)
			myhv_vcpu_run(&m.vcpu);
	}
	usleep(200000);
	start = now();
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a spinning guest's process dies");
	ok(now() - start < 30, "and soon");
}

/* struct myhv_exit asks for state at each return, and takes changed state along. */
static void synced_state(void)
{
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4, 0x40, 0xf4); /* hlt; inc %ax; hlt */
	m.vcpu.exit->state_wanted = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS;
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->state_valid & 3, 3, "both groups are there");
	is(m.vcpu.state->general.rip, MINI_CODE + 1, "RIP behind HLT");
	m.vcpu.state->general.gpr[MYHV_RAX] = 41;
	m.vcpu.exit->state_dirty = MYHV_STATE_GENERAL;
	is(mini_run(&m), 0, "run with changed registers");
	is(m.vcpu.exit->state_dirty, 0, "taken");
	is(m.vcpu.state->general.gpr[MYHV_RAX], 42, "the guest worked with them");
	m.vcpu.exit->state_dirty = MYHV_STATE_LAPIC;
	is(mini_run(&m), -EINVAL, "a group that does not ride along");
	m.vcpu.exit->state_dirty = MYHV_STATE_CONTROL;
	myhv_vcpu_state_get(&m.vcpu, MYHV_STATE_CONTROL, m.vcpu.state);
	m.vcpu.state->control.cr0 = 0x80000000;
	is(mini_run(&m), -EINVAL, "impossible state");
	m.vcpu.exit->state_dirty = 0;
	mini_close(&m);
}

static void shutdown(void)
{
	struct mini m;

	/* lidt of zero length; int3 */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0x0f, 0x01, 0x1e, 0x00, 0x20, 0xcc);
	is(mini_run(&m), 0, "run");
	is(m.vcpu.exit->reason, MYHV_EXIT_SHUTDOWN, "a triple fault");
	mini_close(&m);
}

/* RAM whose process has nothing there. */
static void no_host_memory(void)
{
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xa0, 0x00, 0x30, 0xf4); /* mov 0x3000, %al; hlt */
	munmap(m.ram + 0x3000, 4096);
	is(mini_run(&m), -EFAULT, "the guest reads where the process has no memory");
	is(m.vcpu.exit->reason, MYHV_EXIT_MEMORY_FAULT, "memory fault");
	is(m.vcpu.exit->memory_fault.gpa & ~4095ULL, 0x3000, "its address");
	mmap(m.ram + 0x3000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	     -1, 0);
	is(mini_run(&m), 0, "mended, it goes on");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");
	mini_close(&m);
}

/*
 * A string instruction on devices of user space's, each repetition of which is an exit: a kick
 * is noticed between them.
 */
static void kick_in_string(const char *name, const uint8_t code[2])
{
	/* mov $0xffff, %ax; mov %ax, %ds; mov %ax, %es; mov $0x10, %si; mov %si, %di */
	uint8_t guest[] = { 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0x8e, 0xc0, 0xbe, 0x10, 0x00, 0x89, 0xf7,
			    /* mov $0x80, %dx; mov $0x4000, %cx; the instruction; hlt */
			    0xba, 0x80, 0x00, 0xb9, 0x00, 0x40, code[0], code[1], 0xf4 };
	unsigned int runs, more;
	struct mini m;
	int r = 0;

	mini_open(&m, MYHV_IRQCHIP_NONE, guest, sizeof(guest));
	for (runs = 0; runs < 10; runs++)
		r = r ? r : mini_run(&m);
	is(r, 0, "%s: ten exits", name);
	is(myhv_vcpu_kick(&m.vcpu), 0, "%s: kick", name);
	for (runs = 0; runs < 100; runs++) {
		r = myhv_vcpu_run(&m.vcpu);
		if (r)
			break;
	}
	is(r, -EINTR, "%s: ends the run", name);
	ok(runs <= 2, "%s: after %u more exits", name, runs);
	for (more = 0; more < 0x20000 && !mini_run(&m); more++)
		if (m.vcpu.exit->reason == MYHV_EXIT_HLT)
			break;
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "%s: goes on to its end", name);
	ok(more >= 0x4000 - 20, "%s: no repetition is lost (%u more)", name, more);
	mini_close(&m);
}

static void kicks_in_strings(void)
{
	kick_in_string("rep movsb", (const uint8_t[]){ 0xf3, 0xa4 });
	kick_in_string("rep insb", (const uint8_t[]){ 0xf3, 0x6c });
	kick_in_string("rep outsb", (const uint8_t[]){ 0xf3, 0x6e });
}

static unsigned long vcpu_sysfs(int vm, const char *file)
{
	unsigned long value = 0;
	uint64_t id = 0;
	char path[128];
	FILE *f;

	myhv_prop_get(vm, MYHV_PROP_VM_ID, &id);
	snprintf(path, sizeof(path), "/sys/class/misc/myhv/vms/%u/vcpus/0/%s", (unsigned int)id,
		 file);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%lu", &value) != 1)
		ok(false, "reading %s", path);
	if (f)
		fclose(f);
	return value;
}

/* Each page is a fault, counted once, however often the host needs to look at it. */
static void faults(void)
{
	struct mini m;
	unsigned long n;

	/* mov $0x1000, %ax; mov %ax, %ds; mov $16, %cx; xor %bx, %bx */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xb8, 0x00, 0x10, 0x8e, 0xd8, 0xb9, 0x10, 0x00, 0x31, 0xdb,
		  /* 1: movb $1, (%bx); add $0x1000, %bx; loop 1b; hlt */
		  0xc6, 0x07, 0x01, 0x81, 0xc3, 0x00, 0x10, 0xe2, 0xf7, 0xf4);
	madvise(m.ram, MINI_BYTES, MADV_NOHUGEPAGE);
	is(mini_run(&m), 0, "a guest writes to 16 pages");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "to HLT");
	n = vcpu_sysfs(m.vm, "faults");
	/* the host may take a page back at any time, but not that often */
	ok(n >= 17 && n < 24, "17 pages touched, %lu faults counted", n);
	mini_close(&m);
}

/*
 * x87 and FXSAVE images in device memory, which no known system uses, are user space's: told with
 * all that it needs, and the guest has not moved.
 */
static void refused(void)
{
	static const struct {
		const char *name;
		uint8_t insn[5];
		uint8_t length;
	} cases[] = {
		{ "FLD m32", { 0xd9, 0x06, 0x20, 0x00 }, 4 },
		{ "FLD m80", { 0xdb, 0x2e, 0x20, 0x00 }, 4 },
		{ "FSTP m64", { 0xdd, 0x1e, 0x20, 0x00 }, 4 },
		{ "FNSTCW", { 0xd9, 0x3e, 0x20, 0x00 }, 4 },
		{ "FXSAVE", { 0x0f, 0xae, 0x06, 0x20, 0x00 }, 5 },
		{ "FXRSTOR", { 0x0f, 0xae, 0x0e, 0x20, 0x00 }, 5 },
	};
	struct mini m;

	/* mov $0xffff, %ax; mov %ax, %ds; hlt: there is nothing above 1 MiB */
	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xb8, 0xff, 0xff, 0x8e, 0xd8, 0xf4);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t code[16] = { 0xb8, 0xff, 0xff, 0x8e, 0xd8 };
		const struct myhv_exit *e = m.vcpu.exit;
		struct myhv_vcpu_state *s = calloc(1, sizeof(*s));

		memcpy(code + 5, cases[i].insn, cases[i].length);
		code[5 + cases[i].length] = 0xf4;
		mini_restart(&m, code, sizeof(code));
		for (int again = 0; again < 2; again++) {
			is(mini_run(&m), 0, "%s in device memory", cases[i].name);
			is(e->reason, MYHV_EXIT_EMULATION, "goes to user space");
			is(e->rip, MINI_CODE + 5, "the guest stays before it");
			ok(e->emulation.length >= cases[i].length &&
				   !memcmp(e->emulation.insn, cases[i].insn, cases[i].length),
			   "its bytes are told");
		}
		is(myhv_vcpu_state_get(&m.vcpu, MYHV_STATE_GENERAL, s), 0, "registers");
		s->general.rip += cases[i].length;
		is(myhv_vcpu_state_set(&m.vcpu, MYHV_STATE_GENERAL, s), 0, "who steps over it");
		is(mini_run(&m), 0, "%s: goes on", cases[i].name);
		is(e->reason, MYHV_EXIT_HLT, "to HLT");
		free(s);
	}
	mini_close(&m);
}

/*
 * Each part is possible, all of it together is not: the CPU refuses the entry. The host lives, user
 * space is told, and on Intel the log names the check that failed and the VMCS' fields.
 */
static void impossible_state(void)
{
	const uint32_t groups = MYHV_STATE_CONTROL | MYHV_STATE_SEGMENTS;
	struct myhv_vcpu_state *good = calloc(1, sizeof(*good)), *bad = calloc(1, sizeof(*bad));
	const char *backend = getenv("MYHV_BACKEND");
	uint64_t id = 0;
	char who[48];
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, 0xf4);
	is(myhv_prop_get(m.vm, MYHV_PROP_VM_ID, &id), 0, "the VM's number");
	snprintf(who, sizeof(who), "myhv: vm %llu vcpu 0: ", (unsigned long long)id);
	is(myhv_vcpu_state_get(&m.vcpu, groups, good), 0, "a good state");
	*bad = *good;
	bad->control.cr0 = 0x80000031;
	bad->control.cr4 = 0x20;
	bad->control.efer = 0x500;
	bad->segments.seg[MYHV_SEG_CS].attrib = 0xe9b; /* a code segment with both L and D */
	is(myhv_vcpu_state_set(&m.vcpu, groups, bad), 0, "a state that no CPU can be in");
	is(mini_run(&m), 0, "comes back");
	is(m.vcpu.exit->reason, MYHV_EXIT_FAIL_ENTRY, "the CPU has refused it");
	if (backend && !strcmp(backend, "vmx")) {
		is((uint16_t)m.vcpu.exit->fail_entry.hw_reason, 33, "invalid guest state");
		ok(logged(who, "refused the guest state", "CS has L and D"), "and why, in the log");
		ok(logged(who, " cr0=80000031", " cr3="), "control registers by name");
		ok(logged(who, " cs.access=e09b", ""), "segments by name");
		ok(logged(who, " efer=500", ""), "EFER by name");
	}
	is(myhv_vcpu_state_set(&m.vcpu, groups, good), 0, "the good state again");
	is(mini_run(&m), 0, "the vCPU can be entered");
	is(m.vcpu.exit->reason, MYHV_EXIT_HLT, "and runs to HLT");
	mini_close(&m);
	free(good);
	free(bad);
}

int main(void)
{
	struct mini m;

	MINI_OPEN(&m, MYHV_IRQCHIP_NONE, LOOP);
	kicks(&m);
	kick_storm(&m);
	signals(&m);
	signal_mask(&m);
	other_process(&m);
	mini_close(&m);
	halted();
	halt_exits();
	msr_exits();
	two_runners();
	killed();
	kicks_in_strings();
	synced_state();
	shutdown();
	no_host_memory();
	faults();
	refused();
	impossible_state();
	return done_testing();
}
