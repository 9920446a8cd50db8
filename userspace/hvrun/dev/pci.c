// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PCI bus: see pci.h. Two locks: @lock for configuration space and mappings, which is
 * held while a device's callbacks run; @irq_lock for the interrupt wires, which devices
 * drive with their own mutex held.
 */
#include <inttypes.h>
#include <string.h>

#include "dev/pci.h"
#include "libmyhv.h"
#include "log.h"

#define COMMAND_PARITY 0x0040
#define COMMAND_SERR 0x0100
#define COMMAND_WRITABLE                                                             \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | COMMAND_PARITY | \
	 COMMAND_SERR | PCI_COMMAND_INTX_OFF)
#define STATUS_ERRORS 0xf900 /* written with 1 to clear */

#define BAR_IO 0x1
#define BAR_64BIT 0x4
#define BAR_PREFETCH 0x8
#define BAR_IO_FLAGS 0x3ULL
#define BAR_MEMORY_FLAGS 0xfULL
#define ROM_ENABLE 0x1
#define ROM_FLAGS 0x7ffULL

#define IO_MIN_BYTES 4
#define MEMORY_MIN_BYTES 16
#define PAGE_BYTES 4096
#define PORTS 0x10000

#define CAPABILITIES_START PCI_HEADER_BYTES

void pci_bus_init(struct pci_bus *bus, struct bus *pio, struct bus *mmio, int vm)
{
	memset(bus, 0, sizeof(*bus));
	bus->pio = pio;
	bus->mmio = mmio;
	bus->vm = vm;
	pthread_mutex_init(&bus->lock, NULL);
	pthread_mutex_init(&bus->irq_lock, NULL);
}

void pci_bus_destroy(struct pci_bus *bus)
{
	pthread_mutex_destroy(&bus->irq_lock);
	pthread_mutex_destroy(&bus->lock);
}

/* ---- base address registers ---- */

static unsigned int bar_offset(unsigned int index)
{
	return PCI_BAR0 + 4 * index;
}

/* Where the registers want the BAR to be; false: nowhere that can be decoded. */
static bool bar_wanted(const struct pci_function *f, const struct pci_bar *bar, uint64_t *base)
{
	uint16_t command = pci_get16(f->config, PCI_COMMAND);
	bool is_rom = bar == &f->rom;
	unsigned int offset = is_rom ? PCI_ROM_BAR : bar_offset(bar - f->bar);
	uint32_t low = pci_get32(f->config, offset);
	uint64_t limit = bar->is_64bit ? UINT64_MAX : UINT32_MAX;

	if (bar->type == PCI_BAR_IO) {
		*base = low & ~BAR_IO_FLAGS;
		return (command & PCI_COMMAND_IO) && *base && *base + bar->bytes <= PORTS;
	}
	if (!(command & PCI_COMMAND_MEMORY) || (is_rom && !(low & ROM_ENABLE)))
		return false;
	*base = low & ~(is_rom ? ROM_FLAGS : BAR_MEMORY_FLAGS);
	if (bar->is_64bit)
		*base |= (uint64_t)pci_get32(f->config, offset + 4) << 32;
	/* address 0, and the top that a guest writes to learn the size, are no places */
	return *base && *base < limit - (bar->bytes - 1);
}

static int bar_attach(struct pci_bus *bus, struct pci_bar *bar, uint64_t base)
{
	switch (bar->type) {
	case PCI_BAR_IO:
		return bus_attach(bus->pio, base, bar->bytes, bar->region);
	case PCI_BAR_MEM:
		return bus_attach(bus->mmio, base, bar->bytes, bar->region);
	case PCI_BAR_RAM:
		return bus->vm < 0 ?
			       0 :
			       myhv_mem_map(bus->vm, base, bar->host, bar->bytes, bar->mem_flags);
	case PCI_BAR_NONE:
		break;
	}
	return 0;
}

static void bar_map(struct pci_function *f, struct pci_bar *bar)
{
	uint64_t base;
	int r;

	if (bar->type == PCI_BAR_NONE || bar->mapped || !bar_wanted(f, bar, &base))
		return;
	r = bar_attach(f->bus, bar, base);
	if (r < 0) {
		log_line(LOG_GUEST_ERRORS, "%s: nothing can be mapped at %#" PRIx64 ": error %d",
			 f->name, base, -r);
		return;
	}
	bar->base = base;
	bar->mapped = true;
}

