// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The window at 0xA0000: how the graphics controller spreads a byte over four planes, and
 * gathers it again. In a DISPI mode of 8 bits and more it is 64 KiB of the frame buffer.
 */
#include <string.h>

#include "dev/vga_state.h"

#define SEQ_MAP_MASK 2
#define SEQ_MEMORY_MODE 4
#define SEQ_CHAIN4 0x08

#define GFX_SET_RESET 0
#define GFX_ENABLE_SET_RESET 1
#define GFX_COLOUR_COMPARE 2
#define GFX_ROTATE 3 /* and logical function */
#define GFX_READ_MAP 4
#define GFX_MODE 5
#define GFX_MISC 6
#define GFX_COLOUR_CARE 7
#define GFX_BIT_MASK 8

#define MODE_WRITE_MASK 0x03
#define MODE_COMPARE 0x08
#define MODE_ODD_EVEN 0x10

#define NOWHERE UINT32_MAX

/* A byte for each plane: those of @mask are ones. */
static uint32_t spread(uint8_t mask)
{
	return (mask & 1 ? 0x000000ffU : 0) | (mask & 2 ? 0x0000ff00U : 0) |
	       (mask & 4 ? 0x00ff0000U : 0) | (mask & 8 ? 0xff000000U : 0);
}

static uint32_t copies(uint8_t value)
{
	return value * 0x01010101U;
}

/* Offset in the window that the memory map select opens; NOWHERE beside it. */
static uint32_t window_address(const struct vga_state *vga, uint32_t offset)
{
	switch (vga->gfx[GFX_MISC] >> 2 & 3) {
	case 0:
		return offset;
	case 1:
		return offset < 0x10000 ? offset : NOWHERE;
	case 2:
		return offset >= 0x10000 && offset < 0x18000 ? offset - 0x10000 : NOWHERE;
	default:
		return offset >= 0x18000 ? offset - 0x18000 : NOWHERE;
	}
}

static bool is_banked(const struct vga_state *vga)
{
	return vga_dispi_is_on(vga) && vga->dispi[DISPI_BPP] >= 8;
}

static uint8_t *banked_byte(const struct vga_state *vga, uint32_t offset)
{
	uint64_t address = (uint64_t)vga->dispi[DISPI_BANK] * VGA_BANK_BYTES + offset;

	if (offset >= VGA_BANK_BYTES || address >= vga->vram_bytes)
		return NULL;
	return vga->vram + address;
}

bool vga_window_is_memory(const struct vga_state *vga, uint32_t *start)
{
	if (is_banked(vga)) {
		*start = (uint32_t)vga->dispi[DISPI_BANK] * VGA_BANK_BYTES;
		return banked_byte(vga, VGA_BANK_BYTES - 1) != NULL;
	}
	/* the address names the plane, and the planes lie byte by byte beside each other */
	*start = 0;
	return (vga->seq[SEQ_MEMORY_MODE] & SEQ_CHAIN4) && (vga->seq[SEQ_MAP_MASK] & 15) == 15 &&
	       window_address(vga, 0) == 0;
}

static uint8_t *plane_group(const struct vga_state *vga, uint32_t address)
{
	return vga->vram + ((address * 4) & (vga->vram_bytes - 1));
}

/* Chained and odd/even modes: the address itself names the plane. */
static bool is_chained(const struct vga_state *vga, uint32_t address, unsigned int *plane,
		       uint32_t *in_plane)
{
	if (vga->seq[SEQ_MEMORY_MODE] & SEQ_CHAIN4) {
		*plane = address & 3;
		*in_plane = address >> 2;
		return true;
	}
	if (vga->gfx[GFX_MODE] & MODE_ODD_EVEN) {
		*plane = address & 1;
		*in_plane = address >> 1;
		return true;
	}
	return false;
}

static uint32_t latch_get(const struct vga_state *vga)
{
	uint32_t latch;

	memcpy(&latch, vga->latch, sizeof(latch));
	return latch;
}

/* Read mode 1: a bit for each pixel whose colour is the one to compare with. */
static uint8_t compare_colours(const struct vga_state *vga)
{
	uint32_t differs = latch_get(vga) ^ spread(vga->gfx[GFX_COLOUR_COMPARE]);

	differs &= spread(vga->gfx[GFX_COLOUR_CARE]);
	differs |= differs >> 16;
	differs |= differs >> 8;
	return ~differs;
}

uint8_t vga_window_read(struct vga_state *vga, uint32_t offset)
{
	uint32_t address, in_plane;
	unsigned int plane;

	if (is_banked(vga)) {
		const uint8_t *byte = banked_byte(vga, offset);

		return byte ? *byte : 0xff;
	}
	address = window_address(vga, offset);
	if (address == NOWHERE)
		return 0xff;
	if (is_chained(vga, address, &plane, &in_plane)) {
		memcpy(vga->latch, plane_group(vga, in_plane), 4);
		return vga->latch[plane];
	}
	memcpy(vga->latch, plane_group(vga, address), 4);
	if (vga->gfx[GFX_MODE] & MODE_COMPARE)
		return compare_colours(vga);
	return vga->latch[vga->gfx[GFX_READ_MAP]];
}

static uint8_t rotate(const struct vga_state *vga, uint8_t value)
{
	unsigned int count = vga->gfx[GFX_ROTATE] & 7;

	return value >> count | value << (8 - count);
}

static uint32_t combine(const struct vga_state *vga, uint32_t value)
{
	switch (vga->gfx[GFX_ROTATE] >> 3) {
	case 1:
		return value & latch_get(vga);
	case 2:
		return value | latch_get(vga);
	case 3:
		return value ^ latch_get(vga);
	default:
		return value;
	}
}

/* What the four planes get for @value; @bits says which bits of each, others are latched. */
static uint32_t write_value(const struct vga_state *vga, uint8_t value, uint8_t *bits)
{
	uint32_t set_reset = spread(vga->gfx[GFX_SET_RESET]);
	uint32_t enable = spread(vga->gfx[GFX_ENABLE_SET_RESET]);

	*bits = vga->gfx[GFX_BIT_MASK];
	switch (vga->gfx[GFX_MODE] & MODE_WRITE_MASK) {
	case 0:
		return combine(vga, (copies(rotate(vga, value)) & ~enable) | (set_reset & enable));
	case 1:
		*bits = 0;
		return 0;
	case 2:
		return combine(vga, spread(value));
	default:
		*bits &= rotate(vga, value);
		return combine(vga, set_reset);
	}
}

static void planar_write(struct vga_state *vga, uint32_t address, uint8_t value)
{
	uint8_t *group = plane_group(vga, address), bits;
	uint32_t planes = spread(vga->seq[SEQ_MAP_MASK]);
	uint32_t data = write_value(vga, value, &bits);
	uint32_t old;

	data = (data & copies(bits)) | (latch_get(vga) & ~copies(bits));
	memcpy(&old, group, sizeof(old));
	data = (data & planes) | (old & ~planes);
	memcpy(group, &data, sizeof(data));
}

void vga_window_write(struct vga_state *vga, uint32_t offset, uint8_t value)
{
	uint32_t address, in_plane;
	unsigned int plane;

	vga->generation++;
	if (is_banked(vga)) {
		uint8_t *byte = banked_byte(vga, offset);

		if (byte)
			*byte = value;
		return;
	}
	address = window_address(vga, offset);
	if (address == NOWHERE)
		return;
	if (!is_chained(vga, address, &plane, &in_plane))
		planar_write(vga, address, value);
	else if (vga->seq[SEQ_MAP_MASK] & 1 << plane)
		plane_group(vga, in_plane)[plane] = value;
}
