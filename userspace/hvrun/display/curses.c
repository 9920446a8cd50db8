// SPDX-License-Identifier: GPL-2.0-or-later
/* The text screen in a terminal: see curses.h. */
#include <errno.h>
#include <locale.h>
#define NCURSES_NOMACROS 1 /* functions, which have addresses */
#include <ncurses.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/escape.h"
#include "backend/terminal.h"
#include "display/code_page.h"
#include "display/curses.h"
#include "display/keys.h"
#include "display/library.h"
#include "display/typist.h"

#define FRAME_MS 50
#define ESCAPE_KEY_CODE 0x1b

#define CURSES_FUNCTIONS(F) \
	F(newterm)          \
	F(newwin)           \
	F(endwin)           \
	F(raw)              \
	F(noecho)           \
	F(nonl)             \
	F(keypad)           \
	F(wtimeout)         \
	F(start_color)      \
	F(has_colors)       \
	F(COLOR_PAIR)       \
	F(init_pair)        \
	F(curs_set)         \
	F(werase)           \
	F(wclear)           \
	F(wmove)            \
	F(wattrset)         \
	F(waddnwstr)        \
	F(waddnstr)         \
	F(wgetch)           \
	F(wrefresh)         \
	F(getmaxx)          \
	F(getmaxy)          \
	F(set_escdelay)

struct functions {
#define POINTER(name) __typeof__(name) *name;
	CURSES_FUNCTIONS(POINTER)
#undef POINTER
};

/* ncurses names keys as Linux does, so that here all keys go by QEMU's names. */
static const struct {
	const char *name;
	int key;
	bool shift;
} special_keys[] = {
	{ "up", KEY_UP, false },
	{ "down", KEY_DOWN, false },
	{ "left", KEY_LEFT, false },
	{ "right", KEY_RIGHT, false },
	{ "home", KEY_HOME, false },
	{ "end", KEY_END, false },
	{ "pgup", KEY_PPAGE, false },
	{ "pgdn", KEY_NPAGE, false },
	{ "insert", KEY_IC, false },
	{ "delete", KEY_DC, false },
	{ "backspace", KEY_BACKSPACE, false },
	{ "kp_enter", KEY_ENTER, false },
	{ "tab", KEY_BTAB, true },
	{ "left", KEY_SLEFT, true },
	{ "right", KEY_SRIGHT, true },
	{ "up", KEY_SR, true },
	{ "down", KEY_SF, true },
};

#define SYMBOL(name) { #name, offsetof(struct functions, name) },
static const struct library_symbol symbols[] = { CURSES_FUNCTIONS(SYMBOL) };

/**
 * struct curses - the display
 * @wake: eventfd: @quit was set
 * @window: all of the terminal; the thread's, as all that follows
 * @alt: ESC was typed: the next key is with Alt
 * @now: what the screen shows; @shown: what the terminal shows
 */
struct curses {
	struct functions lib;
	void *library;
	const struct screen *screen;
	struct power *power;
	struct typist typist;
	int wake;
	pthread_t thread;
	bool has_thread;
	_Atomic bool quit;

	WINDOW *window;
	bool has_colours;
	bool alt;
	int columns;
	int rows;
	struct escape escape;
	struct text_screen *now;
	struct text_screen *shown;
};

/* ---- painting ---- */

/* VGA's order is blue, green, red from bit 0 on, the terminal's is red, green, blue. */
static int terminal_colour(unsigned int vga)
{
	return (vga & 1) << 2 | (vga & 2) | (vga & 4) >> 2;
}

static short pair_of(uint8_t attribute)
{
	return (attribute >> 4 & 7) * 8 + (attribute & 7) + 1;
}

static void make_pairs(struct curses *curses)
{
	for (unsigned int attribute = 0; attribute < 0x80; attribute++)
		if (!(attribute & 0x08))
			curses->lib.init_pair(pair_of(attribute), terminal_colour(attribute & 7),
					      terminal_colour(attribute >> 4 & 7));
}

static void set_attribute(struct curses *curses, uint8_t attribute, bool blinks)
{
	attr_t look = 0;

	if (curses->has_colours)
		look |= curses->lib.COLOR_PAIR(pair_of(attribute));
	else if ((attribute & 0x70) > ((attribute & 0x07) << 4))
		look |= A_REVERSE;
	if (attribute & 0x08)
		look |= A_BOLD;
	if (blinks && (attribute & 0x80))
		look |= A_BLINK;
	curses->lib.wattrset(curses->window, look);
}

