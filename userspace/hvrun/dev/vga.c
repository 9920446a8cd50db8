// SPDX-License-Identifier: GPL-2.0-or-later
/* The graphics card on its buses: see vga.h. The drawing is in vga_paint.c. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "dev/edid.h"
#include "dev/vga.h"
#include "dev/vga_state.h"
#include "libmyhv.h"
#include "timer.h"

#define PCI_CLASS_VGA 0x030000
#define PCI_REVISION_MMIO_EXTENSIONS 2
#define BAR_FRAME_BUFFER 0
#define BAR_REGISTERS 2
#define ROM_BYTES (64U << 10)

#define DISPI_PORT 0x1ce
#define DISPI_PORTS 4 /* index, data, and data again where it is aligned */

/* In BAR 2. */
#define MMIO_BYTES 4096
#define MMIO_VGA_PORTS 0x400 /* from 0x3c0 on */
#define MMIO_VGA_PORTS_BYTES 0x20
#define MMIO_DISPI 0x500
#define MMIO_EXTENSION 0x600
#define EXTENSION_BYTES 8
#define LITTLE_ENDIAN_MARK 0x1e1e1e1eU

#define PREFERRED_WIDTH 1280
#define PREFERRED_HEIGHT 800

#define PAGE_BYTES 4096U
#define VRAM_PAGES (VGA_VRAM_BYTES / PAGE_BYTES)
#define BLINK_NS (400 * 1000000LL)

/**
 * struct vga - the card
 * @pci: its PCI function
 * @ports: 0x3b0-0x3df
 * @dispi: 0x1ce-0x1d1
 * @window: 0xa0000-0xbffff
 * @mmio: BAR 2
 * @screen: for displays
 * @rom: contents of the ROM, or NULL
 * @edid: the monitor's
 * @lock: @state, and whether the window is the guest's memory at the moment:
 * @window_vm: where it is mapped; -1: it never is
 * @is_mapped, @mapped_start: it is, from there in video memory on
 * @is_logged: its dirty pages are
 *
 * The rest belongs to the one who watches the screen:
 * @watched: somebody does
 * @log_gpa: where dirty pages of the frame buffer are logged; 0: not
 * @dirty: a bit for each page of it
 * @seen: the registers as they were at the last update
 * @painted: what was painted last, with @painted_generation and @painted_blink
 * @line: a line to compare with
 */
struct vga {
	struct pci_function pci;
	struct region ports;
	struct region dispi;
	struct region window;
	struct region mmio;
	struct screen screen;
	uint8_t *rom;
	uint8_t edid[EDID_BYTES];

	pthread_mutex_t lock;
	struct vga_state state;
	int window_vm;
	bool is_mapped;
	uint32_t mapped_start;
	bool is_logged;

	bool watched;
	uint64_t log_gpa;
	uint64_t dirty[VRAM_PAGES / 64];
	struct vga_state seen;
	struct vga_picture painted;
	uint64_t painted_generation;
	bool painted_blink;
	uint32_t line[DISPI_MAX_XRES];
};

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

/* Whole pages are given back instead, so that a blank screen costs no memory. */
static void clear_vram(struct vga_state *state, uint32_t bytes)
{
	uint32_t whole = bytes & ~(PAGE_BYTES - 1);

	if (whole && madvise(state->vram, whole, MADV_DONTNEED) < 0)
		memset(state->vram, 0, whole);
	memset(state->vram + whole, 0, bytes - whole);
}

/* ---- the window as memory ---- */

/*
 * In modes where it is nothing but video memory a guest writes it without exits. What it wrote
 * since the last look is not known when that changes: then all is painted.
 */
static void map_window(struct vga *vga)
{
	struct myhv_mem_op ops[2];
	unsigned int count = 0;
	uint32_t start;
	bool map = vga_window_is_memory(&vga->state, &start);

	if (vga->window_vm < 0 || (map == vga->is_mapped && (!map || start == vga->mapped_start)))
		return;
	memset(ops, 0, sizeof(ops));
	if (vga->is_mapped)
		ops[count++] = (struct myhv_mem_op){
			.op = MYHV_MEM_UNMAP,
			.gpa = VGA_WINDOW_GPA,
			.bytes = VGA_BANK_BYTES,
		};
	if (map)
		ops[count++] = (struct myhv_mem_op){
			.op = MYHV_MEM_MAP,
			.gpa = VGA_WINDOW_GPA,
			.bytes = VGA_BANK_BYTES,
			.hva = (uintptr_t)vga->state.vram + start,
		};
	/* without the mapping accesses exit, and find the same */
	if (myhv_mem_update(vga->window_vm, ops, count) < 0)
		return;
	vga->is_mapped = map;
	vga->mapped_start = start;
	vga->is_logged = false;
	vga->state.generation++;
}

