// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two processors: start-up, IPIs in every destination mode, lowest priority, NMI and INIT
 * between them, KVM's call that ends another one's HLT. The second one leaves all talking
 * with the harness to the first.
 */
#include "apic.h"

#define TRAMPOLINE 0x9000
#define VECTOR 0x41
#define ICR_LOWEST 0x100
#define ICR_NMI 0x400
#define ICR_INIT 0x4500
#define ICR_STARTUP 0x4600
#define ICR_LOGICAL 0x800
#define LAPIC_LDR 0xd0
#define LAPIC_DFR 0xe0
#define X2APIC_TPR 0x808
#define X2APIC_EOI 0x80b
#define X2APIC_ICR 0x830
#define HC_KICK_CPU 5
#define HC_ENOSYS (-1000L)
/* 1: KVM_HC_KICK_CPU is offered */
#define CALL_OFFERED CALL_TEST
/* a message: low bits of the address, delivery mode in bits 31:20 */
#define CALL_MESSAGE (CALL_TEST + 1)

enum job { SPIN, HALT_DEAF, TO_CLUSTERS, TO_FLAT, TO_X2APIC };

static volatile u32 hits[2], nmis[2];
static volatile u32 starts, halts_begun, halts_done, turns;
static volatile enum job job;
static volatile u32 tpr, tpr_is; /* of the second one */
static bool x2apic;
static bool is_kvm;

struct __attribute__((packed)) {
	u16 limit;
	u64 base;
} second_idt;
u8 second_stack[8192] __attribute__((aligned(16)));
extern u8 second_start[], second_start_end[];
void second_main(void);

/* From real mode to long mode in one step, at TRAMPOLINE. */
asm("	.section .rodata\n"
    "	.code16\n"
    "second_start:\n"
    "	cli\n"
    "	movw %cs, %ax\n"
    "	movw %ax, %ds\n"
    "	lgdtl second_gdt - second_start\n"
    "	movl $0x20, %eax\n"
    "	movl %eax, %cr4\n"
    "	movl $0x2000, %eax\n" /* GUEST_PAGE_TABLES */
    "	movl %eax, %cr3\n"
    "	movl $0xc0000080, %ecx\n"
    "	rdmsr\n"
    "	orl $0x100, %eax\n"
    "	wrmsr\n"
    "	movl $0x80000011, %eax\n"
    "	movl %eax, %cr0\n"
    "	ljmpl $0x18, $second_long\n"
    "second_gdt:\n"
    "	.word 127\n"
    "	.long gdt\n"
    "second_start_end:\n"
    "	.code64\n"
    "	.text\n"
    "second_long:\n"
    "	movl $0x10, %eax\n"
    "	movl %eax, %ds\n"
    "	movl %eax, %es\n"
    "	movl %eax, %ss\n"
    "	movl $second_stack + 8192, %esp\n"
    "	lidt second_idt\n"
    "	call second_main\n");

static unsigned int this_cpu(void)
{
	ulong here = (ulong)__builtin_frame_address(0);

	return here >= (ulong)second_stack && here < (ulong)second_stack + sizeof(second_stack);
}

static void set_clusters(void)
{
	lapic_write(LAPIC_DFR, 0x0fffffff);
	lapic_write(LAPIC_LDR, (0x10 | 1 << this_cpu()) << 24);
}

static void set_flat(void)
{
	lapic_write(LAPIC_DFR, 0xffffffff);
	lapic_write(LAPIC_LDR, (1 << this_cpu()) << 24);
}

static void set_x2apic(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x400);
}

static void on_interrupt(struct trap_frame *frame)
{
	if (x2apic)
		wrmsr(X2APIC_EOI, 0);
	else
		lapic_write(LAPIC_EOI, 0);
	hits[this_cpu()]++; /* now its priority is low again */
}

static void on_nmi(struct trap_frame *frame)
{
	nmis[this_cpu()]++;
}

static void halt_deaf(void)
{
	cli();
	halts_begun++;
	asm volatile("hlt" : : : "memory");
	halts_done++;
	sti();
}

void second_main(void)
{
	enum job now;

	lapic_enable();
	set_flat();
	starts++;
	sti();
	for (;;) {
		turns++;
		if (tpr != tpr_is) {
			lapic_write(LAPIC_TPR, tpr);
			tpr_is = tpr;
		}
		now = job;
		switch (now) {
		case HALT_DEAF: halt_deaf(); break;
		case TO_CLUSTERS: set_clusters(); break;
		case TO_FLAT: set_flat(); break;
		case TO_X2APIC: set_x2apic(); break;
		case SPIN: asm volatile("pause"); break;
		}
		if (now != SPIN)
			job = SPIN;
	}
}

/* A minute, for a host that is away. */
#define UNTIL(condition)                                                      \
	do {                                                                  \
		for (u32 tries_ = 0; !(condition) && tries_ < 30000; tries_++) \
			host_call(CALL_SLEEP, 2);                             \
	} while (0)

static void second_does(enum job what)
{
	job = what;
	UNTIL(job == SPIN);
}

static void second_tpr(u32 value)
{
	tpr = value;
	UNTIL(tpr_is == value);
}

