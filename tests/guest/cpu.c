// SPDX-License-Identifier: GPL-2.0-or-later
/* CPUID, MSRs, control registers, system calls and the time-stamp counter. */
#include "guest.h"

static void identification(void)
{
	u32 r[4], again[4];

	cpuid(0, 0, r);
	check(r[0] >= 7, "CPUID reaches leaf 7");
	cpuid(1, 0, r);
	check(r[2] & 1u << 31 || host_call(CALL_IS_KVM, 0), "the hypervisor bit is set");
	check(r[3] & 1 << 6 && r[3] & 1 << 4 && r[3] & 1 << 8, "PAE, TSC and CX8 are there");
	cpuid(1, 0, again);
	check(!memcmp(r, again, sizeof(r)), "CPUID is repeatable");
	cpuid(0x40000000, 0, r);
	check(r[0] >= 0x40000001, "there are hypervisor leaves");
	check(!memcmp(&r[1], "KVMKVMKVM\0\0", 12), "with KVM's paravirtual signature");
	cpuid(0x80000000, 0, r);
	check(r[0] >= 0x80000008, "CPUID reaches leaf 80000008");
	cpuid(0x80000008, 0, r);
	check((r[0] & 0xff) >= 36 && (r[0] & 0xff) <= 52, "width of physical addresses");
	cpuid(0x80000001, 0, r);
	check(!(r[2] & 4) || host_call(CALL_IS_KVM, 0), "SVM is not offered");
}

static void check_msr(const char *name, u32 index, u64 value)
{
	u64 old = rdmsr(index);

	wrmsr(index, value);
	check_eq(name, rdmsr(index), value);
	inb(PORT_LATCH);
	check_eq("it is kept over an exit", rdmsr(index), value);
	wrmsr(index, old);
}

static void msrs(void)
{
	check_msr("STAR", 0xc0000081, 0x0023001000000000);
	check_msr("LSTAR", 0xc0000082, 0x123456);
	check_msr("SFMASK", 0xc0000084, 0x700);
	check_msr("KERNEL_GS_BASE", 0xc0000102, 0x12345678000);
	check_msr("GS base", 0xc0000101, 0x7654321000);
	check_msr("SYSENTER_CS", 0x174, 8);
	check_msr("SYSENTER_ESP", 0x175, 0x123400);
	check_msr("SYSENTER_EIP", 0x176, 0x567800);
	check_msr("PAT", 0x277, 0x0007040600070106);
	check_eq("APIC base", rdmsr(0x1b) & ~0x400UL, 0xfee00900);
	TRY("wrmsr", "c"(0x277), "a"(2), "d"(0));
	check_trap("#GP by a reserved PAT type", VEC_GP, 0);
	if (!is_tcg()) {
		TRY("wrmsr", "c"(0xc0000082), "a"(0), "d"(0x80000000));
		check_trap("#GP by a non-canonical LSTAR", VEC_GP, 0);
	}
	TRY("wrmsr", "c"(MSR_EFER), "a"(0x500), "d"(1));
	check_trap("#GP by a reserved bit of EFER", VEC_GP, 0);
	TRY("wrmsr", "c"(0x1b), "a"(0), "d"(0xffffffff));
	check_trap("#GP by an APIC base out of reach", VEC_GP, 0);
}

static void control_registers(void)
{
	ulong cr0 = read_cr0(), cr4 = read_cr4(), cr3 = read_cr3();
	ulong value;

	check_eq("CR3", cr3, GUEST_PAGE_TABLES);
	write_cr0(cr0 | CR0_WP | CR0_NE | CR0_AM | CR0_MP);
	check_eq("CR0 bits stick", read_cr0(), cr0 | CR0_WP | CR0_NE | CR0_AM | CR0_MP);
	inb(PORT_LATCH);
	check_eq("also over an exit", read_cr0(), cr0 | CR0_WP | CR0_NE | CR0_AM | CR0_MP);
	write_cr0(cr0);
	write_cr0(cr0 & ~0x10UL);
	check_eq("CR0.ET cannot be cleared", read_cr0() & 0x10, 0x10);
	write_cr4(cr4 | CR4_DE | CR4_PGE | 4);
	check_eq("CR4 bits stick", read_cr4(), cr4 | CR4_DE | CR4_PGE | 4);
	write_cr4(cr4);
	write_cr2(0x123456789abc);
	inb(PORT_LATCH);
	check_eq("CR2 is kept over an exit", read_cr2(), 0x123456789abc);
	write_cr8(7);
	inb(PORT_LATCH);
	check_eq("CR8 is kept over an exit", read_cr8(), 7);
	write_cr8(0);

	asm volatile("smsw %0" : "=r"(value));
	check_eq("SMSW", value & 0xffff, read_cr0() & 0xffff);
	asm volatile("lmsw %w0" : : "r"(value | CR0_TS));
	check_eq("LMSW sets TS", read_cr0() & CR0_TS, CR0_TS);
	asm volatile("lmsw %w0" : : "r"((ulong)0));
	check_eq("LMSW cannot clear PE", read_cr0() & CR0_PE, CR0_PE);
	asm volatile("clts");
	write_cr0(cr0);
	asm volatile("mov %%cr3, %%r9; mov %%r9, %%cr3; mov %%r9, %0" : "=r"(value) : : "r9", "memory");
	check_eq("MOV CR with a register above 7", value, cr3);
}

