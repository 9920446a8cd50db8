// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests that mean harm: the host must stay in charge. What such a guest gets is its own
 * affair; its thread must come back when it is told to, and the host's log stay quiet.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "klog.h"
#include "victim.h"

#define MOST_EXITS 2000000
#define CASE_SECONDS 0.2
#define LIMIT_SECONDS 60.0 /* until a kick has come through, on any host */

struct kicker {
	struct myhv_vcpu *vcpu;
	double seconds;
	volatile bool stop;
};

static void *kick_after(void *arg)
{
	struct kicker *k = arg;
	double end = now() + k->seconds;

	while (now() < end && !k->stop)
		usleep(2000);
	while (!k->stop) {
		myhv_vcpu_kick(k->vcpu);
		usleep(2000);
	}
	return NULL;
}

/* Run until the kick or something final. Returns the last exit's reason, or -errno. */
static int torment(struct victim *v, double seconds, unsigned int *exits)
{
	struct kicker k = { .vcpu = &v->vcpu, .seconds = seconds };
	double start = now();
	pthread_t thread;
	int r = 0;

	pthread_create(&thread, NULL, kick_after, &k);
	for (*exits = 0; *exits < MOST_EXITS; (*exits)++) {
		uint32_t reason;

		r = myhv_vcpu_run(&v->vcpu);
		reason = v->vcpu.exit->reason;
		if (r == -EINTR && now() - start < seconds)
			continue;
		if (r || (reason != MYHV_EXIT_IO && reason != MYHV_EXIT_MMIO &&
			  reason != MYHV_EXIT_IRQ_WINDOW))
			break;
	}
	k.stop = true;
	pthread_join(thread, NULL);
	return r ? r : (int)v->vcpu.exit->reason;
}

struct hostile_case {
	const char *name;
	uint32_t mode;
	uint8_t code[48];
};

static const struct hostile_case cases[] = {
	/* movl $0x8000000, %eax; mov %eax, %cr3; jmp . */
	{ "page tables in device memory", GUEST_LONG,
	  { 0xb8, 0, 0, 0, 8, 0x0f, 0x22, 0xd8, 0xeb, 0xfe } },
	{ "page tables in device memory, PAE", GUEST_PAE,
	  { 0xb8, 0, 0, 0, 8, 0x0f, 0x22, 0xd8, 0xeb, 0xfe } },
	/* movl $0x8000000, %eax; jmp *%rax */
	{ "code in device memory", GUEST_LONG, { 0xb8, 0, 0, 0, 8, 0xff, 0xe0 } },
	/* movl $0x8000800, %esp; push %rax; ret */
	{ "stack in device memory", GUEST_LONG, { 0xbc, 0, 8, 0, 8, 0x50, 0xc3 } },
	/* lidt 0x2000f0 (limit 0xfff, base 0x8000000); int3 */
	{ "IDT in device memory", GUEST_PROT32,
	  { 0x0f, 0x01, 0x1d, 0x10, 0, 0x20, 0, 0xcc, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x0f,
	    0, 0, 0, 8 } },
	/* lgdt 0x200010; mov $8, %eax; mov %eax, %ds */
	{ "GDT in device memory", GUEST_PROT32,
	  { 0x0f, 0x01, 0x15, 0x10, 0, 0x20, 0, 0xb8, 8, 0, 0, 0, 0x8e, 0xd8, 0xeb, 0xfe, 0xff,
	    0x0f, 0, 0, 0, 8 } },
	/* 1: invlpg 0; mov %cr3, %eax; mov %eax, %cr3; jmp 1b */
	{ "flushes without end", GUEST_LONG,
	  { 0x0f, 0x01, 0x3c, 0x25, 0, 0, 0, 0, 0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8, 0xeb, 0xf0 } },
	/* 1: vmmcall; inc %eax; jmp 1b */
	{ "hypercalls", GUEST_LONG, { 0x0f, 0x01, 0xd9, 0xff, 0xc0, 0xeb, 0xf9 } },
	/* 1: wbinvd; jmp 1b */
	{ "WBINVD", GUEST_LONG, { 0x0f, 0x09, 0xeb, 0xfc } },
	/* sti; 1: hlt; jmp 1b (no LAPIC: each exits) */
	{ "HLT without interrupts", GUEST_PROT32, { 0xfa, 0xf4, 0xeb, 0xfd } },
	/* rep outsb with a huge count out of device memory */
	{ "OUTS from device memory", GUEST_LONG,
	  { 0xbe, 0, 0, 0, 8, 0xb9, 0xff, 0xff, 0xff, 0x7f, 0x66, 0xba, 0x80, 0, 0xf3, 0x6e } },
	{ "INS to nowhere", GUEST_LONG,
	  { 0xbf, 0, 0, 0, 9, 0xb9, 0xff, 0xff, 0xff, 0x7f, 0x66, 0xba, 0x80, 0, 0xf3, 0x6d } },
	{ "MOVS from device memory to itself", GUEST_LONG,
	  { 0xbe, 0, 0, 0, 8, 0xbf, 0, 0, 0, 8, 0xb9, 0xff, 0xff, 0xff, 0x7f, 0xf3, 0xa4 } },
	/* 0f c7 0c 25: lock cmpxchg8b at the end of RAM, across into nothing */
	{ "CMPXCHG over the end of RAM", GUEST_LONG,
	  { 0xf0, 0x0f, 0xb1, 0x04, 0x25, 0xfe, 0xff, 0xff, 0, 0xeb, 0xf5 } },
	/* execution runs over the end of RAM */
	{ "code over the end of RAM", GUEST_LONG, { 0xb8, 0xfe, 0xff, 0xff, 0, 0xff, 0xe0 } },
};

