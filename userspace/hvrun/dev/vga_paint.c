// SPDX-License-Identifier: GPL-2.0-or-later
/* One line of the picture, in each kind of graphics mode. */
#include <string.h>

#include "dev/vga_state.h"

#define CRTC_MODE 0x17
#define MODE_ROW_13 0x01 /* 0: address bit 13 is bit 0 of the line in its row */
#define MODE_ROW_14 0x02
#define MODE_BYTES 0x40 /* 0: words, so those bits are one lower */

/* Address in the planes where line @y starts. */
static uint32_t line_address(const struct vga_state *vga, const struct vga_picture *picture,
			     unsigned int y)
{
	bool is_lower = y > picture->line_compare;
	unsigned int line = (is_lower ? y - picture->line_compare - 1 : y) >>
			    picture->line_repeat_shift;
	unsigned int scan = line % picture->row_lines;
	uint32_t address =
		(is_lower ? 0 : picture->start) + line / picture->row_lines * picture->line_bytes;
	unsigned int shift = vga->crtc[CRTC_MODE] & MODE_BYTES ? 13 : 12;

	if (vga_dispi_is_on(vga))
		return address;
	if (!(vga->crtc[CRTC_MODE] & MODE_ROW_13))
		address = (address & ~(1U << shift)) | (scan & 1) << shift;
	if (!(vga->crtc[CRTC_MODE] & MODE_ROW_14))
		address = (address & ~(2U << shift)) | (scan & 2) << shift;
	return address;
}

/* The eight dots of a byte of each plane as colours 0..15. */
static void planar_dots(const uint8_t plane[4], uint8_t dots[8])
{
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int bit = 7 - i;

		dots[i] = (plane[0] >> bit & 1) | (plane[1] >> bit & 1) << 1 |
			  (plane[2] >> bit & 1) << 2 | (plane[3] >> bit & 1) << 3;
	}
}

/* Two planes give four dots of two bits each, the other two their upper bits. */
static void cga_dots(const uint8_t plane[4], uint8_t dots[8])
{
	for (unsigned int i = 0; i < 4; i++) {
		unsigned int shift = 6 - 2 * i;

		dots[i] = (plane[0] >> shift & 3) | (plane[2] >> shift & 3) << 2;
		dots[4 + i] = (plane[1] >> shift & 3) | (plane[3] >> shift & 3) << 2;
	}
}

static void chained_dots(const uint8_t plane[4], uint8_t dots[8])
{
	for (unsigned int i = 0; i < 8; i++)
		dots[i] = plane[i / 2];
}

static void paint_planes(const struct vga_state *vga, const struct vga_picture *picture,
			 unsigned int y, uint32_t *out)
{
	uint32_t address = line_address(vga, picture, y);
	unsigned int repeat = picture->kind == VGA_CHAINED ? 2 : picture->dot_repeat;
	unsigned int skip = picture->pan * repeat, x = 0;
	uint8_t plane[4], dots[8];

	while (x < picture->width) {
		uint32_t at = address++ & picture->address_mask;

		for (unsigned int i = 0; i < 4; i++)
			plane[i] = vga_plane_byte(vga, at, i);
		if (picture->kind == VGA_PLANAR)
			planar_dots(plane, dots);
		else if (picture->kind == VGA_CGA)
			cga_dots(plane, dots);
		else
			chained_dots(plane, dots);

		for (unsigned int i = 0; i < 8 * picture->dot_repeat; i++) {
			if (skip)
				skip--;
			else if (x < picture->width)
				out[x++] = picture->palette[dots[i / picture->dot_repeat]];
		}
	}
}

/* ---- linear modes ---- */

static uint32_t expand5(unsigned int value)
{
	value &= 0x1f;
	return value << 3 | value >> 2;
}

static uint32_t expand6(unsigned int value)
{
	value &= 0x3f;
	return value << 2 | value >> 4;
}

static uint32_t pixel16(const uint8_t *in, enum vga_kind kind)
{
	unsigned int value = in[0] | in[1] << 8;

	if (kind == VGA_LINEAR15)
		return expand5(value >> 10) << 16 | expand5(value >> 5) << 8 | expand5(value);
	return expand5(value >> 11) << 16 | expand6(value >> 5) << 8 | expand5(value);
}

static unsigned int linear_pixel_bytes(enum vga_kind kind)
{
	switch (kind) {
	case VGA_LINEAR8:
		return 1;
	case VGA_LINEAR15:
	case VGA_LINEAR16:
		return 2;
	case VGA_LINEAR24:
		return 3;
	default:
		return 4;
	}
}

static void paint_linear(const struct vga_state *vga, const struct vga_picture *picture,
			 unsigned int y, uint32_t *out)
{
	unsigned int pixel_bytes = linear_pixel_bytes(picture->kind);
	uint64_t start = picture->start + (uint64_t)y * picture->line_bytes;
	const uint8_t *in = vga->vram + start;

	if (start + (uint64_t)picture->width * pixel_bytes > vga->vram_bytes) {
		memset(out, 0, picture->width * sizeof(*out));
		return;
	}
	for (unsigned int x = 0; x < picture->width; x++, in += pixel_bytes) {
		switch (pixel_bytes) {
		case 1:
			out[x] = picture->palette[*in];
			break;
		case 2:
			out[x] = pixel16(in, picture->kind);
			break;
		default:
			out[x] = in[0] | in[1] << 8 | (uint32_t)in[2] << 16;
			break;
		}
	}
}

void vga_paint_line(const struct vga_state *vga, const struct vga_picture *picture, unsigned int y,
		    bool blink_on, uint32_t *out)
{
	if (picture->kind == VGA_BLANK)
		memset(out, 0, picture->width * sizeof(*out));
	else if (picture->kind == VGA_TEXT)
		vga_paint_text_line(vga, picture, y, blink_on, out);
	else if (vga_is_linear(picture))
		paint_linear(vga, picture, y, out);
	else
		paint_planes(vga, picture, y, out);
}
