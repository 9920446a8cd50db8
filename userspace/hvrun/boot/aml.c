// SPDX-License-Identifier: GPL-2.0-or-later
/* A small AML writer: see aml.h. */
#include <string.h>

#include "boot/aml.h"

#define OP_ZERO 0x00
#define OP_ONE 0x01
#define OP_NAME 0x08
#define PREFIX_BYTE 0x0a
#define PREFIX_WORD 0x0b
#define PREFIX_DWORD 0x0c
#define PREFIX_STRING 0x0d
#define PREFIX_QWORD 0x0e
#define OP_SCOPE 0x10
#define OP_BUFFER 0x11
#define OP_PACKAGE 0x12
#define PREFIX_EXT 0x5b
#define EXT_DEVICE 0x82
#define PREFIX_DUAL 0x2e

#define RESOURCE_IRQ 0x22 /* small, two bytes of mask: edge, active high */
#define RESOURCE_IO 0x47  /* small, seven bytes */
#define RESOURCE_IO_DECODE16 1
#define RESOURCE_END_TAG 0x79
#define RESOURCE_DWORD_SPACE 0x87 /* large */
#define RESOURCE_WORD_SPACE 0x88
#define RESOURCE_QWORD_SPACE 0x8a
#define SPACE_MEMORY 0
#define SPACE_IO 1
#define SPACE_BUS 2
#define SPACE_FIXED 0x0c /* a producer with both ends fixed, decoded positively */
#define SPACE_IO_ENTIRE 0x03
#define SPACE_READ_WRITE 0x01

/* A buffer's size is an integer of its own; this form is patched afterwards. */
#define BUFFER_SIZE_BYTES 3

void aml_init(struct aml *aml, void *data, size_t capacity)
{
	memset(aml, 0, sizeof(*aml));
	aml->data = data;
	aml->capacity = capacity;
}

static void put(struct aml *aml, const void *data, size_t bytes)
{
	if (bytes > aml->capacity - aml->bytes) {
		aml->overflow = true;
		return;
	}
	memcpy(aml->data + aml->bytes, data, bytes);
	aml->bytes += bytes;
}

static void put_byte(struct aml *aml, uint8_t byte)
{
	put(aml, &byte, 1);
}

static void put_little_endian(struct aml *aml, uint64_t value, unsigned int bytes)
{
	while (bytes--) {
		put_byte(aml, value);
		value >>= 8;
	}
}

static void block_begin(struct aml *aml)
{
	if (aml->depth == AML_DEPTH) {
		aml->overflow = true;
		return;
	}
	aml->block[aml->depth++] = aml->bytes;
}

/*
 * PkgLength counts itself: the shortest form that holds it goes in front of the
 * block, whose contents move up.
 */
void aml_end(struct aml *aml)
{
	uint8_t length[4];
	size_t start, contents, total;
	unsigned int extra = 0;

	if (!aml->depth) {
		aml->overflow = true;
		return;
	}
	start = aml->block[--aml->depth];
	contents = aml->bytes - start;

	while (contents + 1 + extra >= (extra ? 1ULL << (4 + 8 * extra) : 1ULL << 6))
		extra++;
	total = contents + 1 + extra;
	if (extra > 3 || 1 + extra > aml->capacity - aml->bytes) {
		aml->overflow = true;
		return;
	}

	length[0] = extra ? extra << 6 | (total & 0x0f) : total;
	for (unsigned int i = 0; i < extra; i++)
		length[1 + i] = total >> (4 + 8 * i);
	memmove(aml->data + start + 1 + extra, aml->data + start, contents);
	memcpy(aml->data + start, length, 1 + extra);
	aml->bytes += 1 + extra;
}

/* One name segment, or two: "FOO" is padded to "FOO_", "\\_SB.FOO" is absolute. */
static void put_path(struct aml *aml, const char *path)
{
	const char *dot;

	if (*path == '\\')
		put_byte(aml, *path++);
	dot = strchr(path, '.');
	if (dot)
		put_byte(aml, PREFIX_DUAL);

	while (*path) {
		size_t length = strcspn(path, ".");
		char segment[4] = { '_', '_', '_', '_' };

		if (length > 4) {
			aml->overflow = true;
			return;
		}
		memcpy(segment, path, length);
		put(aml, segment, 4);
		path += length;
		if (*path == '.')
			path++;
	}
}

void aml_scope_begin(struct aml *aml, const char *path)
{
	put_byte(aml, OP_SCOPE);
	block_begin(aml);
	put_path(aml, path);
}

void aml_device_begin(struct aml *aml, const char *name)
{
	put_byte(aml, PREFIX_EXT);
	put_byte(aml, EXT_DEVICE);
	block_begin(aml);
	put_path(aml, name);
}