static void run_cases(void)
{
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct hostile_case *c = &cases[i];
		unsigned int exits;
		struct victim v;
		double start;
		int r;

		victim_open(&v, c->mode, c->code, sizeof(c->code), MYHV_IRQCHIP_NONE);
		start = now();
		r = torment(&v, CASE_SECONDS, &exits);
		ok(now() - start < LIMIT_SECONDS, "%s: %u exits, the last %s", c->name, exits,
		   r < 0 ? strerror(-r) : myhv_exit_name(r));
		victim_close(&v);
	}
}

/* Until HLT. Returns the number of exits; 0: something else came. */
static unsigned long run_to_hlt(struct victim *v, void (*look)(const struct myhv_exit *exit))
{
	unsigned long exits = 0;

	for (;;) {
		int r = myhv_vcpu_run(&v->vcpu);

		if (r == -EINTR)
			continue;
		if (r)
			return 0;
		exits++;
		if (v->vcpu.exit->reason == MYHV_EXIT_HLT)
			return exits;
		if (v->vcpu.exit->reason != MYHV_EXIT_IO)
			return 0;
		if (look)
			look(v->vcpu.exit);
	}
}

/* ---- every port ---- */

GUEST_CODE(ports_code, 32,
	   "	xorl %edx, %edx\n"
	   "1:	outb %al, %dx\n"
	   "	inb %dx, %al\n"
	   "	incl %edx\n"
	   "	cmpl $0x10000, %edx\n"
	   "	jne 1b\n"
	   "	hlt\n");

#define PORT_WAS_READ 1
#define PORT_WAS_WRITTEN 2
static uint8_t ports[0x10000];

static void look_at_port(const struct myhv_exit *exit)
{
	if (exit->io.size == 1 && exit->io.count == 1)
		ports[exit->io.port] |= exit->io.is_write ? PORT_WAS_WRITTEN : PORT_WAS_READ;
}

/* PICs, PIT, port 61h and the ELCRs: chips in the kernel */
static bool is_in_kernel(unsigned int port)
{
	return (port & ~0x81U) == 0x20 || (port & ~3U) == 0x40 || port == 0x61 ||
	       (port & ~1U) == 0x4d0;
}

static void all_ports(void)
{
	unsigned int lost = 0, leaked = 0;
	unsigned long exits;
	struct victim v;

	victim_open(&v, GUEST_PROT32, ports_code, ports_code_end - ports_code, MYHV_IRQCHIP_FULL);
	myhv_prop_set(v.vm, MYHV_PROP_VM_EXITS, MYHV_VM_EXIT_HLT);
	exits = run_to_hlt(&v, look_at_port);
	ok(exits > 0, "every port: the guest comes to its end, %lu exits (%s)", exits,
	   myhv_exit_name(v.vcpu.exit->reason));
	for (unsigned int port = 0; port < 0x10000; port++) {
		if (is_in_kernel(port))
			leaked += ports[port] != 0;
		else
			lost += ports[port] != (PORT_WAS_READ | PORT_WAS_WRITTEN);
	}
	is(lost, 0, "each was seen, written and read");
	is(leaked, 0, "but those of the kernel's chips");
	victim_close(&v);
}

