// SPDX-License-Identifier: GPL-2.0-or-later
/* See harness.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

struct header {
	uint32_t magic, mode, load, entry, end;
};

void *map_anonymous(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		bail_out("no memory for %zu bytes", bytes);
	return p;
}

/* ---- the image ---- */

static FILE *image_open(const char *image)
{
	const char *dir = getenv("GUEST_DIR");
	char path[512];
	FILE *f;

	if (!dir)
		bail_out("GUEST_DIR is not set");
	snprintf(path, sizeof(path), "%s/%s.bin", dir, image);
	f = fopen(path, "rb");
	if (!f)
		bail_out("%s: %s", path, strerror(errno));
	return f;
}

static void must_map(struct guest *g, uint64_t gpa, void *hva, uint64_t bytes, bool readonly)
{
	int r = hv_map(g->hv, gpa, hva, bytes, readonly);

	if (r < 0)
		bail_out("mapping %#llx: %s", (unsigned long long)gpa, strerror(-r));
}

/* A firmware image: read-only, twice: below 4 GiB and below 1 MiB. */
static void load_firmware(struct guest *g, FILE *f)
{
	uint8_t *rom = map_anonymous(0x10000);

	if (fread(rom, 1, 0x10000, f) != 0x10000)
		bail_out("%s is not 64 KiB", g->test->image);
	must_map(g, 0, g->ram, 0xf0000, false);
	must_map(g, 0xf0000, rom, 0x10000, true);
	must_map(g, 0x100000, g->ram + 0x100000, GUEST_RAM_BYTES - 0x100000, false);
	must_map(g, 0xffff0000, rom, 0x10000, true);
}

static void load_image(struct guest *g, uint32_t *entry)
{
	FILE *f = image_open(g->test->image);
	struct header h;

	if (fread(&h, sizeof(h), 1, f) != 1 || h.magic != GUEST_MAGIC || h.load >= GUEST_RAM_BYTES)
		bail_out("%s is not a guest image", g->test->image);
	rewind(f);
	g->mode = h.mode;
	*entry = h.entry;
	if (h.mode == GUEST_RESET) {
		load_firmware(g, f);
	} else {
		if (!fread(g->ram + h.load, 1, GUEST_RAM_BYTES - h.load, f))
			bail_out("cannot read %s", g->test->image);
		must_map(g, 0, g->ram, GUEST_RAM_BYTES, false);
	}
	fclose(f);
}

/* ---- the initial state ---- */

static struct myhv_segment segment(uint16_t selector, uint32_t limit, uint16_t attrib)
{
	return (struct myhv_segment){ .selector = selector, .limit = limit, .attrib = attrib };
}

static void set_segments(struct myhv_state_segments *s, struct myhv_segment code,
			 struct myhv_segment data)
{
	for (int i = MYHV_SEG_ES; i <= MYHV_SEG_GS; i++)
		s->seg[i] = data;
	s->seg[MYHV_SEG_CS] = code;
	s->seg[MYHV_SEG_LDTR] = segment(0, 0xffff, 0x82);
	s->seg[MYHV_SEG_TR] = segment(0, 0xffff, 0x8b);
}

/* The first 4 GiB one to one in pages of 2 MiB; PAE starts at the second table. */
static void write_page_tables(uint8_t *ram, bool is_pae)
{
	uint64_t *pml4 = (uint64_t *)(ram + GUEST_PAGE_TABLES);
	uint64_t *pdpt = pml4 + 512;

	pml4[0] = (GUEST_PAGE_TABLES + 0x1000) | 7;
	for (unsigned int i = 0; i < 4; i++)
		pdpt[i] = (GUEST_PAGE_TABLES + 0x2000 + i * 0x1000) | (is_pae ? 1 : 7);
	for (unsigned int i = 0; i < 2048; i++)
		pdpt[512 + i] = (uint64_t)i << 21 | 0x87;
}

