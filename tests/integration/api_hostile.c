// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests that mean harm: the host must stay in charge. What such a guest gets is its own
 * affair; its thread must come back when it is told to, and the host's log stay quiet.
 */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "api.h"
#include "harness.h"

#define CODE 0x200000
#define MOST_EXITS 2000000
#define CASE_SECONDS 0.2

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

struct victim {
	int vm;
	struct myhv_vcpu vcpu;
	uint8_t *ram;
	struct myhv_vcpu_state state;
	uint32_t groups;
};

static void victim_open(struct victim *v, uint32_t mode, const void *code, size_t bytes,
			int irqchip)
{
	struct myhv_cpuid_entry entries[256];
	uint32_t count = 256;
	int sys = sys_open(), r;

	memset(v, 0, sizeof(*v));
	v->vm = vm_open(irqchip);
	v->ram = map_anonymous(GUEST_RAM_BYTES);
	if (myhv_mem_map(v->vm, 0, v->ram, GUEST_RAM_BYTES, 0) ||
	    myhv_vcpu_open(&v->vcpu, v->vm, 0))
		bail_out("no VM");
	myhv_cpuid_supported(sys, entries, &count);
	close(sys);
	myhv_vcpu_cpuid_set(&v->vcpu, entries, count);
	memcpy(v->ram + (mode == GUEST_REAL ? 0x8000 : CODE), code, bytes);
	v->groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL;
	myhv_vcpu_state_get(&v->vcpu, v->groups, &v->state);
	guest_initial_state(v->ram, mode, mode == GUEST_REAL ? 0x8000 : CODE, &v->state,
			    &v->groups);
	r = myhv_vcpu_state_set(&v->vcpu, v->groups, &v->state);
	if (r < 0)
		bail_out("initial state: %s", strerror(-r));
}

static void victim_close(struct victim *v)
{
	myhv_vcpu_close(&v->vcpu);
	close(v->vm);
	munmap(v->ram, GUEST_RAM_BYTES);
}

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
	/* 1: inc %edx; out %al, %dx; in %dx, %al; jmp 1b */
	{ "every port", GUEST_PROT32, { 0x42, 0xee, 0xec, 0xeb, 0xfb } },
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
		ok(now() - start < CASE_SECONDS + 2, "%s: %u exits, the last %s", c->name, exits,
		   r < 0 ? strerror(-r) : myhv_exit_name(r));
		victim_close(&v);
	}
}

/* Every MSR number in the known ranges is read and written with nasty values. */
static void all_msrs(void)
{
	static const uint8_t idt_code[] = {
		/* loop: rdmsr; wrmsr; inc %ecx; cmp %ecx, 0x300000; jne loop; hlt */
		0x0f, 0x32, 0x0f, 0x30, 0xff, 0xc1, 0x3b, 0x0c, 0x25, 0, 0, 0x30, 0, 0x75, 0xf1,
		0xf4,
	};
	static const uint32_t ranges[][2] = {
		{ 0, 0x2000 }, { 0x40000000, 0x40000200 }, { 0x4b564d00, 0x4b564d20 },
		{ 0xc0000000, 0xc0002000 }, { 0xc0010000, 0xc0012000 },
	};
	struct myhv_vcpu_state s;
	unsigned int exits;
	struct victim v;

	for (unsigned int i = 0; i < 5; i++) {
		victim_open(&v, GUEST_LONG, idt_code, sizeof(idt_code), MYHV_IRQCHIP_FULL);
		/*
		 * An IDT whose #GP handler steps over the 2-byte instruction:
		 * add $8, %rsp (error code); addq $2, (%rsp); iretq
		 */
		memcpy(v.ram + 0x310000,
		       "\x48\x83\xc4\x08\x48\x83\x04\x24\x02\x48\xcf", 11);
		memcpy(v.ram + 0x320000 + 13 * 16, "\x00\x00\x18\x00\x00\x8e\x31\x00", 8);
		myhv_vcpu_state_get(&v.vcpu, MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS, &s);
		s.segments.idt.base = 0x320000;
		s.segments.idt.limit = 0xfff;
		s.general.gpr[MYHV_RCX] = ranges[i][0];
		s.general.gpr[MYHV_RAX] = 0x5a5a5a5a;
		s.general.gpr[MYHV_RDX] = i & 1 ? 0xffffffff : 0;
		s.general.gpr[MYHV_RSP] = 0x340000;
		memcpy(v.ram + 0x300000, &ranges[i][1], 4);
		myhv_vcpu_state_set(&v.vcpu, MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS, &s);
		torment(&v, 1, &exits);
		myhv_vcpu_state_get(&v.vcpu, MYHV_STATE_GENERAL, &s);
		ok(true, "MSRs from %#x: came to %#llx, %s", ranges[i][0],
		   (unsigned long long)s.general.gpr[MYHV_RCX],
		   myhv_exit_name(v.vcpu.exit->reason));
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

int main(void)
{
	const char *seconds = getenv("FUZZ_SECONDS");

	run_cases();
	all_msrs();
	random_code(seconds ? atof(seconds) : 3);
	return done_testing();
}
