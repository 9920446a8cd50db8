/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: /sys/kernel/tracing/events/myhv. Every one starts with the VM's and
 * the vCPU's number. Switched off, each costs one no-op.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM myhv

#if !defined(MYHV_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define MYHV_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>

/* clang-format off */

/* About to enter the guest. */
TRACE_EVENT(myhv_entry,
	TP_PROTO(u32 vm, u32 vcpu, u64 rip),
	TP_ARGS(vm, vcpu, rip),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, rip)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->rip = rip;
	),
	TP_printk("vm %u vcpu %u rip 0x%llx", __entry->vm, __entry->vcpu, __entry->rip)
);

/* The guest was left; @reason and @info are the hardware's. */
TRACE_EVENT(myhv_exit,
	TP_PROTO(u32 vm, u32 vcpu, u64 rip, u64 reason, u64 info1, u64 info2),
	TP_ARGS(vm, vcpu, rip, reason, info1, info2),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, rip)
		__field(u64, reason)
		__field(u64, info1)
		__field(u64, info2)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->rip = rip;
		__entry->reason = reason;
		__entry->info1 = info1;
		__entry->info2 = info2;
	),
	TP_printk("vm %u vcpu %u reason 0x%llx rip 0x%llx info 0x%llx 0x%llx", __entry->vm,
		  __entry->vcpu, __entry->reason, __entry->rip, __entry->info1, __entry->info2)
);

/* An event goes to the guest with the next entry. */
TRACE_EVENT(myhv_inject,
	TP_PROTO(u32 vm, u32 vcpu, u32 type, u8 vector, bool has_error, u32 error, bool again),
	TP_ARGS(vm, vcpu, type, vector, has_error, error, again),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u32, type)
		__field(u32, error)
		__field(u8, vector)
		__field(bool, has_error)
		__field(bool, again)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->type = type;
		__entry->error = error;
		__entry->vector = vector;
		__entry->has_error = has_error;
		__entry->again = again;
	),
	TP_printk("vm %u vcpu %u %s vector 0x%x%s error 0x%x%s", __entry->vm, __entry->vcpu,
		  __print_symbolic(__entry->type, { 1, "interrupt" }, { 2, "nmi" },
				   { 3, "exception" }, { 4, "soft" }),
		  __entry->vector, __entry->has_error ? "" : " no", __entry->error,
		  __entry->again ? " again" : "")
);

/* A second-level fault; @result is enum slat_fault_result. */
TRACE_EVENT(myhv_fault,
	TP_PROTO(u32 vm, u32 vcpu, u64 gpa, u32 access, u32 result),
	TP_ARGS(vm, vcpu, gpa, access, result),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, gpa)
		__field(u32, access)
		__field(u32, result)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->gpa = gpa;
		__entry->access = access;
		__entry->result = result;
	),
	TP_printk("vm %u vcpu %u gpa 0x%llx %s%s%s %s", __entry->vm, __entry->vcpu, __entry->gpa,
		  __entry->access & 1 ? "r" : "-", __entry->access & 2 ? "w" : "-",
		  __entry->access & 4 ? "x" : "-",
		  __print_symbolic(__entry->result, { 0, "mapped" }, { 1, "mmio" },
				   { 2, "no memory" }, { 3, "retry" }, { 4, "sleep" }))
);

/* Port I/O. @in_kernel: a device in the kernel took it. @value: the first element. */
TRACE_EVENT(myhv_pio,
	TP_PROTO(u32 vm, u32 vcpu, bool write, u16 port, u32 size, u32 count, u32 value,
		 bool in_kernel),
	TP_ARGS(vm, vcpu, write, port, size, count, value, in_kernel),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u32, count)
		__field(u32, value)
		__field(u16, port)
		__field(u8, size)
		__field(bool, write)
		__field(bool, in_kernel)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->count = count;
		__entry->value = value;
		__entry->port = port;
		__entry->size = size;
		__entry->write = write;
		__entry->in_kernel = in_kernel;
	),
	TP_printk("vm %u vcpu %u %s port 0x%x size %u count %u value 0x%x%s", __entry->vm,
		  __entry->vcpu, __entry->write ? "out" : "in", __entry->port, __entry->size,
		  __entry->count, __entry->value, __entry->in_kernel ? "" : " to user")
);

/* An access to device memory. */
TRACE_EVENT(myhv_mmio,
	TP_PROTO(u32 vm, u32 vcpu, bool write, u64 gpa, u32 size, u64 value, bool in_kernel),
	TP_ARGS(vm, vcpu, write, gpa, size, value, in_kernel),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, gpa)
		__field(u64, value)
		__field(u32, size)
		__field(bool, write)
		__field(bool, in_kernel)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->gpa = gpa;
		__entry->value = value;
		__entry->size = size;
		__entry->write = write;
		__entry->in_kernel = in_kernel;
	),
	TP_printk("vm %u vcpu %u %s gpa 0x%llx size %u value 0x%llx%s", __entry->vm,
		  __entry->vcpu, __entry->write ? "write" : "read", __entry->gpa, __entry->size,
		  __entry->value, __entry->in_kernel ? "" : " to user")
);

/* RDMSR, WRMSR. @error: 0, -EINVAL (#GP), -ENOENT (unknown). */
TRACE_EVENT(myhv_msr,
	TP_PROTO(u32 vm, u32 vcpu, bool write, u32 index, u64 value, int error),
	TP_ARGS(vm, vcpu, write, index, value, error),
	TP_STRUCT__entry(
		__field(u32, vm)
		__field(u32, vcpu)
		__field(u64, value)
		__field(u32, index)
		__field(int, error)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->vm = vm;
		__entry->vcpu = vcpu;
		__entry->value = value;
		__entry->index = index;
		__entry->error = error;
		__entry->write = write;
	),
	TP_printk("vm %u vcpu %u %s 0x%x value 0x%llx error %d", __entry->vm, __entry->vcpu,
		  __entry->write ? "wrmsr" : "rdmsr", __entry->index, __entry->value,
		  __entry->error)
);

/* clang-format on */

#endif /* MYHV_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace

#include <trace/define_trace.h>
