// SPDX-License-Identifier: GPL-2.0-or-later
/* libmyhv: the vCPU descriptor and its run area. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "call.h"
#include "libmyhv.h"

/* A kernel that reports offsets outside of the area must not make us read there. */
static int area_is_sane(const struct myhv_vcpu_create *create)
{
	uint64_t bytes = create->run_bytes;

	return create->exit_offset + sizeof(struct myhv_exit) <= bytes &&
	       create->state_offset + offsetof(struct myhv_vcpu_state, lapic) <= bytes &&
	       create->data_offset < bytes &&
	       create->coalesced_offset + sizeof(struct myhv_coalesced_ring) <= bytes;
}

int myhv_vcpu_open(struct myhv_vcpu *vcpu, int vm, uint32_t id)
{
	struct myhv_vcpu_create create = { .id = id };
	char *area;
	int fd, r;

	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->fd = -1;

	fd = call(vm, MYHV_VCPU_CREATE, &create);
	if (fd < 0)
		return fd;
	if (!area_is_sane(&create)) {
		r = -EPROTO;
		goto close_fd;
	}
	area = mmap(NULL, create.run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (area == MAP_FAILED) {
		r = -errno;
		goto close_fd;
	}

	vcpu->fd = fd;
	vcpu->id = id;
	vcpu->run_bytes = create.run_bytes;
	vcpu->page = (void *)area;
	vcpu->exit = (void *)(area + create.exit_offset);
	vcpu->state = (void *)(area + create.state_offset);
	vcpu->data = area + create.data_offset;
	vcpu->coalesced = (void *)(area + create.coalesced_offset);
	return 0;

close_fd:
	close(fd);
	return r;
}

void myhv_vcpu_close(struct myhv_vcpu *vcpu)
{
	if (!vcpu->page)
		return;
	munmap((void *)vcpu->page, vcpu->run_bytes);
	close(vcpu->fd);
	memset(vcpu, 0, sizeof(*vcpu));
	vcpu->fd = -1;
}

int myhv_vcpu_run(struct myhv_vcpu *vcpu)
{
	return call(vcpu->fd, MYHV_VCPU_RUN, NULL);
}

int myhv_vcpu_kick(struct myhv_vcpu *vcpu)
{
	return call(vcpu->fd, MYHV_VCPU_KICK, NULL);
}

int myhv_vcpu_state_get(struct myhv_vcpu *vcpu, uint32_t groups, struct myhv_vcpu_state *state)
{
	struct myhv_state_io io = { .groups = groups, .state = pointer_arg(state) };

	return call(vcpu->fd, MYHV_VCPU_STATE_GET, &io);
}

int myhv_vcpu_state_set(struct myhv_vcpu *vcpu, uint32_t groups,
			const struct myhv_vcpu_state *state)
{
	struct myhv_state_io io = { .groups = groups, .state = pointer_arg(state) };

	return call(vcpu->fd, MYHV_VCPU_STATE_SET, &io);
}

int myhv_vcpu_cpuid_get(struct myhv_vcpu *vcpu, struct myhv_cpuid_entry *entries, uint32_t *count)
{
	struct myhv_cpuid_list list = { .count = *count, .entries = pointer_arg(entries) };
	int r = call(vcpu->fd, MYHV_VCPU_CPUID_GET, &list);

	if (r == 0 || r == -E2BIG)
		*count = list.count;
	return r;
}

int myhv_vcpu_cpuid_set(struct myhv_vcpu *vcpu, const struct myhv_cpuid_entry *entries,
			uint32_t count)
{
	struct myhv_cpuid_list list = { .count = count, .entries = pointer_arg(entries) };

	return call(vcpu->fd, MYHV_VCPU_CPUID_SET, &list);
}

int myhv_vcpu_msrs_get(struct myhv_vcpu *vcpu, struct myhv_msr *msrs, uint32_t count)
{
	struct myhv_msrs arg = { .count = count, .msrs = pointer_arg(msrs) };

	return call(vcpu->fd, MYHV_VCPU_MSRS_GET, &arg);
}

int myhv_vcpu_msrs_set(struct myhv_vcpu *vcpu, const struct myhv_msr *msrs, uint32_t count)
{
	struct myhv_msrs arg = { .count = count, .msrs = pointer_arg(msrs) };

	return call(vcpu->fd, MYHV_VCPU_MSRS_SET, &arg);
}

int myhv_vcpu_interrupt(struct myhv_vcpu *vcpu, uint32_t type, uint32_t vector)
{
	struct myhv_interrupt arg = { .vector = vector, .type = type };

	return call(vcpu->fd, MYHV_VCPU_INTERRUPT, &arg);
}

int myhv_vcpu_translate(struct myhv_vcpu *vcpu, struct myhv_translate *translate)
{
	return call(vcpu->fd, MYHV_VCPU_TRANSLATE, translate);
}

int myhv_vcpu_debug(struct myhv_vcpu *vcpu, const struct myhv_debug *debug)
{
	return call(vcpu->fd, MYHV_VCPU_DEBUG, debug);
}

const char *myhv_exit_name(uint32_t reason)
{
	static const char *const names[] = {
		[MYHV_EXIT_NONE] = "NONE",
		[MYHV_EXIT_IO] = "IO",
		[MYHV_EXIT_MMIO] = "MMIO",
		[MYHV_EXIT_HLT] = "HLT",
		[MYHV_EXIT_SHUTDOWN] = "SHUTDOWN",
		[MYHV_EXIT_IRQ_WINDOW] = "IRQ_WINDOW",
		[MYHV_EXIT_INTR] = "INTR",
		[MYHV_EXIT_DEBUG] = "DEBUG",
		[MYHV_EXIT_MSR_READ] = "MSR_READ",
		[MYHV_EXIT_MSR_WRITE] = "MSR_WRITE",
		[MYHV_EXIT_HYPERCALL] = "HYPERCALL",
		[MYHV_EXIT_EOI] = "EOI",
		[MYHV_EXIT_TPR] = "TPR",
		[MYHV_EXIT_MEMORY_FAULT] = "MEMORY_FAULT",
		[MYHV_EXIT_EMULATION] = "EMULATION",
		[MYHV_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[MYHV_EXIT_SHUTDOWN_VM] = "SHUTDOWN_VM",
		[MYHV_EXIT_DIRTY] = "DIRTY",
	};

	if (reason >= sizeof(names) / sizeof(names[0]))
		return "unknown";
	return names[reason];
}