/* ---- every MSR ---- */

#define MSR_END 0x300000	/* where the guest finds the number after the last one */
#define MSR_REFUSALS 0x300010
#define GP_HANDLER 0x310000
#define IDT 0x320000

GUEST_CODE(msrs_code, 64,
	   "1:	rdmsr\n"
	   "	movl %esi, %eax\n"
	   "	movl %edi, %edx\n"
	   "	wrmsr\n"
	   "	incl %ebx\n"
	   "	incl %ecx\n"
	   "	cmpl %ecx, 0x300000\n"
	   "	jne 1b\n"
	   "	hlt\n");

/* #GP: drops the error code and steps over RDMSR or WRMSR */
GUEST_CODE(msrs_handler, 64,
	   "	addq $8, %rsp\n"
	   "	addq $2, (%rsp)\n"
	   "	incl 0x300010\n"
	   "	iretq\n");

static const struct msr_range {
	uint32_t first, end;
	bool has_some; /* and not only refusals */
} msr_ranges[] = {
	{ 0, 0x2000, true },
	{ 0x40000000, 0x40000200, false },
	{ 0x4b564d00, 0x4b564d20, false },
	{ 0xc0000000, 0xc0002000, true },
	{ 0xc0010000, 0xc0012000, false },
};

static void prepare_msrs(struct victim *v, const struct msr_range *range, uint64_t value)
{
	struct myhv_vcpu_state *s = &v->state;
	uint16_t gate[8] = { GP_HANDLER & 0xffff, SEL_CODE64, 0x8e00, GP_HANDLER >> 16 };

	memcpy(v->ram + GP_HANDLER, msrs_handler, msrs_handler_end - msrs_handler);
	memcpy(v->ram + IDT + 13 * 16, gate, sizeof(gate));
	memcpy(v->ram + MSR_END, &range->end, 4);
	s->segments.idt.base = IDT;
	s->segments.idt.limit = 0xfff;
	s->general.gpr[MYHV_RCX] = range->first;
	s->general.gpr[MYHV_RSI] = (uint32_t)value;
	s->general.gpr[MYHV_RDI] = value >> 32;
	s->general.gpr[MYHV_RSP] = 0x340000;
	myhv_vcpu_state_set(&v->vcpu, MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS, s);
	myhv_prop_set(v->vm, MYHV_PROP_VM_EXITS, MYHV_VM_EXIT_HLT);
}

/* Each MSR number in the known ranges is read, and written with a nasty value. */
static void all_msrs(void)
{
	for (unsigned int i = 0; i < sizeof(msr_ranges) / sizeof(msr_ranges[0]); i++) {
		const struct msr_range *range = &msr_ranges[i];
		uint32_t count = range->end - range->first, refused;
		unsigned long exits;
		struct victim v;

		victim_open(&v, GUEST_LONG, msrs_code, msrs_code_end - msrs_code,
			    MYHV_IRQCHIP_FULL);
		prepare_msrs(&v, range, i & 1 ? 0xffffffff5a5a5a5a : 0x5a5a5a5a);
		exits = run_to_hlt(&v, NULL);
		is(exits, 1, "MSRs from %#x: nothing but HLT exits (%s)", range->first,
		   myhv_exit_name(v.vcpu.exit->reason));
		myhv_vcpu_state_get(&v.vcpu, MYHV_STATE_GENERAL, &v.state);
		is(v.state.general.gpr[MYHV_RBX], count, "each of %u was tried", count);
		is(v.state.general.gpr[MYHV_RCX], range->end, "to the last");
		memcpy(&refused, v.ram + MSR_REFUSALS, 4);
		ok(refused && refused <= 2 * count && (refused < 2 * count || !range->has_some),
		   "%u of %u accesses raised #GP", refused, 2 * count);
		victim_close(&v);
	}
}

