// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands that look into the guest: registers, memory, PCI. It stands still meanwhile. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "control/command.h"
#include "control/control.h"
#include "control/page_tables.h"
#include "dev/pci.h"

#define PAGE_BYTES 4096

/* Returns whether it ran: for let_go(). */
static bool hold(struct control *control)
{
	bool runs = control->parts.run && run_is_on(control->parts.run);

	if (runs)
		vcpus_pause(control->parts.vcpus);
	return runs;
}

static void let_go(struct control *control, bool ran)
{
	if (ran)
		vcpus_resume(control->parts.vcpus);
}

static struct vcpu *current(struct control *control)
{
	return &control->parts.vcpus->vcpu[control->cpu];
}

/* ---- results that are text ---- */

struct text {
	char *data;
	size_t bytes;
	FILE *to;
};

static bool text_begin(struct text *text)
{
	*text = (struct text){ .data = NULL };
	text->to = open_memstream(&text->data, &text->bytes);
	return text->to != NULL;
}

static json_t *text_end(struct text *text, struct command_error *err)
{
	json_t *result = NULL;

	if (fclose(text->to) == 0)
		result = json_pack("{s:s}", "text", text->data);
	free(text->data);
	return result ? result : command_fail(err, "out of memory");
}

/* ---- registers ---- */

COMMAND(cmd_cpu)
{
	json_int_t index = arg_int(args, "index", 0);

	if (index < 0 || index >= control->parts.vcpus->count)
		return command_fail(err, "there is no CPU %lld", (long long)index);
	control->cpu = index;
	return command_done();
}

COMMAND(cmd_registers)
{
	struct vcpus *vcpus = control->parts.vcpus;
	struct text text;
	bool ran;

	if (!text_begin(&text))
		return command_fail(err, "out of memory");
	ran = hold(control);
	for (unsigned int i = 0; i < vcpus->count; i++) {
		if (i != control->cpu && !arg_bool(args, "all", false))
			continue;
		fprintf(text.to, "CPU#%u\n", i);
		vcpu_dump(&vcpus->vcpu[i], text.to);
	}
	let_go(control, ran);
	return text_end(&text, err);
}

/* ---- memory ---- */

/* A place in guest memory, and how to read there; the guest is held. */
struct view {
	struct control *control;
	bool is_physical;
};

static bool to_gpa(const struct view *view, uint64_t address, uint64_t *gpa)
{
	struct myhv_translate at = { .gva = address, .access = MYHV_ACCESS_READ };

	if (view->is_physical) {
		*gpa = address;
		return true;
	}
	if (myhv_vcpu_translate(&current(view->control)->hv, &at) < 0 || !at.valid)
		return false;
	*gpa = at.gpa;
	return true;
}

/* The longest run at @address that is one piece of host memory; NULL: no memory there. */
static const uint8_t *look(const struct view *view, uint64_t address, uint64_t most,
			   uint64_t *bytes)
{
	uint64_t gpa;

	*bytes = PAGE_BYTES - address % PAGE_BYTES;
	if (*bytes > most)
		*bytes = most;
	if (!to_gpa(view, address, &gpa))
		return NULL;
	return guest_ram_ptr(view->control->parts.ram, gpa, *bytes);
}

static bool read_memory(const struct view *view, uint64_t address, void *to, uint64_t bytes)
{
	uint64_t run;

	for (uint64_t done = 0; done < bytes; done += run) {
		const uint8_t *from = look(view, address + done, bytes - done, &run);

		if (!from)
			return false;
		memcpy((uint8_t *)to + done, from, run);
	}
	return true;
}

struct format {
	unsigned int count;
	char letter; /* x d u o c */
	unsigned int size;
};

static bool parse_format(const char *text, struct format *format)
{
	static const char sizes[] = "bhwg";
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	*format = (struct format){ .count = end == text ? 1 : count, .letter = 'x', .size = 4 };
	for (; *end; end++) {
		const char *size = strchr(sizes, *end);

		if (size)
			format->size = 1 << (size - sizes);
		else if (strchr("xduoc", *end))
			format->letter = *end;
		else
			return false;
	}
	if (format->letter == 'c')
		format->size = 1;
	return count <= 65536;
}