static void send(u32 dest, u32 icr)
{
	if (x2apic) {
		wrmsr(X2APIC_ICR, (u64)dest << 32 | icr);
		return;
	}
	lapic_write(LAPIC_ICR2, dest << 24);
	lapic_write(LAPIC_ICR, icr);
}

static void start_up(void)
{
	asm volatile("sidt %0" : "=m"(second_idt));
	memcpy((void *)TRAMPOLINE, second_start, second_start_end - second_start);
	send(1, ICR_STARTUP | TRAMPOLINE >> 12);
	host_call(CALL_SLEEP, 30);
	check_eq("a start-up IPI before any INIT is ignored", starts, 0);
	send(1, ICR_INIT);
	host_call(CALL_SLEEP, 30);
	check_eq("INIT alone starts nothing", starts, 0);
	send(1, ICR_STARTUP | TRAMPOLINE >> 12);
	UNTIL(starts);
	check_eq("INIT and start-up IPI start the second processor", starts, 1);
	send(1, ICR_STARTUP | TRAMPOLINE >> 12);
	host_call(CALL_SLEEP, 30);
	check_eq("a start-up IPI to one that runs is ignored", starts, 1);
}

struct ipi {
	const char *name;
	u32 dest, icr;
	u32 first, second;
};

static void try_all(const struct ipi *ipi, unsigned int count)
{
	for (; count--; ipi++) {
		hits[0] = hits[1] = 0;
		send(ipi->dest, ipi->icr | VECTOR);
		sti();
		UNTIL(hits[0] >= ipi->first && hits[1] >= ipi->second);
		host_call(CALL_SLEEP, 5); /* for one too many */
		cli();
		check_eq(ipi->name, hits[0] | hits[1] << 16, ipi->first | ipi->second << 16);
	}
}

static void destinations(void)
{
	static const struct ipi anyhow[] = {
		{ "physical, to the other", 1, 0, 0, 1 },
		{ "physical, to itself", 0, 0, 1, 0 },
		{ "physical, to nobody", 5, 0, 0, 0 },
		{ "physical, to all", 0xff, 0, 1, 1 },
		{ "shorthand: self", 0, 0x40000, 1, 0 },
		{ "shorthand: all", 0, 0x80000, 1, 1 },
		{ "shorthand: all others", 0, 0xc0000, 0, 1 },
	};
	static const struct ipi flat[] = {
		{ "flat, to the first", 1, ICR_LOGICAL, 1, 0 },
		{ "flat, to the second", 2, ICR_LOGICAL, 0, 1 },
		{ "flat, to both", 3, ICR_LOGICAL, 1, 1 },
		{ "flat, to one that is not there", 4, ICR_LOGICAL, 0, 0 },
	};
	static const struct ipi clusters[] = {
		{ "cluster, to the first", 0x11, ICR_LOGICAL, 1, 0 },
		{ "cluster, to the second", 0x12, ICR_LOGICAL, 0, 1 },
		{ "cluster, to both", 0x13, ICR_LOGICAL, 1, 1 },
		{ "cluster, to another one", 0x23, ICR_LOGICAL, 0, 0 },
		{ "cluster, to all", 0xff, ICR_LOGICAL, 1, 1 },
	};

	set_flat();
	try_all(anyhow, ARRAY_SIZE(anyhow));
	try_all(flat, ARRAY_SIZE(flat));
	set_clusters();
	second_does(TO_CLUSTERS);
	try_all(clusters, ARRAY_SIZE(clusters));
	set_flat();
	second_does(TO_FLAT);
}

static void by_icr(void)
{
	send(3, ICR_LOGICAL | ICR_LOWEST | VECTOR);
}

static void by_ioapic(void)
{
	set_line(5, 1);
	set_line(5, 0);
}

/* Redirection hint and logical destination 3. */
static void by_message(void)
{
	host_call(CALL_MESSAGE, 0x0300c | 1 << 20);
}

#define SHOTS 20

static void shoot(void (*one)(void), u32 mine, u32 its, const char *name)
{
	lapic_write(LAPIC_TPR, mine);
	second_tpr(its);
	hits[0] = hits[1] = 0;
	for (u32 i = 1; i <= SHOTS; i++) {
		one();
		sti();
		UNTIL(hits[0] + hits[1] >= i);
		cli();
	}
	lapic_write(LAPIC_TPR, 0);
	second_tpr(0);
	check_eq(name, hits[0] + hits[1], SHOTS);
	/* KVM chooses by the vector */
	if (is_kvm)
		return;
	if (mine == its)
		check_eq("equals take turns", hits[0], SHOTS / 2);
	else
		check_eq("all to the one with the lower priority", hits[mine > its], SHOTS);
}

