/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The heart of a VGA with Bochs' display interface (DISPI): registers, the window at
 * 0xA0000 and the painter. Pure: no locks, no clocks, no allocation; whatever a guest
 * writes, nothing outside @vram is read or written.
 *
 * Video memory is kept plane by plane within each group of four bytes: byte a of plane p
 * is vram[4 * a + p]. Then chained modes, text and the linear frame buffer all see their
 * bytes in order, and the first 256 KiB are what a VGA had.
 */
#ifndef HVRUN_VGA_STATE_H
#define HVRUN_VGA_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "display/screen.h"

#define VGA_WINDOW_GPA 0xa0000
#define VGA_WINDOW_BYTES 0x20000
#define VGA_BANK_BYTES 0x10000 /* of it, in DISPI's banked modes */
#define VGA_PORT 0x3b0
#define VGA_PORTS 0x30 /* 0x3b0-0x3df */

#define VGA_SEQ_REGS 8
#define VGA_GFX_REGS 16
#define VGA_ATTR_REGS 32
#define VGA_CRTC_REGS 32
#define VGA_COLOURS 256

/* DISPI: index and data, by port or memory-mapped. */
enum vga_dispi {
	DISPI_ID,
	DISPI_XRES,
	DISPI_YRES,
	DISPI_BPP,
	DISPI_ENABLE,
	DISPI_BANK,
	DISPI_VIRT_WIDTH,
	DISPI_VIRT_HEIGHT,
	DISPI_X_OFFSET,
	DISPI_Y_OFFSET,
	DISPI_VIDEO_MEMORY, /* in 64 KiB; read only */
	DISPI_REGS,
};

#define DISPI_ENABLED 0x01
#define DISPI_GETCAPS 0x02
#define DISPI_8BIT_DAC 0x20
#define DISPI_LFB_ENABLED 0x40
#define DISPI_NOCLEARMEM 0x80

#define DISPI_MAX_XRES 16000
#define DISPI_MAX_YRES 12000
#define DISPI_MAX_BPP 32

/**
 * struct vga_state - registers and memory
 * @vram: video memory
 * @vram_bytes: its size: a power of two, at least 256 KiB
 * @clear_vram: make [0, @bytes) of it zero; a whole memory of zeros need not be resident
 * @generation: counts what may have changed the picture, but for writes to the frame buffer
 *	that the guest has mapped
 */
struct vga_state {
	uint8_t *vram;
	uint32_t vram_bytes;
	void (*clear_vram)(struct vga_state *vga, uint32_t bytes);
	uint64_t generation;

	uint8_t misc;
	uint8_t feature;
	uint8_t seq_index;
	uint8_t seq[VGA_SEQ_REGS];
	uint8_t gfx_index;
	uint8_t gfx[VGA_GFX_REGS];
	uint8_t attr_index; /* with bit 5, palette address source */
	bool attr_is_data;  /* the flip-flop: the next write to 0x3c0 is data */
	uint8_t attr[VGA_ATTR_REGS];
	uint8_t crtc_index;
	uint8_t crtc[VGA_CRTC_REGS];

	uint8_t dac_mask;
	bool dac_reads; /* 0x3c7 was written last, not 0x3c8 */
	uint8_t dac_read_index;
	uint8_t dac_write_index;
	uint8_t dac_part; /* 0 red, 1 green, 2 blue */
	uint8_t dac_latch[2];
	uint8_t dac[VGA_COLOURS][3];

	uint8_t latch[4]; /* of the planes */

	uint16_t dispi_index;
	uint16_t dispi[DISPI_REGS];
};

void vga_state_init(struct vga_state *vga, uint8_t *vram, uint32_t vram_bytes,
		    void (*clear_vram)(struct vga_state *vga, uint32_t bytes));
void vga_state_reset(struct vga_state *vga);

/** vga_port_read() - @port is an offset from VGA_PORT; @now_ns moves the beam */
uint8_t vga_port_read(struct vga_state *vga, unsigned int port, int64_t now_ns);
void vga_port_write(struct vga_state *vga, unsigned int port, uint8_t value);

