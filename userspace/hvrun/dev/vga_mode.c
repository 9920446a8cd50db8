// SPDX-License-Identifier: GPL-2.0-or-later
/* From registers to a picture: which mode is it, how large, where does it start? */
#include "dev/vga_state.h"

#define SEQ_CLOCKING 1
#define SEQ_CHARACTER_MAP 3
#define CLOCKING_8_DOTS 0x01
#define CLOCKING_HALF_DOTS 0x08
#define CLOCKING_SCREEN_OFF 0x20

#define GFX_MODE 5
#define GFX_MISC 6
#define MODE_SHIFT 5
#define MISC_GRAPHICS 0x01

#define ATTR_MODE 0x10
#define ATTR_PLANES 0x12
#define ATTR_PANNING 0x13
#define ATTR_COLOUR_SELECT 0x14
#define ATTR_PALETTE_ON 0x20 /* of the index */
#define MODE_PALETTE_54 0x80 /* colour bits 5:4 come from the colour select register */

#define CRTC_COLUMNS 0x01
#define CRTC_OVERFLOW 0x07
#define CRTC_ROW 0x09
#define CRTC_START_HIGH 0x0c
#define CRTC_START_LOW 0x0d
#define CRTC_LINES 0x12
#define CRTC_OFFSET 0x13
#define CRTC_LINE_COMPARE 0x18
#define ROW_DOUBLE 0x80

#define PLANE_MASK 0xffff /* addresses of a VGA's 64 KiB planes */
#define FONT_BYTES 0x2000

#define IDLE_WIDTH 640
#define IDLE_HEIGHT 480

/* ---- colours ---- */

static uint8_t dac_part(const struct vga_state *vga, uint8_t value)
{
	if (vga->dispi[DISPI_ENABLE] & DISPI_8BIT_DAC)
		return value;
	value &= 0x3f;
	return value << 2 | value >> 4;
}

static uint32_t dac_colour(const struct vga_state *vga, uint8_t index)
{
	const uint8_t *part = vga->dac[index & vga->dac_mask];

	return (uint32_t)dac_part(vga, part[0]) << 16 | dac_part(vga, part[1]) << 8 |
	       dac_part(vga, part[2]);
}

static void palette_of_dac(const struct vga_state *vga, struct vga_picture *picture)
{
	for (unsigned int i = 0; i < VGA_COLOURS; i++)
		picture->palette[i] = dac_colour(vga, i);
}

/* 16 colours go through the attribute controller's palette first. */
static void palette_of_attributes(const struct vga_state *vga, struct vga_picture *picture)
{
	uint8_t select = vga->attr[ATTR_COLOUR_SELECT];

	for (unsigned int i = 0; i < 16; i++) {
		uint8_t index = vga->attr[i & vga->attr[ATTR_PLANES]];

		if (vga->attr[ATTR_MODE] & MODE_PALETTE_54)
			index = (select & 0x0f) << 4 | (index & 0x0f);
		else
			index = (select & 0x0c) << 4 | (index & 0x3f);
		picture->palette[i] = dac_colour(vga, index);
	}
}

/* ---- DISPI modes ---- */

static void decode_dispi(const struct vga_state *vga, struct vga_picture *picture)
{
	uint32_t pixels = vga->dispi[DISPI_X_OFFSET];

	picture->width = vga->dispi[DISPI_XRES];
	picture->height = vga->dispi[DISPI_YRES];
	picture->line_bytes = vga_dispi_line_bytes(vga);
	picture->start = vga->dispi[DISPI_Y_OFFSET] * picture->line_bytes;
	picture->line_compare = UINT32_MAX;
	switch (vga->dispi[DISPI_BPP]) {
	case 4:
		picture->kind = VGA_PLANAR;
		picture->start += pixels / 8;
		picture->pan = pixels % 8;
		picture->address_mask = vga->vram_bytes / 4 - 1;
		picture->line_repeat_shift = 0;
		picture->row_lines = 1;
		picture->dot_repeat = 1;
		palette_of_attributes(vga, picture);
		return;
	case 8:
		picture->kind = VGA_LINEAR8;
		picture->start += pixels;
		palette_of_dac(vga, picture);
		return;
	case 15:
		picture->kind = VGA_LINEAR15;
		picture->start += pixels * 2;
		return;
	case 16:
		picture->kind = VGA_LINEAR16;
		picture->start += pixels * 2;
		return;
	case 24:
		picture->kind = VGA_LINEAR24;
		picture->start += pixels * 3;
		return;
	default:
		picture->kind = VGA_LINEAR32;
		picture->start += pixels * 4;
		return;
	}
}

