/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a display looks at: the picture that a graphics card puts out. Displays ask, the
 * card never calls them, so that nobody looking costs nothing.
 */
#ifndef HVRUN_SCREEN_H
#define HVRUN_SCREEN_H

#include "display/surface.h"

#define TEXT_CELLS_MAX 16384

/** struct text_cell - one place of a text screen: code page 437 and VGA's attribute byte */
struct text_cell {
	uint8_t code;
	uint8_t attribute;
};

/**
 * struct text_screen - what a text mode shows
 * @columns: 0: no text mode now; @width and @height say what
 * @rows: @columns * @rows is at most TEXT_CELLS_MAX
 * @width: of the picture in pixels
 * @height: of the picture
 * @cursor: it is shown
 * @blinks: attribute bit 7 means "blinks", else bright background
 * @pad: 0; screens are compared byte by byte
 * @cells: row by row
 */
struct text_screen {
	unsigned int columns;
	unsigned int rows;
	unsigned int width;
	unsigned int height;
	bool cursor;
	bool blinks;
	uint8_t pad[2];
	unsigned int cursor_x;
	unsigned int cursor_y;
	struct text_cell cells[TEXT_CELLS_MAX];
};

/** struct damage - the rectangle that changed; empty when @x0 == @x1 */
struct damage {
	unsigned int x0;
	unsigned int y0;
	unsigned int x1;
	unsigned int y1;
};

/**
 * struct screen - a picture that may be looked at; any thread
 * @snapshot: paint all of it into @surface, which it sizes; false: no memory. The blinking
 *	parts are in their "on" phase.
 * @watch: updates will be asked for, or not any more. One watcher at a time: the changes
 *	are told once.
 * @update: the watcher's: paint what has changed since the last call, with @damage around it. When
 *	the size of the picture has changed, @surface is sized anew and all is damage.
 * @text: what a text mode shows
 * @dev: passed to all of them
 */
struct screen {
	bool (*snapshot)(void *dev, struct surface *surface);
	void (*watch)(void *dev, bool on);
	void (*update)(void *dev, struct surface *surface, struct damage *damage);
	void (*text)(void *dev, struct text_screen *text);
	void *dev;
};

#endif /* HVRUN_SCREEN_H */