/* Pages that were written through the window become dirty ones of the frame buffer. */
static bool harvest_window(struct vga *vga)
{
	uint64_t pages = 0;
	bool is_known = true;

	pthread_mutex_lock(&vga->lock);
	if (vga->is_mapped && vga->is_logged) {
		is_known = myhv_mem_dirty(vga->window_vm, MYHV_DIRTY_HARVEST, VGA_WINDOW_GPA,
					  VGA_BANK_BYTES, &pages) == 0;
		for (unsigned int i = 0; i < VGA_BANK_BYTES / PAGE_BYTES; i++)
			if (pages >> i & 1)
				vga->dirty[(vga->mapped_start / PAGE_BYTES + i) / 64] |=
					1ULL << (vga->mapped_start / PAGE_BYTES + i) % 64;
	} else if (vga->is_mapped) {
		vga->is_logged = myhv_mem_dirty(vga->window_vm, MYHV_DIRTY_START, VGA_WINDOW_GPA,
						VGA_BANK_BYTES, NULL) == 0;
		is_known = false;
	}
	pthread_mutex_unlock(&vga->lock);
	return is_known;
}

static void log_window_stop(struct vga *vga)
{
	pthread_mutex_lock(&vga->lock);
	if (vga->is_logged)
		myhv_mem_dirty(vga->window_vm, MYHV_DIRTY_STOP, VGA_WINDOW_GPA, VGA_BANK_BYTES,
			       NULL);
	vga->is_logged = false;
	pthread_mutex_unlock(&vga->lock);
}

/* ---- buses ---- */

static uint64_t ports_read(void *dev, uint64_t offset, unsigned int size)
{
	struct vga *vga = dev;
	uint8_t value;

	pthread_mutex_lock(&vga->lock);
	value = vga_port_read(&vga->state, offset, now_ns());
	pthread_mutex_unlock(&vga->lock);
	return value;
}

static void ports_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct vga *vga = dev;

	pthread_mutex_lock(&vga->lock);
	vga_port_write(&vga->state, offset, value);
	map_window(vga);
	pthread_mutex_unlock(&vga->lock);
}

static uint64_t dispi_read(void *dev, uint64_t offset, unsigned int size)
{
	struct vga *vga = dev;
	uint16_t value;

	pthread_mutex_lock(&vga->lock);
	value = offset ? vga_dispi_read(&vga->state, vga->state.dispi_index) :
			 vga->state.dispi_index;
	pthread_mutex_unlock(&vga->lock);
	return value;
}

static void dispi_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct vga *vga = dev;

	pthread_mutex_lock(&vga->lock);
	if (offset)
		vga_dispi_write(&vga->state, vga->state.dispi_index, value);
	else
		vga->state.dispi_index = value;
	map_window(vga);
	pthread_mutex_unlock(&vga->lock);
}

static uint64_t window_read(void *dev, uint64_t offset, unsigned int size)
{
	struct vga *vga = dev;
	uint64_t value = 0;

	pthread_mutex_lock(&vga->lock);
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)vga_window_read(&vga->state, offset + i) << (8 * i);
	pthread_mutex_unlock(&vga->lock);
	return value;
}

static void window_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct vga *vga = dev;

	pthread_mutex_lock(&vga->lock);
	for (unsigned int i = 0; i < size; i++)
		vga_window_write(&vga->state, offset + i, value >> (8 * i));
	pthread_mutex_unlock(&vga->lock);
}

static bool is_dispi_register(uint64_t offset)
{
	return offset >= MMIO_DISPI && offset < MMIO_DISPI + 2 * DISPI_REGS;
}

static bool is_vga_port(uint64_t offset)
{
	return offset >= MMIO_VGA_PORTS && offset < MMIO_VGA_PORTS + MMIO_VGA_PORTS_BYTES;
}

