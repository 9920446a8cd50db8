/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI bus with its functions: configuration space, base address registers whose
 * contents appear on and vanish from the port bus, the MMIO bus and the guest's memory,
 * and the interrupt wires INTA..INTD. PCI Local Bus Specification 3.0, chapter
 * "Configuration Space".
 *
 * A device embeds a struct pci_function, fills in what its registers are after power-on
 * and calls pci_bus_add() once. From then on the bus does what the header is about, and
 * a reset of the bus puts the registers back.
 */
#ifndef HVRUN_PCI_H
#define HVRUN_PCI_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus.h"
#include "error.h"

/* Registers of the header. */
#define PCI_VENDOR_ID 0x00
#define PCI_DEVICE_ID 0x02
#define PCI_COMMAND 0x04
#define PCI_STATUS 0x06
#define PCI_REVISION 0x08
#define PCI_PROG_IF 0x09
#define PCI_CLASS 0x0a /* 2 bytes: sub-class, base class */
#define PCI_CACHE_LINE 0x0c
#define PCI_LATENCY 0x0d
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0 0x10
#define PCI_SUBSYSTEM_VENDOR 0x2c
#define PCI_SUBSYSTEM_ID 0x2e
#define PCI_ROM_BAR 0x30
#define PCI_CAPABILITIES 0x34
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN 0x3d /* 1 INTA .. 4 INTD, 0 none */
#define PCI_HEADER_BYTES 0x40
#define PCI_CONFIG_BYTES 256

#define PCI_COMMAND_IO 0x0001
#define PCI_COMMAND_MEMORY 0x0002
#define PCI_COMMAND_MASTER 0x0004
#define PCI_COMMAND_INTX_OFF 0x0400
#define PCI_STATUS_INTX 0x0008
#define PCI_STATUS_CAPABILITIES 0x0010
#define PCI_STATUS_FAST_BACK 0x0080
#define PCI_STATUS_DEVSEL_MEDIUM 0x0200
#define PCI_HEADER_MULTIFUNCTION 0x80

#define PCI_SUBSYSTEM_QEMU 0x11001af4 /* firmware looks for it: "a virtual machine" */

#define PCI_BARS 6
#define PCI_DEVICES 32
#define PCI_FUNCTIONS 8

enum pci_bar_type {
	PCI_BAR_NONE,
	PCI_BAR_IO,  /* @region on the port bus */
	PCI_BAR_MEM, /* @region on the MMIO bus: every access exits to hvrun */
	PCI_BAR_RAM, /* @host as guest memory: no exits (a frame buffer, a ROM) */
};

/**
 * struct pci_bar - what a function shows behind one base address register
 * @type: as above
 * @prefetchable: bit 3 of a memory BAR
 * @is_64bit: the next BAR holds the upper half of the address, and stays PCI_BAR_NONE
 * @bytes: a power of two; at least 4 (IO), 16 (MEM), 4096 (RAM)
 * @region: for IO and MEM; the function's
 * @host: for RAM, page-aligned; the function's, until after the VM is closed
 * @mem_flags: for RAM: MYHV_MEM_READONLY, MYHV_MEM_LOG_DIRTY
 * @mapped: the guest can reach it now; the bus's, see pci_bar_gpa()
 * @base: where; the bus's
 */
struct pci_bar {
	enum pci_bar_type type;
	bool prefetchable;
	bool is_64bit;
	uint64_t bytes;
	struct region *region;
	void *host;
	uint32_t mem_flags;
	bool mapped;
	uint64_t base;
};

struct pci_bus;

/**
 * struct pci_function - one function
 * @name: for messages
 * @config: what the guest reads. Fill it before pci_bus_add(); later it belongs to the
 *	bus's lock, and only @before_read and @written may touch it.
 * @writable: bits that a guest may change. pci_bus_add() adds those of the header and
 *	of the BARs; all others start read-only.
 * @write_clear: bits that a guest clears by writing 1
 * @bar: base address registers
 * @rom: expansion ROM: of type PCI_BAR_RAM, or PCI_BAR_NONE
 * @before_read: before a guest's read of [@offset, @offset + @size); may be NULL
 * @written: after a guest's write to it, BARs mapped already; and after a reset, with all of
 *	@config as the range. May be NULL.
 * @bus: and all below: the bus's own
 *
 * Both callbacks are called by vCPU threads under the bus's lock; they may take the device's
 * mutex. So a device must not call into the bus with its mutex held, except
 * pci_function_irq() and pci_function_is_bus_master().
 */
struct pci_function {
	const char *name;
	uint8_t config[PCI_CONFIG_BYTES];
	uint8_t writable[PCI_CONFIG_BYTES];
	uint8_t write_clear[PCI_CONFIG_BYTES];
	struct pci_bar bar[PCI_BARS];
	struct pci_bar rom;
	void (*before_read)(struct pci_function *f, unsigned int offset, unsigned int size);
	void (*written)(struct pci_function *f, unsigned int offset, unsigned int size);