void aml_package_begin(struct aml *aml, uint8_t elements)
{
	put_byte(aml, OP_PACKAGE);
	block_begin(aml);
	put_byte(aml, elements);
}

void aml_resources_begin(struct aml *aml)
{
	put_byte(aml, OP_BUFFER);
	block_begin(aml);
	put_byte(aml, PREFIX_WORD);
	put_little_endian(aml, 0, 2);
}

void aml_resources_end(struct aml *aml)
{
	size_t size_at, contents;

	put_byte(aml, RESOURCE_END_TAG);
	put_byte(aml, 0); /* checksum 0: not checked */
	if (!aml->depth || aml->overflow) {
		aml->overflow = true;
		return;
	}
	size_at = aml->block[aml->depth - 1] + 1;
	contents = aml->bytes - size_at - (BUFFER_SIZE_BYTES - 1);
	aml->data[size_at] = contents;
	aml->data[size_at + 1] = contents >> 8;
	aml_end(aml);
}

void aml_name(struct aml *aml, const char *name)
{
	put_byte(aml, OP_NAME);
	put_path(aml, name);
}

void aml_integer(struct aml *aml, uint64_t value)
{
	if (value == 0) {
		put_byte(aml, OP_ZERO);
	} else if (value == 1) {
		put_byte(aml, OP_ONE);
	} else if (value <= UINT8_MAX) {
		put_byte(aml, PREFIX_BYTE);
		put_little_endian(aml, value, 1);
	} else if (value <= UINT16_MAX) {
		put_byte(aml, PREFIX_WORD);
		put_little_endian(aml, value, 2);
	} else if (value <= UINT32_MAX) {
		put_byte(aml, PREFIX_DWORD);
		put_little_endian(aml, value, 4);
	} else {
		put_byte(aml, PREFIX_QWORD);
		put_little_endian(aml, value, 8);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	put_byte(aml, PREFIX_STRING);
	put(aml, text, strlen(text) + 1);
}

static unsigned int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Three letters of five bits and four hexadecimal digits, most significant first. */
void aml_eisa_id(struct aml *aml, const char *id)
{
	uint8_t bytes[4];

	bytes[0] = (id[0] - '@') << 2 | (id[1] - '@') >> 3;
	bytes[1] = (id[1] - '@') << 5 | (id[2] - '@');
	bytes[2] = hex_digit(id[3]) << 4 | hex_digit(id[4]);
	bytes[3] = hex_digit(id[5]) << 4 | hex_digit(id[6]);
	put_byte(aml, PREFIX_DWORD);
	put(aml, bytes, sizeof(bytes));
}

void aml_io(struct aml *aml, uint16_t base, uint8_t ports)
{
	put_byte(aml, RESOURCE_IO);
	put_byte(aml, RESOURCE_IO_DECODE16);
	put_little_endian(aml, base, 2);
	put_little_endian(aml, base, 2);
	put_byte(aml, 0); /* alignment */
	put_byte(aml, ports);
}

void aml_irq(struct aml *aml, unsigned int irq)
{
	put_byte(aml, RESOURCE_IRQ);
	put_little_endian(aml, 1U << irq, 2);
}

/* The five numbers are @bytes wide each: granularity, first, last, translation, length. */
static void put_window(struct aml *aml, uint8_t tag, unsigned int bytes, uint8_t space,
		       uint8_t space_flags, uint64_t first, uint64_t last)
{
	put_byte(aml, tag);
	put_little_endian(aml, 3 + 5 * bytes, 2);
	put_byte(aml, space);
	put_byte(aml, SPACE_FIXED);
	put_byte(aml, space_flags);
	put_little_endian(aml, 0, bytes);
	put_little_endian(aml, first, bytes);
	put_little_endian(aml, last, bytes);
	put_little_endian(aml, 0, bytes);
	put_little_endian(aml, last - first + 1, bytes);
}

void aml_bus_window(struct aml *aml, uint16_t first, uint16_t last)
{
	put_window(aml, RESOURCE_WORD_SPACE, 2, SPACE_BUS, 0, first, last);
}

void aml_io_window(struct aml *aml, uint16_t first, uint16_t last)
{
	put_window(aml, RESOURCE_WORD_SPACE, 2, SPACE_IO, SPACE_IO_ENTIRE, first, last);
}

void aml_memory_window(struct aml *aml, uint64_t first, uint64_t last)
{
	bool wide = last > UINT32_MAX;

	put_window(aml, wide ? RESOURCE_QWORD_SPACE : RESOURCE_DWORD_SPACE, wide ? 8 : 4,
		   SPACE_MEMORY, SPACE_READ_WRITE, first, last);
}