static void bar_unmap(struct pci_bus *bus, struct pci_bar *bar)
{
	if (!bar->mapped)
		return;
	bar->mapped = false;
	if (bar->type == PCI_BAR_IO)
		bus_detach(bus->pio, bar->region);
	else if (bar->type == PCI_BAR_MEM)
		bus_detach(bus->mmio, bar->region);
	else if (bus->vm >= 0)
		myhv_mem_unmap(bus->vm, bar->base, bar->bytes);
}

static void bar_unmap_if_moved(struct pci_function *f, struct pci_bar *bar)
{
	uint64_t base;

	if (bar->mapped && (!bar_wanted(f, bar, &base) || base != bar->base))
		bar_unmap(f->bus, bar);
}

static void for_each_bar(struct pci_function *f,
			 void (*what)(struct pci_function *f, struct pci_bar *bar))
{
	for (unsigned int i = 0; i < PCI_BARS; i++)
		what(f, &f->bar[i]);
	what(f, &f->rom);
}

static void for_each_function(struct pci_bus *bus, void (*what)(struct pci_function *f))
{
	for (unsigned int i = 0; i < PCI_DEVICES; i++)
		for (unsigned int j = 0; j < PCI_FUNCTIONS; j++)
			if (bus->functions[i][j])
				what(bus->functions[i][j]);
}

static void map_bars(struct pci_function *f)
{
	for_each_bar(f, bar_map);
}

/* A place that becomes free may be what another function waits for, so all are tried. */
static void update_mappings(struct pci_function *f)
{
	for_each_bar(f, bar_unmap_if_moved);
	for_each_function(f->bus, map_bars);
}

static void unmap_bar(struct pci_function *f, struct pci_bar *bar)
{
	bar_unmap(f->bus, bar);
}

bool pci_bar_gpa(struct pci_function *f, unsigned int index, uint64_t *gpa)
{
	bool mapped;

	pthread_mutex_lock(&f->bus->lock);
	mapped = f->bar[index].mapped;
	*gpa = f->bar[index].base;
	pthread_mutex_unlock(&f->bus->lock);
	return mapped;
}

/* ---- interrupt wires ---- */

static void wire_update(struct pci_function *f)
{
	struct pci_bus *bus = f->bus;
	uint8_t pin = f->config[PCI_INTERRUPT_PIN];
	bool wired = f->intx && !(__atomic_load_n(&f->config[PCI_COMMAND + 1], __ATOMIC_RELAXED) &
				  PCI_COMMAND_INTX_OFF >> 8);
	unsigned int pirq;

	if (!pin || wired == f->intx_wired)
		return;
	f->intx_wired = wired;
	pirq = pci_slot_pirq(f->device, pin);
	bus->pirq_users[pirq] += wired ? 1 : -1;
	if (bus->pirq_users[pirq] == wired && bus->router.set)
		bus->router.set(bus->router.context, pirq, wired);
}

void pci_function_irq(struct pci_function *f, bool asserted)
{
	pthread_mutex_lock(&f->bus->irq_lock);
	f->intx = asserted;
	wire_update(f);
	pthread_mutex_unlock(&f->bus->irq_lock);
}

static void refresh_wire(struct pci_function *f)
{
	pthread_mutex_lock(&f->bus->irq_lock);
	wire_update(f);
	pthread_mutex_unlock(&f->bus->irq_lock);
}

bool pci_function_is_bus_master(const struct pci_function *f)
{
	return __atomic_load_n(&f->config[PCI_COMMAND], __ATOMIC_RELAXED) & PCI_COMMAND_MASTER;
}

/* ---- configuration space ---- */

static struct pci_function *find(struct pci_bus *bus, unsigned int device, unsigned int function)
{
	return device < PCI_DEVICES && function < PCI_FUNCTIONS ? bus->functions[device][function] :
								  NULL;
}

/* The one bit of the header that follows the device. */
static void show_intx(struct pci_function *f)
{
	pthread_mutex_lock(&f->bus->irq_lock);
	f->config[PCI_STATUS] &= ~PCI_STATUS_INTX;
	if (f->intx)
		f->config[PCI_STATUS] |= PCI_STATUS_INTX;
	pthread_mutex_unlock(&f->bus->irq_lock);
}

