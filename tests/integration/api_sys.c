// SPDX-License-Identifier: GPL-2.0-or-later
/* The system descriptor: properties, lists, making VMs. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>

#include "api.h"

/* Does the host's kernel, for its first CPU, have @name among the flags? */
static bool flag_in_cpuinfo(const char *name)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char *line = NULL, *rest, *word;
	bool found = false;
	size_t size = 0;

	while (f && !found && getline(&line, &size, f) > 0) {
		if (strncmp(line, "flags", 5))
			continue;
		for (word = strtok_r(line, " \t\n", &rest); word && !found;
		     word = strtok_r(NULL, " \t\n", &rest))
			found = !strcmp(word, name);
		break;
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}

static void properties(int sys)
{
	struct myhv_prop p = { .id = MYHV_PROP_API_VERSION };
	uint64_t v;

	is(myhv_prop_get(sys, MYHV_PROP_API_VERSION, &v), 0, "API version");
	is(v, MYHV_API_VERSION, "is the header's");
	is(myhv_prop_get(sys, MYHV_PROP_BACKEND, &v), 0, "backend");
	ok(v == MYHV_BACKEND_SVM || v == MYHV_BACKEND_VMX, "is a known one");
	is(myhv_prop_get(sys, MYHV_PROP_MAX_VCPUS, &v), 0, "vCPUs of a VM");
	ok(v >= 1, "at least one");
	is(myhv_prop_get(sys, MYHV_PROP_MAX_MEM_REGIONS, &v), 0, "memory regions");
	ok(v >= 32, "at least 32");
	is(myhv_prop_get(sys, MYHV_PROP_GPA_BITS, &v), 0, "width of guest-physical addresses");
	ok(v >= 36 && v <= 52, "36 to 52");
	is(myhv_prop_get(sys, MYHV_PROP_SLAT_LEVELS, &v), 0, "depth of the second-level tables");
	ok(v == 4 || v == 5, "4 or 5");
	is(myhv_prop_get(sys, MYHV_PROP_RUN_AREA_BYTES, &v), 0, "size of the run area");
	ok(v >= 4 * 4096 && v % 4096 == 0, "whole pages");
	is(myhv_prop_get(sys, MYHV_PROP_XSAVE_BYTES, &v), 0, "size of an XSAVE image");
	ok(v >= 576 && v <= 4096, "576 to 4096");
	is(myhv_prop_get(sys, MYHV_PROP_XCR0, &v), 0, "XCR0 for guests");
	ok((v & 3) == (flag_in_cpuinfo("xsave") ? 3 : 0), "x87 and SSE, or no XSAVE at all");
	is(myhv_prop_get(sys, MYHV_PROP_TSC_KHZ, &v), 0, "TSC frequency");
	ok(v > 1000, "more than 1 MHz");
	is(myhv_prop_get(sys, MYHV_PROP_IRQ_ROUTES, &v), 0, "interrupt routes");
	ok(v >= 24, "at least 24");
	is(myhv_prop_get(sys, MYHV_PROP_CPU_FEATURES, &v), 0, "CPU features");

	is(myhv_prop_get(sys, 0x0fff, &v), -ENOENT, "unknown property");
	is(myhv_prop_get(sys, MYHV_PROP_VM_ID, &v), -ENOENT, "property of another descriptor");
	is(myhv_prop_set(sys, MYHV_PROP_API_VERSION, 2), -EPERM, "setting a read-only property");
	is(myhv_prop_set(sys, 0x0fff, 2), -ENOENT, "setting an unknown property");
	p.flags = 1;
	is(ioc(sys, MYHV_PROP_GET, &p), -EINVAL, "flags must be 0");
	p.flags = 0;
	check_sizes("PROP_GET", sys, MYHV_PROP_GET, &p, sizeof(p), 0, true);
	is(ioc(sys, with_size(MYHV_PROP_GET, 8), &p), -EINVAL, "a struct shorter than ever was");
}

static void strange_calls(int sys)
{
	char c;

	is(ioc(sys, _IO(MYHV_IOC_MAGIC, 0xff), NULL), -ENOTTY, "unknown ioctl");
	is(ioc(sys, MYHV_VCPU_RUN, NULL), -ENOTTY, "vCPU's ioctl");
	is(ioc(sys, MYHV_MEM_UPDATE, NULL), -ENOTTY, "VM's ioctl");
	is(ioc(sys, _IO(0xAE, 0x00), NULL), -ENOTTY, "KVM's ioctl");
	ok(read(sys, &c, 1) < 0, "nothing to read");
	ok(write(sys, &c, 1) < 0, "nothing to write");
	ok(mmap(NULL, 4096, PROT_READ, MAP_SHARED, sys, 0) == MAP_FAILED, "nothing to map");
}

