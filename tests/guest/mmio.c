// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every form of instruction that touches device memory. The device is a memory of its
 * own that counts accesses; what an instruction does to it must equal what the same
 * instruction does to RAM.
 */
#include "guest.h"

#define DEV GUEST_MMIO
#define SEED_LOW 0x89abcdefu
#define SEED_HIGH 0x01234567u

static u32 ram[1024] __attribute__((aligned(4096)));
static u8 *const dev = (u8 *)DEV;
static ulong flags_ram, flags_dev;
static u64 result_ram, result_dev;

static void seed(volatile u32 *p)
{
	p[0] = SEED_LOW;
	p[1] = SEED_HIGH;
	p[2] = 0x55667788;
	p[3] = 0x11223344;
}

static void forget_accesses(void)
{
	host_call(CALL_MMIO_COUNTS, 0);
}

static void check_counts(const char *name, u32 reads, u32 writes)
{
	check_eq(name, host_call(CALL_MMIO_COUNTS, 0), reads | writes << 16);
}

static void check_last(const char *name, u32 size, bool is_write)
{
	check_eq(name, host_call(CALL_MMIO_LAST, 0) & 0xffff, size | (u32)is_write << 8);
}

/* OF SF ZF AF PF CF */
#define ARITHMETIC_FLAGS 0x8d5UL

static void compare(const char *name)
{
	bool good = flags_ram == flags_dev && result_ram == result_dev &&
		    !memcmp(ram, dev, 16);

	check(good, name);
	if (good)
		return;
	print("# ram ");
	print_hex((u64)ram[1] << 32 | ram[0]);
	print(" device ");
	print_hex((u64)read32(DEV + 4) << 32 | read32(DEV));
	print(" registers ");
	print_hex(result_ram);
	print(" ");
	print_hex(result_dev);
	print(" flags ");
	print_hex(flags_ram);
	print(" ");
	print_hex(flags_dev);
	print("\n");
}

/*
 * Run @text with rBX = address, rDX = @value, rAX = @acc, on RAM and on the device;
 * memory, rDX, rAX and the flags in @mask must come out the same.
 */
#define SAME_MASK(name, mask, text, acc, value)                                          \
	do {                                                                             \
		ulong a_, d_, f_;                                                        \
		seed(ram);                                                               \
		seed((volatile u32 *)dev);                                               \
		a_ = (acc), d_ = (value);                                                \
		asm volatile("xor %%ecx, %%ecx; " text "; pushf; pop %2"                              \
			     : "+a"(a_), "+d"(d_), "=r"(f_)                              \
			     : "b"(ram) : "memory", "cc", "ecx");                        \
		result_ram = a_ + ((u64)d_ << 8), flags_ram = f_ & (mask);               \
		a_ = (acc), d_ = (value);                                                \
		asm volatile("xor %%ecx, %%ecx; " text "; pushf; pop %2"                              \
			     : "+a"(a_), "+d"(d_), "=r"(f_)                              \
			     : "b"(dev) : "memory", "cc", "ecx");                        \
		result_dev = a_ + ((u64)d_ << 8), flags_dev = f_ & (mask);               \
		compare(name);                                                           \
	} while (0)
#define SAME(text, acc, value) SAME_MASK(text, ARITHMETIC_FLAGS, text, acc, value)

