// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests that keep the CPU or the host busy without an end: second-level faults, IPIs, interrupts
 * off, exceptions whose delivery or handler raises the same again. A kick stops their
 * threads, and SIGKILL their process, whatever the guest does; the VM is gone then, and the
 * host's log stays quiet.
 *
 * Each storm rages in a process of its own, and is stopped twice.
 * hvlab-timeout: 900
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>

#include "klog.h"
#include "victim.h"

#define MOST_VCPUS 4
#define PATIENCE_S 120.0 /* a storm begins on any host */
#define LIMIT_S 60.0	 /* and ends */

/* Guest-physical */
#define VECTOR 0x41
#define HANDLERS 0x8400 /* of the real-mode guests */
#define COUNTERS 0x3000 /* theirs: struct counters */
#define SIPI_PAGE 0x9000
#define IDT 0x320000
#define TSS 0x330000
#define STACK_TOP 0x340000
#define TAKEN_AWAY 0x400000

struct counters {
	uint32_t interrupts, nmis, rounds, starts;
};

/* ---- the guests ---- */

/* Each page from TAKEN_AWAY to the end of RAM is written, over and over. */
GUEST_CODE(touch_ram, 64,
	   "	movl $0x400000, %edi\n"
	   "1:	movb $1, (%rdi)\n"
	   "	addl $0x1000, %edi\n"
	   "	cmpl $0x1000000, %edi\n"
	   "	jb 1b\n"
	   "	jmp touch_ram\n");

/* Where nothing is mapped: read and written. */
GUEST_CODE(touch_nothing, 64,
	   "	movl $0x1000000, %edi\n"
	   "1:	movl (%rdi), %eax\n"
	   "	movl %eax, (%rdi)\n"
	   "	addl $0x1000, %edi\n"
	   "	cmpl $0xf0000000, %edi\n"
	   "	jb 1b\n"
	   "	jmp touch_nothing\n");

GUEST_CODE(cli_spin, 64, "	cli\n1:	jmp 1b\n");

/* Interrupts to all, the sender included, and NMIs to all others, by the xAPIC's registers. */
GUEST_CODE(ipis, 16,
	   "	movl $0xfee00000, %ebx\n"
	   "	movl $0x1ff, 0xf0(%ebx)\n"
	   "	sti\n"
	   "1:	movl $0x84041, 0x300(%ebx)\n"
	   "	movl $0xc4400, 0x300(%ebx)\n"
	   "	jmp 1b\n");

GUEST_CODE(ipi_handlers, 16,
	   "	lock incl 0x3000\n"
	   "	movl $0, 0xb0(%ebx)\n"
	   "	iret\n"
	   "	.org ipi_handlers + 0x80\n"
	   "	lock incl 0x3004\n"
	   "	iret\n");

/*
 * By the x2APIC: the boot processor sends INIT, SIPI, an interrupt and an NMI to all others; each
 * of these, whenever it gets as far, interrupts to all and NMIs to all others.
 */
GUEST_CODE(inits, 16,
	   "	movl $0x1b, %ecx\n"
	   "	rdmsr\n"
	   "	orl $0xc00, %eax\n"
	   "	wrmsr\n"
	   "	movl $0x80f, %ecx\n"
	   "	xorl %edx, %edx\n"
	   "	movl $0x1ff, %eax\n"
	   "	wrmsr\n"
	   "	movl $0x802, %ecx\n"
	   "	rdmsr\n"
	   "	movl %eax, %esp\n"
	   "	shll $8, %esp\n"
	   "	addl $0x4400, %esp\n"
	   "	movl $0x830, %ecx\n"
	   "	xorl %edx, %edx\n"
	   "	sti\n"
	   "	testl %eax, %eax\n"
	   "	jnz 2f\n"
	   "1:	movl $0xc4500, %eax\n"
	   "	wrmsr\n"
	   "	movl $0xc4609, %eax\n"
	   "	wrmsr\n"
	   "	movl $0xc4041, %eax\n"
	   "	wrmsr\n"
	   "	movl $0xc4400, %eax\n"
	   "	wrmsr\n"
	   "	lock incl 0x3008\n"
	   "	jmp 1b\n"
	   "2:	lock incl 0x300c\n"
	   "3:	movl $0x84041, %eax\n"
	   "	wrmsr\n"
	   "	movl $0xc4400, %eax\n"
	   "	wrmsr\n"
	   "	jmp 3b\n");