/* SYSCALL into a routine that comes back by SYSRET. */
void syscall_entry(void);
asm("syscall_entry: mov $0x5ca11, %rax; mov %rsp, %r10; sysretq");
void swapgs_user(void);
asm("swapgs_user: mov $0, %eax; syscall; mov %rax, syscall_result; int $0x80");
u64 syscall_result;

static void system_calls(void)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
	/* SYSCALL: CS = 18, SS = 20. SYSRET: SS = 30 + 8, CS = 30 + 16 */
	wrmsr(0xc0000081, (u64)0x0033 << 48 | (u64)0x0018 << 32);
	wrmsr(0xc0000082, (ulong)syscall_entry);
	wrmsr(0xc0000084, 0x700);
	syscall_result = 0;
	run_user(swapgs_user, 2);
	check_eq("SYSCALL and SYSRET", syscall_result, 0x5ca11);
	wrmsr(0xc0000101, 0x1000);
	wrmsr(0xc0000102, 0x2000);
	asm volatile("swapgs");
	check_eq("SWAPGS", rdmsr(0xc0000101), 0x2000);
	check_eq("its other half", rdmsr(0xc0000102), 0x1000);
	asm volatile("mov %%ds, %0; mov %0, %%ds" : : "r"(0));
}

static void time_stamps(void)
{
	u64 last = rdtsc(), now;
	bool monotonic = true;
	u32 r[4], aux;

	for (unsigned int i = 0; i < 2000; i++) {
		now = rdtsc();
		if (now < last)
			monotonic = false;
		if (i % 16 == 0)
			inb(PORT_LATCH);
		last = now;
	}
	check(monotonic, "the TSC never goes back");
	last = rdtsc();
	host_call(CALL_SLEEP, 5);
	check(rdtsc() > last + 100000, "it runs on while the guest does not");
	wrmsr(0x10, 0x1000000000000);
	now = rdtsc();
	check(now >= 0x1000000000000 && now < 0x1010000000000, "WRMSR of the TSC sets it");
	cpuid(0x80000001, 0, r);
	if (r[3] & 1 << 27) {
		wrmsr(0xc0000103, 0x77);
		asm volatile("rdtscp" : "=c"(aux) : : "eax", "edx");
		check_eq("RDTSCP gives TSC_AUX", aux, 0x77);
	}
	write_cr4(read_cr4() | 4);
	write_cr4(read_cr4() & ~4UL);
}

static void odds_and_ends(void)
{
	ulong value = 0;

	TRY("wbinvd");
	check_no_trap("WBINVD");
	TRY("pause");
	check_no_trap("PAUSE");
	TRY("invlpg (%0)", "r"(0x123456UL));
	check_no_trap("INVLPG");
	TRY("invd");
	check_no_trap("INVD");
	check_eq("after INVD memory is what it was", value, 0);
	TRY("rdpmc", "c"(0x7fff));
	check_trap("#GP by RDPMC of no counter", VEC_GP, 0);
	TRY("vmcall");
	check(trap_seen.vector == NO_TRAP || trap_seen.vector == VEC_UD, "VMCALL answers or #UD");
	{
		ulong nr = 0x7777;

		TRY("mov %0, %%rax; vmmcall", "r"(nr), "b"(0), "c"(0), "d"(0), "S"(0));
		check(trap_seen.vector == NO_TRAP || trap_seen.vector == VEC_UD,
		      "VMMCALL answers or #UD");
	}
}

void guest_main(void)
{
	identification();
	msrs();
	control_registers();
	system_calls();
	time_stamps();
	odds_and_ends();
}
