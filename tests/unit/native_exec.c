// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stub loads every register from native_cpu, jumps to the instruction, and behind it
 * a jump leads back to where every register is stored. A fault is turned into that
 * same jump by the signal handler, so its register state is seen as well.
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include "native_exec.h"

#define PAGE 4096

/* Linux's selectors for user space, and places in the code page that lead to it. */
#define USER_CS_32 0x23
#define USER_CS_64 0x33
#define USER_DS 0x2b
#define GO_32_OFFSET 0
#define LEAVE_OFFSET 32
#define LEAVE_TAKEN_OFFSET 64

u8 *native_code;
u8 *native_data;

/* Known to the assembly below by offset. */
struct native_cpu {
	struct native_state state;
	u64 target;
	u64 host_rsp;
	u64 avx;
	u64 leave;
	u64 leave_taken;
};

struct native_cpu native_cpu __attribute__((visibility("hidden")));
void native_enter(void) __attribute__((visibility("hidden")));
extern char native_leave[] __attribute__((visibility("hidden")));
extern char native_leave_taken[] __attribute__((visibility("hidden")));

static_assert(offsetof(struct native_cpu, state.rflags) == 128, "assembly");
static_assert(offsetof(struct native_cpu, state.taken) == 136, "assembly");
static_assert(offsetof(struct native_cpu, state.vec) == 144, "assembly");
static_assert(offsetof(struct native_cpu, state.mmx) == 656, "assembly");
static_assert(offsetof(struct native_cpu, target) == 720, "assembly");
static_assert(offsetof(struct native_cpu, host_rsp) == 728, "assembly");
static_assert(offsetof(struct native_cpu, avx) == 736, "assembly");

__asm__(".macro native_vectors sse, avx, store\n"
	"	cmpb $0, native_cpu+736(%rip)\n"
	"	je 1f\n"
	".set i, 0\n"
	".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	".if \\store\n"
	"	vmovdqu %ymm\\r, native_cpu+144+32*i(%rip)\n"
	".else\n"
	"	vmovdqu native_cpu+144+32*i(%rip), %ymm\\r\n"
	".endif\n"
	".set i, i+1\n"
	".endr\n"
	"	jmp 2f\n"
	"1:\n"
	".set i, 0\n"
	".irp r,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	".if \\store\n"
	"	movdqu %xmm\\r, native_cpu+144+32*i(%rip)\n"
	".else\n"
	"	movdqu native_cpu+144+32*i(%rip), %xmm\\r\n"
	".endif\n"
	".set i, i+1\n"
	".endr\n"
	"2:\n"
	".endm\n"
	".macro native_mmx store\n"
	".set i, 0\n"
	".irp r,0,1,2,3,4,5,6,7\n"
	".if \\store\n"
	"	movq %mm\\r, native_cpu+656+8*i(%rip)\n"
	".else\n"
	"	movq native_cpu+656+8*i(%rip), %mm\\r\n"
	".endif\n"
	".set i, i+1\n"
	".endr\n"
	".endm\n"
	".macro native_gprs store\n"
	".set i, 0\n"
	".irp r,rax,rcx,rdx,rbx,rsp,rbp,rsi,rdi,r8,r9,r10,r11,r12,r13,r14,r15\n"
	".if \\store\n"
	"	mov %\\r, native_cpu+8*i(%rip)\n"
	".else\n"
	"	mov native_cpu+8*i(%rip), %\\r\n"
	".endif\n"
	".set i, i+1\n"
	".endr\n"
	".endm\n"
	".text\n"
	".globl native_enter, native_leave, native_leave_taken\n"
	".hidden native_enter, native_leave, native_leave_taken\n"
	"native_enter:\n"
	"	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n"
	"	push %r14\n	push %r15\n	sub $8, %rsp\n"
	"	native_vectors movdqu, vmovdqu, 0\n"
	"	native_mmx 0\n"
	"	mov %rsp, native_cpu+728(%rip)\n"
	"	pushq native_cpu+128(%rip)\n"
	"	popfq\n"
	"	native_gprs 0\n"
	"	jmp *native_cpu+720(%rip)\n"
	"native_leave_taken:\n"
	"	movb $1, native_cpu+136(%rip)\n"
	"native_leave:\n"
	"	native_gprs 1\n"
	"	mov native_cpu+728(%rip), %rsp\n"
	"	pushfq\n"
	"	popq native_cpu+128(%rip)\n"
	"	pushq $0x202\n"
	"	popfq\n"
	"	native_vectors movdqu, vmovdqu, 1\n"
	"	native_mmx 1\n"
	"	emms\n"
	"	cmpb $0, native_cpu+736(%rip)\n"
	"	je 3f\n"
	"	vzeroupper\n"
	"3:\n"
	"	add $8, %rsp\n"
	"	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n"
	"	pop %rbp\n	pop %rbx\n"
	"	ret\n");