/* The extension says how long it is and that the frame buffer is little-endian. */
static uint8_t extension_byte(unsigned int offset)
{
	if (offset < 4)
		return offset ? 0 : EXTENSION_BYTES;
	return offset < EXTENSION_BYTES ? LITTLE_ENDIAN_MARK & 0xff : 0;
}

static uint8_t mmio_byte(struct vga *vga, uint64_t offset)
{
	if (offset < EDID_BYTES)
		return vga->edid[offset];
	if (is_vga_port(offset))
		return vga_port_read(&vga->state, offset - MMIO_VGA_PORTS + 0x10, now_ns());
	if (is_dispi_register(offset))
		return vga_dispi_read(&vga->state, (offset - MMIO_DISPI) / 2) >> (8 * (offset & 1));
	return offset >= MMIO_EXTENSION ? extension_byte(offset - MMIO_EXTENSION) : 0;
}

static uint64_t mmio_read(void *dev, uint64_t offset, unsigned int size)
{
	struct vga *vga = dev;
	uint64_t value = 0;

	pthread_mutex_lock(&vga->lock);
	for (unsigned int i = 0; i < size; i++)
		value |= (uint64_t)mmio_byte(vga, offset + i) << (8 * i);
	pthread_mutex_unlock(&vga->lock);
	return value;
}

/* DISPI's registers take whole words only. */
static void mmio_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct vga *vga = dev;

	pthread_mutex_lock(&vga->lock);
	for (unsigned int i = 0; i < size; i++) {
		uint64_t at = offset + i;

		if (is_vga_port(at))
			vga_port_write(&vga->state, at - MMIO_VGA_PORTS + 0x10, value >> (8 * i));
		else if (is_dispi_register(at) && !(at & 1) && i + 1 < size)
			vga_dispi_write(&vga->state, (at - MMIO_DISPI) / 2, value >> (8 * i));
	}
	map_window(vga);
	pthread_mutex_unlock(&vga->lock);
}

/* ---- the screen ---- */

static bool blink_is_on(void)
{
	return now_ns() / BLINK_NS % 2;
}

/*
 * Painting takes long, and a guest that draws must not wait for it: it goes by a copy of the
 * registers, and reads video memory while the guest may write it. What it misses is painted
 * the next time, because the copy has the older generation.
 */
static void copy_registers(struct vga *vga, struct vga_state *copy)
{
	pthread_mutex_lock(&vga->lock);
	*copy = vga->state;
	pthread_mutex_unlock(&vga->lock);
}

static bool screen_snapshot(void *dev, struct surface *surface)
{
	struct vga_picture picture;
	struct vga_state state;

	copy_registers(dev, &state);
	vga_decode(&state, &picture);
	if (!surface_resize(surface, picture.width, picture.height))
		return false;
	for (unsigned int y = 0; y < picture.height; y++)
		vga_paint_line(&state, &picture, y, true, surface_row(surface, y));
	return true;
}

static void screen_text(void *dev, struct text_screen *text)
{
	struct vga *vga = dev;

	pthread_mutex_lock(&vga->lock);
	vga_read_text(&vga->state, text);
	pthread_mutex_unlock(&vga->lock);
}

static void log_stop(struct vga *vga)
{
	/* the guest may have moved the BAR meanwhile: then there is nothing to stop */
	if (vga->log_gpa)
		myhv_mem_dirty(vga->pci.bus->vm, MYHV_DIRTY_STOP, vga->log_gpa, VGA_VRAM_BYTES,
			       NULL);
	vga->log_gpa = 0;
	log_window_stop(vga);
}

static void screen_watch(void *dev, bool on)
{
	struct vga *vga = dev;

	vga->watched = on;
	vga->painted_generation = 0;
	if (!on)
		log_stop(vga);
}

/* Fills @dirty; false: anything may have changed. Called without the lock: see pci.h. */
static bool harvest(struct vga *vga)
{
	uint64_t gpa;
	int vm;

	memset(vga->dirty, 0, sizeof(vga->dirty));
	if (!vga->pci.bus || vga->pci.bus->vm < 0)
		return false;
	vm = vga->pci.bus->vm;
	if (!pci_bar_gpa(&vga->pci, BAR_FRAME_BUFFER, &gpa)) {
		vga->log_gpa = 0;
		return true;
	}
	if (gpa == vga->log_gpa &&
	    myhv_mem_dirty(vm, MYHV_DIRTY_HARVEST, gpa, VGA_VRAM_BYTES, vga->dirty) == 0)
		return true;
	vga->log_gpa = 0;
	if (myhv_mem_dirty(vm, MYHV_DIRTY_START, gpa, VGA_VRAM_BYTES, NULL) == 0)
		vga->log_gpa = gpa;
	return false;
}