uint32_t pci_config_read(struct pci_bus *bus, unsigned int device, unsigned int function,
			 unsigned int offset, unsigned int size)
{
	struct pci_function *f;
	uint32_t value = 0;

	pthread_mutex_lock(&bus->lock);
	f = find(bus, device, function);
	if (f && offset + size <= PCI_CONFIG_BYTES) {
		if (offset <= PCI_STATUS && offset + size > PCI_STATUS)
			show_intx(f);
		if (f->before_read)
			f->before_read(f, offset, size);
		for (unsigned int i = 0; i < size; i++)
			value |= (uint32_t)f->config[offset + i] << (8 * i);
	} else {
		value = UINT32_MAX >> (32 - 8 * size);
	}
	pthread_mutex_unlock(&bus->lock);
	return value;
}

static void write_byte(struct pci_function *f, unsigned int offset, uint8_t value)
{
	uint8_t mask = f->writable[offset];
	uint8_t byte = (f->config[offset] & ~mask) | (value & mask);

	byte &= ~(value & f->write_clear[offset]);
	__atomic_store_n(&f->config[offset], byte, __ATOMIC_RELAXED);
}

static bool touches_header(unsigned int offset, unsigned int size)
{
	return offset < PCI_ROM_BAR + 4 && offset + size > PCI_COMMAND;
}

void pci_config_write(struct pci_bus *bus, unsigned int device, unsigned int function,
		      unsigned int offset, unsigned int size, uint32_t value)
{
	struct pci_function *f;

	pthread_mutex_lock(&bus->lock);
	f = find(bus, device, function);
	if (f && offset + size <= PCI_CONFIG_BYTES) {
		for (unsigned int i = 0; i < size; i++)
			write_byte(f, offset + i, value >> (8 * i));
		if (touches_header(offset, size)) {
			update_mappings(f);
			refresh_wire(f);
		}
		if (f->written)
			f->written(f, offset, size);
	}
	pthread_mutex_unlock(&bus->lock);
}

static void reset_function(struct pci_function *f)
{
	for_each_bar(f, unmap_bar);
	memcpy(f->config, f->power_on, sizeof(f->config));

	pthread_mutex_lock(&f->bus->irq_lock);
	f->intx = false;
	wire_update(f);
	pthread_mutex_unlock(&f->bus->irq_lock);
	if (f->written)
		f->written(f, 0, PCI_CONFIG_BYTES);
}

void pci_bus_reset(struct pci_bus *bus)
{
	pthread_mutex_lock(&bus->lock);
	for_each_function(bus, reset_function);
	pthread_mutex_unlock(&bus->lock);
}

/* ---- plugging in ---- */

void pci_identify(struct pci_function *f, uint16_t vendor, uint16_t device, uint32_t class_code)
{
	pci_put16(f->config, PCI_VENDOR_ID, vendor);
	pci_put16(f->config, PCI_DEVICE_ID, device);
	f->config[PCI_PROG_IF] = class_code;
	pci_put16(f->config, PCI_CLASS, class_code >> 8);
	pci_put16(f->config, PCI_STATUS, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM);
	pci_put32(f->config, PCI_SUBSYSTEM_VENDOR, PCI_SUBSYSTEM_QEMU);
}