static void moves(void)
{
	SAME("movb (%%" REG_BX "), %%dl", 0, 0x1111);
	SAME("movb 3(%%" REG_BX "), %%dh", 0, 0x1111);
	SAME("movw (%%" REG_BX "), %%dx", 0, 0x11111111);
	SAME("movl (%%" REG_BX "), %%edx", 0, -1UL);
	SAME("movb %%dl, (%%" REG_BX ")", 0, 0x12);
	SAME("movb %%dh, 1(%%" REG_BX ")", 0, 0x3412);
	SAME("movw %%dx, (%%" REG_BX ")", 0, 0x3412);
	SAME("movl %%edx, (%%" REG_BX ")", 0, 0x78563412);
	SAME("movb $0x99, 2(%%" REG_BX ")", 0, 0);
	SAME("movw $0x99aa, 2(%%" REG_BX ")", 0, 0);
	SAME("movl $0x99aabbcc, (%%" REG_BX ")", 0, 0);
	SAME("movzbl (%%" REG_BX "), %%edx", 0, -1UL);
	SAME("movzwl (%%" REG_BX "), %%edx", 0, -1UL);
	SAME("movsbl (%%" REG_BX "), %%edx", 0, 0);
	SAME("movswl (%%" REG_BX "), %%edx", 0, 0);
	SAME("movzbw (%%" REG_BX "), %%dx", 0, -1UL);
	SAME("movsbw (%%" REG_BX "), %%dx", 0, 0);
	SAME("lea 4(%%" REG_BX "), %%" REG_CX "; movl -4(%%" REG_CX "), %%edx", 0, 0);
#ifdef __x86_64__
	SAME("movq (%%rbx), %%rdx", 0, 0);
	SAME("movq %%rdx, (%%rbx)", 0, 0x1122334455667788);
	SAME("movq $-5, (%%rbx)", 0, 0);
	SAME("movslq (%%rbx), %%rdx", 0, 0);
	SAME("movzbq (%%rbx), %%rdx", 0, -1UL);
	SAME("movswq (%%rbx), %%rdx", 0, 0);
	SAME("mov $2, %%ecx; movl -4(%%rbx,%%rcx,2), %%edx", 0, 0);
#endif
}

static void arithmetic(void)
{
	SAME("addl %%edx, (%%" REG_BX ")", 0, 0x77777777);
	SAME("addb %%dl, (%%" REG_BX ")", 0, 0x11);
	SAME("stc; adcl %%edx, (%%" REG_BX ")", 0, 1);
	SAME("subl %%edx, (%%" REG_BX ")", 0, 0xffffffff);
	SAME("stc; sbbw %%dx, (%%" REG_BX ")", 0, 0xcdee);
	SAME_MASK("andl %%edx, (%%" REG_BX ")", 0x8c5UL, "andl %%edx, (%%" REG_BX ")", 0,
		  0xff00ff00);
	SAME_MASK("orl %%edx, (%%" REG_BX ")", 0x8c5UL, "orl %%edx, (%%" REG_BX ")", 0, 0x10101010);
	SAME_MASK("xorw %%dx, (%%" REG_BX ")", 0x8c5UL, "xorw %%dx, (%%" REG_BX ")", 0, 0xffff);
	SAME("addl $0x1234, (%%" REG_BX ")", 0, 0);
	SAME("subb $0x7f, 1(%%" REG_BX ")", 0, 0);
	SAME_MASK("orb $0x80, (%%" REG_BX ")", 0x8c5UL, "orb $0x80, (%%" REG_BX ")", 0, 0);
	SAME_MASK("andw $-2, (%%" REG_BX ")", 0x8c5UL, "andw $-2, (%%" REG_BX ")", 0, 0);
	SAME("cmpl %%edx, (%%" REG_BX ")", 0, SEED_LOW);
	SAME("cmpb $0xef, (%%" REG_BX ")", 0, 0);
	SAME("cmpl (%%" REG_BX "), %%edx", 0, 5);
	SAME("addl (%%" REG_BX "), %%edx", 0, 0x77777777);
	SAME("subw (%%" REG_BX "), %%dx", 0, 0x7777);
	SAME_MASK("testl %%edx, (%%" REG_BX ")", 0x8c5UL, "testl %%edx, (%%" REG_BX ")", 0,
		  0x80000000);
	SAME_MASK("testb $0x10, (%%" REG_BX ")", 0x8c5UL, "testb $0x10, (%%" REG_BX ")", 0, 0);
	SAME("incl (%%" REG_BX ")", 0, 0);
	SAME("decw (%%" REG_BX ")", 0, 0);
	SAME("negl (%%" REG_BX ")", 0, 0);
	SAME("notb (%%" REG_BX ")", 0, 0);
	SAME_MASK("shll $1, (%%" REG_BX ")", 0xc5UL | 1, "shll $1, (%%" REG_BX ")", 0, 0);
	SAME_MASK("sarl $4, (%%" REG_BX ")", 0xc5UL | 1, "sarl $4, (%%" REG_BX ")", 0, 0);
	SAME_MASK("rolw $3, (%%" REG_BX ")", 1UL, "rolw $3, (%%" REG_BX ")", 0, 0);
#ifdef __x86_64__
	SAME("addq %%rdx, (%%rbx)", 0, 0xfedcba9876543211);
	SAME("lock; incq (%%rbx)", 0, 0);
#endif
}