static void lowest_priority(void)
{
	ioapic_set(5, VECTOR | ICR_LOWEST | ICR_LOGICAL | IOAPIC_MASKED);
	ioapic_write(0x11 + 2 * 5, 3 << 24);
	ioapic_write(0x10 + 2 * 5, VECTOR | ICR_LOWEST | ICR_LOGICAL);
	shoot(by_icr, 0, 0, "lowest priority by ICR: one takes each");
	shoot(by_icr, 0x30, 0, "the first is busier");
	shoot(by_icr, 0, 0x30, "the second is busier");
	shoot(by_ioapic, 0, 0, "lowest priority by the IOAPIC: one takes each");
	shoot(by_ioapic, 0x30, 0, "the first is busier");
	shoot(by_ioapic, 0, 0x30, "the second is busier");
	shoot(by_message, 0x30, 0, "lowest priority by a message: one takes each");
	shoot(by_message, 0, 0x30, "the second is busier");
	ioapic_write(0x10 + 2 * 5, IOAPIC_MASKED);
}

static void start_again(void)
{
	u32 before = starts;

	send(1, ICR_INIT);
	host_call(CALL_SLEEP, 30);
	send(1, ICR_STARTUP | TRAMPOLINE >> 12);
	UNTIL(starts != before);
}

static void nmi_and_init(void)
{
	u32 before;

	send(1, ICR_NMI);
	UNTIL(nmis[1]);
	check_eq("an NMI to the second", nmis[0] | nmis[1] << 16, 1 << 16);
	send(1, ICR_INIT);
	host_call(CALL_SLEEP, 30);
	before = turns;
	host_call(CALL_SLEEP, 30);
	check_eq("INIT stops it", turns, before);
	send(1, ICR_STARTUP | TRAMPOLINE >> 12);
	UNTIL(starts == 2);
	check_eq("and it can be started again", starts, 2);
}

static long kick(u64 apic_id)
{
	u32 r[4];
	long result;

	cpuid(0, 0, r);
	if (r[2] == 0x444d4163) /* ...cAMD */
		asm volatile("vmmcall"
			     : "=a"(result)
			     : "a"(HC_KICK_CPU), "b"(0), "c"(apic_id)
			     : "memory");
	else
		asm volatile("vmcall"
			     : "=a"(result)
			     : "a"(HC_KICK_CPU), "b"(0), "c"(apic_id)
			     : "memory");
	return result;
}

static void begin_to_halt(void)
{
	u32 before = halts_begun;

	job = HALT_DEAF;
	UNTIL(halts_begun != before);
	host_call(CALL_SLEEP, 30);
}

static void unhalt(bool offered)
{
	begin_to_halt();
	hits[1] = 0;
	send(1, VECTOR);
	host_call(CALL_SLEEP, 30);
	check_eq("an interrupt does not end HLT with IF clear", halts_done, 0);
	if (!offered) {
		check_eq("a kick that is not offered is not known", kick(1), HC_ENOSYS);
		host_call(CALL_SLEEP, 30);
		check_eq("and ends nothing", halts_done, 0);
		send(1, ICR_NMI);
		UNTIL(halts_done);
		check_eq("an NMI does", halts_done, 1);
		return;
	}
	check_eq("a kick", kick(1), 0);
	UNTIL(halts_done && hits[1]);
	check_eq("ends HLT", halts_done, 1);
	check_eq("the interrupt comes behind it", hits[1], 1);
	UNTIL(job == SPIN);
	kick(1);
	begin_to_halt();
	UNTIL(halts_done == 2);
	check_eq("a kick before HLT ends the next one", halts_done, 2);
	UNTIL(job == SPIN);
	begin_to_halt();
	check_eq("and no more than that", halts_done, 2);
	kick(7);
	host_call(CALL_SLEEP, 30);
	check_eq("a kick for nobody does nothing", halts_done, 2);
	kick(1);
	UNTIL(halts_done == 3);
	check_eq("one kick more", halts_done, 3);
	UNTIL(job == SPIN);
	kick(1);
	host_call(CALL_SLEEP, 30);
	start_again();
	begin_to_halt();
	check_eq("INIT forgets a kick", halts_done, 3);
	kick(1);
	UNTIL(halts_done == 4);
}

static void with_x2apic(void)
{
	static const struct ipi x2[] = {
		{ "x2APIC, physical, to the other", 1, 0, 0, 1 },
		{ "x2APIC, physical, to itself", 0, 0, 1, 0 },
		{ "x2APIC, physical, to all", 0xffffffff, 0, 1, 1 },
		{ "x2APIC, cluster 0, the second", 2, ICR_LOGICAL, 0, 1 },
		{ "x2APIC, cluster 0, both", 3, ICR_LOGICAL, 1, 1 },
		{ "x2APIC, another cluster", 0x10003, ICR_LOGICAL, 0, 0 },
		{ "x2APIC, all others", 0, 0xc0000, 0, 1 },
	};

	UNTIL(job == SPIN);
	second_does(TO_X2APIC);
	set_x2apic();
	x2apic = true;
	try_all(x2, ARRAY_SIZE(x2));
}

void guest_main(void)
{
	trap_handler(VECTOR, on_interrupt);
	trap_handler(VEC_NMI, on_nmi);
	is_kvm = host_call(CALL_IS_KVM, 0);
	pic_init(0x20, 0x28, 0xff, 0xff);
	lapic_enable();
	start_up();
	destinations();
	lowest_priority();
	nmi_and_init();
	unhalt(host_call(CALL_OFFERED, 0));
	with_x2apic();
}
