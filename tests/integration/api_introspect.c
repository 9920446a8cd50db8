// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be seen from outside: the tree in sysfs, and the tracepoints. */
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "api.h"

#define ROOT "/sys/class/misc/myhv"

static unsigned int vm_id;
static char text[65536];

/* The whole of a file; NULL when there is none. */
static const char *contents(const char *format, ...)
{
	char path[256];
	va_list ap;
	ssize_t n;
	int fd;

	va_start(ap, format);
	vsnprintf(path, sizeof(path), format, ap);
	va_end(ap);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return NULL;
	text[n] = 0;
	return text;
}

static bool is_text(const char *got, const char *want)
{
	return got && !strcmp(got, want);
}

static unsigned long number(const char *got)
{
	char *end = NULL;
	unsigned long v = got ? strtoul(got, &end, 10) : 0;

	return end && end != got && *end == '\n' ? v : ~0UL;
}

static const char *of_vm(const char *file)
{
	return contents(ROOT "/vms/%u/%s", vm_id, file);
}

static const char *of_vcpu(const char *file)
{
	return contents(ROOT "/vms/%u/vcpus/0/%s", vm_id, file);
}

static bool is_backend(const char *got)
{
	return is_text(got, "svm\n") || is_text(got, "vmx\n");
}

static void device(void)
{
	static const char *const words[] = { "features_used", "features_missing", "mitigations" };
	static const char *const numbers[] = { "api_version", "max_vcpus",   "max_mem_regions",
					       "gpa_bits",    "slat_levels", "asids" };

	ok(is_backend(contents(ROOT "/backend")), "backend");
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		bool there = contents(ROOT "/%s", words[i]) != NULL;

		ok(there && strchr(text, '\n') == text + strlen(text) - 1, "%s: %.*s", words[i],
		   (int)strcspn(text, "\n"), text);
	}
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		unsigned long v = number(contents(ROOT "/%s", numbers[i]));

		ok(v > 0 && v < 1000000, "%s: %lu", numbers[i], v);
	}
}

/* Is @flag one of the CPU's that the kernel uses? */
static bool cpu_has(const char *flag)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	static char line[16384];
	bool has = false;
	char *word;

	while (f && !has && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "flags", 5))
			continue;
		for (word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n"))
			has |= !strcmp(word, flag);
	}
	if (f)
		fclose(f);
	return has;
}

/* AMD-V walks nested tables as the host walks its own. */
static void table_depth(void)
{
	int levels = cpu_has("la57") ? 5 : 4;

	if (is_text(contents(ROOT "/backend"), "svm\n"))
		is(number(contents(ROOT "/slat_levels")), levels, "nested tables are %d deep",
		   levels);
}

/*
 * NMI; RDMSR of APIC_BASE; OUT; a read of memory that is not there. Each stops in user
 * space or is counted in the kernel.
 */
static const uint8_t program[] = {
	0x66, 0xb9, 0x1b, 0,	0,    0,    /* mov ecx, 0x1b */
	0x0f, 0x32,			    /* rdmsr */
	0xe6, 0xf4,			    /* out 0xf4, al */
	0xb8, 0xff, 0xff, 0x8e, 0xd8,	    /* mov ds, 0xffff */
	0xa0, 0x20, 0x00,		    /* mov al, [0x20] */
	0xf4,				    /* hlt */
};

static void run_program(struct mini *m)
{
	struct myhv_interrupt nmi = { .type = MYHV_INTERRUPT_NMI };

	memcpy(m->ram + 4 * 2, (uint8_t[]){ 0x00, 0x11, 0, 0 }, 4);
	m->ram[0x1100] = 0xcf; /* iret */
	is(ioc(m->vcpu.fd, MYHV_VCPU_INTERRUPT, &nmi), 0, "an NMI");
	mini_run(m);
	is(m->vcpu.exit->reason, MYHV_EXIT_IO, "the port");
	mini_run(m);
	is(m->vcpu.exit->reason, MYHV_EXIT_MMIO, "the missing memory");
	memset(m->vcpu.exit->mmio.data, 0x5a, 8);
	mini_run(m);
	is(m->vcpu.exit->reason, MYHV_EXIT_HLT, "HLT");
}

