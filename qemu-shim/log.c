// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log. Its descriptor lies in the client's table, where the client may close it and get the
 * number again for a file of its own: so each line looks whether it still is our file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LINE_BYTES 256

bool log_on;

static int log_fd = -1;
static struct stat log_stat;

static bool is_our_file(void)
{
	struct stat now;

	return !fstat(log_fd, &now) && now.st_dev == log_stat.st_dev &&
	       now.st_ino == log_stat.st_ino;
}

void log_line(const char *format, ...)
{
	char line[LINE_BYTES];
	struct timespec now;
	int saved = errno, n;
	va_list args;

	if (!log_on || !is_our_file())
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	n = snprintf(line, sizeof(line), "%lld.%06ld %d.%ld ", (long long)now.tv_sec,
		     now.tv_nsec / 1000, getpid(), syscall(SYS_gettid));
	va_start(args, format);
	n += vsnprintf(line + n, sizeof(line) - n, format, args);
	va_end(args);
	if (n > LINE_BYTES - 1)
		n = LINE_BYTES - 1;
	line[n++] = '\n';
	/* a full disk is not the client's trouble */
	if (write(log_fd, line, n) < 0)
		errno = saved;
	errno = saved;
}

static const char *exit_name(uint32_t reason)
{
	static const char *const names[] = {
		[KVM_EXIT_UNKNOWN] = "UNKNOWN",
		[KVM_EXIT_IO] = "IO",
		[KVM_EXIT_HYPERCALL] = "HYPERCALL",
		[KVM_EXIT_DEBUG] = "DEBUG",
		[KVM_EXIT_HLT] = "HLT",
		[KVM_EXIT_MMIO] = "MMIO",
		[KVM_EXIT_IRQ_WINDOW_OPEN] = "IRQ_WINDOW_OPEN",
		[KVM_EXIT_SHUTDOWN] = "SHUTDOWN",
		[KVM_EXIT_FAIL_ENTRY] = "FAIL_ENTRY",
		[KVM_EXIT_INTR] = "INTR",
		[KVM_EXIT_SET_TPR] = "SET_TPR",
		[KVM_EXIT_INTERNAL_ERROR] = "INTERNAL_ERROR",
		[KVM_EXIT_IOAPIC_EOI] = "IOAPIC_EOI",
		[KVM_EXIT_X86_RDMSR] = "X86_RDMSR",
		[KVM_EXIT_X86_WRMSR] = "X86_WRMSR",
	};

	return reason < sizeof(names) / sizeof(names[0]) && names[reason] ? names[reason] : "?";
}

static void log_run(const struct vcpu *vcpu, long result)
{
	const struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		log_line("vcpu%u KVM_RUN = %ld IO %s port %#x size %u count %u", vcpu->id, result,
			 run->io.direction ? "out" : "in", run->io.port, run->io.size,
			 run->io.count);
		break;
	case KVM_EXIT_MMIO:
		log_line("vcpu%u KVM_RUN = %ld MMIO %s %#llx size %u", vcpu->id, result,
			 run->mmio.is_write ? "write" : "read", run->mmio.phys_addr, run->mmio.len);
		break;
	default:
		log_line("vcpu%u KVM_RUN = %ld %s rip %#llx", vcpu->id, result,
			 exit_name(run->exit_reason), vcpu->exit->rip);
	}
}

void log_call(const struct object *o, int fd, const char *name, uint64_t arg, long result)
{
	static const char *const kinds[NR_KINDS] = { "kvm", "vm", "vcpu" };

	if (o->kind == KIND_VCPU && name[4] == 'R' && name[5] == 'U')
		log_run((const struct vcpu *)o, result);
	else
		log_line("%s(fd %d) %s(%#llx) = %ld", kinds[o->kind], fd, name,
			 (unsigned long long)arg, result);
}

__attribute__((constructor)) static void log_open(void)
{
	const char *path = getenv("MYHV_SHIM_LOG");
	int fd;

	if (!path || !*path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return;
	log_fd = fcntl(fd, F_DUPFD_CLOEXEC, HIDDEN_FD);
	if (log_fd < 0)
		log_fd = fd;
	else
		close(fd);
	log_on = !fstat(log_fd, &log_stat);
}