static void exchange(void)
{
	SAME("xchgl %%edx, (%%" REG_BX ")", 0, 0x55555555);
	SAME("xchgb %%dl, (%%" REG_BX ")", 0, 0x55);
	SAME("xaddl %%edx, (%%" REG_BX ")", 0, 0x11111111);
	SAME("lock; cmpxchgl %%edx, (%%" REG_BX ")", SEED_LOW, 0x42424242);
	SAME("cmpxchgl %%edx, (%%" REG_BX ")", 0x12345678, 0x42424242);
	SAME("cmpxchgw %%dx, (%%" REG_BX ")", SEED_LOW & 0xffff, 0x4242);
	SAME("lock; orl $0x100, (%%" REG_BX ")", 0, 0);
	SAME_MASK("btl $5, (%%" REG_BX ")", 1UL, "btl $5, (%%" REG_BX ")", 0, 0);
	SAME_MASK("lock; btsl $4, (%%" REG_BX ")", 1UL, "lock; btsl $4, (%%" REG_BX ")", 0, 0);
	SAME_MASK("btrl %%edx, (%%" REG_BX ")", 1UL, "btrl %%edx, (%%" REG_BX ")", 0, 33);
#ifdef __x86_64__
	SAME("lock; cmpxchgq %%rdx, (%%rbx)", (u64)SEED_HIGH << 32 | SEED_LOW, 0x4242424242424242);
#endif
}

static void stack_and_control(void)
{
	SAME("push (%%" REG_BX "); pop %%" REG_DX, 0, 0);
	SAME("push %%" REG_DX "; pop (%%" REG_BX ")", 0, 0x31415926);
	SAME_MASK("setc", 0UL, "stc; setc 1(%%" REG_BX ")", 0, 0);
	SAME_MASK("cmovc", 0UL, "stc; cmovc (%%" REG_BX "), %%edx", 0, 0);
}