/* ---- VGA's own modes ---- */

static unsigned int overflow_bits(const struct vga_state *vga, unsigned int bit_8,
				  unsigned int bit_9)
{
	uint8_t overflow = vga->crtc[CRTC_OVERFLOW];

	return (overflow & bit_8 ? 0x100 : 0) | (overflow & bit_9 ? 0x200 : 0);
}

static unsigned int line_compare(const struct vga_state *vga)
{
	return vga->crtc[CRTC_LINE_COMPARE] | overflow_bits(vga, 0x10, 0) |
	       (vga->crtc[CRTC_ROW] & 0x40 ? 0x200 : 0);
}

/* The selects' high bits lie apart; bit 0 of a map number is the VGA's later addition. */
static uint32_t font_offset(uint8_t select, unsigned int low_bits, unsigned int high_bit)
{
	unsigned int map = (select >> low_bits & 3) << 1 | (select >> high_bit & 1);

	return map * FONT_BYTES;
}

static unsigned int panning(const struct vga_state *vga, const struct vga_picture *picture)
{
	unsigned int pan = vga->attr[ATTR_PANNING];

	if (picture->kind == VGA_TEXT && picture->char_width == 9)
		return pan < 8 ? pan + 1 : 0;
	pan &= 7;
	return picture->kind == VGA_CHAINED ? pan / 2 : pan;
}

static void decode_text(const struct vga_state *vga, struct vga_picture *picture)
{
	uint8_t select = vga->seq[SEQ_CHARACTER_MAP];

	picture->kind = VGA_TEXT;
	picture->char_width = vga->seq[SEQ_CLOCKING] & CLOCKING_8_DOTS ? 8 : 9;
	picture->font[0] = font_offset(select, 0, 4); /* attribute bit 3 is 0 */
	picture->font[1] = font_offset(select, 2, 5);
	palette_of_attributes(vga, picture);
}

static void decode_graphics(const struct vga_state *vga, struct vga_picture *picture)
{
	picture->char_width = 8;
	switch (vga->gfx[GFX_MODE] >> MODE_SHIFT & 3) {
	case 0:
		picture->kind = VGA_PLANAR;
		palette_of_attributes(vga, picture);
		break;
	case 1:
		picture->kind = VGA_CGA;
		palette_of_attributes(vga, picture);
		break;
	default:
		picture->kind = VGA_CHAINED;
		palette_of_dac(vga, picture);
		break;
	}
}

static void decode_vga(const struct vga_state *vga, struct vga_picture *picture)
{
	if (vga->gfx[GFX_MISC] & MISC_GRAPHICS)
		decode_graphics(vga, picture);
	else
		decode_text(vga, picture);

	picture->start = vga->crtc[CRTC_START_HIGH] << 8 | vga->crtc[CRTC_START_LOW];
	picture->line_bytes = vga->crtc[CRTC_OFFSET] * 2;
	picture->address_mask = PLANE_MASK;
	picture->row_lines = (vga->crtc[CRTC_ROW] & 0x1f) + 1;
	picture->line_repeat_shift = !!(vga->crtc[CRTC_ROW] & ROW_DOUBLE);
	picture->dot_repeat =
		vga->seq[SEQ_CLOCKING] & CLOCKING_HALF_DOTS && picture->kind != VGA_CHAINED ? 2 : 1;
	picture->line_compare = line_compare(vga);
	picture->pan = panning(vga, picture);
	picture->width = (vga->crtc[CRTC_COLUMNS] + 1) * picture->char_width * picture->dot_repeat;
	picture->height = (vga->crtc[CRTC_LINES] | overflow_bits(vga, 0x02, 0x40)) + 1;
}

void vga_decode(const struct vga_state *vga, struct vga_picture *picture)
{
	*picture = (struct vga_picture){ .kind = VGA_BLANK };
	if (vga_dispi_is_on(vga))
		decode_dispi(vga, picture);
	else
		decode_vga(vga, picture);

	if (!(vga->attr_index & ATTR_PALETTE_ON) ||
	    (!vga_dispi_is_on(vga) && (vga->seq[SEQ_CLOCKING] & CLOCKING_SCREEN_OFF)))
		picture->kind = VGA_BLANK;
	/* nobody has set a mode */
	if (!vga_dispi_is_on(vga) && !vga->crtc[CRTC_COLUMNS]) {
		picture->kind = VGA_BLANK;
		picture->width = IDLE_WIDTH;
		picture->height = IDLE_HEIGHT;
	}
}