GUEST_CODE(init_handlers, 16,
	   "	pushl %eax\n"
	   "	pushl %ecx\n"
	   "	lock incl 0x3000\n"
	   "	movl $0x80b, %ecx\n"
	   "	xorl %eax, %eax\n"
	   "	wrmsr\n"
	   "	popl %ecx\n"
	   "	popl %eax\n"
	   "	iret\n"
	   "	.org init_handlers + 0x80\n"
	   "	lock incl 0x3004\n"
	   "	iret\n");

/* With a stack that is not aligned, and a handler in the same ring. */
GUEST_CODE(alignment, 32, "	pushl %eax\n1:	jmp 1b\n");

/* A store that hits a breakpoint, which lies on the stack of #DB's handler. */
GUEST_CODE(breakpoint, 64, "1:	movl $1, 0x33fff8\n	jmp 1b\n");
GUEST_CODE(breakpoint_handler, 64, "	incl 0x350000\n	iretq\n");

/* RAX is where the guest may not read; the handler reads there too. */
GUEST_CODE(bad_read, 64, "1:	movl (%rax), %ebx\n	jmp 1b\n");

/* ---- how they are set up ---- */

static void set_state(struct victim *v, uint32_t groups)
{
	int r = myhv_vcpu_state_set(&v->vcpu, groups, &v->state);

	if (r < 0)
		bail_out("state: %s", strerror(-r));
}

static void small_pages(struct victim *v)
{
	madvise(v->ram, GUEST_RAM_BYTES, MADV_NOHUGEPAGE);
}

static void take_away(struct victim *v)
{
	madvise(v->ram + TAKEN_AWAY, GUEST_RAM_BYTES - TAKEN_AWAY, MADV_DONTNEED);
}

/* Interrupt and NMI of the real-mode guests. */
static void real_handlers(struct victim *v, const uint8_t *code, const uint8_t *end)
{
	memcpy(v->ram + HANDLERS, code, end - code);
	memcpy(v->ram + 4 * VECTOR, &(uint32_t){ HANDLERS }, 4);
	memcpy(v->ram + 4 * 2, &(uint32_t){ HANDLERS + 0x80 }, 4);
}

/* Real mode that reaches the xAPIC's registers. */
static void prepare_ipis(struct victim *v)
{
	real_handlers(v, ipi_handlers, ipi_handlers_end);
	v->state.segments.seg[MYHV_SEG_DS].limit = 0xffffffff;
	v->state.segments.seg[MYHV_SEG_DS].attrib = 0x893;
	set_state(v, v->groups);
}

static void prepare_inits(struct victim *v)
{
	real_handlers(v, init_handlers, init_handlers_end);
	memcpy(v->ram + SIPI_PAGE, inits, inits_end - inits);
	v->state.general.rip = SIPI_PAGE;
	set_state(v, v->groups);
}

static void prepare_alignment(struct victim *v)
{
	struct myhv_state_segments *s = &v->state.segments;
	uint64_t *gdt = (uint64_t *)(v->ram + GUEST_GDT);
	uint16_t gate[4] = { VICTIM_CODE & 0xffff, SEL_USER32, 0xee00, VICTIM_CODE >> 16 };

	gdt[SEL_USER32 / 8] = 0x00cffb000000ffff;
	gdt[SEL_USER_DATA / 8] = 0x00cff3000000ffff;
	s->gdt.limit = SEL_USER_DATA | 7;
	for (int i = MYHV_SEG_ES; i <= MYHV_SEG_GS; i++) {
		s->seg[i].selector = i == MYHV_SEG_CS ? SEL_USER32 : SEL_USER_DATA;
		s->seg[i].attrib = i == MYHV_SEG_CS ? 0xcfb : 0xcf3;
	}
	memcpy(v->ram + IDT + 17 * 8, gate, 8);
	s->idt = (struct myhv_dtable){ .base = IDT, .limit = 0xff };
	v->state.control.cr0 |= 1 << 18;      /* AM */
	v->state.general.rflags = 1 << 18 | 2; /* AC */
	v->state.general.gpr[MYHV_RSP] = STACK_TOP + 1;
	set_state(v, v->groups);
}