static void strings(void)
{
	ulong count, di, si;

	forget_accesses();
	count = 8, di = DEV;
	asm volatile("rep stosl" : "+c"(count), "+D"(di) : "a"(0xa5a5a5a5) : "memory");
	check_eq("rep stosl: rCX", count, 0);
	check_eq("rep stosl: rDI", di, DEV + 32);
	check_counts("rep stosl: one write each", 0, 8);
	check_eq("rep stosl: contents", read32(DEV + 28), 0xa5a5a5a5);

	write32(DEV + 4096, 0);
	write32(DEV + 4096 + 60, 0);
	forget_accesses();
	count = 1024 + 16, di = DEV;
	asm volatile("rep stosl" : "+c"(count), "+D"(di) : "a"(0x12345678) : "memory");
	check_counts("rep stosl over two pages: one write each", 0, 1024 + 16);
	check_eq("over two pages: the second one's first word", read32(DEV + 4096), 0x12345678);
	check_eq("over two pages: and the last", read32(DEV + 4096 + 60), 0x12345678);

	for (unsigned int i = 0; i < 16; i++)
		ram[i] = 0x1000 + i;
	forget_accesses();
	count = 16, di = DEV, si = (ulong)ram;
	asm volatile("rep movsl" : "+c"(count), "+D"(di), "+S"(si) : : "memory");
	check_counts("rep movsl to the device", 0, 16);
	check_eq("rep movsl: rSI", si, (ulong)ram + 64);
	check(!memcmp(ram, dev, 64), "rep movsl: contents");

	memset(ram + 64, 0, 64);
	forget_accesses();
	count = 64, di = (ulong)(ram + 64), si = DEV;
	asm volatile("rep movsb" : "+c"(count), "+D"(di), "+S"(si) : : "memory");
	check_counts("rep movsb from the device", 64, 0);
	check(!memcmp(ram, ram + 64, 64), "rep movsb: contents");

	count = 4, di = DEV + 12 + 256, si = DEV + 12;
	asm volatile("std; rep movsl; cld" : "+c"(count), "+D"(di), "+S"(si) : : "memory");
	check_eq("backwards: rSI", si, DEV - 4);
	check(!memcmp(dev, dev + 256, 16), "backwards, device to device");

	si = DEV;
	{
		u32 value = 0;

		asm volatile("lodsl" : "=a"(value), "+S"(si) : : "memory");
		check_eq("lodsl", value, 0x1000);
	}
	count = 16, di = DEV;
	{
		u32 value = 0x1009;

		asm volatile("repne scasl" : "+c"(count), "+D"(di) : "a"(value) : "memory", "cc");
		check_eq("repne scasl stops behind the match", di, DEV + 40);
	}
	count = 16, di = DEV, si = (ulong)ram;
	ram[5]++;
	asm volatile("repe cmpsl" : "+c"(count), "+D"(di), "+S"(si) : : "memory", "cc");
	check_eq("repe cmpsl stops behind the difference", count, 10);
	count = 0, di = DEV;
	forget_accesses();
	asm volatile("rep stosb" : "+c"(count), "+D"(di) : "a"(0) : "memory");
	check_counts("rep with rCX = 0 does nothing", 0, 0);
}

static void sizes(void)
{
	forget_accesses();
	write32(DEV, 1);
	check_last("a 32-bit write is one access of 4", 4, true);
	check_counts("and only one", 0, 1);
	*(volatile u8 *)DEV = 1;
	check_last("an 8-bit write", 1, true);
	(void)*(volatile u16 *)DEV;
	check_last("a 16-bit read", 2, false);
	forget_accesses();
#ifdef __x86_64__
	*(volatile u64 *)DEV = 0x1122334455667788;
	check_last("a 64-bit write is one access of 8", 8, true);
	check_counts("and only one", 0, 1);
#endif
	asm volatile("lock; addl $1, %0" : "+m"(*(u32 *)DEV));
	check_counts("read, modify, write: one read, one write", 1, 1);
	asm volatile("movl $7, %0" : "=m"(*(u32 *)DEV));
	check_counts("MOV does not read what it writes", 0, 1);
}

static void wide(void)
{
	u32 *copy = ram + 128;

	write_cr4(read_cr4() | CR4_OSFXSR);
	for (unsigned int i = 0; i < 8; i++)
		ram[i] = 0xc0de0000 + i;
	asm volatile("movups %0, %%xmm0; movups %%xmm0, %1; movups %1, %%xmm1; movups %%xmm1, %2"
		     :
		     : "m"(ram[0]), "m"(*(u32 *)DEV), "m"(copy[0])
		     : "memory");
	check(!memcmp(ram, dev, 16), "movups to the device");
	check(!memcmp(ram, copy, 16), "movups from the device");
	asm volatile("movdqa %0, %%xmm2; movdqa %%xmm2, %1" : : "m"(*(u32 *)DEV), "m"(copy[4]) : "memory");
	check(!memcmp(ram, copy + 4, 16), "movdqa from the device");
	if (host_call(CALL_IS_KVM, 0))
		return; /* it does not know this form */
	memset(dev, 0, 16);
	asm volatile("movq %%xmm2, %0" : : "m"(*(u64 *)DEV) : "memory");
	check(!memcmp(ram, dev, 8), "movq from an SSE register");
}