/* Cells of one look at once. */
static void paint_row(struct curses *curses, unsigned int y, unsigned int columns)
{
	const struct text_screen *text = curses->now;
	const struct text_cell *row = &text->cells[y * text->columns];

	curses->lib.wmove(curses->window, y, 0);
	for (unsigned int x = 0; x < columns;) {
		wchar_t letters[256] = { 0 };
		unsigned int count = 0;
		uint8_t attribute = row[x].attribute;

		while (x < columns && count < 256 && row[x].attribute == attribute)
			letters[count++] = code_page_437[row[x++].code];
		set_attribute(curses, attribute, text->blinks);
		curses->lib.waddnwstr(curses->window, letters, count);
	}
}

static void paint_message(struct curses *curses)
{
	char message[80];
	int length = snprintf(message, sizeof(message), "%u x %u pixels: no text mode",
			      curses->now->width, curses->now->height);
	int x = (curses->columns - length) / 2;

	curses->lib.wattrset(curses->window, 0);
	curses->lib.werase(curses->window);
	curses->lib.wmove(curses->window, curses->rows / 2, x > 0 ? x : 0);
	curses->lib.waddnstr(curses->window, message, length);
	curses->lib.curs_set(0);
}

static unsigned int at_most(unsigned int value, int most)
{
	return most < 0 || value < (unsigned int)most ? value : (unsigned int)most;
}

static void paint_text(struct curses *curses)
{
	const struct text_screen *text = curses->now;
	unsigned int columns = at_most(text->columns, curses->columns);
	unsigned int rows = at_most(text->rows, curses->rows);
	bool cursor = text->cursor && text->cursor_x < columns && text->cursor_y < rows;

	if (curses->shown->columns != text->columns || curses->shown->rows != text->rows)
		curses->lib.werase(curses->window);
	for (unsigned int y = 0; y < rows; y++)
		paint_row(curses, y, columns);
	curses->lib.curs_set(cursor);
	if (cursor)
		curses->lib.wmove(curses->window, text->cursor_y, text->cursor_x);
}

static void paint(struct curses *curses, bool all)
{
	struct text_screen *spare = curses->shown;

	if (curses->screen)
		curses->screen->text(curses->screen->dev, curses->now);
	if (!all && !memcmp(curses->now, curses->shown, sizeof(*curses->now)))
		return;
	if (curses->now->columns)
		paint_text(curses);
	else
		paint_message(curses);
	curses->lib.wrefresh(curses->window);
	curses->shown = curses->now;
	curses->now = spare;
	/* cells beyond the screen would differ for ever */
	memcpy(curses->now, curses->shown, sizeof(*curses->now));
}

/* ---- keys ---- */

static void press_char(struct curses *curses, uint8_t c)
{
	bool shift = false, ctrl = false, alt = curses->alt;
	uint16_t code;

	curses->alt = false;
	if (c == 0x7f || c == '\b') {
		code = key_by_name("backspace");
	} else if (c == ESCAPE_KEY_CODE) {
		code = key_by_name("esc");
	} else {
		code = key_by_char(c, &shift);
		if (!code && c < 0x20) {
			/* Ctrl-A is 1 ... */
			ctrl = true;
			code = key_by_char(c ? c | 0x60 : ' ', &shift);
			shift = false;
		}
	}
	if (code)
		typist_press(&curses->typist, code, shift, ctrl, alt);
}

static void typed_char(struct curses *curses, uint8_t c)
{
	switch (escape_feed(&curses->escape, c)) {
	case ESCAPE_SEND:
		press_char(curses, c);
		break;
	case ESCAPE_QUIT:
		power_request(curses->power, POWER_QUIT, "Ctrl-A x");
		break;
	default:
		break;
	}
}

static uint16_t special_key(int key, bool *shift)
{
	char name[8];

	*shift = false;
	if (key > KEY_F0 && key <= KEY_F(24)) {
		/* terminals report Shift and F1 as F13 */
		*shift = key > KEY_F(12);
		snprintf(name, sizeof(name), "f%d", (key - KEY_F0 - 1) % 12 + 1);
		return key_by_name(name);
	}
	for (size_t i = 0; i < sizeof(special_keys) / sizeof(special_keys[0]); i++) {
		if (special_keys[i].key != key)
			continue;
		*shift = special_keys[i].shift;
		return key_by_name(special_keys[i].name);
	}
	return 0;
}