static void write_gdt(uint8_t *ram, struct myhv_state_segments *s)
{
	static const uint64_t gdt[] = {
		[SEL_CODE32 / 8] = 0x00cf9b000000ffff,
		[SEL_DATA / 8] = 0x00cf93000000ffff,
		[SEL_CODE64 / 8] = 0x00af9b000000ffff,
		[SEL_CODE16 / 8] = 0x00009b000000ffff,
		[SEL_DATA16 / 8] = 0x000093000000ffff,
	};

	memcpy(ram + GUEST_GDT, gdt, sizeof(gdt));
	s->gdt.base = GUEST_GDT;
	s->gdt.limit = sizeof(gdt) - 1;
	s->idt.limit = 0; /* every trap is a triple fault until the guest has its own */
}

void guest_initial_state(uint8_t *ram, uint32_t mode, uint32_t entry,
			 struct myhv_vcpu_state *state, uint32_t *groups)
{
	*groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL;
	state->general.rip = entry;
	state->general.rflags = 2;
	state->general.gpr[MYHV_RSP] = 0x7000;
	if (mode == GUEST_REAL) {
		set_segments(&state->segments, segment(0, 0xffff, 0x9b),
			     segment(0, 0xffff, 0x93));
		return;
	}
	write_gdt(ram, &state->segments);
	state->control.cr0 |= 1;
	if (mode == GUEST_LONG)
		set_segments(&state->segments, segment(SEL_CODE64, 0xffffffff, 0xa9b),
			     segment(SEL_DATA, 0xffffffff, 0xc93));
	else
		set_segments(&state->segments, segment(SEL_CODE32, 0xffffffff, 0xc9b),
			     segment(SEL_DATA, 0xffffffff, 0xc93));
	if (mode == GUEST_PROT32)
		return;
	write_page_tables(ram, mode == GUEST_PAE);
	state->control.cr0 |= 0x80000000;
	state->control.cr4 |= 0x20;
	state->control.cr3 = GUEST_PAGE_TABLES + (mode == GUEST_PAE ? 0x1000 : 0);
	if (mode == GUEST_LONG)
		state->control.efer |= 0x500;
}

static void set_initial_state(struct guest *g, uint32_t entry)
{
	struct myhv_vcpu_state *state = calloc(1, sizeof(*state));
	uint32_t groups = MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL;
	int r = hv_state_get(g->hv, groups, state);

	if (r < 0)
		bail_out("reading the reset state: %s", strerror(-r));
	if (g->mode != GUEST_RESET) {
		guest_initial_state(g->ram, g->mode, entry, state, &groups);
		r = hv_state_set(g->hv, groups, state);
		if (r < 0)
			bail_out("setting mode %u: %s", g->mode, strerror(-r));
	}
	free(state);
}

/* ---- ports and the device ---- */

static void flush_line(struct guest *g)
{
	char *s = g->line;

	s[g->line_length] = 0;
	g->line_length = 0;
	if (!strncmp(s, "ok ", 3)) {
		ok(true, "%s: %s", g->test->image, s + 3);
		g->checks++;
	} else if (!strncmp(s, "not ok ", 7)) {
		ok(false, "%s: %s", g->test->image, s + 7);
		g->checks++;
	} else {
		note("%s: %s", g->test->image, s);
	}
}

static void console_write(struct guest *g, char c)
{
	if (c == '\n')
		flush_line(g);
	else if (g->line_length < sizeof(g->line) - 1)
		g->line[g->line_length++] = c;
}

static uint32_t take(uint32_t *value)
{
	uint32_t v = *value;

	*value = 0;
	return v;
}

static uint32_t mmio_counts(struct mmio_log *log)
{
	return take(&log->reads) | take(&log->writes) << 16;
}

bool is_tcg(void)
{
	const char *emulator = getenv("MYHV_EMULATOR");

	return emulator && !strcmp(emulator, "qemu");
}

/* Returns how long it really was. */
static uint32_t sleep_us(uint32_t us)
{
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	usleep(us);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000;
}