/* The x87 stack shares the MMX registers: its top, its tags and the exponents follow. */
static void mmx(void)
{
	static u8 image[512] __attribute__((aligned(16)));
	u64 copy = 0, one = 0x1122334455667788;

	memcpy(dev, &one, 8);
	asm volatile("fninit; fld1; movq %1, %%mm3; fxsave %0" /* the top was 7 */
		     : "=m"(image)
		     : "m"(*(u64 *)DEV)
		     : "memory");
	asm volatile("movq %%mm3, %0; movq %%mm3, %1; emms"
		     : "=m"(copy), "=m"(*(u64 *)(DEV + 16))
		     :
		     : "memory");
	check(copy == one, "movq to an MMX register");
	check(!memcmp(dev + 16, &one, 8), "movq from one");
	check_eq("MMX: the top of the x87 stack", image[3] >> 3 & 7, 0);
	check_eq("MMX: all registers are valid", image[4], 0xff);
	check(!memcmp(image + 32 + 3 * 16, &one, 8), "MMX: the register in the image");
	check_eq("MMX: its exponent", image[32 + 3 * 16 + 8] | image[32 + 3 * 16 + 9] << 8, 0xffff);
	check_eq("MMX: what was loaded before lies in R7", image[32 + 7 * 16 + 7], 0x80);
}

/* The device's second page, seen through the guest's own page tables next to RAM. */
static void crossing(void)
{
	forget_accesses();
	write32(DEV + 0xffe, 0x12345678);
	check_eq("an access over the end of a page", read32(DEV + 0xffe), 0x12345678);
	check_eq("its first half", *(volatile u16 *)(DEV + 0xffe), 0x5678);
	check_eq("its second half", *(volatile u16 *)(DEV + 0x1000), 0x1234);
	/* Out of the device's end nothing is there, and it is not RAM either. */
	check_eq("no memory reads as ones", read32(GUEST_HOLE), 0xffffffff);
	write32(GUEST_HOLE, 5);
	check_eq("no memory keeps nothing", read32(GUEST_HOLE), 0xffffffff);
	/* half RAM, half hole */
	write32(GUEST_RAM_BYTES - 2, 0xaabbccdd);
	check_eq("over the end of RAM", read32(GUEST_RAM_BYTES - 2), 0xffffccdd);
}

static void segments(void)
{
	u32 value;

	asm volatile("mov %1, %%fs; movl %%fs:(%2), %0; mov %3, %%fs"
		     : "=r"(value)
		     : "r"(SEL_DATA), "r"(DEV), "r"(0)
		     : "memory");
	write32(DEV, 0x600d600d);
#ifdef __x86_64__
	wrmsr(0xc0000100, DEV - 0x1000); /* FS base */
	asm volatile("movl %%fs:0x1000, %0" : "=r"(value));
	check_eq("a segment's base counts", value, 0x600d600d);
	wrmsr(0xc0000100, 0);
	asm volatile("addr32 movl (%%ebx), %0" : "=r"(value) : "b"(DEV | 0xffff000000000000));
	check_eq("32-bit addresses in 64-bit code", value, 0x600d600d);
	asm volatile("movabs %c1, %%eax; mov %%eax, %0" : "=r"(value) : "i"(DEV) : "eax");
	check_eq("a 64-bit absolute address", value, 0x600d600d);
#else
	gdt[0x60 / 8] = descriptor(DEV - 0x1000, 0xfffff, 0xc93);
	asm volatile("mov %1, %%fs; movl %%fs:0x1000, %0; mov %2, %%fs"
		     : "=r"(value)
		     : "r"(0x60), "r"(0));
	check_eq("a segment's base counts", value, 0x600d600d);
	asm volatile("movl %1, %%eax; mov %%eax, %0" : "=r"(value) : "m"(*(u32 *)DEV) : "eax");
	check_eq("an absolute address", value, 0x600d600d);
#endif
}

void guest_main(void)
{
	moves();
	arithmetic();
	exchange();
	stack_and_control();
	strings();
	sizes();
	wide();
	mmx();
	crossing();
	segments();
}