/* ESC alone, or what terminals send for Alt and a key: ESC and that key at once. */
static int read_after_escape(struct curses *curses)
{
	int next = curses->lib.wgetch(curses->window);

	if (next == ERR)
		return ESCAPE_KEY_CODE;
	curses->alt = true;
	return next;
}

static void read_keys(struct curses *curses)
{
	int key;

	while ((key = curses->lib.wgetch(curses->window)) != ERR) {
		bool shift;
		uint16_t code;

		if (key == KEY_RESIZE) {
			curses->columns = curses->lib.getmaxx(curses->window);
			curses->rows = curses->lib.getmaxy(curses->window);
			curses->lib.wclear(curses->window);
			paint(curses, true);
			continue;
		}
		if (key == ESCAPE_KEY_CODE)
			key = read_after_escape(curses);
		if (key >= 0 && key < 0x100) {
			typed_char(curses, key);
			continue;
		}
		code = special_key(key, &shift);
		if (code)
			typist_press(&curses->typist, code, shift, false, curses->alt);
		curses->alt = false;
	}
}

static void *curses_thread(void *context)
{
	struct curses *curses = context;
	struct pollfd fds[2] = {
		{ .fd = curses->wake, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	while (!atomic_load(&curses->quit)) {
		if (poll(fds, 2, FRAME_MS) > 0 && (fds[1].revents & (POLLHUP | POLLERR)))
			fds[1].fd = -1;
		read_keys(curses);
		paint(curses, false);
	}
	return NULL;
}

/* ---- making it ---- */

static int take_terminal(struct curses *curses, struct error *err)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return error_set(err, "-display curses needs a terminal");
	curses->library = library_load("libncursesw.so.6", "libncursesw6", symbols,
				       sizeof(symbols) / sizeof(symbols[0]), &curses->lib, err);
	if (!curses->library)
		return -1;
	setlocale(LC_CTYPE, "");
	/* first, so that a crash gives the terminal back as well */
	terminal_raw(false);
	if (!curses->lib.newterm(NULL, stdout, stdin))
		return error_set(err, "this terminal cannot show a screen: TERM is '%s'",
				 getenv("TERM") ? getenv("TERM") : "");
	curses->window = curses->lib.newwin(0, 0, 0, 0);
	if (!curses->window)
		return error_set(err, "the terminal is too small");
	curses->lib.raw();
	curses->lib.noecho();
	curses->lib.nonl();
	curses->lib.set_escdelay(25);
	curses->lib.keypad(curses->window, true);
	curses->lib.wtimeout(curses->window, 0);
	curses->has_colours = curses->lib.has_colors() && curses->lib.start_color() != ERR;
	if (curses->has_colours)
		make_pairs(curses);
	curses->columns = curses->lib.getmaxx(curses->window);
	curses->rows = curses->lib.getmaxy(curses->window);
	return 0;
}

static int start(struct curses *curses, struct error *err)
{
	int r;

	curses->now = calloc(1, sizeof(*curses->now));
	curses->shown = calloc(1, sizeof(*curses->shown));
	curses->wake = eventfd(0, EFD_CLOEXEC);
	if (!curses->now || !curses->shown || curses->wake < 0)
		return error_set(err, "cannot start the display: %s", strerror(errno));
	if (take_terminal(curses, err) < 0)
		return -1;
	r = pthread_create(&curses->thread, NULL, curses_thread, curses);
	if (r)
		return error_set(err, "cannot start a thread: %s", strerror(r));
	curses->has_thread = true;
	pthread_setname_np(curses->thread, "curses");
	return 0;
}

struct curses *curses_open(const struct screen *screen, const struct input_sink *input,
			   struct power *power, struct error *err)
{
	struct curses *curses = calloc(1, sizeof(*curses));

	if (!curses) {
		error_set(err, "out of memory");
		return NULL;
	}
	curses->wake = -1;
	curses->screen = screen;
	curses->power = power;
	curses->typist.sink = input;
	if (start(curses, err) < 0) {
		curses_close(curses);
		return NULL;
	}
	return curses;
}

void curses_close(struct curses *curses)
{
	uint64_t one = 1;

	if (!curses)
		return;
	atomic_store(&curses->quit, true);
	if (curses->has_thread && write(curses->wake, &one, sizeof(one)) == sizeof(one))
		pthread_join(curses->thread, NULL);
	if (curses->window)
		curses->lib.endwin();
	if (curses->wake >= 0)
		close(curses->wake);
	/* the library stays: its handlers of signals do */
	free(curses->now);
	free(curses->shown);
	free(curses);
}