static int create(int sys, uint32_t flags, uint32_t irqchip, const char *name, size_t length)
{
	struct myhv_vm_create c = { .flags = flags, .irqchip = irqchip };
	int fd;

	memcpy(c.name, name, length);
	fd = ioc(sys, MYHV_VM_CREATE, &c);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void vms(int sys)
{
	static const char full[32] = "0123456789012345678901234567890!";
	struct myhv_vm_create c = { .irqchip = MYHV_IRQCHIP_FULL };
	int fd;

	is(create(sys, 0, MYHV_IRQCHIP_NONE, "", 0), 0, "without chips, without a name");
	is(create(sys, 0, MYHV_IRQCHIP_SPLIT, "a", 1), 0, "with LAPICs");
	is(create(sys, 0, MYHV_IRQCHIP_FULL, "a VM", 4), 0, "with all chips");
	is(create(sys, MYHV_VM_PIT, MYHV_IRQCHIP_FULL, "b", 1), 0, "with a PIT");
	is(create(sys, MYHV_VM_PIT, MYHV_IRQCHIP_SPLIT, "b", 1), -EINVAL, "a PIT without a PIC");
	is(create(sys, 0x80000000, 0, "b", 1), -EINVAL, "unknown flag");
	is(create(sys, 0, 3, "b", 1), -EINVAL, "unknown kind of chips");
	is(create(sys, 0, 0, full, 32), -EINVAL, "name without an end");
	is(create(sys, 0, 0, full, 31), 0, "longest name");
	is(create(sys, 0, 0, "a/b", 3), -EINVAL, "name with a slash");
	is(create(sys, 0, 0, "a\nb", 3), -EINVAL, "name with a control character");
	check_sizes("VM_CREATE", sys, MYHV_VM_CREATE, &c, sizeof(c), 0, false);
	is(ioc(sys, with_size(MYHV_VM_CREATE, 8), &c), -EINVAL, "a struct shorter than ever was");
	fd = ioc(sys, MYHV_VM_CREATE, &c);
	is(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "a VM descriptor is closed on exec");
	is(ioc(fd, MYHV_VM_CREATE, &c), -ENOTTY, "a VM makes no VMs");
	close(fd);
	for (int i = 0; i < 50; i++) {
		fd = ioc(sys, MYHV_VM_CREATE, &c);
		if (fd < 0)
			break;
		close(fd);
	}
	ok(fd >= 0, "50 VMs one after the other");
}

/* What the host's kernel has taken away from itself is not for guests either. */
static void features(const struct myhv_cpuid_entry *entries, uint32_t count)
{
	static const struct {
		uint32_t function;
		unsigned int offset; /* in the entry */
		unsigned int bit;
		const char *flag;
	} known[] = {
#define REG(r) offsetof(struct myhv_cpuid_entry, r)
		{ 0x1, REG(ecx), 0, "pni" },	      { 0x1, REG(ecx), 9, "ssse3" },
		{ 0x1, REG(ecx), 17, "pcid" },	      { 0x1, REG(ecx), 20, "sse4_2" },
		{ 0x1, REG(ecx), 22, "movbe" },	      { 0x1, REG(ecx), 23, "popcnt" },
		{ 0x1, REG(ecx), 25, "aes" },	      { 0x1, REG(ecx), 26, "xsave" },
		{ 0x1, REG(ecx), 28, "avx" },	      { 0x1, REG(ecx), 30, "rdrand" },
		{ 0x7, REG(ebx), 3, "bmi1" },	      { 0x7, REG(ebx), 5, "avx2" },
		{ 0x7, REG(ebx), 7, "smep" },	      { 0x7, REG(ebx), 9, "erms" },
		{ 0x7, REG(ebx), 18, "rdseed" },      { 0x7, REG(ebx), 20, "smap" },
		{ 0x7, REG(ecx), 2, "umip" },	      { 0x7, REG(edx), 4, "fsrm" },
		{ 0x80000001, REG(ecx), 0, "lahf_lm" }, { 0x80000001, REG(ecx), 5, "abm" },
		{ 0x80000001, REG(ecx), 6, "sse4a" }, { 0x80000008, REG(ebx), 0, "clzero" },
#undef REG
	};

	for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
		bool given = false;

		for (uint32_t i = 0; i < count; i++) {
			const char *entry = (const char *)&entries[i];

			if (entries[i].function == known[k].function && !entries[i].index)
				given = *(const uint32_t *)(entry + known[k].offset) >>
						known[k].bit & 1;
		}
		ok(!given || flag_in_cpuinfo(known[k].flag), "%s: only if the host uses it",
		   known[k].flag);
	}
}

static void lists(int sys)
{
	struct myhv_cpuid_entry entries[256];
	struct myhv_cpuid_list list = { .count = 256, .entries = (uintptr_t)entries };
	uint32_t indices[512], count = 256, few = 1;
	bool has_basic = false, twice = false;

	is(myhv_cpuid_supported(sys, entries, &count), 0, "CPUID list");
	ok(count > 10 && count <= 256, "of a sane length (%u)", count);
	for (uint32_t i = 0; i < count; i++) {
		has_basic |= entries[i].function == 1;
		for (uint32_t j = 0; j < i; j++)
			twice |= entries[i].function == entries[j].function &&
				 (!(entries[i].flags & MYHV_CPUID_INDEXED) ||
				  entries[i].index == entries[j].index);
	}
	ok(has_basic, "leaf 1 is there");
	ok(!twice, "no leaf is there twice");
	features(entries, count);
	is(myhv_cpuid_supported(sys, entries, &few), -E2BIG, "too small an array");
	is(few, count, "and the count is told");
	list.flags = 1;
	is(ioc(sys, MYHV_CPUID_SUPPORTED, &list), -EINVAL, "flags must be 0");
	list.flags = 0;
	check_sizes("CPUID_SUPPORTED", sys, MYHV_CPUID_SUPPORTED, &list, sizeof(list), 0, true);
	list.count = 256;
	list.entries = (uintptr_t)BAD_POINTER;
	is(ioc(sys, MYHV_CPUID_SUPPORTED, &list), -EFAULT, "bad pointer to the entries");

	count = 512, few = 1;
	is(myhv_msr_indices(sys, indices, &count), 0, "MSR list");
	ok(count > 10 && count <= 512, "of a sane length (%u)", count);
	is(myhv_msr_indices(sys, indices, &few), -E2BIG, "too small an array");
	is(few, count, "and the count is told");
}

int main(void)
{
	int sys = sys_open();

	ok(fcntl(sys, F_GETFD) & FD_CLOEXEC, "opened close-on-exec");
	properties(sys);
	strange_calls(sys);
	vms(sys);
	lists(sys);
	close(sys);
	return done_testing();
}
