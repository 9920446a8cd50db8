// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bochs' display interface: ten 16-bit registers that set modes up to 32 bits per pixel. A
 * value that makes no picture is cut down to one that does, when the mode is switched on
 * and whenever it changes while on.
 */
#include "dev/vga_state.h"

#define DISPI_ID_LEAST 0xb0c0
#define DISPI_ID_MOST 0xb0c5
#define ENABLE_WRITABLE \
	(DISPI_ENABLED | DISPI_GETCAPS | DISPI_8BIT_DAC | DISPI_LFB_ENABLED | DISPI_NOCLEARMEM)
#define LEAST_XRES 8

static bool bpp_is_known(uint16_t bpp)
{
	return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* Pixels to bytes: of each plane with 4 bits per pixel, else of video memory. */
static uint32_t pixel_bytes(const struct vga_state *vga, uint32_t pixels)
{
	unsigned int bpp = vga->dispi[DISPI_BPP];

	return bpp == 4 ? pixels / 8 : pixels * ((bpp + 7) / 8);
}

static uint32_t room_bytes(const struct vga_state *vga)
{
	return vga->dispi[DISPI_BPP] == 4 ? vga->vram_bytes / 4 : vga->vram_bytes;
}

uint32_t vga_dispi_line_bytes(const struct vga_state *vga)
{
	return pixel_bytes(vga, vga->dispi[DISPI_VIRT_WIDTH]);
}

static uint32_t virtual_lines(const struct vga_state *vga)
{
	uint32_t line = vga_dispi_line_bytes(vga);
	uint32_t lines = line ? room_bytes(vga) / line : 0;

	return lines > UINT16_MAX ? UINT16_MAX : lines;
}

static uint16_t clamp(uint32_t value, uint32_t least, uint32_t most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

/* Make a picture of the registers that lies in video memory. */
static void make_possible(struct vga_state *vga)
{
	uint16_t *reg = vga->dispi;
	uint32_t lines;

	if (!bpp_is_known(reg[DISPI_BPP]))
		reg[DISPI_BPP] = 8;
	reg[DISPI_XRES] = clamp(reg[DISPI_XRES], LEAST_XRES, DISPI_MAX_XRES);
	reg[DISPI_VIRT_WIDTH] = clamp(reg[DISPI_VIRT_WIDTH], reg[DISPI_XRES], DISPI_MAX_XRES);
	if (reg[DISPI_BPP] == 4) {
		/* eight pixels share a byte of each plane */
		reg[DISPI_XRES] &= ~7U;
		reg[DISPI_VIRT_WIDTH] &= ~7U;
	}
	lines = virtual_lines(vga);
	reg[DISPI_YRES] = clamp(reg[DISPI_YRES], 1, clamp(lines, 1, DISPI_MAX_YRES));
	reg[DISPI_X_OFFSET] =
		clamp(reg[DISPI_X_OFFSET], 0, reg[DISPI_VIRT_WIDTH] - reg[DISPI_XRES]);
	reg[DISPI_Y_OFFSET] = clamp(reg[DISPI_Y_OFFSET], 0, lines - reg[DISPI_YRES]);
	reg[DISPI_VIRT_HEIGHT] = lines;
}

static void enable_write(struct vga_state *vga, uint16_t value)
{
	bool was_on = vga_dispi_is_on(vga);

	vga->dispi[DISPI_ENABLE] = value & ENABLE_WRITABLE;
	if (was_on || !(value & DISPI_ENABLED))
		return;
	vga->dispi[DISPI_VIRT_WIDTH] = 0;
	vga->dispi[DISPI_X_OFFSET] = 0;
	vga->dispi[DISPI_Y_OFFSET] = 0;
	vga->dispi[DISPI_BANK] = 0;
	make_possible(vga);
	if (!(value & DISPI_NOCLEARMEM)) {
		uint32_t scale = vga->dispi[DISPI_BPP] == 4 ? 4 : 1;

		vga->clear_vram(vga, vga->dispi[DISPI_YRES] * vga_dispi_line_bytes(vga) * scale);
	}
}

uint16_t vga_dispi_read(const struct vga_state *vga, unsigned int index)
{
	bool shows_most = vga->dispi[DISPI_ENABLE] & DISPI_GETCAPS;

	if (index >= DISPI_REGS)
		return 0;
	switch (index) {
	case DISPI_XRES:
		return shows_most ? DISPI_MAX_XRES : vga->dispi[index];
	case DISPI_YRES:
		return shows_most ? DISPI_MAX_YRES : vga->dispi[index];
	case DISPI_BPP:
		return shows_most ? DISPI_MAX_BPP : vga->dispi[index];
	case DISPI_VIDEO_MEMORY:
		return vga->vram_bytes / VGA_BANK_BYTES;
	default:
		return vga->dispi[index];
	}
}

void vga_dispi_write(struct vga_state *vga, unsigned int index, uint16_t value)
{
	vga->generation++;
	switch (index) {
	case DISPI_ID:
		if (value >= DISPI_ID_LEAST && value <= DISPI_ID_MOST)
			vga->dispi[DISPI_ID] = value;
		return;
	case DISPI_ENABLE:
		enable_write(vga, value);
		return;
	case DISPI_BANK:
		vga->dispi[index] = value;
		return;
	case DISPI_XRES:
	case DISPI_YRES:
	case DISPI_BPP:
	case DISPI_VIRT_WIDTH:
	case DISPI_X_OFFSET:
	case DISPI_Y_OFFSET:
		vga->dispi[index] = value;
		if (vga_dispi_is_on(vga))
			make_possible(vga);
		return;
	default:
		return;
	}
}
