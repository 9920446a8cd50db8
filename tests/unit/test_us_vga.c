// SPDX-License-Identifier: GPL-2.0-or-later
/* The graphics card: registers, planes, every kind of mode, DISPI, and hostile values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "dev/edid.h"
#include "dev/vga.h"
#include "dev/vga_state.h"

#define VRAM (1U << 20)

static struct vga_state vga;
static uint8_t vram[VRAM];
static struct vga_picture picture;
static uint32_t line[DISPI_MAX_XRES + 1]; /* one to see what lies behind */

static void clear(struct vga_state *state, uint32_t bytes)
{
	assert_true(bytes <= VRAM);
	memset(state->vram, 0, bytes);
}

static int setup(void **state)
{
	vga_state_init(&vga, vram, VRAM, clear);
	return 0;
}

static void out(unsigned int port, uint8_t value)
{
	vga_port_write(&vga, port - VGA_PORT, value);
}

static uint8_t in(unsigned int port)
{
	return vga_port_read(&vga, port - VGA_PORT, 0);
}

static void out_indexed(unsigned int port, const uint8_t *values, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		out(port, i);
		out(port + 1, values[i]);
	}
}

static void set_attr(unsigned int index, uint8_t value)
{
	in(0x3da);
	out(0x3c0, index);
	out(0x3c0, value);
	out(0x3c0, 0x20);
}

/* Colour i of the DAC is (i, 2i, 3i) in 6 bits; attributes lead to their own number. */
static void set_palette(void)
{
	out(0x3c8, 0);
	for (unsigned int i = 0; i < 64; i++) {
		out(0x3c9, i);
		out(0x3c9, 2 * i);
		out(0x3c9, 3 * i);
	}
	for (unsigned int i = 0; i < 16; i++)
		set_attr(i, i);
	set_attr(0x12, 0x0f);
}

static uint32_t colour(unsigned int i)
{
	unsigned int part[3] = { i & 0x3f, 2 * i & 0x3f, 3 * i & 0x3f };
	uint32_t pixel = 0;

	for (unsigned int k = 0; k < 3; k++)
		pixel = pixel << 8 | (part[k] << 2 | part[k] >> 4);
	return pixel;
}

struct mode {
	uint8_t misc, seq[5], gfx[9], crtc[25], attr_mode, panning;
};