/*
 * Random bytes as code, in every mode, with random registers. FUZZ_SEED repeats a run and
 * says where it stands, FUZZ_SECONDS makes it longer.
 */
static void random_code(double seconds)
{
	static const uint32_t modes[] = { GUEST_REAL, GUEST_PROT32, GUEST_PAE, GUEST_LONG };
	static unsigned int by_reason[32];
	const char *given = getenv("FUZZ_SEED");
	unsigned int seed = given ? strtoul(given, NULL, 0) : (unsigned long)time(NULL);
	unsigned int first = seed, rounds = 0, errors = 0;
	double end = now() + seconds;
	uint8_t code[256];

	while (now() < end) {
		uint32_t mode = modes[seed % 4];
		unsigned int exits;
		struct victim v;
		int r;

		if (given)
			note("seed %u", seed);
		srand(seed++);
		for (unsigned int i = 0; i < sizeof(code); i++)
			code[i] = rand() >> 8;
		/* a good share of instructions that exit */
		for (unsigned int i = 0; i < 16; i++) {
			static const uint8_t exiting[][2] = { { 0x0f, 0xa2 }, { 0x0f, 0x30 },
							      { 0x0f, 0x32 }, { 0x0f, 0x01 },
							      { 0x0f, 0x22 }, { 0x0f, 0x23 },
							      { 0xf3, 0x6e }, { 0xf3, 0xa4 } };

			memcpy(code + rand() % 254, exiting[rand() % 8], 2);
		}
		/* MOV to segment register 6 or 7 kills QEMU 10.0's TCG itself */
		for (unsigned int i = 0; i < sizeof(code); i++) {
			if (code[i] == 0x8e)
				code[i] = 0x90;
		}
		victim_open(&v, mode, code, sizeof(code),
			    seed & 4 ? MYHV_IRQCHIP_FULL : MYHV_IRQCHIP_NONE);
		for (unsigned int i = 0; i < 16; i++)
			v.state.general.gpr[i] = rand() % 3 ? (uint64_t)rand() % 0x10000000 :
							      (uint64_t)rand() << 33;
		v.state.general.gpr[MYHV_RSP] = 0x7000;
		v.state.segments.idt.limit = rand() & 1 ? 0xfff : 0;
		myhv_vcpu_state_set(&v.vcpu, MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS, &v.state);
		r = torment(&v, 0.01, &exits);
		if (r >= 0 && r < 32)
			by_reason[r]++;
		else if (r != -EINTR && r != -EFAULT)
			errors++;
		if (r == MYHV_EXIT_FAIL_ENTRY) {
			myhv_vcpu_state_get(&v.vcpu, v.groups, &v.state);
			note("refused with seed %u: cr0 %#llx cr4 %#llx efer %#llx rflags %#llx "
			     "rip %#llx",
			     seed - 1, v.state.control.cr0, v.state.control.cr4,
			     v.state.control.efer, v.state.general.rflags, v.state.general.rip);
		}
		victim_close(&v);
		rounds++;
	}
	is(errors, 0, "%u rounds of random code from seed %u, none with a strange error", rounds,
	   first);
	for (unsigned int i = 0; i < 32; i++) {
		if (by_reason[i])
			note("%s: %u", myhv_exit_name(i), by_reason[i]);
	}
	/* TCG takes any value for CR3, and refuses it at the next entry: KVM sees that too */
	if (!is_tcg())
		is(by_reason[MYHV_EXIT_FAIL_ENTRY], 0, "the CPU never refused the guest's state");
}

/*
 * What all of them together have made the host say. Where random code can come to a state that
 * the CPU refuses (see above), that is told, so many times in a while and no more.
 */
static void check_log(int log, double seconds)
{
	struct klog_news news = klog_news(log);

	ok(!news.lost && news.ours <= (is_tcg() ? 20 + 4 * seconds : 0),
	   "the module has told %u lines", news.ours);
	is(news.warnings, 0, "and the host's kernel warns of nothing");
}

int main(void)
{
	const char *given = getenv("FUZZ_SECONDS");
	double seconds = given ? atof(given) : 3;
	int log = klog_open();

	if (log < 0)
		bail_out("no log: %s", strerror(errno));
	run_cases();
	all_ports();
	all_msrs();
	random_code(seconds);
	check_log(log, seconds);
	return done_testing();
}