/* A gate to @target, with a stack of its own that each delivery begins anew. */
static void gate_by_ist(struct victim *v, unsigned int vector, uint32_t target)
{
	struct myhv_state_segments *s = &v->state.segments;
	uint16_t gate[8] = { target & 0xffff, SEL_CODE64, 0x8e01, target >> 16 };

	memcpy(v->ram + IDT + vector * 16, gate, sizeof(gate));
	s->idt = (struct myhv_dtable){ .base = IDT, .limit = 0xfff };
	memcpy(v->ram + TSS + 0x24, &(uint64_t){ STACK_TOP }, 8); /* IST1 */
	s->seg[MYHV_SEG_TR].base = TSS;
	s->seg[MYHV_SEG_TR].limit = 0x67;
}

#define DB_HANDLER (VICTIM_CODE + 0x100)
#define DB_HANDLER_RUNS 0x350000

static void prepare_breakpoint(struct victim *v)
{
	gate_by_ist(v, 1, DB_HANDLER);
	memcpy(v->ram + DB_HANDLER, breakpoint_handler,
	       breakpoint_handler_end - breakpoint_handler);
	set_state(v, v->groups);
	myhv_vcpu_state_get(&v->vcpu, MYHV_STATE_DEBUG, &v->state);
	v->state.debug.dr[0] = STACK_TOP - 8;
	v->state.debug.dr7 = 0x401 | 1 << 16 | 2 << 18; /* a write of up to eight bytes */
	set_state(v, MYHV_STATE_DEBUG);
}

static void prepare_page_fault(struct victim *v)
{
	gate_by_ist(v, 14, VICTIM_CODE);
	v->state.general.gpr[MYHV_RAX] = 1ULL << 39; /* another entry of the topmost table */
	set_state(v, v->groups);
}

static void prepare_general_protection(struct victim *v)
{
	gate_by_ist(v, 13, VICTIM_CODE);
	v->state.general.gpr[MYHV_RAX] = 1ULL << 63; /* not canonical */
	set_state(v, v->groups);
}

/* ---- the storms ---- */

/* What tells that it rages, and how much of it is enough. */
struct signs {
	uint64_t exits, user_exits, faults;
	struct counters counters;
};

struct storm {
	const char *name;
	uint32_t mode;
	int irqchip;
	unsigned int vcpus;
	const uint8_t *code, *end;
	void (*prepare)(struct victim *v); /* before other vCPUs get the state */
	void (*host)(struct victim *v);	   /* what the host does meanwhile, every millisecond */
	bool starts_one;		   /* the others wait for SIPI */
	bool not_tcg;			   /* it has no #AC; a #DB in a delivery aborts it */
	struct signs enough;
};

#define CODE(name) .code = name, .end = name##_end

static const struct storm storms[] = {
	{ .name = "RAM that is taken away", .mode = GUEST_LONG, .vcpus = 2, CODE(touch_ram),
	  .prepare = small_pages, .host = take_away, .enough = { .faults = 8000 } },
	{ .name = "accesses to nothing", .mode = GUEST_LONG, .vcpus = 2, CODE(touch_nothing),
	  .enough = { .user_exits = 5000 } },
	{ .name = "interrupts off", .mode = GUEST_LONG, .vcpus = 1, CODE(cli_spin),
	  .enough = { .exits = 5 } },
	{ .name = "IPIs and NMIs to all", .mode = GUEST_REAL, .vcpus = 4, CODE(ipis),
	  .irqchip = MYHV_IRQCHIP_FULL, .prepare = prepare_ipis,
	  .enough = { .counters = { .interrupts = 1000, .nmis = 1000 } } },
	{ .name = "INIT and SIPI to all others", .mode = GUEST_REAL, .vcpus = 4, CODE(inits),
	  .irqchip = MYHV_IRQCHIP_FULL, .prepare = prepare_inits, .starts_one = true,
	  .enough = { .counters = { .rounds = 200, .starts = 20, .interrupts = 20, .nmis = 20 } } },
	{ .name = "#AC in the delivery of #AC", .mode = GUEST_PROT32, .vcpus = 1, CODE(alignment),
	  .prepare = prepare_alignment, .not_tcg = true, .enough = { .exits = 2000 } },
	{ .name = "#DB in the delivery of #DB", .mode = GUEST_LONG, .vcpus = 1, CODE(breakpoint),
	  .prepare = prepare_breakpoint, .not_tcg = true, .enough = { .exits = 2000 } },
	{ .name = "#PF in the handler of #PF", .mode = GUEST_LONG, .vcpus = 1, CODE(bad_read),
	  .prepare = prepare_page_fault, .enough = { .exits = 5 } },
	{ .name = "#GP in the handler of #GP", .mode = GUEST_LONG, .vcpus = 1, CODE(bad_read),
	  .prepare = prepare_general_protection, .enough = { .exits = 5 } },
};

