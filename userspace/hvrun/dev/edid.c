// SPDX-License-Identifier: GPL-2.0-or-later
/* A monitor's EDID 1.4 block, written by the field list of VESA's E-EDID Standard. */
#include <string.h>

#include "dev/edid.h"

#define MANUFACTURER ((('M' - '@') << 10) | (('Y' - '@') << 5) | ('H' - '@'))
#define DPI 100
#define REFRESH_HZ 60
#define DESCRIPTOR_BYTES 18
#define DESCRIPTORS_AT 54

static void put_timing(uint8_t *d, unsigned int width, unsigned int height)
{
	/* no real beam: a plain share of blanking around the picture */
	unsigned int x_blank = width * 35 / 100, y_blank = height * 35 / 1000;
	unsigned int x_front = width * 25 / 100, x_sync = width * 3 / 100;
	unsigned int y_front = height * 5 / 1000, y_sync = height * 5 / 1000;
	unsigned int x_mm = width * 254 / (DPI * 10), y_mm = height * 254 / (DPI * 10);
	unsigned int clock = (uint64_t)REFRESH_HZ * (width + x_blank) * (height + y_blank) / 10000;

	d[0] = clock;
	d[1] = clock >> 8;
	d[2] = width;
	d[3] = x_blank;
	d[4] = (width >> 8) << 4 | x_blank >> 8;
	d[5] = height;
	d[6] = y_blank;
	d[7] = (height >> 8) << 4 | y_blank >> 8;
	d[8] = x_front;
	d[9] = x_sync;
	d[10] = (y_front & 0xf) << 4 | (y_sync & 0xf);
	d[11] = (x_front >> 8) << 6 | (x_sync >> 8) << 4 | (y_front >> 4) << 2 | y_sync >> 4;
	d[12] = x_mm;
	d[13] = y_mm;
	d[14] = (x_mm >> 8) << 4 | y_mm >> 8;
	d[17] = 0x18; /* digital, separate syncs */
}

static void put_text(uint8_t *d, uint8_t tag, const char *text)
{
	uint8_t *to = d + 5;

	d[3] = tag;
	memset(to, ' ', 13);
	while (*text)
		*to++ = *text++;
	*to = '\n';
}

static void put_ranges(uint8_t *d)
{
	static const uint8_t ranges[] = {
		0,    0,    0,	 0xfd, 0,   50,	 125, 30,  160, 255, /* Hz, kHz, 2550 MHz */
		0x01, '\n', ' ', ' ',  ' ', ' ', ' ', ' ',
	};

	memcpy(d, ranges, sizeof(ranges));
}

/* Width in 8 pixels beyond 248, aspect ratio (1: 4:3, 2: 5:4, 3: 16:9, 0: 16:10), 60 Hz. */
static void put_standard(uint8_t *at, unsigned int width, unsigned int aspect)
{
	at[0] = width / 8 - 31;
	at[1] = aspect << 6;
}

void edid_make(uint8_t block[EDID_BYTES], unsigned int width, unsigned int height)
{
	static const uint8_t start[] = { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0 };
	/* sRGB's primaries and white */
	static const uint8_t colours[] = { 0xee, 0x91, 0xa3, 0x54, 0x4c,
					   0x99, 0x26, 0x0f, 0x50, 0x54 };
	uint8_t *d = block + DESCRIPTORS_AT, sum = 0;

	memset(block, 0, EDID_BYTES);
	memcpy(block, start, sizeof(start));
	block[8] = MANUFACTURER >> 8;
	block[9] = MANUFACTURER & 0xff;
	block[10] = 1;
	block[16] = 1;
	block[17] = 2022 - 1990;
	block[18] = 1;
	block[19] = 4;
	block[20] = 0xa5; /* digital, 8 bits per colour, DisplayPort */
	block[21] = width * 254 / (DPI * 100);
	block[22] = height * 254 / (DPI * 100);
	block[23] = 120;  /* gamma 2.2 */
	block[24] = 0x06; /* sRGB; the first timing is the native one */
	memcpy(block + 25, colours, sizeof(colours));
	block[35] = 0x21;	      /* 640x480, 800x600 */
	block[36] = 0x08;	      /* 1024x768 */
	memset(block + 38, 0x01, 16); /* unused */
	put_standard(block + 38, 1920, 3);
	put_standard(block + 40, 1680, 0);
	put_standard(block + 42, 1280, 2);
	put_standard(block + 44, 1280, 0);

	put_timing(d, width, height);
	put_ranges(d + DESCRIPTOR_BYTES);
	put_text(d + 2 * DESCRIPTOR_BYTES, 0xfc, "myhv");
	put_text(d + 3 * DESCRIPTOR_BYTES, 0xff, "1");

	for (unsigned int i = 0; i < EDID_BYTES - 1; i++)
		sum += block[i];
	block[EDID_BYTES - 1] = -sum;
}
