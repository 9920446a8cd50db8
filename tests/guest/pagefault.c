// SPDX-License-Identifier: GPL-2.0-or-later
/* Page faults: CR2 and every bit of the error code. */
#include "guest.h"

#define WINDOW 0x600000UL
#define PAGE(n) (WINDOW + (n) * 4096UL)
#define PTE_P 1
#define PTE_W 2
#define PTE_U 4
#define PTE_A 0x20
#define PTE_D 0x40
#define PTE_NX (1ULL << 63)

static u64 *table;

static void set_page(unsigned int n, u64 pte)
{
	table[n] = pte;
	invlpg(PAGE(n));
}

static void check_fault(const char *name, ulong error, ulong cr2)
{
	check_trap(name, VEC_PF, error);
	check_eq("CR2", trap_seen.cr2, cr2);
}

static void kernel_faults(void)
{
	set_page(1, 0);
	TRY("movb 5(%0), %%dl", "r"(PAGE(1)));
	check_fault("read of an absent page", 0, PAGE(1) + 5);
	TRY("movb %%dl, 7(%0)", "r"(PAGE(1)));
	check_fault("write to an absent page", 2, PAGE(1) + 7);

	set_page(2, PAGE(2) | PTE_P);
	TRY("movb (%0), %%dl", "r"(PAGE(2)));
	check_no_trap("read of a read-only page");
	TRY("movb %%dl, (%0)", "r"(PAGE(2)));
	check_no_trap("write to a read-only page without CR0.WP");
	write_cr0(read_cr0() | CR0_WP);
	TRY("movb %%dl, (%0)", "r"(PAGE(2)));
	check_fault("write to a read-only page with CR0.WP", 3, PAGE(2));
	write_cr0(read_cr0() & ~(ulong)CR0_WP);

	set_page(3, 0);
	TRY("movl -2(%0), %%edx", "r"(PAGE(3)));
	check_fault("read over the end of a page", 0, PAGE(3));

	set_page(4, PAGE(4) | PTE_P | PTE_W | 1ULL << 51);
	TRY("movb (%0), %%dl", "r"(PAGE(4)));
	/* TCG leaves out the present bit here */
	check_fault("a reserved bit of an entry", is_tcg() ? 8 : 9, PAGE(4));
}

static void no_execute(void)
{
	u32 r[4];

	cpuid(0x80000001, 0, r);
	if (!(r[3] & 1 << 20))
		return;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	*(volatile u8 *)PAGE(5) = 0x90;
	set_page(5, PAGE(5) | PTE_P | PTE_W | PTE_NX);
	TRY("jmp *%0", "r"(PAGE(5)));
	check_eq("fetch from a no-execute page faults", trap_seen.vector, VEC_PF);
	check_eq("fetch error code", trap_seen.error, 0x11);
	check_eq("fetch CR2", trap_seen.cr2, PAGE(5));
}

static void accessed_and_dirty(void)
{
	set_page(6, PAGE(6) | PTE_P | PTE_W);
	check_eq("neither A nor D", table[6] & (PTE_A | PTE_D), 0);
	(void)*(volatile u8 *)PAGE(6);
	check_eq("a read sets A", table[6] & (PTE_A | PTE_D), PTE_A);
	*(volatile u8 *)PAGE(6) = 1;
	check_eq("a write sets D", table[6] & (PTE_A | PTE_D), PTE_A | PTE_D);
}

static void remap(void)
{
	*(volatile u32 *)PAGE(8) = 0x88888888;
	*(volatile u32 *)PAGE(9) = 0x99999999;
	set_page(7, PAGE(8) | PTE_P | PTE_W);
	check_eq("a remapped page", read32(PAGE(7)), 0x88888888);
	set_page(7, PAGE(9) | PTE_P | PTE_W);
	check_eq("after INVLPG", read32(PAGE(7)), 0x99999999);
	table[7] = PAGE(8) | PTE_P | PTE_W;
	write_cr3(read_cr3());
	check_eq("after writing CR3", read32(PAGE(7)), 0x88888888);
	/* TCG sets the accessed bit of a PAE directory pointer, a reserved bit for MOV CR4 */
	if (sizeof(ulong) == 4 && is_tcg())
		return;
	table[7] = PAGE(9) | PTE_P | PTE_W;
	write_cr4(read_cr4() ^ CR4_PGE);
	check_eq("after changing CR4.PGE", read32(PAGE(7)), 0x99999999);
}

static ulong user_error, user_cr2;
static u32 user_vector;

static void catch_user(struct trap_frame *frame)
{
	user_vector = frame->vector;
	user_error = frame->error;
	user_cr2 = read_cr2();
	set_page(10, PAGE(10) | PTE_P | PTE_W | PTE_U);
}

static void user_read(void)
{
	asm volatile("movb %0, %%dl; int $0x80" : : "m"(*(u8 *)PAGE(10)) : "edx");
}

static void user_write(void)
{
	asm volatile("movb %%dl, %0; int $0x80" : "=m"(*(u8 *)PAGE(10)));
}

static void user_faults(void)
{
	trap_handler(VEC_PF, catch_user);
	set_page(10, PAGE(10) | PTE_P | PTE_W);
	user_vector = NO_TRAP;
	run_user(user_read, 2);
	check_eq("ring 3 reads a kernel page: #PF", user_vector, VEC_PF);
	check_eq("its error code", user_error, 5);
	check_eq("its CR2", user_cr2, PAGE(10));
	set_page(10, PAGE(10) | PTE_P | PTE_U);
	user_vector = NO_TRAP;
	run_user(user_write, 2);
	check_eq("ring 3 writes a read-only page", user_error, 7);
	set_page(10, 0);
	user_vector = NO_TRAP;
	run_user(user_write, 2);
	check_eq("ring 3 writes an absent page", user_error, 6);
	trap_handler(VEC_PF, 0);
}

void guest_main(void)
{
	table = map_window(WINDOW);
	kernel_faults();
	no_execute();
	accessed_and_dirty();
	remap();
	user_faults();
}