static uint32_t answer_call(struct guest *g, uint32_t number, uint32_t arg)
{
	switch (number) {
	case CALL_MMIO_COUNTS: return mmio_counts(&g->log);
	case CALL_MMIO_LAST:
		return g->log.last_size | g->log.last_is_write << 8 | g->log.last_offset << 16;
	case CALL_SUM: return g->sum;
	case CALL_SUM_COUNT: g->sum = 0; return take(&g->sum_count);
	case CALL_IRQ_LINE: return hv_irq_line(g->hv, arg & 0xffff, arg >> 16);
	case CALL_MSI: return hv_msi(g->hv, 0xfee00000, arg);
	case CALL_NMI: return hv_nmi(g->hv);
	case CALL_IS_TCG: return is_tcg();
	case CALL_IS_KVM: return !strcmp(hv_name, "kvm");
	case CALL_SLEEP: return sleep_us(arg * 1000);
	default: return g->test->call ? g->test->call(g, number, arg) : ~0u;
	}
}

static void port_write(struct guest *g, uint16_t port, const void *data, uint32_t size)
{
	uint32_t value = 0;

	memcpy(&value, data, size);
	switch (port) {
	case PORT_CONSOLE: console_write(g, value); break;
	case PORT_EXIT:
		g->status = value;
		g->ended = true;
		break;
	case PORT_ARG: g->call_arg = value; break;
	case PORT_CALL: g->call_arg = answer_call(g, value, g->call_arg); break;
	case PORT_LATCH ... PORT_LATCH + 3:
		if (port - PORT_LATCH + size <= sizeof(g->latch))
			memcpy(g->latch + (port - PORT_LATCH), data, size);
		break;
	case PORT_COUNTER: g->counter = 0; break;
	case PORT_SUM:
		g->sum += value;
		g->sum_count++;
		break;
	}
}

static void port_read(struct guest *g, uint16_t port, void *data, uint32_t size)
{
	uint8_t *bytes = data;

	memset(data, 0xff, size);
	switch (port) {
	case PORT_ARG: memcpy(data, &g->call_arg, size); break;
	case PORT_LATCH ... PORT_LATCH + 3:
		if (port - PORT_LATCH + size <= sizeof(g->latch))
			memcpy(data, g->latch + (port - PORT_LATCH), size);
		break;
	case PORT_COUNTER:
		for (uint32_t i = 0; i < size; i++)
			bytes[i] = g->counter++;
		break;
	}
}

static void handle_io(struct guest *g, struct hv_exit *e)
{
	char *data = e->data;

	for (uint32_t i = 0; i < e->count; i++, data += e->size) {
		if (e->is_write)
			port_write(g, e->address, data, e->size);
		else
			port_read(g, e->address, data, e->size);
	}
}

static void handle_mmio(struct guest *g, struct hv_exit *e)
{
	uint64_t offset = e->address - GUEST_MMIO;

	if (offset >= GUEST_MMIO_BYTES || offset + e->size > GUEST_MMIO_BYTES) {
		if (!e->is_write)
			memset(e->data, 0xff, e->size);
		return;
	}
	g->log.last_size = e->size;
	g->log.last_offset = offset;
	g->log.last_is_write = e->is_write;
	if (e->is_write) {
		memcpy(g->mmio + offset, e->data, e->size);
		g->log.writes++;
	} else {
		memcpy(e->data, g->mmio + offset, e->size);
		g->log.reads++;
	}
}

/* ---- the watchdog ---- */

static void wake_up(int sig)
{
}

static void *watchdog_main(void *arg)
{
	struct guest *g = arg;
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += g->test->seconds ? g->test->seconds : 120;
	pthread_mutex_lock(&g->lock);
	while (!g->stop_watchdog) {
		if (pthread_cond_timedwait(&g->cond, &g->lock, &until) != ETIMEDOUT)
			continue;
		g->timed_out = true;
		hv_kick(g->hv);
		pthread_kill(g->vcpu_thread, SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
	}
	pthread_mutex_unlock(&g->lock);
	return NULL;
}

static void watchdog_start(struct guest *g)
{
	struct sigaction action = { .sa_handler = wake_up };

	sigaction(SIGUSR1, &action, NULL);
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->cond, NULL);
	g->vcpu_thread = pthread_self();
	if (pthread_create(&g->watchdog, NULL, watchdog_main, g))
		bail_out("no thread for the watchdog");
}

static void watchdog_stop(struct guest *g)
{
	pthread_mutex_lock(&g->lock);
	g->stop_watchdog = true;
	pthread_cond_signal(&g->cond);
	pthread_mutex_unlock(&g->lock);
	pthread_join(g->watchdog, NULL);
}

