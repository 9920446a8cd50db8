// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM_GET_STATS_FD: a file with counters in KVM's binary format (api.rst). It is a file in memory,
 * whose numbers are brought up to date whenever the client is about to read it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fd_map.h"
#include "shim.h"

#define NAME_BYTES 48
#define ID_BYTES 48
#define CUMULATIVE (KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)
#define INSTANT (KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE | KVM_STATS_BASE_POW10)

/* A number and where it comes from: a property of the descriptor. */
struct stat_row {
	const char *name;
	uint32_t flags;
	uint32_t prop;
};

static const struct stat_row vm_rows[] = {
	{ "vcpus", INSTANT, MYHV_PROP_VM_VCPUS },
};

static const struct stat_row vcpu_rows[] = {
	{ "exits", CUMULATIVE, MYHV_PROP_VCPU_EXITS },
	{ "user_exits", CUMULATIVE, MYHV_PROP_VCPU_USER_EXITS },
	{ "halt_exits", CUMULATIVE, MYHV_PROP_VCPU_HALTS },
	{ "irq_injections", CUMULATIVE, MYHV_PROP_VCPU_INJECTIONS },
	{ "pf_taken", CUMULATIVE, MYHV_PROP_VCPU_FAULTS },
};

struct stat_desc {
	struct kvm_stats_desc desc;
	char name[NAME_BYTES];
};

struct stat_file {
	struct kvm_stats_header header;
	char id[ID_BYTES];
	struct stat_desc desc[sizeof(vcpu_rows) / sizeof(vcpu_rows[0])];
};

static const struct stat_row *rows_of(enum shim_kind kind, uint32_t *count)
{
	if (kind == KIND_VM) {
		*count = sizeof(vm_rows) / sizeof(vm_rows[0]);
		return vm_rows;
	}
	*count = sizeof(vcpu_rows) / sizeof(vcpu_rows[0]);
	return vcpu_rows;
}

static uint32_t data_offset(uint32_t count)
{
	return offsetof(struct stat_file, desc) + count * sizeof(struct stat_desc);
}

static int file_write(int fd, const void *from, size_t bytes, off_t at)
{
	return syscall(SYS_pwrite64, fd, from, bytes, at) == (long)bytes ? 0 : -EIO;
}

static int head_write(int fd, const struct stats *stats)
{
	struct stat_file file = { .header = { .name_size = NAME_BYTES } };
	uint32_t count;
	const struct stat_row *rows = rows_of(stats->of, &count);

	file.header.num_desc = count;
	file.header.id_offset = offsetof(struct stat_file, id);
	file.header.desc_offset = offsetof(struct stat_file, desc);
	file.header.data_offset = data_offset(count);
	if (stats->of == KIND_VM)
		snprintf(file.id, sizeof(file.id), "kvm-%d", getpid());
	else
		snprintf(file.id, sizeof(file.id), "kvm-%d/vcpu-%u", getpid(), stats->vcpu_id);
	for (uint32_t i = 0; i < count; i++) {
		file.desc[i].desc = (struct kvm_stats_desc){
			.flags = rows[i].flags,
			.size = 1,
			.offset = i * sizeof(uint64_t),
		};
		strcpy(file.desc[i].name, rows[i].name);
	}
	return file_write(fd, &file, data_offset(count), 0);
}

void stats_refresh(struct object *o, int fd)
{
	const struct stats *stats = (const struct stats *)o;
	uint64_t values[sizeof(vcpu_rows) / sizeof(vcpu_rows[0])] = { 0 };
	uint32_t count;
	const struct stat_row *rows = rows_of(stats->of, &count);

	/* of a VM that is gone the last numbers stay */
	for (uint32_t i = 0; i < count; i++)
		if (sys_prop_get(stats->source_fd, rows[i].prop, &values[i]))
			return;
	file_write(fd, values, count * sizeof(values[0]), data_offset(count));
}

void stats_free(struct stats *stats)
{
	if (stats->source_fd > 0)
		sys_close(stats->source_fd);
	stats->source_fd = -1;
}

/* @o is the VM or vCPU behind @fd */
long stats_open(struct object *o, int fd)
{
	struct stats *stats = (struct stats *)object_new(KIND_STATS);
	int file, r;

	if (!stats)
		return -ENOMEM;
	stats->of = o->kind;
	stats->vcpu_id = o->kind == KIND_VCPU ? ((struct vcpu *)o)->id : 0;
	stats->source_fd = syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, HIDDEN_FD);
	file = stats->source_fd < 0 ? -1 : (int)syscall(SYS_memfd_create, "kvm-stats", MFD_CLOEXEC);
	r = file < 0 ? -errno : head_write(file, stats);
	if (!r)
		r = fd_assign(file, &stats->base);
	if (!r)
		stats_refresh(&stats->base, file);
	object_put(&stats->base);
	if (!r)
		return file;
	if (file >= 0)
		sys_close(file);
	return r;
}