static struct native_fault caught;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	u64 rip = uc->uc_mcontext.gregs[REG_RIP];

	/* A fault of the test program itself: let it die of it. */
	if (rip < (u64)native_code || rip >= (u64)native_code + PAGE) {
		signal(sig, SIG_DFL);
		return;
	}
	caught.vector = uc->uc_mcontext.gregs[REG_TRAPNO];
	caught.error = uc->uc_mcontext.gregs[REG_ERR];
	caught.address = (u64)info->si_addr;
	uc->uc_mcontext.gregs[REG_RIP] = (u64)native_leave;
	uc->uc_mcontext.gregs[REG_CSGSFS] &= ~0xffffULL;
	uc->uc_mcontext.gregs[REG_CSGSFS] |= USER_CS_64;
}

bool native_has_avx(void)
{
	return native_cpu.avx;
}

void native_catch_faults(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
	struct sigaction sa = { .sa_sigaction = on_fault,
				.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

bool native_init(void)
{
	static u8 alt_stack[65536];
	stack_t ss = { .ss_sp = alt_stack, .ss_size = sizeof(alt_stack) };
	u8 *base;

	/* code, hole, data, data, hole */
	base = mmap(NULL, 5 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (base == MAP_FAILED)
		return false;
	native_code = base;
	native_data = base + 2 * PAGE;
	if (mprotect(native_code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) ||
	    mprotect(native_data, NATIVE_DATA_BYTES, PROT_READ | PROT_WRITE))
		return false;
	if (sigaltstack(&ss, NULL))
		return false;

	/* 64-bit code needs none, and has null selectors there. */
	__asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" ::"r"(USER_DS));
	native_cpu.avx = !!__builtin_cpu_supports("avx");
	native_cpu.leave = (u64)native_leave;
	native_cpu.leave_taken = (u64)native_leave_taken;
	return true;
}

/* jmp *[rip + 0], and the address behind it. */
static void emit_jump(u8 *at, u64 to)
{
	static const u8 opcode[6] = { 0xff, 0x25 };

	memcpy(at, opcode, sizeof(opcode));
	memcpy(at + sizeof(opcode), &to, sizeof(to));
}

/* ljmp *[rip + 0], and the far pointer behind it: from 64 to 32-bit code. */
static void emit_go_32(u8 *at, u32 to)
{
	static const u8 opcode[6] = { 0xff, 0x2d };
	const u16 selector = USER_CS_32;

	memcpy(at, opcode, sizeof(opcode));
	memcpy(at + sizeof(opcode), &to, sizeof(to));
	memcpy(at + sizeof(opcode) + sizeof(to), &selector, sizeof(selector));
}

/* ljmp selector:offset, in 32-bit code. */
static void emit_go_64(u8 *at, u32 to)
{
	const u16 selector = USER_CS_64;

	at[0] = 0xea;
	memcpy(at + 1, &to, sizeof(to));
	memcpy(at + 1 + sizeof(to), &selector, sizeof(selector));
}

void native_run(const u8 *insn, unsigned int length, bool is_32bit, struct native_state *state,
		struct native_fault *fault)
{
	u8 *at = native_code + NATIVE_INSN_OFFSET, *taken = native_code + NATIVE_TAKEN_OFFSET;

	memset(native_code, 0xcc, PAGE);
	memcpy(at, insn, length);
	if (is_32bit) {
		emit_go_32(native_code + GO_32_OFFSET, (u64)at);
		emit_jump(native_code + LEAVE_OFFSET, native_cpu.leave);
		emit_jump(native_code + LEAVE_TAKEN_OFFSET, native_cpu.leave_taken);
		emit_go_64(at + length, (u64)native_code + LEAVE_OFFSET);
		emit_go_64(taken, (u64)native_code + LEAVE_TAKEN_OFFSET);
		native_cpu.target = (u64)native_code + GO_32_OFFSET;
	} else {
		emit_jump(at + length, native_cpu.leave);
		emit_jump(taken, native_cpu.leave_taken);
		native_cpu.target = (u64)at;
	}

	native_cpu.state = *state;
	native_cpu.state.taken = 0;
	caught.vector = -1;
	native_enter();
	*state = native_cpu.state;
	*fault = caught;
}