uint16_t vga_dispi_read(const struct vga_state *vga, unsigned int index);
void vga_dispi_write(struct vga_state *vga, unsigned int index, uint16_t value);

static inline bool vga_dispi_is_on(const struct vga_state *vga)
{
	return vga->dispi[DISPI_ENABLE] & DISPI_ENABLED;
}

/** vga_dispi_line_bytes() - from one line to the next; of each plane with 4 bits per pixel */
uint32_t vga_dispi_line_bytes(const struct vga_state *vga);

/** vga_window_read() - a byte of the window at VGA_WINDOW_GPA; the planes are latched */
uint8_t vga_window_read(struct vga_state *vga, uint32_t offset);
void vga_window_write(struct vga_state *vga, uint32_t offset, uint8_t value);

/**
 * vga_window_is_memory() - are the window's first VGA_BANK_BYTES plain video memory?
 * @start: of them in video memory
 */
bool vga_window_is_memory(const struct vga_state *vga, uint32_t *start);

enum vga_kind {
	VGA_BLANK,
	VGA_TEXT,
	VGA_PLANAR,  /* 16 colours from four planes */
	VGA_CGA,     /* 4 colours, two bits side by side */
	VGA_CHAINED, /* 256 colours, a pixel two wide */
	VGA_LINEAR8, /* DISPI modes */
	VGA_LINEAR15,
	VGA_LINEAR16,
	VGA_LINEAR24,
	VGA_LINEAR32,
};

/**
 * struct vga_picture - what the registers say about the picture
 * @kind: how memory becomes pixels
 * @width: in pixels, 1..DISPI_MAX_XRES
 * @height: in lines, 1..DISPI_MAX_YRES
 * @start: first byte of the first line: of each plane, or of video memory (VGA_LINEAR*)
 * @line_bytes: from one line (of characters) to the next
 * @address_mask: addresses of a plane wrap here
 * @dot_repeat: 2: every pixel is two wide
 * @line_repeat_shift: 1: every line is shown twice
 * @row_lines: lines of a character
 * @char_width: 8 or 9
 * @pan: pixels that the first column is shifted to the left
 * @line_compare: below this line the picture starts again at address 0
 * @font: offsets of the two character sets in plane 2
 * @palette: colours by attribute (VGA_TEXT, VGA_PLANAR, VGA_CGA) or by value
 */
struct vga_picture {
	enum vga_kind kind;
	unsigned int width;
	unsigned int height;
	uint32_t start;
	uint32_t line_bytes;
	uint32_t address_mask;
	unsigned int dot_repeat;
	unsigned int line_repeat_shift;
	unsigned int row_lines;
	unsigned int char_width;
	unsigned int pan;
	unsigned int line_compare;
	uint32_t font[2];
	uint32_t palette[VGA_COLOURS];
};

/** vga_decode() - what do the registers say? */
void vga_decode(const struct vga_state *vga, struct vga_picture *picture);

/** vga_is_linear() - are its lines bytes of video memory, one after the other? */
static inline bool vga_is_linear(const struct vga_picture *picture)
{
	return picture->kind >= VGA_LINEAR8;
}

/**
 * vga_paint_line() - paint line @y of @picture
 * @blink_on: blinking characters and the cursor are seen
 * @out: @picture->width pixels
 */
void vga_paint_line(const struct vga_state *vga, const struct vga_picture *picture, unsigned int y,
		    bool blink_on, uint32_t *out);

/** vga_paint_text_line() - the same for VGA_TEXT (vga_text.c) */
void vga_paint_text_line(const struct vga_state *vga, const struct vga_picture *picture,
			 unsigned int y, bool blink_on, uint32_t *out);

/** vga_read_text() - what a text mode shows */
void vga_read_text(const struct vga_state *vga, struct text_screen *text);

/* Plane @plane at @address of it. */
static inline uint8_t vga_plane_byte(const struct vga_state *vga, uint32_t address,
				     unsigned int plane)
{
	return vga->vram[(address * 4 + plane) & (vga->vram_bytes - 1)];
}

#endif /* HVRUN_VGA_STATE_H */