int pci_add_capability(struct pci_function *f, uint8_t id, unsigned int bytes)
{
	unsigned int at = f->next_capability ? f->next_capability : CAPABILITIES_START;

	if (at + bytes > PCI_CONFIG_BYTES)
		return -1;
	f->config[at] = id;
	f->config[at + 1] = f->config[PCI_CAPABILITIES];
	f->config[PCI_CAPABILITIES] = at;
	f->config[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
	/* 0 stands for the start: a full space must not look like an empty one */
	f->next_capability = at + bytes > 0xfc ? 0xff : (at + bytes + 3) & ~3U;
	return at;
}

static uint64_t least_bytes(const struct pci_bar *bar)
{
	switch (bar->type) {
	case PCI_BAR_IO:
		return IO_MIN_BYTES;
	case PCI_BAR_MEM:
		return MEMORY_MIN_BYTES;
	default:
		return PAGE_BYTES;
	}
}

static bool bar_is_possible(const struct pci_function *f, const struct pci_bar *bar)
{
	bool has_next = bar >= f->bar && bar < &f->bar[PCI_BARS - 1];

	if (bar->bytes < least_bytes(bar) || (bar->bytes & (bar->bytes - 1)))
		return false;
	if (bar->type == PCI_BAR_RAM ? !bar->host || (uintptr_t)bar->host % PAGE_BYTES :
				       !bar->region)
		return false;
	if (bar->is_64bit)
		return bar->type != PCI_BAR_IO && has_next && bar[1].type == PCI_BAR_NONE;
	return bar->bytes <= (bar->type == PCI_BAR_IO ? 256U : 1U << 31);
}

static int check_bars(const struct pci_function *f, struct error *err)
{
	for (unsigned int i = 0; i < PCI_BARS; i++)
		if (f->bar[i].type != PCI_BAR_NONE && !bar_is_possible(f, &f->bar[i]))
			return error_set(err, "%s: BAR %u is impossible", f->name, i);
	if (f->rom.type != PCI_BAR_NONE &&
	    (f->rom.type != PCI_BAR_RAM || !bar_is_possible(f, &f->rom)))
		return error_set(err, "%s: its ROM is impossible", f->name);
	return 0;
}

/* The address bits that the size leaves free are the writable ones. */
static void set_up_bar(struct pci_function *f, unsigned int index)
{
	const struct pci_bar *bar = &f->bar[index];
	unsigned int offset = bar_offset(index);
	uint64_t mask = -bar->bytes;

	if (bar->type == PCI_BAR_NONE)
		return;
	pci_put32(f->writable, offset, mask);
	if (bar->is_64bit)
		pci_put32(f->writable, offset + 4, mask >> 32);
	f->config[offset] = bar->type == PCI_BAR_IO ?
				    BAR_IO :
				    (bar->is_64bit ? BAR_64BIT : 0) |
					    (bar->prefetchable ? BAR_PREFETCH : 0);
}

static void set_up_header(struct pci_function *f)
{
	pci_put16(f->writable, PCI_COMMAND, COMMAND_WRITABLE);
	pci_put16(f->write_clear, PCI_STATUS, STATUS_ERRORS);
	f->writable[PCI_CACHE_LINE] = 0xff;
	f->writable[PCI_LATENCY] = 0xff;
	f->writable[PCI_INTERRUPT_LINE] = 0xff;
	for (unsigned int i = 0; i < PCI_BARS; i++)
		set_up_bar(f, i);
	if (f->rom.type != PCI_BAR_NONE)
		pci_put32(f->writable, PCI_ROM_BAR, -f->rom.bytes | ROM_ENABLE);
}

/* Guests look at functions 1..7 only if function 0 says that there are more. */
static void mark_multifunction(struct pci_bus *bus, unsigned int device)
{
	struct pci_function *first = bus->functions[device][0];
	bool more = false;

	for (unsigned int i = 1; i < PCI_FUNCTIONS; i++)
		more |= bus->functions[device][i] != NULL;
	if (!first || !more)
		return;
	first->config[PCI_HEADER_TYPE] |= PCI_HEADER_MULTIFUNCTION;
	first->power_on[PCI_HEADER_TYPE] |= PCI_HEADER_MULTIFUNCTION;
}

int pci_bus_add(struct pci_bus *bus, unsigned int device, unsigned int function,
		struct pci_function *f, struct error *err)
{
	if (device >= PCI_DEVICES || function >= PCI_FUNCTIONS)
		return error_set(err, "%s: there is no PCI device %02x.%x", f->name, device,
				 function);
	if (bus->functions[device][function])
		return error_set(err, "%s: PCI device %02x.%x is taken by %s", f->name, device,
				 function, bus->functions[device][function]->name);
	if (check_bars(f, err) < 0)
		return -1;

	pthread_mutex_lock(&bus->lock);
	f->bus = bus;
	f->device = device;
	f->function = function;
	set_up_header(f);
	memcpy(f->power_on, f->config, sizeof(f->power_on));
	bus->functions[device][function] = f;
	mark_multifunction(bus, device);
	update_mappings(f);
	pthread_mutex_unlock(&bus->lock);
	return 0;
}

int pci_bus_free_device(const struct pci_bus *bus, unsigned int from)
{
	for (unsigned int i = from; i < PCI_DEVICES; i++)
		if (!bus->functions[i][0])
			return i;
	return -1;
}