/* ---- the process that a storm rages in ---- */

/* Shared with the test. */
struct report {
	_Atomic uint64_t vm_id;
	atomic_bool rages;  /* it has been seen since the last start */
	atomic_bool stop;   /* by kicks, please; then again */
	atomic_bool stopped; /* all threads came back */
	atomic_int ended;   /* a thread came back without a kick: its reason or -errno, else 0 */
	atomic_uint handler_runs; /* of #DB's */
};

static struct victim victim;
static struct myhv_vcpu vcpus[MOST_VCPUS];
static const struct storm *storm;
static struct report *report;
static atomic_bool be_calm;

static void *vcpu_thread(void *arg)
{
	struct myhv_vcpu *vcpu = arg;

	for (;;) {
		int r = myhv_vcpu_run(vcpu);
		uint32_t reason = vcpu->exit->reason;

		if (r == -EINTR && be_calm)
			return NULL;
		if (r == -EINTR || (!r && (reason == MYHV_EXIT_IO || reason == MYHV_EXIT_MMIO)))
			continue;
		report->ended = r ? r : (int)reason;
		return NULL;
	}
}

static void *host_thread(void *arg)
{
	while (!be_calm) {
		storm->host(&victim);
		usleep(1000);
	}
	return NULL;
}

/* As the first one, with a stack of its own; it is not the boot processor. */
static void open_another(unsigned int i)
{
	struct myhv_vcpu_state *s = &victim.state;
	struct myhv_state_control control = s->control;

	victim_vcpu_open(&victim, &vcpus[i], i);
	if (storm->starts_one)
		return;
	if (myhv_vcpu_state_get(&vcpus[i], MYHV_STATE_CONTROL, s))
		bail_out("no state of vCPU %u", i);
	control.apic_base = s->control.apic_base;
	s->control = control;
	s->general.gpr[MYHV_RSP] -= 0x100;
	s->mp.state = MYHV_MP_RUNNABLE;
	if (myhv_vcpu_state_set(&vcpus[i], victim.groups | MYHV_STATE_MP, s))
		bail_out("state of vCPU %u", i);
}

static void open_storm(void)
{
	uint64_t id = 0;

	victim_open(&victim, storm->mode, storm->code, storm->end - storm->code, storm->irqchip);
	if (storm->prepare)
		storm->prepare(&victim);
	vcpus[0] = victim.vcpu;
	for (unsigned int i = 1; i < storm->vcpus; i++)
		open_another(i);
	myhv_prop_get(victim.vm, MYHV_PROP_VM_ID, &id);
	report->vm_id = id;
}

static struct signs look(void)
{
	struct signs s = { .counters = *(struct counters *)(victim.ram + COUNTERS) };

	for (unsigned int i = 0; i < storm->vcpus; i++) {
		uint64_t n = 0;

		myhv_prop_get(vcpus[i].fd, MYHV_PROP_VCPU_EXITS, &n);
		s.exits += n;
		myhv_prop_get(vcpus[i].fd, MYHV_PROP_VCPU_USER_EXITS, &n);
		s.user_exits += n;
		myhv_prop_get(vcpus[i].fd, MYHV_PROP_VCPU_FAULTS, &n);
		s.faults += n;
	}
	return s;
}