/* ---- a run ---- */

void guest_start(struct guest *g, const struct guest_test *test)
{
	uint32_t entry;
	int r;

	memset(g, 0, sizeof(*g));
	g->test = test;
	r = hv_open(&g->hv, test->irqchip);
	if (r == -ENOENT || r == -ENODEV)
		skip_all("no %s here: %s", hv_name, strerror(-r));
	if (r < 0)
		bail_out("opening %s: %s", hv_name, strerror(-r));
	g->ram = map_anonymous(GUEST_RAM_BYTES);
	madvise(g->ram + GUEST_FRESH, GUEST_FRESH_BYTES, MADV_NOHUGEPAGE);
	g->mmio = map_anonymous(GUEST_MMIO_BYTES);
	load_image(g, &entry);
	set_initial_state(g, entry);
	watchdog_start(g);
	if (test->setup)
		test->setup(g);
}

static void describe_end(struct guest *g, const char *what, const char *detail)
{
	struct myhv_vcpu_state *s = calloc(1, sizeof(*s));

	ok(false, "%s: %s %s", g->test->image, what, detail);
	if (!hv_state_get(g->hv, MYHV_STATE_GENERAL | MYHV_STATE_SEGMENTS | MYHV_STATE_CONTROL, s))
		note("cs %#x base %#llx rip %#llx flags %#llx rsp %#llx cr0 %#llx cr2 %#llx "
		     "cr3 %#llx cr4 %#llx efer %#llx",
		     s->segments.seg[1].selector, s->segments.seg[1].base, s->general.rip,
		     s->general.rflags, s->general.gpr[MYHV_RSP], s->control.cr0, s->control.cr2,
		     s->control.cr3, s->control.cr4, s->control.efer);
	free(s);
	g->ended = true;
}

static void handle_exit(struct guest *g, struct hv_exit *e)
{
	switch (e->reason) {
	case HV_IO: handle_io(g, e); break;
	case HV_MMIO: handle_mmio(g, e); break;
	case HV_INTR: break;
	case HV_SHUTDOWN:
		if (g->test->expect_shutdown)
			ok(true, "%s: ends by shutdown", g->test->image);
		else
			describe_end(g, "unexpected shutdown", "");
		g->ended = true;
		break;
	case HV_HLT: describe_end(g, "unexpected HLT exit", ""); break;
	case HV_IRQ_WINDOW: hv_request_window(g->hv, false); break;
	case HV_DEBUG: describe_end(g, "unexpected debug exit", ""); break;
	case HV_MEMORY_FAULT: describe_end(g, "memory fault", e->detail); break;
	case HV_EOI: break;
	case HV_FAILED: describe_end(g, "unexpected exit", e->detail); break;
	}
}

bool guest_continue(struct guest *g, bool (*until)(struct guest *g, struct hv_exit *e))
{
	while (!g->ended) {
		struct hv_exit e;
		int r = hv_run(g->hv, &e);

		if (r < 0) {
			describe_end(g, "run failed:", strerror(-r));
			break;
		}
		g->exits++;
		if (g->timed_out) {
			describe_end(g, "timed out", "");
			break;
		}
		if (!g->test->exit || !g->test->exit(g, &e))
			handle_exit(g, &e);
		if (until && until(g, &e))
			return g->ended;
	}
	return true;
}

void guest_end(struct guest *g)
{
	if (g->line_length)
		flush_line(g);
	if (!g->timed_out && !g->test->expect_shutdown)
		ok(g->status < 0x100 && g->checks, "%s: came to its end", g->test->image);
	if (g->test->finish)
		g->test->finish(g);
	watchdog_stop(g);
	hv_close(g->hv);
	munmap(g->ram, GUEST_RAM_BYTES);
	munmap(g->mmio, GUEST_MMIO_BYTES);
}

void guest_run(const struct guest_test *test)
{
	struct guest *g = calloc(1, sizeof(*g));

	guest_start(g, test);
	guest_continue(g, NULL);
	guest_end(g);
	free(g);
}

void guest_run_all(const struct guest_test *tests, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		guest_run(&tests[i]);
}
