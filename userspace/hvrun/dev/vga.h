/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graphics card: a VGA with Bochs' display interface on PCI (1234:1111), as QEMU's
 * "-vga std". BAR 0 is the frame buffer, which the guest maps as memory; BAR 2 has the
 * registers; the ROM is Debian's vgabios.
 *
 * One mutex for registers and the window. The guest writes the frame buffer without asking,
 * so nothing read from there is trusted twice.
 */
#ifndef HVRUN_VGA_H
#define HVRUN_VGA_H

#include "bus.h"
#include "dev/pci.h"
#include "display/screen.h"
#include "error.h"

#define VGA_VRAM_BYTES (16U << 20)
#define VGA_ROM_FILE "/usr/share/seabios/vgabios-stdvga.bin"

struct vga;

/**
 * vga_create() - the card, not yet plugged in
 * @rom: file with its BIOS, or NULL: none
 */
struct vga *vga_create(const char *rom, struct error *err);

/** vga_plug() - show it: as PCI device @device, and at the places that a VGA always has */
int vga_plug(struct vga *vga, struct pci_bus *pci, unsigned int device, struct error *err);

/** vga_reset() - registers as after power-on, memory zero; after the bus's own reset */
void vga_reset(struct vga *vga);

/** vga_destroy() - when no vCPU and no display uses it any more, and the VM is closed */
void vga_destroy(struct vga *vga);

/** vga_screen() - what displays look at */
const struct screen *vga_screen(struct vga *vga);

#endif /* HVRUN_VGA_H */