/* As the IBM VGA's BIOS programs them (IBM's "VGA: Registers", mode tables). */
static const struct mode text_80x25 = {
	.misc = 0x67,
	.seq = { 0x03, 0x00, 0x03, 0x00, 0x02 },
	.gfx = { 0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff },
	.crtc = { 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0, 0, 0,
		  0, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
	.attr_mode = 0x0c,
	.panning = 8, /* none, with cells of 9 dots */
};
static const struct mode planar_640x480 = {
	.misc = 0xe3,
	.seq = { 0x03, 0x01, 0x0f, 0x00, 0x06 },
	.gfx = { 0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff },
	.crtc = { 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0, 0, 0, 0, 0,
		  0, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff },
	.attr_mode = 0x01,
};
static const struct mode chained_320x200 = {
	.misc = 0x63,
	.seq = { 0x03, 0x01, 0x0f, 0x00, 0x0e },
	.gfx = { 0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff },
	.crtc = { 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0, 0, 0, 0, 0,
		  0, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
	.attr_mode = 0x41,
};
static const struct mode cga_320x200 = {
	.misc = 0x63,
	.seq = { 0x03, 0x09, 0x03, 0x00, 0x02 },
	.gfx = { 0, 0, 0, 0, 0, 0x30, 0x0f, 0x0f, 0xff },
	.crtc = { 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0, 0, 0, 0, 0,
		  0, 0x9c, 0x8e, 0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff },
	.attr_mode = 0x01,
};

static void set_mode(const struct mode *mode)
{
	out(0x3c2, mode->misc);
	out_indexed(0x3c4, mode->seq, sizeof(mode->seq));
	out(0x3d4, 0x11); /* lift the protection */
	out(0x3d5, 0);
	out_indexed(0x3d4, mode->crtc, sizeof(mode->crtc));
	out_indexed(0x3ce, mode->gfx, sizeof(mode->gfx));
	set_palette();
	set_attr(0x10, mode->attr_mode);
	set_attr(0x13, mode->panning);
}

static void paint(unsigned int y)
{
	memset(line, 0xa5, sizeof(line));
	vga_decode(&vga, &picture);
	vga_paint_line(&vga, &picture, y, true, line);
	assert_int_equal(line[picture.width], 0xa5a5a5a5);
}

static void poke(uint32_t gpa, uint8_t value)
{
	vga_window_write(&vga, gpa - VGA_WINDOW_GPA, value);
}

static uint8_t peek(uint32_t gpa)
{
	return vga_window_read(&vga, gpa - VGA_WINDOW_GPA);
}

/* ---- registers ---- */

static void test_registers(void **state)
{
	out(0x3c4, 2);
	out(0x3c5, 0xff);
	assert_int_equal(in(0x3c5), 0x0f); /* four planes */
	out(0x3ce, 8);
	out(0x3cf, 0x5a);
	assert_int_equal(in(0x3cf), 0x5a);
	assert_int_equal(in(0x3ce), 8);

	/* the CRTC is at one of two places */
	out(0x3d4, 0x0e);
	out(0x3d5, 0x12);
	assert_int_equal(in(0x3d5), 0x12);
	assert_int_equal(in(0x3b5), 0xff);
	out(0x3c2, 0x66);
	assert_int_equal(in(0x3b5), 0x12);
	assert_int_equal(in(0x3d5), 0xff);
	assert_int_equal(in(0x3cc), 0x66);
	out(0x3c2, 0x67);

	/* protected registers 0 to 7, but for one bit */
	out(0x3d4, 0x11);
	out(0x3d5, 0x80);
	out(0x3d4, 0x00);
	out(0x3d5, 0x55);
	assert_int_equal(in(0x3d5), 0);
	out(0x3d4, 0x07);
	out(0x3d5, 0xff);
	assert_int_equal(in(0x3d5), 0x10);
	out(0x3d4, 0x1f);
	out(0x3d5, 0xff);
	assert_int_equal(in(0x3d5), 0);
}

static void test_attribute_flip_flop(void **state)
{
	in(0x3da);
	out(0x3c0, 0x05); /* index */
	out(0x3c0, 0xff); /* data */
	assert_int_equal(in(0x3c1), 0x3f);
	out(0x3c0, 0x26);
	assert_int_equal(in(0x3c0), 0); /* data comes next */
	in(0x3da);
	assert_int_equal(in(0x3c0), 0x26);
	assert_int_equal(in(0x3c1), 0);
}

static void test_dac(void **state)
{
	out(0x3c8, 200);
	out(0x3c9, 1);
	out(0x3c9, 2);
	assert_int_equal(vga.dac[200][0], 0); /* not before the third */
	out(0x3c9, 3);
	assert_int_equal(in(0x3c8), 201);
	assert_int_equal(in(0x3c7), 0);
	out(0x3c7, 200);
	assert_int_equal(in(0x3c7), 3);
	assert_int_equal(in(0x3c9), 1);
	assert_int_equal(in(0x3c9), 2);
	assert_int_equal(in(0x3c9), 3);
	assert_int_equal(in(0x3c9), 0);
}

static void test_retrace(void **state)
{
	unsigned int shown = 0, retrace = 0;

	for (int64_t t = 0; t < 16666667; t += 1000) {
		uint8_t status = vga_port_read(&vga, 0x3da - VGA_PORT, t);

		shown += !(status & 0x01);
		retrace += !!(status & 0x08);
		if (status & 0x08)
			assert_true(status & 0x01);
	}
	assert_in_range(shown, 11000, 13500);
	assert_in_range(retrace, 500, 1200);
}

/* ---- planes ---- */

static void gfx(unsigned int index, uint8_t value)
{
	out(0x3ce, index);
	out(0x3cf, value);
}

static void map_mask(uint8_t mask)
{
	out(0x3c4, 2);
	out(0x3c5, mask);
}

static uint32_t planes_at(uint32_t address)
{
	return vram[4 * address] | vram[4 * address + 1] << 8 | vram[4 * address + 2] << 16 |
	       (uint32_t)vram[4 * address + 3] << 24;
}

static void test_write_modes(void **state)
{
	set_mode(&planar_640x480);

	/* 0: map mask, rotation, set/reset, bit mask with the latch */
	map_mask(0x5);
	poke(0xa0010, 0x81);
	assert_int_equal(planes_at(0x10), 0x00810081);
	map_mask(0xf);
	gfx(3, 0x01);
	poke(0xa0010, 0x81);
	assert_int_equal(planes_at(0x10), 0xc0c0c0c0);
	gfx(3, 0);
	gfx(0, 0x2);
	gfx(1, 0x3);
	poke(0xa0010, 0x0f);
	assert_int_equal(planes_at(0x10), 0x0f0fff00);
	gfx(1, 0);
	peek(0xa0010);
	gfx(8, 0xf0);
	poke(0xa0010, 0x55);
	assert_int_equal(planes_at(0x10), 0x5f5f5f50);
	gfx(8, 0xff);

	/* logical functions */
	peek(0xa0010);
	gfx(3, 0x08);
	poke(0xa0011, 0x3c);
	assert_int_equal(planes_at(0x11), 0x1c1c1c10);
	gfx(3, 0x10);
	poke(0xa0011, 0x3c);
	assert_int_equal(planes_at(0x11), 0x7f7f7f7c);
	gfx(3, 0x18);
	poke(0xa0011, 0x3c);
	assert_int_equal(planes_at(0x11), 0x6363636c);
	gfx(3, 0);

	/* 1: the latch itself */
	peek(0xa0010);
	gfx(5, 1);
	poke(0xa0020, 0xff);
	assert_int_equal(planes_at(0x20), 0x5f5f5f50);

	/* 2: a colour */
	gfx(5, 2);
	poke(0xa0021, 0x9);
	assert_int_equal(planes_at(0x21), 0xff0000ff);

	/* 3: a colour through a rotated mask */
	gfx(5, 3);
	gfx(0, 0x4);
	peek(0xa0021);
	poke(0xa0022, 0x18);
	assert_int_equal(planes_at(0x22), 0xe71800e7);
}

static void test_read_modes(void **state)
{
	set_mode(&planar_640x480);
	gfx(5, 2);
	gfx(8, 0xf0);
	poke(0xa0000, 0x6); /* left half colour 6, right half 0 */
	gfx(8, 0xff);
	gfx(5, 0);
	gfx(4, 1);
	assert_int_equal(peek(0xa0000), 0xf0);
	gfx(4, 3);
	assert_int_equal(peek(0xa0000), 0x00);

	gfx(5, 0x08); /* compare */
	gfx(2, 0x6);
	gfx(7, 0xf);
	assert_int_equal(peek(0xa0000), 0xf0);
	gfx(2, 0x0);
	assert_int_equal(peek(0xa0000), 0x0f);
	gfx(7, 0x9); /* planes 1 and 2 do not care */
	assert_int_equal(peek(0xa0000), 0xff);
}

static void test_windows(void **state)
{
	set_mode(&planar_640x480); /* A0000, 64 KiB */
	poke(0xa0000, 0x11);
	assert_int_equal(peek(0xa0000), 0x11);
	poke(0xb8000, 0x22);
	assert_int_equal(peek(0xb8000), 0xff);
	gfx(6, 0x01); /* all 128 KiB */
	poke(0xb8000, 0x22);
	assert_int_equal(peek(0xb8000), 0x22);
	gfx(6, 0x0d); /* B8000 */
	assert_int_equal(peek(0xb8000), 0x11);
	assert_int_equal(peek(0xa0000), 0xff);
	gfx(6, 0x09); /* B0000 */
	assert_int_equal(peek(0xb0000), 0x11);
	assert_int_equal(peek(0xb8000), 0xff);
}

/* ---- modes ---- */

static void test_text(void **state)
{
	struct text_screen *text = calloc(1, sizeof(*text));

	set_mode(&text_80x25);
	map_mask(0x4);
	gfx(5, 0);
	gfx(6, 0x04);
	poke(0xa0000 + 'A' * 32 + 3, 0xc1); /* the font */
	poke(0xa0000 + 0xc4 * 32 + 3, 0xff);
	set_mode(&text_80x25);

	poke(0xb8000, 'A');
	poke(0xb8001, 0x1e);
	poke(0xb8000 + 160 * 2 + 158, 0xc4);
	poke(0xb8000 + 160 * 2 + 159, 0x2f);

	paint(3);
	assert_int_equal(picture.kind, VGA_TEXT);
	assert_int_equal(picture.width, 720);
	assert_int_equal(picture.height, 400);
	assert_int_equal(line[0], colour(0xe));
	assert_int_equal(line[1], colour(0xe));
	assert_int_equal(line[2], colour(0x1));
	assert_int_equal(line[7], colour(0xe));
	assert_int_equal(line[8], colour(0x1)); /* the ninth is background */
	paint(2);
	assert_int_equal(line[0], colour(0x1));
	paint(2 * 16 + 3);
	assert_int_equal(line[711], colour(0xf));
	assert_int_equal(line[719], colour(0xf)); /* but not in a line drawing */

	/* the cursor on lines 13 and 14 of cell 1 */
	poke(0xb8003, 0x07);
	out(0x3d4, 0x0f);
	out(0x3d5, 1);
	paint(13);
	assert_int_equal(line[9], colour(7));
	assert_int_equal(line[17], colour(7));
	assert_int_equal(line[18], colour(0));
	paint(12);
	assert_int_equal(line[9], colour(0));

	vga_read_text(&vga, text);
	assert_int_equal(text->columns, 80);
	assert_int_equal(text->rows, 25);
	assert_int_equal(text->cells[0].code, 'A');
	assert_int_equal(text->cells[0].attribute, 0x1e);
	assert_int_equal(text->cells[2 * 80 + 79].code, 0xc4);
	assert_true(text->cursor);
	assert_int_equal(text->cursor_x, 1);
	assert_int_equal(text->cursor_y, 0);

	/* scrolled by the start address: the cursor is above the screen */
	out(0x3d4, 0x0d);
	out(0x3d5, 160);
	vga_read_text(&vga, text);
	assert_int_equal(text->cells[79].code, 0xc4);
	assert_false(text->cursor);

	/* blinking */
	poke(0xb8000 + 320, 'A');
	poke(0xb8001 + 320, 0x9e);
	vga_decode(&vga, &picture);
	vga_paint_line(&vga, &picture, 3, true, line);
	assert_int_equal(line[0], colour(0xe));
	vga_paint_line(&vga, &picture, 3, false, line);
	assert_int_equal(line[0], colour(0x1));
	set_attr(0x10, 0x04); /* bright background instead */
	paint(3);
	assert_int_equal(line[2], colour(0x9));
	free(text);
}

static void test_text_fonts(void **state)
{
	/* the first set for characters whose attribute bit 3 is 0, the other where it is 1 */
	set_mode(&text_80x25);
	out(0x3c4, 3);
	out(0x3c5, 0x04); /* A: map 1 at 16 KiB; B: map 0 */
	vga_decode(&vga, &picture);
	assert_int_equal(picture.font[1], 0x4000);
	assert_int_equal(picture.font[0], 0);
	out(0x3c5, 0x20 | 0x10); /* the additional maps */
	vga_decode(&vga, &picture);
	assert_int_equal(picture.font[1], 0x2000);
	assert_int_equal(picture.font[0], 0x2000);
}

static void test_planar(void **state)
{
	set_mode(&planar_640x480);
	gfx(5, 2);
	gfx(8, 0x20);
	poke(0xa0000 + 80 * 5 + 79, 0xb);
	paint(5);
	assert_int_equal(picture.kind, VGA_PLANAR);
	assert_int_equal(picture.width, 640);
	assert_int_equal(picture.height, 480);
	assert_int_equal(line[634], colour(0xb));
	assert_int_equal(line[633], colour(0));
	assert_int_equal(line[635], colour(0));

	set_attr(0x12, 0x03); /* planes 2 and 3 are not shown */
	paint(5);
	assert_int_equal(line[634], colour(0x3));
	set_attr(0x13, 2); /* panning */
	paint(5);
	assert_int_equal(line[632], colour(0x3));
}

static void test_line_compare(void **state)
{
	set_mode(&planar_640x480);
	gfx(5, 2);
	gfx(8, 0xff);
	poke(0xa0000, 0x5);
	out(0x3d4, 0x0d); /* starts 80 bytes on: line 0 is the second */
	out(0x3d5, 80);
	out(0x3d4, 0x18);
	out(0x3d5, 99);
	out(0x3d4, 0x07);
	out(0x3d5, 0x3e & ~0x10);
	out(0x3d4, 0x09);
	out(0x3d5, 0x00);
	paint(99);
	assert_int_equal(line[0], colour(0));
	paint(100); /* from address 0 again */
	assert_int_equal(line[0], colour(5));
}

static void test_chained(void **state)
{
	set_mode(&chained_320x200);
	poke(0xa0000 + 320 * 7 + 319, 33);
	poke(0xa0000 + 320 * 7, 34);
	paint(14); /* each line twice, each pixel twice */
	assert_int_equal(picture.kind, VGA_CHAINED);
	assert_int_equal(picture.width, 640);
	assert_int_equal(picture.height, 400);
	assert_int_equal(line[0], colour(34));
	assert_int_equal(line[1], colour(34));
	assert_int_equal(line[2], colour(0));
	assert_int_equal(line[638], colour(33));
	paint(15);
	assert_int_equal(line[639], colour(33));
	paint(16);
	assert_int_equal(line[639], colour(0));

	/* unchained: four planes of the same pixels */
	out(0x3c4, 4);
	out(0x3c5, 6);
	map_mask(0x8);
	poke(0xa0000 + 80 * 7 + 79, 35);
	paint(14);
	assert_int_equal(line[638], colour(35));
}

static void test_cga(void **state)
{
	set_mode(&cga_320x200);
	poke(0xb8000 + 0x2000 + 79, 0x1b); /* line 1: colours 0 1 2 3 */
	paint(2);
	assert_int_equal(picture.kind, VGA_CGA);
	assert_int_equal(picture.width, 640);
	assert_int_equal(picture.height, 400);
	assert_int_equal(line[632], colour(0));
	assert_int_equal(line[634], colour(1));
	assert_int_equal(line[636], colour(2));
	assert_int_equal(line[639], colour(3));
	paint(0);
	assert_int_equal(line[639], colour(0));
}

static void test_blank(void **state)
{
	vga_decode(&vga, &picture);
	assert_int_equal(picture.kind, VGA_BLANK);
	assert_int_equal(picture.width, 640);
	set_mode(&planar_640x480);
	memset(vram, 0xff, VRAM);
	paint(0);
	assert_int_equal(line[0], colour(0xf));
	in(0x3da);
	out(0x3c0, 0x00); /* palette address source off */
	paint(0);
	assert_int_equal(picture.kind, VGA_BLANK);
	assert_int_equal(picture.width, 640);
	assert_int_equal(line[0], 0);
}

/* ---- DISPI ---- */

static void dispi_mode(unsigned int width, unsigned int height, unsigned int bpp)
{
	vga_dispi_write(&vga, DISPI_ENABLE, 0);
	vga_dispi_write(&vga, DISPI_XRES, width);
	vga_dispi_write(&vga, DISPI_YRES, height);
	vga_dispi_write(&vga, DISPI_BPP, bpp);
	vga_dispi_write(&vga, DISPI_ENABLE, DISPI_ENABLED | DISPI_LFB_ENABLED);
	in(0x3da);
	out(0x3c0, 0x20);
}

static void test_dispi_identity(void **state)
{
	assert_int_equal(vga_dispi_read(&vga, DISPI_ID), 0xb0c5);
	for (unsigned int id = 0xb0c0; id <= 0xb0c5; id++) {
		vga_dispi_write(&vga, DISPI_ID, id);
		assert_int_equal(vga_dispi_read(&vga, DISPI_ID), id);
	}
	vga_dispi_write(&vga, DISPI_ID, 0xb0c6);
	vga_dispi_write(&vga, DISPI_ID, 0x1234);
	assert_int_equal(vga_dispi_read(&vga, DISPI_ID), 0xb0c5);
	assert_int_equal(vga_dispi_read(&vga, DISPI_VIDEO_MEMORY), VRAM >> 16);
	vga_dispi_write(&vga, DISPI_ENABLE, DISPI_GETCAPS);
	assert_int_equal(vga_dispi_read(&vga, DISPI_XRES), DISPI_MAX_XRES);
	assert_int_equal(vga_dispi_read(&vga, DISPI_BPP), 32);
	assert_int_equal(vga_dispi_read(&vga, 100), 0);
}

static void test_dispi_modes(void **state)
{
	static const struct {
		unsigned int bpp;
		uint8_t bytes[4];
		uint32_t pixel;
	} cases[] = {
		{ 15, { 0x1f, 0x7c }, 0xff00ff },
		{ 16, { 0xe0, 0x07 }, 0x00ff00 },
		{ 24, { 0x33, 0x22, 0x11 }, 0x112233 },
		{ 32, { 0x66, 0x55, 0x44, 0xff }, 0x445566 },
	};

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int bytes = (cases[i].bpp + 7) / 8;

		memset(vram, 0xee, sizeof(vram));
		dispi_mode(320, 200, cases[i].bpp);
		assert_int_equal(vram[0], 0); /* cleared */
		memcpy(vram + (320 * 10 + 319) * bytes, cases[i].bytes, bytes);
		paint(10);
		assert_int_equal(picture.width, 320);
		assert_int_equal(picture.height, 200);
		assert_int_equal(line[319], cases[i].pixel);
		assert_int_equal(line[318], 0);
	}

	dispi_mode(320, 200, 8);
	set_palette();
	vram[320 * 10 + 319] = 40;
	paint(10);
	assert_int_equal(line[319], colour(40));
	vga_dispi_write(&vga, DISPI_ENABLE, DISPI_ENABLED | DISPI_8BIT_DAC);
	paint(10);
	assert_int_equal(line[319], 0x285078);

	/* 4 bits: planes, by the VGA's own window */
	dispi_mode(320, 200, 4);
	gfx(6, 0x05);
	gfx(5, 0x02);
	gfx(8, 0xff);
	map_mask(0xf);
	poke(0xa0000 + 40 * 10 + 39, 0x6);
	paint(10);
	assert_int_equal(line[319], colour(6));
	assert_int_equal(line[311], colour(0));

	/* the memory stays if it is told to */
	vga_dispi_write(&vga, DISPI_ENABLE, 0);
	vram[0] = 0x77;
	vga_dispi_write(&vga, DISPI_ENABLE, DISPI_ENABLED | DISPI_NOCLEARMEM);
	assert_int_equal(vram[0], 0x77);
}

static void test_dispi_bank_and_pan(void **state)
{
	dispi_mode(320, 200, 32);
	vga_dispi_write(&vga, DISPI_BANK, 3);
	poke(0xa0010, 0x5c);
	assert_int_equal(vram[0x30010], 0x5c);
	assert_int_equal(peek(0xa0010), 0x5c);
	poke(0xb0010, 0x5d); /* beyond the bank */
	assert_int_equal(peek(0xb0010), 0xff);
	vga_dispi_write(&vga, DISPI_BANK, 0xffff);
	poke(0xa0010, 0x5e);
	assert_int_equal(peek(0xa0010), 0xff);

	vga_dispi_write(&vga, DISPI_VIRT_WIDTH, 400);
	assert_int_equal(vga_dispi_read(&vga, DISPI_VIRT_HEIGHT), VRAM / 1600);
	vga_dispi_write(&vga, DISPI_X_OFFSET, 80);
	vga_dispi_write(&vga, DISPI_Y_OFFSET, 100);
	vram[(100 * 400 + 80) * 4] = 0x21;
	paint(0);
	assert_int_equal(line[0], 0x21);
	/* no further than the picture goes */
	vga_dispi_write(&vga, DISPI_X_OFFSET, 81);
	assert_int_equal(vga_dispi_read(&vga, DISPI_X_OFFSET), 80);
	vga_dispi_write(&vga, DISPI_Y_OFFSET, 0xffff);
	assert_int_equal(vga_dispi_read(&vga, DISPI_Y_OFFSET), VRAM / 1600 - 200);
	paint(199);
}

/* What is said to be memory behaves like it; @expected: where it starts, or -1. */
static void assert_window(int64_t expected)
{
	uint32_t start, at = rand() % VGA_BANK_BYTES;
	bool is_memory = vga_window_is_memory(&vga, &start);

	assert_true((is_memory ? (int64_t)start : -1) == expected);
	if (!is_memory)
		return;
	poke(VGA_WINDOW_GPA + at, 0x77);
	assert_int_equal(vram[start + at], 0x77);
	vram[start + at] = 0x78;
	assert_int_equal(peek(VGA_WINDOW_GPA + at), 0x78);
}

static void test_window_as_memory(void **state)
{
	assert_window(-1);
	set_mode(&text_80x25);
	assert_window(-1);
	set_mode(&planar_640x480);
	assert_window(-1);
	set_mode(&cga_320x200);
	assert_window(-1);
	set_mode(&chained_320x200);
	assert_window(0);
	map_mask(0x7);
	assert_window(-1);
	map_mask(0xf);
	assert_window(0);
	dispi_mode(320, 200, 32);
	assert_window(0);
	vga_dispi_write(&vga, DISPI_BANK, 3);
	assert_window(0x30000);
	vga_dispi_write(&vga, DISPI_BANK, VRAM / VGA_BANK_BYTES - 1);
	assert_window(VRAM - VGA_BANK_BYTES);
	set_mode(&planar_640x480);
	dispi_mode(640, 480, 4);
	assert_window(-1);
}

static void test_dispi_impossible(void **state)
{
	dispi_mode(0xffff, 0xffff, 32);
	assert_int_equal(vga_dispi_read(&vga, DISPI_XRES), DISPI_MAX_XRES);
	assert_int_equal(vga_dispi_read(&vga, DISPI_YRES), VRAM / (4 * DISPI_MAX_XRES));
	paint(vga_dispi_read(&vga, DISPI_YRES) - 1);
	dispi_mode(0, 0, 0);
	paint(0);
	assert_int_equal(picture.height, 1);
	assert_int_equal(vga_dispi_read(&vga, DISPI_BPP), 8);
	vga_dispi_write(&vga, DISPI_BPP, 77);
	assert_int_equal(vga_dispi_read(&vga, DISPI_BPP), 8);
}

/* Random registers: the sanitizers see what goes out of bounds. */
static void test_random(void **state)
{
	uint32_t start;

	srand(1);
	for (unsigned int round = 0; round < 400; round++) {
		for (unsigned int i = 0; i < 60; i++) {
			switch (rand() % 4) {
			case 0:
				vga_dispi_write(&vga, rand() % 12, rand());
				break;
			case 1:
				poke(VGA_WINDOW_GPA + rand() % VGA_WINDOW_BYTES, rand());
				break;
			case 2:
				peek(VGA_WINDOW_GPA + rand() % VGA_WINDOW_BYTES);
				break;
			default:
				vga_port_write(&vga, rand() % VGA_PORTS, rand());
				break;
			}
		}
		if (vga_window_is_memory(&vga, &start))
			assert_window(start);
		vga_decode(&vga, &picture);
		assert_in_range(picture.width, 1, DISPI_MAX_XRES);
		assert_in_range(picture.height, 1, DISPI_MAX_YRES);
		for (unsigned int i = 0; i < 4; i++)
			paint(rand() % picture.height);
		paint(picture.height - 1);
	}
}

/* ---- the card on its buses ---- */

static struct bus pio, mmio;
static struct pci_bus pci;
static struct error err;

static struct vga *plug(void)
{
	struct vga *card = vga_create(NULL, &err);

	assert_non_null(card);
	bus_init(&pio, "port");
	bus_init(&mmio, "mmio");
	pci_bus_init(&pci, &pio, &mmio, -1);
	assert_int_equal(vga_plug(card, &pci, 2, &err), 0);
	return card;
}

static void test_card(void **state)
{
	struct vga *card = plug();
	const struct screen *screen = vga_screen(card);
	struct surface surface = { .pixels = NULL };
	struct damage damage;

	assert_int_equal(pci_config_read(&pci, 2, 0, 0, 4), 0x11111234);
	assert_int_equal(pci_config_read(&pci, 2, 0, PCI_REVISION, 4), 0x03000002);
	pci_config_write(&pci, 2, 0, PCI_BAR0, 4, 0xffffffff);
	assert_int_equal(pci_config_read(&pci, 2, 0, PCI_BAR0, 4), 0xff000008);
	pci_config_write(&pci, 2, 0, PCI_BAR0, 4, 0xe0000000);
	pci_config_write(&pci, 2, 0, PCI_BAR0 + 8, 4, 0xfeb00000);
	pci_config_write(&pci, 2, 0, PCI_COMMAND, 2, 3);

	/* registers by port and by memory are the same ones */
	bus_write(&pio, 0x1ce, 2, DISPI_XRES);
	bus_write(&pio, 0x1cf, 2, 640);
	assert_int_equal(bus_read(&mmio, 0xfeb00502, 2), 640);
	bus_write(&mmio, 0xfeb00504, 2, 400);
	bus_write(&pio, 0x1ce, 2, DISPI_YRES);
	assert_int_equal(bus_read(&pio, 0x1d0, 2), 400);
	bus_write(&mmio, 0xfeb00506, 1, 8); /* half a register: ignored */
	bus_write(&mmio, 0xfeb00506, 2, 32);
	bus_write(&mmio, 0xfeb00508, 2, DISPI_ENABLED | DISPI_LFB_ENABLED);
	bus_write(&mmio, 0xfeb00400, 1, 0x20);
	assert_int_equal(bus_read(&mmio, 0xfeb00600, 4), 8);
	assert_int_equal(bus_read(&mmio, 0xfeb00604, 4), 0x1e1e1e1e);
	assert_int_equal(bus_read(&mmio, 0xfeb00000, 8), 0x00ffffffffffff00);
	assert_int_equal(bus_read(&mmio, 0xfeb00ffc, 4), 0);

	/* an update tells what has changed since the last one */
	screen->watch(screen->dev, true);
	screen->update(screen->dev, &surface, &damage);
	assert_int_equal(surface.width, 640);
	assert_int_equal(surface.height, 400);
	assert_int_equal(damage.x1, 640);
	assert_int_equal(damage.y1, 400);
	screen->update(screen->dev, &surface, &damage);
	assert_int_equal(damage.x0, damage.x1);
	bus_write(&mmio, VGA_WINDOW_GPA + 640 * 4 * 3 + 5 * 4, 8, 0x0000112200334455);
	screen->update(screen->dev, &surface, &damage);
	assert_int_equal(damage.x0, 5);
	assert_int_equal(damage.x1, 7);
	assert_int_equal(damage.y0, 3);
	assert_int_equal(damage.y1, 4);
	assert_int_equal(surface_row(&surface, 3)[5], 0x334455);
	screen->watch(screen->dev, false);

	/* a snapshot is whole, and a reset makes it black */
	assert_true(screen->snapshot(screen->dev, &surface));
	assert_int_equal(surface_row(&surface, 3)[6], 0x1122);
	pci_bus_reset(&pci);
	vga_reset(card);
	assert_true(screen->snapshot(screen->dev, &surface));
	assert_int_equal(surface.width, 640);
	assert_int_equal(surface.height, 480);
	assert_int_equal(surface_row(&surface, 3)[6], 0);
	surface_free(&surface);
	vga_destroy(card);
}

static void test_rom(void **state)
{
	assert_null(vga_create("/nonexistent/rom", &err));
	assert_non_null(strstr(err.text, "/nonexistent/rom"));
	assert_null(vga_create("/dev/null", &err));
	assert_non_null(strstr(err.text, "no BIOS"));
}

static void test_edid(void **state)
{
	uint8_t block[EDID_BYTES], sum = 0;

	edid_make(block, 1280, 800);
	for (unsigned int i = 0; i < EDID_BYTES; i++)
		sum += block[i];
	assert_int_equal(sum, 0);
	assert_int_equal(block[54 + 2] | (block[54 + 4] >> 4) << 8, 1280);
	assert_int_equal(block[54 + 5] | (block[54 + 7] >> 4) << 8, 800);
	assert_int_equal(block[8] << 8 | block[9], 0x3728); /* MYH */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_registers, setup),
		cmocka_unit_test_setup(test_attribute_flip_flop, setup),
		cmocka_unit_test_setup(test_dac, setup),
		cmocka_unit_test_setup(test_retrace, setup),
		cmocka_unit_test_setup(test_write_modes, setup),
		cmocka_unit_test_setup(test_read_modes, setup),
		cmocka_unit_test_setup(test_windows, setup),
		cmocka_unit_test_setup(test_text, setup),
		cmocka_unit_test_setup(test_text_fonts, setup),
		cmocka_unit_test_setup(test_planar, setup),
		cmocka_unit_test_setup(test_line_compare, setup),
		cmocka_unit_test_setup(test_chained, setup),
		cmocka_unit_test_setup(test_cga, setup),
		cmocka_unit_test_setup(test_blank, setup),
		cmocka_unit_test_setup(test_dispi_identity, setup),
		cmocka_unit_test_setup(test_dispi_modes, setup),
		cmocka_unit_test_setup(test_dispi_bank_and_pan, setup),
		cmocka_unit_test_setup(test_window_as_memory, setup),
		cmocka_unit_test_setup(test_dispi_impossible, setup),
		cmocka_unit_test_setup(test_random, setup),
		cmocka_unit_test(test_card),
		cmocka_unit_test(test_rom),
		cmocka_unit_test(test_edid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