static void a_vm(struct mini *m)
{
	char pid[16];
	unsigned long sum = 0, n;
	char *line;

	snprintf(pid, sizeof(pid), "%d\n", getpid());
	ok(of_vm("name") != NULL, "a VM has a name");
	ok(is_text(of_vm("pid"), pid), "its process");
	ok(number(of_vm("age_ms")) < 600000, "its age");
	ok(is_text(of_vm("irqchip"), "none\n"), "its chips");
	is(number(of_vm("broken")), 0, "it is not broken");
	is(number(of_vm("vcpu_count")), 1, "its vCPUs");
	is(number(of_vm("memory_bytes")), MINI_BYTES, "its memory");
	ok(number(of_vm("table_bytes")) < 1 << 20, "its tables");
	ok(number(of_vm("mapped_4k")) + number(of_vm("mapped_2m")) > 0, "what is mapped");
	is(number(of_vm("mapped_1g")), 0, "nothing as large as 1 GiB");

	ok(is_text(of_vcpu("state"), "runnable\n"), "a vCPU's state");
	ok(number(of_vcpu("host_cpu")) < 64, "where it ran");
	n = number(of_vcpu("exits"));
	ok(n >= 4 && n < 1000, "exits: %lu", n);
	is(number(of_vcpu("user_exits")) >= 3, true, "user exits");
	is(number(of_vcpu("halts")), 0, "it never slept in the kernel");
	n = number(of_vcpu("injections"));
	ok(n >= 1 && n < 10, "an event was injected, again after each fault on its way: %lu", n);
	ok(number(of_vcpu("faults")) > 0, "faults");
	ok(of_vcpu("exits_by_reason") != NULL, "exits by reason");
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		sum += strtoul(strrchr(line, ' ') ?: "0", NULL, 10);
	is(sum, number(of_vcpu("exits")), "their sum is the number of exits");
}

/* ---- docs/abi/sysfs.md ---- */

struct file_list {
	unsigned int count;
	char name[64][32];
};

static bool list_has(const struct file_list *list, const char *name)
{
	for (unsigned int i = 0; i < list->count; i++)
		if (!strcmp(list->name[i], name))
			return true;
	return false;
}

static void list_add(struct file_list *list, const char *name, size_t length)
{
	if (list->count < 64 && length && length < 32)
		memcpy(list->name[list->count++], name, length);
}

/* The names in back quotes in the first column of the table below @heading. */
static void read_docs(FILE *f, const char *heading, struct file_list *list)
{
	bool is_here = false;
	char line[1024];

	rewind(f);
	memset(list, 0, sizeof(*list));
	while (fgets(line, sizeof(line), f)) {
		char *at, *column;

		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "## ", 3))
			is_here = !strcmp(line + 3, heading);
		if (!is_here || strncmp(line, "| `", 3))
			continue;
		at = line + 2;
		column = strchr(at, '|') ?: at;
		while ((at = strchr(at, '`')) && at < column) {
			size_t length = strcspn(at + 1, "`");

			list_add(list, at + 1, length);
			at += length + 2;
		}
	}
}

/* The files of a folder, but those that every device has. */
static void read_folder(const char *path, struct file_list *list)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	memset(list, 0, sizeof(*list));
	while (dir && (e = readdir(dir)))
		if (e->d_type == DT_REG && strcmp(e->d_name, "dev") && strcmp(e->d_name, "uevent"))
			list_add(list, e->d_name, strlen(e->d_name));
	if (dir)
		closedir(dir);
}

static void check_docs(FILE *f, const char *heading, const char *path)
{
	static struct file_list told, there;

	read_docs(f, heading, &told);
	read_folder(path, &there);
	ok(told.count && there.count, "%s: %u files are described, %u are there", heading,
	   told.count, there.count);
	for (unsigned int i = 0; i < there.count; i++)
		ok(list_has(&told, there.name[i]), "%s: %s is described", heading, there.name[i]);
	for (unsigned int i = 0; i < told.count; i++)
		ok(list_has(&there, told.name[i]), "%s: %s is there", heading, told.name[i]);
}

