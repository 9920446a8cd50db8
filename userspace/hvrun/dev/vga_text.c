// SPDX-License-Identifier: GPL-2.0-or-later
/* Text modes: character and attribute in planes 0 and 1, the font in plane 2. */
#include "dev/vga_state.h"

#define CRTC_COLUMNS 0x01
#define CRTC_CURSOR_START 0x0a
#define CRTC_CURSOR_END 0x0b
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f
#define CRTC_UNDERLINE 0x14
#define CURSOR_OFF 0x20

#define ATTR_MODE 0x10
#define MODE_MONO 0x02
#define MODE_LINE_GRAPHICS 0x04
#define MODE_BLINK 0x08

#define FONT_CHARACTER_BYTES 32
#define FONT_PLANE 2

struct cell {
	uint32_t address;
	uint8_t code;
	uint8_t attribute;
};

static struct cell cell_at(const struct vga_state *vga, const struct vga_picture *picture,
			   uint32_t address)
{
	struct cell cell = { .address = address & picture->address_mask };

	cell.code = vga_plane_byte(vga, cell.address, 0);
	cell.attribute = vga_plane_byte(vga, cell.address, 1);
	return cell;
}

static uint32_t cursor_address(const struct vga_state *vga)
{
	return vga->crtc[CRTC_CURSOR_HIGH] << 8 | vga->crtc[CRTC_CURSOR_LOW];
}

static bool is_in_cursor(const struct vga_state *vga, uint32_t address, unsigned int scan)
{
	return address == cursor_address(vga) && !(vga->crtc[CRTC_CURSOR_START] & CURSOR_OFF) &&
	       scan >= (vga->crtc[CRTC_CURSOR_START] & 0x1f) &&
	       scan <= (vga->crtc[CRTC_CURSOR_END] & 0x1f);
}

static bool is_underlined(const struct vga_state *vga, const struct cell *cell, unsigned int scan)
{
	return (vga->attr[ATTR_MODE] & MODE_MONO) && (cell->attribute & 0x07) == 0x01 &&
	       scan == (vga->crtc[CRTC_UNDERLINE] & 0x1f);
}

/* The dots of a cell in one line: bit 8 is the leftmost, bit 0 the ninth. */
static unsigned int cell_dots(const struct vga_state *vga, const struct vga_picture *picture,
			      const struct cell *cell, unsigned int scan, bool blink_on)
{
	uint32_t font = picture->font[cell->attribute >> 3 & 1];
	uint32_t glyph = font + cell->code * FONT_CHARACTER_BYTES + scan;
	unsigned int dots = vga_plane_byte(vga, glyph, FONT_PLANE) << 1;

	/* characters that draw lines go through to the next cell */
	if ((vga->attr[ATTR_MODE] & MODE_LINE_GRAPHICS) && (cell->code & 0xe0) == 0xc0)
		dots |= dots >> 1 & 1;
	if (is_underlined(vga, cell, scan))
		dots = 0x1ff;
	if ((vga->attr[ATTR_MODE] & MODE_BLINK) && (cell->attribute & 0x80) && !blink_on)
		dots = 0;
	if (blink_on && is_in_cursor(vga, cell->address, scan))
		dots = 0x1ff;
	return dots;
}

void vga_paint_text_line(const struct vga_state *vga, const struct vga_picture *picture,
			 unsigned int y, bool blink_on, uint32_t *out)
{
	uint8_t background_mask = vga->attr[ATTR_MODE] & MODE_BLINK ? 0x7 : 0xf;
	bool is_lower = y > picture->line_compare;
	unsigned int line = (is_lower ? y - picture->line_compare - 1 : y) >>
			    picture->line_repeat_shift;
	uint32_t address =
		(is_lower ? 0 : picture->start) + line / picture->row_lines * picture->line_bytes;
	unsigned int scan = line % picture->row_lines;
	/* of dots as the display shows them, the panned ones left out */
	unsigned int skip = picture->pan * picture->dot_repeat, x = 0;

	while (x < picture->width) {
		struct cell cell = cell_at(vga, picture, address++);
		unsigned int dots = cell_dots(vga, picture, &cell, scan, blink_on);
		uint32_t fore = picture->palette[cell.attribute & 0x0f];
		uint32_t back = picture->palette[cell.attribute >> 4 & background_mask];

		for (unsigned int dot = 0; dot < picture->char_width; dot++, dots <<= 1)
			for (unsigned int i = 0; i < picture->dot_repeat; i++) {
				if (skip)
					skip--;
				else if (x < picture->width)
					out[x++] = dots & 0x100 ? fore : back;
			}
	}
}

void vga_read_text(const struct vga_state *vga, struct text_screen *text)
{
	struct vga_picture picture;
	uint32_t cursor;

	vga_decode(vga, &picture);
	text->width = picture.width;
	text->height = picture.height;
	text->columns = 0;
	text->rows = 0;
	text->cursor = false;
	if (picture.kind != VGA_TEXT)
		return;

	text->columns = vga->crtc[CRTC_COLUMNS] + 1;
	text->rows = (picture.height >> picture.line_repeat_shift) / picture.row_lines;
	if (text->columns * text->rows > TEXT_CELLS_MAX)
		text->rows = TEXT_CELLS_MAX / text->columns;
	text->blinks = vga->attr[ATTR_MODE] & MODE_BLINK;

	cursor = (cursor_address(vga) - picture.start) & picture.address_mask;
	for (unsigned int y = 0; y < text->rows; y++) {
		uint32_t row = y * picture.line_bytes;

		for (unsigned int x = 0; x < text->columns; x++) {
			struct cell cell = cell_at(vga, &picture, picture.start + row + x);

			text->cells[y * text->columns + x] =
				(struct text_cell){ cell.code, cell.attribute };
		}
		if (cursor >= row && cursor < row + text->columns) {
			text->cursor = !(vga->crtc[CRTC_CURSOR_START] & CURSOR_OFF);
			text->cursor_x = cursor - row;
			text->cursor_y = y;
		}
	}
}