static bool is_enough(struct signs was, struct signs is)
{
	const struct signs *e = &storm->enough;

	return is.exits - was.exits >= e->exits && is.faults - was.faults >= e->faults &&
	       is.user_exits - was.user_exits >= e->user_exits &&
	       is.counters.interrupts - was.counters.interrupts >= e->counters.interrupts &&
	       is.counters.nmis - was.counters.nmis >= e->counters.nmis &&
	       is.counters.rounds - was.counters.rounds >= e->counters.rounds &&
	       is.counters.starts - was.counters.starts >= e->counters.starts;
}

/* Until the test says that it shall stop. */
static void rage(void)
{
	pthread_t threads[MOST_VCPUS], host;
	struct signs was = look();

	be_calm = false;
	for (unsigned int i = 0; i < storm->vcpus; i++)
		pthread_create(&threads[i], NULL, vcpu_thread, &vcpus[i]);
	if (storm->host)
		pthread_create(&host, NULL, host_thread, NULL);
	while (!report->stop) {
		if (is_enough(was, look()))
			report->rages = true;
		report->handler_runs = *(volatile uint32_t *)(victim.ram + DB_HANDLER_RUNS);
		usleep(5000);
	}
	be_calm = true;
	for (unsigned int i = 0; i < storm->vcpus; i++)
		while (pthread_tryjoin_np(threads[i], NULL)) {
			myhv_vcpu_kick(&vcpus[i]);
			usleep(2000);
		}
	if (storm->host)
		pthread_join(host, NULL);
	report->rages = false;
	report->stop = false;
	report->stopped = true;
}

/* ---- the test ---- */

static bool until(const atomic_bool *flag, double seconds)
{
	for (double end = now() + seconds; !*flag && now() < end && !report->ended;)
		usleep(5000);
	return *flag;
}

static bool vm_is_gone(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/misc/myhv/vms/%u", (unsigned int)report->vm_id);
	for (double end = now() + LIMIT_S; now() < end; usleep(5000))
		if (access(path, F_OK))
			return true;
	return false;
}

/* true: it has ended, with *@status */
static bool ends(pid_t pid, int *status)
{
	for (double end = now() + LIMIT_S; now() < end; usleep(5000))
		if (waitpid(pid, status, WNOHANG) == pid)
			return true;
	return false;
}

static void weather(const struct storm *s)
{
	int status = 0;
	pid_t pid;

	storm = s;
	memset(report, 0, sizeof(*report));
	fflush(stdout);
	pid = fork();
	if (!pid) {
		open_storm();
		for (;;)
			rage();
	}
	ok(until(&report->rages, PATIENCE_S), "%s: it rages (%s)", s->name,
	   report->ended < 0 ? strerror(-report->ended) : myhv_exit_name(report->ended));
	report->stop = true;
	ok(until(&report->stopped, LIMIT_S), "%s: kicks stop its threads", s->name);
	ok(until(&report->rages, PATIENCE_S), "%s: it rages again", s->name);
	if (s->prepare == prepare_breakpoint)
		is(report->handler_runs, 0, "#DB's handler does not get to run");
	kill(pid, SIGKILL);
	ok(ends(pid, &status), "%s: SIGKILL ends its process", s->name);
	ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: so it was (%#x)", s->name,
	   status);
	ok(report->vm_id && vm_is_gone(), "%s: the VM is gone", s->name);
}

int main(void)
{
	struct klog_news news;
	int log = klog_open();

	close(sys_open());
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (report == MAP_FAILED || log < 0)
		bail_out("no memory, or no log");
	for (unsigned int i = 0; i < sizeof(storms) / sizeof(storms[0]); i++) {
		if (storms[i].not_tcg && is_tcg())
			note("%s: not under TCG", storms[i].name);
		else
			weather(&storms[i]);
	}
	news = klog_news(log);
	is(news.ours, 0, "the module had nothing to say");
	is(news.warnings, 0, "nor the host's kernel, as a warning");
	return done_testing();
}
