// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O: a device in the kernel, or user space. String instructions go through
 * the emulator, which comes back to io_string() in batches.
 *
 * An OUT is complete before user space sees it. An IN is finished beside where it began, by
 * complete_in() at the next run; its length is known by then, so nothing can fail.
 */
#include "exit/emulate.h"
#include "exit/exit.h"
#include "introspect/trace.h"

static void fill_exit(struct myhv_vcpu *vcpu, u16 port, u8 size, bool is_write, u32 count)
{
	struct myhv_exit *exit = vcpu->exit;

	exit->reason = MYHV_EXIT_IO;
	exit->io.port = port;
	exit->io.size = size;
	exit->io.is_write = is_write;
	exit->io.count = count;
}

/* AL and AX leave the rest of RAX alone, EAX clears the upper half. */
static void put_accumulator(struct myhv_vcpu *vcpu, u8 size, u32 value)
{
	u64 *rax = vcpu_gpr(vcpu, MYHV_RAX);

	switch (size) {
	case 1:
		*rax = (*rax & ~0xffULL) | (u8)value;
		break;
	case 2:
		*rax = (*rax & ~0xffffULL) | (u16)value;
		break;
	default:
		*rax = value;
		break;
	}
}

static enum exit_action complete_in(struct myhv_vcpu *vcpu)
{
	u32 value = 0;

	memcpy(&value, vcpu->data, vcpu->pending.size);
	put_accumulator(vcpu, vcpu->pending.size, value);
	insn_finish(vcpu, vcpu->pending.length);
	return RESUME_GUEST;
}

static enum exit_action port_in(struct myhv_vcpu *vcpu, u16 port, u8 size, u8 length)
{
	bool done;

	vcpu->port_data = 0;
	done = !iobus_read(vcpu, &vcpu->vm->pio_bus, port, size, &vcpu->port_data);
	if (trace_myhv_pio_enabled())
		trace_myhv_pio(vcpu->vm->id, vcpu->id, false, port, size, 1, vcpu->port_data, done);
	if (done) {
		put_accumulator(vcpu, size, vcpu->port_data);
		insn_finish(vcpu, length);
		return RESUME_GUEST;
	}
	fill_exit(vcpu, port, size, false, 1);
	vcpu->pending.length = length;
	vcpu->pending.size = size;
	vcpu->complete = complete_in;
	return EXIT_TO_USER;
}

static enum exit_action port_out(struct myhv_vcpu *vcpu, u16 port, u8 size, u8 length)
{
	bool done;

	vcpu->port_data = vcpu_gpr32(vcpu, MYHV_RAX);
	done = !iobus_write(vcpu, &vcpu->vm->pio_bus, port, size, &vcpu->port_data);
	if (trace_myhv_pio_enabled())
		trace_myhv_pio(vcpu->vm->id, vcpu->id, true, port, size, 1, vcpu->port_data, done);
	insn_finish(vcpu, length);
	if (done)
		return RESUME_GUEST;
	fill_exit(vcpu, port, size, true, 1);
	memcpy(vcpu->data, &vcpu->port_data, sizeof(vcpu->port_data));
	return EXIT_TO_USER;
}

enum exit_action exit_io(struct myhv_vcpu *vcpu, u16 port, u8 size, bool is_in)
{
	enum exit_action action;
	u8 length;

	if (!insn_length(vcpu, &length, &action))
		return action;
	return is_in ? port_in(vcpu, port, size, length) : port_out(vcpu, port, size, length);
}

/* A device that gives the first element gives them all. */
static bool strings_in(struct myhv_vcpu *vcpu, u16 port, u8 size, u32 count, u8 *data)
{
	for (u32 i = 0; i < count; i++)
		if (iobus_read(vcpu, &vcpu->vm->pio_bus, port, size, data + i * size) && !i)
			return false;
	return true;
}

/* How many went to devices: one may take what it can match, or has room for. */
static u32 strings_out(struct myhv_vcpu *vcpu, u16 port, u8 size, u32 count, const u8 *data)
{
	u32 i = 0;

	while (i < count && !iobus_write(vcpu, &vcpu->vm->pio_bus, port, size, data + i * size))
		i++;
	return i;
}

bool io_string(struct myhv_vcpu *vcpu, bool is_in, u16 port, u8 size, u32 count, void *data)
{
	u32 done;

	if (is_in)
		done = strings_in(vcpu, port, size, count, data) ? count : 0;
	else
		done = strings_out(vcpu, port, size, count, data);
	trace_myhv_pio(vcpu->vm->id, vcpu->id, !is_in, port, size, count, 0, done == count);
	if (done == count)
		return true;
	/* the rest, even if a device would take some of it */
	fill_exit(vcpu, port, size, !is_in, count - done);
	if (!is_in)
		memmove(vcpu->data, data + done * size, (count - done) * size);
	return false;
}