static bool register_value(struct control *control, const char *name, size_t length,
			   uint64_t *value)
{
	static const char names[17][4] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp",
					   "rsi", "rdi", "r8",	"r9",  "r10", "r11",
					   "r12", "r13", "r14", "r15", "rip" };
	struct myhv_vcpu_state *state = malloc(sizeof(*state));
	bool found = false;

	if (state && myhv_vcpu_state_get(&current(control)->hv, MYHV_STATE_GENERAL, state) == 0) {
		for (unsigned int i = 0; i < 17; i++) {
			if (strlen(names[i]) != length || strncmp(names[i], name, length) != 0)
				continue;
			*value = i == 16 ? state->general.rip : state->general.gpr[i];
			found = true;
		}
	}
	free(state);
	return found;
}

/* Numbers and registers with + and - between them. */
static bool parse_address(struct control *control, const char *text, uint64_t *address)
{
	int sign = 1;

	*address = 0;
	for (;;) {
		uint64_t value;
		char *end;

		while (isspace((unsigned char)*text))
			text++;
		if (*text == '$') {
			size_t length = strspn(++text, "abcdefghijklmnopqrstuvwxyz0123456789");

			if (!register_value(control, text, length, &value))
				return false;
			end = (char *)text + length;
		} else {
			if (!isdigit((unsigned char)*text))
				return false;
			value = strtoull(text, &end, 0);
		}
		*address += sign * value;
		while (isspace((unsigned char)*end))
			end++;
		if (!*end)
			return true;
		if (*end != '+' && *end != '-')
			return false;
		sign = *end == '+' ? 1 : -1;
		text = end + 1;
	}
}

static void print_value(FILE *to, const struct format *format, uint64_t value)
{
	unsigned int shift = 64 - 8 * format->size;

	switch (format->letter) {
	case 'd':
		fprintf(to, " %" PRId64, (int64_t)(value << shift) >> shift);
		break;
	case 'u':
		fprintf(to, " %" PRIu64, value);
		break;
	case 'o':
		fprintf(to, " %#" PRIo64, value);
		break;
	case 'c':
		if (isprint((int)value))
			fprintf(to, " '%c'", (int)value);
		else
			fprintf(to, " '\\x%02x'", (unsigned int)value);
		break;
	default:
		fprintf(to, " 0x%0*" PRIx64, 2 * format->size, value);
		break;
	}
}

static void print_memory(const struct view *view, const struct format *format, uint64_t address,
			 FILE *to)
{
	unsigned int per_line = format->size == 1 ? 8 : 16 / format->size;

	for (unsigned int i = 0; i < format->count; i++, address += format->size) {
		uint64_t value = 0;

		if (i % per_line == 0)
			fprintf(to, "%s%016" PRIx64 ":", i ? "\n" : "", address);
		if (!read_memory(view, address, &value, format->size)) {
			fprintf(to, " Cannot access memory\n");
			return;
		}
		print_value(to, format, value);
	}
	fputc('\n', to);
}

static json_t *examine(struct control *control, json_t *args, bool is_physical,
		       struct command_error *err)
{
	const struct view view = { .control = control, .is_physical = is_physical };
	const char *where = arg_string(args, "address", "");
	struct format format;
	struct text text;
	uint64_t address;
	bool ran;

	if (!parse_format(arg_string(args, "format", ""), &format))
		return command_fail(err, "'/%s' is no format: a count, x d u o c, b h w g",
				    arg_string(args, "format", ""));
	ran = hold(control);
	if (!parse_address(control, where, &address)) {
		let_go(control, ran);
		return command_fail(err, "'%.80s' is no address", where);
	}
	if (!text_begin(&text)) {
		let_go(control, ran);
		return command_fail(err, "out of memory");
	}
	print_memory(&view, &format, address, text.to);
	let_go(control, ran);
	return text_end(&text, err);
}

COMMAND(cmd_examine)
{
	return examine(control, args, false, err);
}

COMMAND(cmd_examine_physical)
{
	return examine(control, args, true, err);
}

