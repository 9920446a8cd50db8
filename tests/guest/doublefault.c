// SPDX-License-Identifier: GPL-2.0-or-later
/* A double fault on a stack of its own, when the usual one is not there. */
#include "guest.h"

static ulong resume_ip, resume_sp;

static void on_double_fault(struct trap_frame *frame)
{
	check_eq("#DF pushes 0", frame->error, 0);
	check((ulong)frame < resume_sp - 4096 || (ulong)frame > resume_sp + 4096,
	      "#DF runs on the stack of its IST entry");
	frame->ip = resume_ip;
	frame->sp = resume_sp;
}

void guest_main(void)
{
	u32 before;

	trap_use_ist(VEC_DF, 1);
	trap_handler(VEC_DF, on_double_fault);
	before = trap_seen.count;
	/* #UD cannot push its frame: #PF, which cannot either: #DF */
	asm volatile("movq %%rsp, %0; movq $1f, %1; movq $0x200000000, %%rsp; ud2; 1:"
		     : "=m"(resume_sp), "=m"(resume_ip)
		     :
		     : "memory");
	check_eq("one trap was taken", trap_seen.count, before + 1);
	/* Through a gate that is absent: #NP, whose gate is absent: #DF */
	trap_mark_absent(VEC_NP);
	trap_mark_absent(0x92);
	asm volatile("movq %%rsp, %0; movq $1f, %1; int $0x92; 1:"
		     : "=m"(resume_sp), "=m"(resume_ip)
		     :
		     : "memory");
	check_eq("#NP without a gate is a double fault", trap_seen.count, before + 2);
}
