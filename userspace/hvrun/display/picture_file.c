// SPDX-License-Identifier: GPL-2.0-or-later
/* Pictures as files: see picture_file.h. "PNG Specification, Second Edition". */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "display/picture_file.h"

#define PIXEL_BYTES 3
#define COLOUR_TYPE_RGB 2
#define FILTER_UP 2

static void put32(uint8_t *to, uint32_t value)
{
	to[0] = value >> 24;
	to[1] = value >> 16;
	to[2] = value >> 8;
	to[3] = value;
}

/* A row as bytes R, G, B. */
static void unpack(const struct surface *surface, unsigned int y, uint8_t *to)
{
	const uint32_t *row = surface_row(surface, y);

	for (unsigned int x = 0; x < surface->width; x++) {
		*to++ = row[x] >> 16;
		*to++ = row[x] >> 8;
		*to++ = row[x];
	}
}

static void put_chunk(FILE *file, const char *type, const uint8_t *data, size_t bytes)
{
	uint8_t word[4];
	uLong crc = crc32(0, (const Bytef *)type, 4);

	if (bytes)
		crc = crc32(crc, data, bytes);
	put32(word, bytes);
	fwrite(word, 1, 4, file);
	fwrite(type, 1, 4, file);
	if (bytes)
		fwrite(data, 1, bytes, file);
	put32(word, crc);
	fwrite(word, 1, 4, file);
}

static void put_header(FILE *file, const struct surface *surface)
{
	static const char magic[] = "\x89PNG\r\n\x1a\n";
	uint8_t header[13] = { 0 };

	put32(header, surface->width);
	put32(header + 4, surface->height);
	header[8] = 8;
	header[9] = COLOUR_TYPE_RGB;
	fwrite(magic, 1, 8, file);
	put_chunk(file, "IHDR", header, sizeof(header));
}

/* Every row as its difference to the one above: screens are full of equal rows. */
static void filter_rows(const struct surface *surface, uint8_t *rows)
{
	size_t bytes = (size_t)surface->width * PIXEL_BYTES, stride = bytes + 1;

	for (unsigned int y = 0; y < surface->height; y++) {
		rows[y * stride] = FILTER_UP;
		unpack(surface, y, rows + y * stride + 1);
	}
	for (unsigned int y = surface->height; y-- > 1;)
		for (size_t i = 1; i <= bytes; i++)
			rows[y * stride + i] -= rows[(y - 1) * stride + i];
}

static bool put_png(FILE *file, const struct surface *surface)
{
	size_t bytes = ((size_t)surface->width * PIXEL_BYTES + 1) * surface->height;
	uLongf packed_bytes = compressBound(bytes);
	uint8_t *rows = malloc(bytes), *packed = malloc(packed_bytes);
	bool good = false;

	if (rows && packed) {
		filter_rows(surface, rows);
		good = compress2(packed, &packed_bytes, rows, bytes, Z_BEST_SPEED) == Z_OK;
	}
	if (good) {
		put_header(file, surface);
		put_chunk(file, "IDAT", packed, packed_bytes);
		put_chunk(file, "IEND", NULL, 0);
	}
	free(packed);
	free(rows);
	return good;
}

static bool put_ppm(FILE *file, const struct surface *surface)
{
	uint8_t *row = malloc((size_t)surface->width * PIXEL_BYTES);

	if (!row)
		return false;
	fprintf(file, "P6\n%u %u\n255\n", surface->width, surface->height);
	for (unsigned int y = 0; y < surface->height; y++) {
		unpack(surface, y, row);
		fwrite(row, PIXEL_BYTES, surface->width, file);
	}
	free(row);
	return true;
}

static int write_file(const struct surface *surface, const char *path,
		      bool (*put)(FILE *file, const struct surface *surface), struct error *err)
{
	FILE *file = fopen(path, "we");
	bool good;

	if (!file)
		return error_set(err, "cannot write '%s': %s", path, strerror(errno));
	errno = ENOMEM;
	good = put(file, surface) && !ferror(file);
	if (fclose(file) == 0 && good)
		return 0;
	error_set(err, "cannot write '%s': %s", path, strerror(errno));
	return -1;
}

int picture_write_png(const struct surface *surface, const char *path, struct error *err)
{
	return write_file(surface, path, put_png, err);
}

int picture_write_ppm(const struct surface *surface, const char *path, struct error *err)
{
	return write_file(surface, path, put_ppm, err);
}
