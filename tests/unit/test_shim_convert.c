// SPDX-License-Identifier: GPL-2.0-or-later
/* qemu-shim/convert*.c: state there and back, and what KVM refuses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "convert.h"

/* Every byte another one, so that a field in the wrong place shows. */
static void fill(void *to, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		((uint8_t *)to)[i] = i * 7 + 3;
}

static void regs_round_trip(void **state)
{
	struct myhv_state_general in, out;
	struct kvm_regs regs;

	fill(&in, sizeof(in));
	in.rflags = 0x246;
	regs_to_kvm(&in, &regs);
	assert_int_equal(regs.rsp, in.gpr[MYHV_RSP]);
	assert_int_equal(regs.r15, in.gpr[MYHV_R15]);
	regs_from_kvm(&regs, &out);
	assert_memory_equal(&in, &out, sizeof(in));
	/* KVM does not mind reserved flags */
	regs.rflags = ~0ull;
	regs_from_kvm(&regs, &out);
	assert_int_equal(out.rflags, 0x3f7fd7);
}

static void sregs_round_trip(void **state)
{
	struct myhv_state_segments seg = { 0 }, seg_out;
	struct myhv_state_control control, control_out;
	struct kvm_sregs sregs;

	fill(&control, sizeof(control));
	for (unsigned int i = 0; i < 8; i++)
		seg.seg[i] = (struct myhv_segment){
			.base = 0x1000 * i,
			.limit = 0xffff + i,
			.selector = 8 * i,
			.attrib = MYHV_SEG_P | MYHV_SEG_S | i | (i & 3) << MYHV_SEG_DPL_SHIFT |
				  (i & 1 ? MYHV_SEG_L : MYHV_SEG_DB) | (i & 2 ? MYHV_SEG_G : 0) |
				  (i & 4 ? MYHV_SEG_AVL : 0),
		};
	seg.gdt = (struct myhv_dtable){ .base = 0x12345000, .limit = 0x7f };
	seg.idt = (struct myhv_dtable){ .base = 0x54321000, .limit = 0xfff };
	sregs_to_kvm(&seg, &control, &sregs);
	assert_int_equal(sregs.tr.selector, 8 * MYHV_SEG_TR);
	assert_int_equal(sregs.cs.unusable, 0);
	assert_int_equal(sregs.cr3, control.cr3);
	memset(&control_out, 0, sizeof(control_out));
	control_out.xcr0 = control.xcr0;
	sregs_from_kvm(&sregs, &seg_out, &control_out);
	assert_memory_equal(&seg, &seg_out, sizeof(seg));
	assert_memory_equal(&control, &control_out, sizeof(control));
}

static void segment_unusable(void **state)
{
	struct myhv_state_segments seg = { 0 };
	struct myhv_state_control control = { 0 };
	struct kvm_sregs sregs;

	sregs_to_kvm(&seg, &control, &sregs);
	assert_int_equal(sregs.ldt.unusable, 1);
	sregs.ldt.present = 1;
	sregs_from_kvm(&sregs, &seg, &control);
	assert_int_equal(seg.seg[MYHV_SEG_LDTR].attrib & MYHV_SEG_P, 0);
}

static void interrupt_bitmap(void **state)
{
	struct kvm_sregs sregs = { 0 };

	assert_int_equal(sregs_interrupt(&sregs), -1);
	sregs.interrupt_bitmap[3] = 1ull << 5;
	assert_int_equal(sregs_interrupt(&sregs), 197);
}

/* ---- events ---- */

static const struct events_abi plain = { 0 };
static const struct events_abi full = { .payload = true, .triple_fault = true };

static void events_pending(void **state)
{
	struct myhv_state_events in = {
		.flags = MYHV_EVENT_EXCEPTION | MYHV_EVENT_EXCEPTION_ERROR |
			 MYHV_EVENT_EXCEPTION_PAYLOAD | MYHV_EVENT_NMI_PENDING |
			 MYHV_EVENT_SHADOW_STI | MYHV_EVENT_TRIPLE_FAULT,
		.exc_vector = 14,
		.exc_error = 7,
		.exc_payload = 0x123000,
	};
	struct myhv_state_events out = { 0 };
	struct kvm_vcpu_events ev;

	events_to_kvm(&in, full, &ev);
	assert_int_equal(ev.exception.pending, 1);
	assert_int_equal(ev.exception.injected, 0);
	assert_int_equal(ev.exception_payload, 0x123000);
	assert_int_equal(ev.triple_fault.pending, 1);
	assert_int_equal(ev.interrupt.shadow, KVM_X86_SHADOW_INT_STI);
	assert_int_equal(events_from_kvm(&ev, full, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));

	/* who does not know payloads sees an injected exception, as KVM shows it */
	events_to_kvm(&in, plain, &ev);
	assert_int_equal(ev.exception.injected, 1);
	assert_int_equal(ev.exception.pending, 0);
	assert_int_equal(ev.flags & KVM_VCPUEVENT_VALID_PAYLOAD, 0);
	assert_int_equal(ev.flags & KVM_VCPUEVENT_VALID_TRIPLE_FAULT, 0);
}