	struct pci_bus *bus;
	uint8_t device;
	uint8_t function;
	uint8_t next_capability;
	bool intx;	 /* the device asserts its interrupt; under irq_lock */
	bool intx_wired; /* and the wire is low: not switched off by the command register */
	uint8_t power_on[PCI_CONFIG_BYTES];
};

#define PCI_PIRQS 4

/**
 * struct pci_router - what the four interrupt wires of the bus lead to
 * @set: PIRQ @pirq (0 PIRQA .. 3) is asserted or not; called when that changes, under the
 *	bus's irq_lock: it must not call back
 * @context: passed to it
 */
struct pci_router {
	void (*set)(void *context, unsigned int pirq, bool asserted);
	void *context;
};

/**
 * struct pci_bus - a bus and what its functions' BARs are mapped to
 * @pio: ports
 * @mmio: device memory
 * @vm: VM descriptor for PCI_BAR_RAM; -1: none, as in unit tests
 * @router: interrupt router
 * @lock: configuration space of all functions, and the mapping of BARs
 * @functions: by device and function number
 * @irq_lock: the wires. Taken last, after @lock and any device's mutex.
 * @pirq_users: how many functions hold each wire
 */
struct pci_bus {
	struct bus *pio;
	struct bus *mmio;
	int vm;
	struct pci_router router;

	pthread_mutex_t lock;
	struct pci_function *functions[PCI_DEVICES][PCI_FUNCTIONS];

	pthread_mutex_t irq_lock;
	unsigned int pirq_users[PCI_PIRQS];
};

void pci_bus_init(struct pci_bus *bus, struct bus *pio, struct bus *mmio, int vm);
void pci_bus_destroy(struct pci_bus *bus);

/**
 * pci_bus_add() - plug a function in, before the guest runs
 * @bus: the bus
 * @device: 0..31
 * @function: 0..7
 * @f: filled in; it stays the device's, which outlives the bus's use
 *
 * Return: 0, or -1 with @err: the place is taken, or a BAR is impossible.
 */
int pci_bus_add(struct pci_bus *bus, unsigned int device, unsigned int function,
		struct pci_function *f, struct error *err);

/** pci_bus_free_device() - the first device number from @from on without a function 0; -1 */
int pci_bus_free_device(const struct pci_bus *bus, unsigned int from);

/**
 * pci_bus_reset() - RST#: all registers as after power-on, BARs unmapped, wires released
 *
 * Calls every function's @written. The devices reset what is behind the registers themselves.
 */
void pci_bus_reset(struct pci_bus *bus);

/** pci_config_read() - by a guest; a function that is not there reads as ones */
uint32_t pci_config_read(struct pci_bus *bus, unsigned int device, unsigned int function,
			 unsigned int offset, unsigned int size);

/** pci_config_write() - by a guest; [@offset, @offset + @size) does not cross a dword */
void pci_config_write(struct pci_bus *bus, unsigned int device, unsigned int function,
		      unsigned int offset, unsigned int size, uint32_t value);

/**
 * pci_add_capability() - room in the capability list, before pci_bus_add()
 * @id: PCI's capability number
 * @bytes: with the two bytes of the list's own, which are filled in
 *
 * Return: its offset in @f->config, or -1: no room. They go from 0x40 on; a device whose own
 * registers lie there sets @f->next_capability first.
 */
int pci_add_capability(struct pci_function *f, uint8_t id, unsigned int bytes);

/** pci_function_irq() - the level of the function's INTx; any thread, device mutex may be held */
void pci_function_irq(struct pci_function *f, bool asserted);

/** pci_function_is_bus_master() - may it touch guest memory? any thread, no lock needed */
bool pci_function_is_bus_master(const struct pci_function *f);

/** pci_bar_gpa() - is BAR @index mapped, and where? Not with the device's mutex held. */
bool pci_bar_gpa(struct pci_function *f, unsigned int index, uint64_t *gpa);

/**
 * pci_slot_pirq() - the wire of an interrupt pin: 0 PIRQA .. 3 PIRQD
 * @device: number of the device
 * @pin: 1 INTA .. 4 INTD
 */
static inline unsigned int pci_slot_pirq(unsigned int device, unsigned int pin)
{
	return (pin - 1 + device - 1) % PCI_PIRQS;
}

/* Little-endian access to @config, @writable and @write_clear. */
static inline void pci_put16(uint8_t *space, unsigned int offset, uint16_t value)
{
	space[offset] = value;
	space[offset + 1] = value >> 8;
}

static inline void pci_put32(uint8_t *space, unsigned int offset, uint32_t value)
{
	pci_put16(space, offset, value);
	pci_put16(space, offset + 2, value >> 16);
}

static inline uint16_t pci_get16(const uint8_t *space, unsigned int offset)
{
	return space[offset] | space[offset + 1] << 8;
}

static inline uint32_t pci_get32(const uint8_t *space, unsigned int offset)
{
	return pci_get16(space, offset) | (uint32_t)pci_get16(space, offset + 2) << 16;
}

/** pci_identify() - vendor, device, class (0xBBSSPP: base, sub, interface), subsystem, status */
void pci_identify(struct pci_function *f, uint16_t vendor, uint16_t device, uint32_t class_code);

#endif /* HVRUN_PCI_H */