static const char *save_to(const struct view *view, uint64_t address, uint64_t size, FILE *file)
{
	uint64_t run;

	for (uint64_t done = 0; done < size; done += run) {
		const uint8_t *from = look(view, address + done, size - done, &run);

		if (!from)
			return "there is no memory in part of it";
		if (fwrite(from, 1, run, file) != run)
			return strerror(errno);
	}
	return NULL;
}

static json_t *save(struct control *control, json_t *args, bool is_physical,
		    struct command_error *err)
{
	const struct view view = { .control = control, .is_physical = is_physical };
	const char *path = arg_string(args, "filename", ""), *wrong;
	FILE *file = fopen(path, "we");
	bool ran;

	if (!file)
		return command_fail(err, "cannot write '%.120s': %s", path, strerror(errno));
	ran = hold(control);
	wrong = save_to(&view, arg_int(args, "val", 0), arg_int(args, "size", 0), file);
	let_go(control, ran);
	if (fclose(file) && !wrong)
		wrong = strerror(errno);
	if (wrong)
		return command_fail(err, "cannot save memory to '%.120s': %s", path, wrong);
	return command_done();
}

COMMAND(cmd_memsave)
{
	unsigned int before = control->cpu;
	json_int_t cpu = arg_int(args, "cpu-index", before);
	json_t *result;

	if (cpu < 0 || cpu >= control->parts.vcpus->count)
		return command_fail(err, "there is no CPU %lld", (long long)cpu);
	control->cpu = cpu;
	result = save(control, args, false, err);
	control->cpu = before;
	return result;
}

COMMAND(cmd_pmemsave)
{
	return save(control, args, true, err);
}

COMMAND(cmd_info_mem)
{
	struct myhv_vcpu_state *state = malloc(sizeof(*state));
	struct text text;
	bool ran;
	int r;

	if (!state || !text_begin(&text)) {
		free(state);
		return command_fail(err, "out of memory");
	}
	ran = hold(control);
	r = myhv_vcpu_state_get(&current(control)->hv, MYHV_STATE_CONTROL, state);
	if (r == 0)
		page_tables_print(control->parts.ram, &state->control, text.to);
	let_go(control, ran);
	free(state);
	return text_end(&text, err);
}

/* ---- PCI ---- */

static void print_bars(struct pci_function *f, FILE *to)
{
	for (unsigned int i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &f->bar[i];
		uint64_t base;

		if (bar->type == PCI_BAR_NONE)
			continue;
		fprintf(to, "      BAR%u: %s, %#" PRIx64 " bytes", i,
			bar->type == PCI_BAR_IO ? "I/O" : "memory", bar->bytes);
		if (pci_bar_gpa(f, i, &base))
			fprintf(to, " at %#" PRIx64 "\n", base);
		else
			fprintf(to, ", not mapped\n");
	}
}

static void print_function(struct pci_bus *pci, unsigned int device, unsigned int function,
			   FILE *to)
{
	uint32_t id = pci_config_read(pci, device, function, PCI_VENDOR_ID, 4);
	uint32_t interrupt = pci_config_read(pci, device, function, PCI_INTERRUPT_LINE, 2);

	fprintf(to, "  Bus  0, device %3u, function %u: %s\n", device, function,
		pci->functions[device][function]->name);
	fprintf(to, "      class %04x: PCI device %04x:%04x\n",
		pci_config_read(pci, device, function, PCI_CLASS, 2), id & 0xffff, id >> 16);
	if (interrupt >> 8)
		fprintf(to, "      IRQ %u, pin %c\n", interrupt & 0xff, 'A' + (interrupt >> 8) - 1);
	print_bars(pci->functions[device][function], to);
}

COMMAND(cmd_info_pci)
{
	struct pci_bus *pci = control->parts.pci;
	struct text text;

	if (!text_begin(&text))
		return command_fail(err, "out of memory");
	for (unsigned int i = 0; pci && i < PCI_DEVICES; i++)
		for (unsigned int j = 0; j < PCI_FUNCTIONS; j++)
			if (pci->functions[i][j])
				print_function(pci, i, j, text.to);
	return text_end(&text, err);
}
