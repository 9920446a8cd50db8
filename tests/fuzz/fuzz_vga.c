// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target: any sequence of accesses to the graphics card, with pictures taken in
 * between. Whatever the registers hold, nothing outside the video memory is touched, and a
 * picture has a size that displays can stand.
 */
#include <stdlib.h>
#include <string.h>

#include "dev/vga_state.h"

#define VRAM_BYTES (256U << 10)
#define MOST_LINES 24

#define require(condition)        \
	do {                      \
		if (!(condition)) \
			abort();  \
	} while (0)

static struct vga_state vga;
static struct vga_picture picture;
static struct text_screen text;

static void clear(struct vga_state *state, uint32_t bytes)
{
	require(bytes <= VRAM_BYTES);
	memset(state->vram, 0, bytes);
}

/* Lines that the sanitizer guards on both sides. */
static void look(void)
{
	uint32_t *line;
	unsigned int step;

	vga_decode(&vga, &picture);
	require(picture.width >= 1 && picture.width <= DISPI_MAX_XRES);
	require(picture.height >= 1 && picture.height <= DISPI_MAX_YRES);
	line = malloc(picture.width * sizeof(*line));
	step = picture.height / MOST_LINES + 1;
	for (unsigned int y = 0; y < picture.height; y += step)
		vga_paint_line(&vga, &picture, y, y & 1, line);
	vga_paint_line(&vga, &picture, picture.height - 1, true, line);
	free(line);
	vga_read_text(&vga, &text);
	require(text.columns * text.rows <= TEXT_CELLS_MAX);
	require(!text.cursor || (text.cursor_x < text.columns && text.cursor_y < text.rows));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Four bytes make a step: what, where, and two of value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t *vram;

	if (!vram)
		vram = malloc(VRAM_BYTES);
	vga_state_init(&vga, vram, VRAM_BYTES, clear);
	for (; size >= 4; size -= 4, data += 4) {
		uint16_t value = data[2] | data[3] << 8;
		uint32_t offset = ((data[0] & 1) << 16 | value) & (VGA_WINDOW_BYTES - 1);

		switch (data[0] >> 4) {
		case 0:
			vga_port_read(&vga, data[1] % VGA_PORTS, value * 1000LL);
			break;
		case 1:
			vga_dispi_write(&vga, data[1] % 16, value);
			break;
		case 2:
			vga_dispi_read(&vga, data[1]);
			break;
		case 3:
			vga_window_read(&vga, offset);
			break;
		case 4:
		case 5:
			vga_window_write(&vga, offset, data[1]);
			break;
		case 6:
			look();
			break;
		default:
			vga_port_write(&vga, data[1] % VGA_PORTS, value);
			break;
		}
	}
	look();
	return 0;
}