static void documentation(void)
{
	FILE *f = fopen(ABI_DOCS "/sysfs.md", "r");
	char path[64];

	if (!f) {
		note("no documentation within reach");
		return;
	}
	check_docs(f, "The device", ROOT);
	snprintf(path, sizeof(path), ROOT "/vms/%u", vm_id);
	check_docs(f, "vms/ID/", path);
	snprintf(path, sizeof(path), ROOT "/vms/%u/vcpus/0", vm_id);
	check_docs(f, "vms/ID/vcpus/ID/", path);
	fclose(f);
}

/* An open file of a VM that is no more. */
static void the_dead(struct mini *m)
{
	char path[128], byte;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), ROOT "/vms/%u/vcpus/0/exits", vm_id);
	fd = open(path, O_RDONLY);
	ok(fd >= 0, "a file of the VM");
	mini_close(m);
	for (int i = 0; i < 6000 && of_vm("pid"); i++)
		usleep(10000);
	ok(!of_vm("pid"), "a dead VM is not shown");
	n = read(fd, &byte, 1);
	ok(n >= 0 || errno == ENODEV, "an open file of it gives a last value or ENODEV");
	close(fd);
}

/* ---- tracepoints ---- */

static bool put(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, what, strlen(what)) > 0;

	close(fd);
	return done;
}

/* Everything in the pipe, as far as it fits. */
static void drain(int pipe)
{
	size_t have = 0;
	ssize_t n;

	while (have < sizeof(text) - 1 &&
	       (n = read(pipe, text + have, sizeof(text) - 1 - have)) > 0)
		have += n;
	text[have] = 0;
}

/* A line of @event of our VM that contains @what. */
static bool traced(const char *event, const char *what)
{
	char head[64];
	const char *at = text, *end, *found;

	snprintf(head, sizeof(head), "%s: vm %u vcpu 0 ", event, vm_id);
	while ((at = strstr(at, head))) {
		end = strchr(at, '\n');
		found = strstr(at, what);
		if (found && found < end)
			return true;
		at += strlen(head);
	}
	return false;
}

static void tracepoints(void)
{
	struct mini m;
	uint64_t id = 0;
	int pipe;

	mkdir("tracing", 0700);
	if (mount("tracefs", "tracing", "tracefs", 0, NULL)) {
		note("no tracefs");
		return;
	}
	pipe = open("tracing/trace_pipe", O_RDONLY | O_NONBLOCK);
	ok(pipe >= 0, "trace_pipe");
	ok(put("tracing/events/myhv/enable", "1"), "switching the events on");
	mini_open(&m, MYHV_IRQCHIP_NONE, program, sizeof(program));
	myhv_prop_get(m.vm, MYHV_PROP_VM_ID, &id);
	vm_id = id;
	run_program(&m);
	ok(put("tracing/events/myhv/enable", "0"), "and off");
	drain(pipe);
	ok(traced("myhv_entry", "rip 0x1000"), "entry");
	ok(traced("myhv_exit", "reason 0x"), "exit");
	ok(traced("myhv_inject", ""), "injection");
	ok(traced("myhv_fault", "gpa 0x"), "fault");
	ok(traced("myhv_pio", "out port 0xf4 size 1 count 1"), "port, with its access");
	ok(traced("myhv_mmio", "read gpa 0x100010 size 1"), "MMIO, with its address");
	ok(traced("myhv_msr", "rdmsr 0x1b value 0x"), "MSR, with its number");
	ok(!traced("myhv_pio", "port 0xf5"), "nothing that was not done");
	close(pipe);
	umount("tracing");
	mini_close(&m);
}

int main(void)
{
	struct mini m;
	uint64_t id = 0;

	mini_open(&m, MYHV_IRQCHIP_NONE, program, sizeof(program));
	myhv_prop_get(m.vm, MYHV_PROP_VM_ID, &id);
	vm_id = id;
	device();
	table_depth();
	run_program(&m);
	a_vm(&m);
	documentation();
	the_dead(&m);
	tracepoints();
	return done_testing();
}