static void events_injected(void **state)
{
	struct myhv_state_events in = {
		.flags = MYHV_EVENT_INTERRUPT | MYHV_EVENT_NMI_BLOCKED | MYHV_EVENT_SHADOW_MOV_SS,
		.intr_vector = 0x31,
		.sipi_vector = 0x9f,
	};
	struct myhv_state_events out = { .flags = MYHV_EVENT_NMI_PENDING };
	struct kvm_vcpu_events ev;

	events_to_kvm(&in, plain, &ev);
	assert_int_equal(ev.interrupt.injected, 1);
	assert_int_equal(ev.nmi.masked, 1);
	ev.flags |= KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	assert_int_equal(events_from_kvm(&ev, plain, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
}

/* What a client does not name stays as it is. */
static void events_kept(void **state)
{
	struct myhv_state_events out = {
		.flags = MYHV_EVENT_NMI_PENDING | MYHV_EVENT_SHADOW_STI | MYHV_EVENT_EXCEPTION |
			 MYHV_EVENT_EXCEPTION_ERROR,
		.exc_vector = 13,
		.exc_error = 5,
		.sipi_vector = 3,
	};
	struct kvm_vcpu_events ev = { 0 };

	assert_int_equal(events_from_kvm(&ev, plain, &out), 0);
	assert_int_equal(out.flags, MYHV_EVENT_NMI_PENDING | MYHV_EVENT_SHADOW_STI);
	assert_int_equal(out.exc_error, 0);
	assert_int_equal(out.sipi_vector, 3);
}

static void soft_exception_is_hidden(void **state)
{
	struct myhv_state_events in = {
		.flags = MYHV_EVENT_EXCEPTION | MYHV_EVENT_EXCEPTION_INJECTED,
		.exc_vector = 3,
		.insn_length = 1,
	};
	struct kvm_vcpu_events ev;

	events_to_kvm(&in, plain, &ev);
	assert_int_equal(ev.exception.injected, 0);
}

static void events_refused(void **state)
{
	struct myhv_state_events out = { 0 };
	struct kvm_vcpu_events ev = { .flags = 0x40 };

	assert_int_equal(events_from_kvm(&ev, full, &out), -EINVAL);
	ev.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	assert_int_equal(events_from_kvm(&ev, plain, &out), -EINVAL);
	ev.flags = KVM_VCPUEVENT_VALID_TRIPLE_FAULT;
	assert_int_equal(events_from_kvm(&ev, plain, &out), -EINVAL);
	ev.flags = 0;
	ev.exception.injected = 1;
	ev.exception.nr = 2;
	assert_int_equal(events_from_kvm(&ev, plain, &out), -EINVAL);
	ev.exception.nr = 32;
	assert_int_equal(events_from_kvm(&ev, plain, &out), -EINVAL);
	ev.exception.nr = 14;
	ev.exception.pending = 1;
	ev.flags = KVM_VCPUEVENT_VALID_PAYLOAD;
	assert_int_equal(events_from_kvm(&ev, full, &out), -EINVAL);
	memset(&ev, 0, sizeof(ev));
	ev.flags = KVM_VCPUEVENT_VALID_SMM;
	assert_int_equal(events_from_kvm(&ev, full, &out), 0);
	ev.smi.smm = 1;
	assert_int_equal(events_from_kvm(&ev, full, &out), -EINVAL);
}

/* ---- the rest of a vCPU ---- */

static void debugregs(void **state)
{
	struct myhv_state_debug in = { { 1, 2, 3, 4 }, 0xffff0ff0, 0x401 }, out;
	struct kvm_debugregs regs;

	debugregs_to_kvm(&in, &regs);
	assert_int_equal(debugregs_from_kvm(&regs, &out), 0);
	assert_memory_equal(&in, &out, sizeof(in));
	regs.flags = 1;
	assert_int_equal(debugregs_from_kvm(&regs, &out), -EINVAL);
	regs.flags = 0;
	regs.dr7 = 1ull << 32;
	assert_int_equal(debugregs_from_kvm(&regs, &out), -EINVAL);
}

static void guest_debug(void **state)
{
	struct kvm_guest_debug from = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg = { 0x1000, 0, 0, 0, 1, 1, 1, 0x401 },
	};
	struct myhv_debug to;

	assert_int_equal(debug_from_kvm(&from, &to), 0);
	assert_int_equal(to.flags, MYHV_DEBUG_ENABLE | MYHV_DEBUG_HW_BP);
	assert_int_equal(to.dr[0], 0x1000);
	assert_int_equal(to.dr[4], 0);
	assert_int_equal(to.dr[7], 0x401);
	from.control = KVM_GUESTDBG_SINGLESTEP; /* switched off as a whole */
	assert_int_equal(debug_from_kvm(&from, &to), 0);
	assert_int_equal(to.flags, 0);
	from.control = 1u << 31;
	assert_int_equal(debug_from_kvm(&from, &to), -EINVAL);
}

static void cpuid(void **state)
{
	struct kvm_cpuid_entry2 from = { .function = 4, .index = 2, .eax = 1, .ebx = 2, .ecx = 3,
					 .edx = 4, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX };
	struct kvm_cpuid_entry2 back;
	struct myhv_cpuid_entry to;

	cpuid_from_kvm(&from, &to);
	assert_int_equal(to.flags, MYHV_CPUID_INDEXED);
	cpuid_to_kvm(&to, &back);
	assert_memory_equal(&from, &back, sizeof(from));
	/* an index that is not significant may hold anything; so may flags of old */
	from.flags = KVM_CPUID_FLAG_STATEFUL_FUNC;
	cpuid_from_kvm(&from, &to);
	assert_int_equal(to.index, 0);
	assert_int_equal(to.flags, 0);
}

static void fpu(void **state)
{
	uint8_t xsave[4096], back[4096] = { 0 };
	struct kvm_fpu fpu;

	fill(xsave, sizeof(xsave));
	fpu_to_kvm(xsave, &fpu);
	assert_memory_equal(fpu.xmm[15], xsave + 160 + 240, 16);
	fpu_from_kvm(&fpu, back);
	assert_memory_equal(back, xsave, 5); /* FCW, FSW, FTW */
	assert_memory_equal(back + 6, xsave + 6, 18);
	assert_memory_equal(back + 32, xsave + 32, 128 + 256);
	assert_int_equal(back[512], 3);
}

/* ---- chips ---- */

static void pic(void **state)
{
	struct myhv_pic_state in = { .last_irr = 1, .irr = 2, .imr = 3, .isr = 4, .irq_base = 8,
				     .elcr = 0x40, .elcr_mask = 0xde, .auto_eoi = 1 };
	struct myhv_pic_state out;
	struct kvm_pic_state kvm;

	pic_to_kvm(&in, &kvm);
	pic_from_kvm(&kvm, 1, &out);
	assert_memory_equal(&in, &out, sizeof(in));
	/* what QEMU and KVM let through, and the module refuses */
	memset(&kvm, 0xff, sizeof(kvm));
	pic_from_kvm(&kvm, 0, &out);
	assert_int_equal(out.elcr, 0xf8);
	assert_int_equal(out.priority_add, 7);
	assert_int_equal(out.poll, 1);
}

static void ioapic(void **state)
{
	struct myhv_ioapic_state in = { .base_address = 0xfec00000, .ioregsel = 0x12,
					.id = 5u << 24, .irr = 0x800001 };
	struct myhv_ioapic_state out;
	struct kvm_ioapic_state kvm;

	in.redirtbl[23] = 0xff0000000001a9ffull;
	ioapic_to_kvm(&in, &kvm);
	assert_int_equal(kvm.id, 5);
	assert_int_equal(kvm.redirtbl[23].fields.vector, 0xff);
	ioapic_from_kvm(&kvm, &out);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void pit(void **state)
{
	struct kvm_pit_state2 kvm = { .flags = KVM_PIT_FLAGS_SPEAKER_DATA_ON }, back;
	struct myhv_pit_state ours;

	kvm.channels[0] = (struct kvm_pit_channel_state){ .count = 11932, .mode = 2, .rw_mode = 3,
							  .gate = 1, .count_load_time = 5000 };
	kvm.channels[1].mode = 0xff; /* KVM before anything was programmed */
	kvm.channels[2].gate = 1;
	assert_int_equal(pit_from_kvm(&kvm, 1000, &ours), 0);
	assert_int_equal(ours.channel[0].count_load_time_ns, 6000);
	assert_int_equal(ours.channel[0].stopped, 0);
	assert_int_equal(ours.channel[1].stopped, 1);
	assert_int_equal(ours.channel[1].mode, 0);
	assert_int_equal(ours.channel[2].count, 0x10000);
	assert_int_equal(ours.flags, MYHV_PIT_SPEAKER_DATA_ON);
	pit_to_kvm(&ours, 1000, &back);
	assert_memory_equal(&kvm.channels[0], &back.channels[0], sizeof(back.channels[0]));
	assert_int_equal(back.flags, KVM_PIT_FLAGS_SPEAKER_DATA_ON);
	kvm.flags = 4;
	assert_int_equal(pit_from_kvm(&kvm, 0, &ours), -EINVAL);
}

static void routes(void **state)
{
	struct kvm_irq_routing_entry e = { .gsi = 5, .type = KVM_IRQ_ROUTING_IRQCHIP,
					   .u.irqchip = { .irqchip = 2, .pin = 7 } };
	struct myhv_irq_route r;

	assert_int_equal(route_from_kvm(&e, &r), 0);
	assert_int_equal(r.chip, MYHV_CHIP_IOAPIC);
	assert_int_equal(r.pin, 7);
	e.u.irqchip.irqchip = 3; /* our number of the PIT */
	assert_int_equal(route_from_kvm(&e, &r), -EINVAL);
	memset(&e, 0, sizeof(e));
	e.type = KVM_IRQ_ROUTING_MSI;
	e.u.msi.address_hi = 0x100;
	e.u.msi.address_lo = 0xfee01000;
	e.u.msi.data = 0x41;
	assert_int_equal(route_from_kvm(&e, &r), 0);
	assert_int_equal(r.msi.address, 0x100fee01000ull);
	e.flags = 1;
	assert_int_equal(route_from_kvm(&e, &r), -EINVAL);
	e.type = KVM_IRQ_ROUTING_HV_SINT;
	e.flags = 0;
	assert_int_equal(route_from_kvm(&e, &r), -EINVAL);
}

static void eventfds(void **state)
{
	struct kvm_irqfd irqfd = { .fd = 3, .gsi = 4, .flags = KVM_IRQFD_FLAG_RESAMPLE,
				   .resamplefd = 5 };
	const uint32_t io_flags = KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DATAMATCH;
	struct kvm_ioeventfd io = { .addr = 0x10, .len = 2, .fd = 3, .flags = io_flags };
	struct myhv_ioeventfd our_io;
	struct myhv_irqfd our_irqfd;

	assert_int_equal(irqfd_from_kvm(&irqfd, &our_irqfd), 0);
	assert_int_equal(our_irqfd.flags, MYHV_IRQFD_RESAMPLE);
	assert_int_equal(our_irqfd.resample_fd, 5);
	irqfd.flags = 4;
	assert_int_equal(irqfd_from_kvm(&irqfd, &our_irqfd), -EINVAL);
	assert_int_equal(ioeventfd_from_kvm(&io, &our_io), 0);
	assert_int_equal(our_io.flags, MYHV_IOEVENTFD_PIO | MYHV_IOEVENTFD_DATAMATCH);
	io.flags |= KVM_IOEVENTFD_FLAG_VIRTIO_CCW_NOTIFY;
	assert_int_equal(ioeventfd_from_kvm(&io, &our_io), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regs_round_trip),
		cmocka_unit_test(sregs_round_trip),
		cmocka_unit_test(segment_unusable),
		cmocka_unit_test(interrupt_bitmap),
		cmocka_unit_test(events_pending),
		cmocka_unit_test(events_injected),
		cmocka_unit_test(events_kept),
		cmocka_unit_test(soft_exception_is_hidden),
		cmocka_unit_test(events_refused),
		cmocka_unit_test(debugregs),
		cmocka_unit_test(guest_debug),
		cmocka_unit_test(cpuid),
		cmocka_unit_test(fpu),
		cmocka_unit_test(pic),
		cmocka_unit_test(ioapic),
		cmocka_unit_test(pit),
		cmocka_unit_test(routes),
		cmocka_unit_test(eventfds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