static bool is_dirty(const struct vga *vga, uint64_t start, uint64_t bytes)
{
	uint64_t last = (start + bytes - 1) / PAGE_BYTES;

	for (uint64_t page = start / PAGE_BYTES; page <= last && page < VRAM_PAGES; page++)
		if (vga->dirty[page / 64] >> (page % 64) & 1)
			return true;
	return false;
}

static bool line_is_dirty(const struct vga *vga, const struct vga_picture *picture, unsigned int y)
{
	if (!vga_is_linear(picture))
		return true;
	return is_dirty(vga, picture->start + (uint64_t)y * picture->line_bytes,
			picture->line_bytes);
}

/* Lines that end up as they were are no damage. */
static void update_line(struct vga *vga, const struct vga_picture *picture, unsigned int y,
			bool blink, struct surface *surface, struct damage *damage)
{
	uint32_t *row = surface_row(surface, y);
	unsigned int x0 = 0, x1 = picture->width;

	vga_paint_line(&vga->seen, picture, y, blink, vga->line);
	if (!memcmp(row, vga->line, picture->width * sizeof(*row)))
		return;
	while (row[x0] == vga->line[x0])
		x0++;
	while (row[x1 - 1] == vga->line[x1 - 1])
		x1--;
	memcpy(row + x0, vga->line + x0, (x1 - x0) * sizeof(*row));

	if (damage->x0 == damage->x1) {
		*damage = (struct damage){ x0, y, x1, y + 1 };
		return;
	}
	damage->x0 = x0 < damage->x0 ? x0 : damage->x0;
	damage->x1 = x1 > damage->x1 ? x1 : damage->x1;
	damage->y1 = y + 1;
}

static void update(struct vga *vga, bool all, struct surface *surface, struct damage *damage)
{
	struct vga_picture *picture = &vga->painted;
	bool blink = blink_is_on(), resized = false;

	copy_registers(vga, &vga->seen);
	if (vga->seen.generation != vga->painted_generation)
		all = true;
	vga_decode(&vga->seen, picture);
	if (picture->kind == VGA_TEXT ? blink != vga->painted_blink : !vga_is_linear(picture))
		all = true;
	if (surface->width != picture->width || surface->height != picture->height) {
		if (!surface_resize(surface, picture->width, picture->height))
			return;
		resized = true;
		all = true;
	}
	if (!all && !vga_is_linear(picture))
		return;
	for (unsigned int y = 0; y < picture->height; y++)
		if (all || line_is_dirty(vga, picture, y))
			update_line(vga, picture, y, blink, surface, damage);
	if (resized)
		*damage = (struct damage){ 0, 0, surface->width, surface->height };
	vga->painted_generation = vga->seen.generation;
	vga->painted_blink = blink;
}

static void screen_update(void *dev, struct surface *surface, struct damage *damage)
{
	struct vga *vga = dev;
	bool is_known = harvest(vga);

	is_known = harvest_window(vga) && is_known;
	*damage = (struct damage){ 0, 0, 0, 0 };
	update(vga, !is_known, surface, damage);
}

const struct screen *vga_screen(struct vga *vga)
{
	return &vga->screen;
}

/* ---- making it ---- */

static int read_rom(struct vga *vga, const char *path, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return error_set(err,
				 "cannot read the graphics card's BIOS '%s': %s "
				 "(it is in the package 'seabios')",
				 path, strerror(errno));
	got = read(fd, vga->rom, ROM_BYTES);
	close(fd);
	if (got < 512 || vga->rom[0] != 0x55 || vga->rom[1] != 0xaa)
		return error_set(err, "'%s' is no BIOS of a graphics card", path);
	return 0;
}

static void *map_pages(uint64_t bytes)
{
	void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
	/* a few touched pages must not become 2 MiB */
	madvise(pages, bytes, MADV_NOHUGEPAGE);
	madvise(pages, bytes, MADV_DONTFORK);
	return pages;
}

static struct region region_of(struct vga *vga, const char *name, unsigned int max_access,
			       uint64_t (*read)(void *dev, uint64_t offset, unsigned int size),
			       void (*write)(void *dev, uint64_t offset, unsigned int size,
					     uint64_t value))
{
	return (struct region){
		.name = name,
		.read = read,
		.write = write,
		.dev = vga,
		.max_access = max_access,
	};
}

static void set_up_regions(struct vga *vga)
{
	vga->ports = region_of(vga, "vga", 1, ports_read, ports_write);
	vga->dispi = region_of(vga, "vga-dispi", 2, dispi_read, dispi_write);
	vga->window = region_of(vga, "vga-window", 8, window_read, window_write);
	vga->mmio = region_of(vga, "vga-mmio", 4, mmio_read, mmio_write);
}

static void set_up_pci(struct vga *vga)
{
	struct pci_function *pci = &vga->pci;

	pci->name = "vga";
	pci_identify(pci, 0x1234, 0x1111, PCI_CLASS_VGA);
	pci->config[PCI_REVISION] = PCI_REVISION_MMIO_EXTENSIONS;
	pci->bar[BAR_FRAME_BUFFER] = (struct pci_bar){
		.type = PCI_BAR_RAM,
		.prefetchable = true,
		.bytes = VGA_VRAM_BYTES,
		.host = vga->state.vram,
	};
	pci->bar[BAR_REGISTERS] = (struct pci_bar){
		.type = PCI_BAR_MEM,
		.bytes = MMIO_BYTES,
		.region = &vga->mmio,
	};
	if (vga->rom)
		pci->rom = (struct pci_bar){
			.type = PCI_BAR_RAM,
			.bytes = ROM_BYTES,
			.host = vga->rom,
			.mem_flags = MYHV_MEM_READONLY,
		};
}

struct vga *vga_create(const char *rom, struct error *err)
{
	struct vga *vga = calloc(1, sizeof(*vga));
	uint8_t *vram = map_pages(VGA_VRAM_BYTES);

	if (!vga || !vram) {
		error_set(err, "no memory for a graphics card");
		goto free;
	}
	vga_state_init(&vga->state, vram, VGA_VRAM_BYTES, clear_vram);
	vga->window_vm = -1;
	pthread_mutex_init(&vga->lock, NULL);
	if (rom) {
		vga->rom = map_pages(ROM_BYTES);
		if (!vga->rom) {
			error_set(err, "no memory for a graphics card");
			goto destroy;
		}
		if (read_rom(vga, rom, err) < 0)
			goto destroy;
	}
	edid_make(vga->edid, PREFERRED_WIDTH, PREFERRED_HEIGHT);
	vga->screen = (struct screen){
		.snapshot = screen_snapshot,
		.watch = screen_watch,
		.update = screen_update,
		.text = screen_text,
		.dev = vga,
	};
	set_up_regions(vga);
	set_up_pci(vga);
	return vga;

destroy:
	vga_destroy(vga);
	return NULL;
free:
	if (vram)
		munmap(vram, VGA_VRAM_BYTES);
	free(vga);
	return NULL;
}

int vga_plug(struct vga *vga, struct pci_bus *pci, unsigned int device, struct error *err)
{
	if (bus_attach(pci->pio, VGA_PORT, VGA_PORTS, &vga->ports) < 0 ||
	    bus_attach(pci->pio, DISPI_PORT, DISPI_PORTS, &vga->dispi) < 0 ||
	    bus_attach(pci->mmio, VGA_WINDOW_GPA, VGA_WINDOW_BYTES, &vga->window) < 0)
		return error_set(err, "the places of a VGA are taken");
	vga->window_vm = pci->vm;
	return pci_bus_add(pci, device, 0, &vga->pci, err);
}

void vga_reset(struct vga *vga)
{
	pthread_mutex_lock(&vga->lock);
	vga_state_reset(&vga->state);
	map_window(vga);
	pthread_mutex_unlock(&vga->lock);
}

void vga_destroy(struct vga *vga)
{
	if (!vga)
		return;
	munmap(vga->state.vram, VGA_VRAM_BYTES);
	if (vga->rom)
		munmap(vga->rom, ROM_BYTES);
	pthread_mutex_destroy(&vga->lock);
	free(vga);
}
