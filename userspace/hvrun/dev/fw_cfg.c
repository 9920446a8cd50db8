// SPDX-License-Identifier: GPL-2.0-or-later
/* The firmware configuration device: see fw_cfg.h. One mutex. */
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dev/fw_cfg.h"
#include "log.h"

#define PORT_SELECTOR 0
#define PORT_DATA 1
#define PORT_DMA_HIGH 4
#define PORT_DMA_LOW 8

#define ID_TRADITIONAL 0x1
#define ID_DMA 0x2

#define DMA_SIGNATURE 0x51454d5520434647ULL /* "QEMU CFG" */
#define DMA_ERROR 0x01
#define DMA_READ 0x02
#define DMA_SKIP 0x04
#define DMA_SELECT 0x08
#define DMA_WRITE 0x10

#define SELECTOR_MASK 0xbfff /* bit 14 asks for write access, which nothing has */
#define ITEMS_MAX (FW_CFG_FILES_MAX + 32)
#define DIRECTORY 0 /* the first item that is made */

/* As the guest reads it, all numbers big-endian. */
struct dir_entry {
	uint32_t bytes;
	uint16_t key;
	uint16_t reserved;
	char name[FW_CFG_NAME_MAX + 1];
} __attribute__((packed));

struct directory {
	uint32_t count;
	struct dir_entry entry[FW_CFG_FILES_MAX];
} __attribute__((packed));

/* As the guest writes it, big-endian. */
struct dma_command {
	uint32_t control;
	uint32_t length;
	uint64_t gpa;
} __attribute__((packed));

struct item {
	uint16_t key;
	bool owned;
	uint8_t *data;
	size_t bytes;
	void (*selected)(void *context);
	void *context;
};

struct fw_cfg {
	struct region region;
	const struct guest_ram *ram;

	/* constant while the guest runs, but for the contents of live files */
	unsigned int count;
	struct item item[ITEMS_MAX];
	struct directory directory;

	pthread_mutex_t lock; /* everything below */
	struct item *current; /* NULL: an item that is not there */
	size_t offset;
	uint32_t dma_high;
};

/* ---- items ---- */

static struct item *find(struct fw_cfg *cfg, uint16_t key)
{
	for (unsigned int i = 0; i < cfg->count; i++)
		if (cfg->item[i].key == key)
			return &cfg->item[i];
	return NULL;
}

static struct item *new_item(struct fw_cfg *cfg, uint16_t key, void *data, size_t bytes)
{
	struct item *item = &cfg->item[cfg->count++];

	*item = (struct item){ .key = key, .data = data, .bytes = bytes };
	return item;
}

int fw_cfg_add(struct fw_cfg *cfg, uint16_t key, const void *data, size_t bytes)
{
	uint8_t *copy;

	if (find(cfg, key))
		return -EEXIST;
	copy = cfg->count < ITEMS_MAX ? malloc(bytes + 1) : NULL;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, bytes);
	new_item(cfg, key, copy, bytes)->owned = true;
	return 0;
}

int fw_cfg_add_number(struct fw_cfg *cfg, uint16_t key, uint64_t value, unsigned int bytes)
{
	value = htole64(value);
	return fw_cfg_add(cfg, key, &value, bytes);
}

/* The directory is in the order of names, whatever the order of adding. */
static int add_entry(struct fw_cfg *cfg, const char *name, size_t bytes, uint16_t *key)
{
	uint32_t count = be32toh(cfg->directory.count);
	struct dir_entry *entry = cfg->directory.entry;
	uint32_t at = 0;

	if (!*name || strlen(name) > FW_CFG_NAME_MAX)
		return -ENAMETOOLONG;
	if (count == FW_CFG_FILES_MAX)
		return -ENOSPC;
	while (at < count && strcmp(entry[at].name, name) < 0)
		at++;
	if (at < count && !strcmp(entry[at].name, name))
		return -EEXIST;

	*key = FW_CFG_FILE_FIRST + count;
	memmove(&entry[at + 1], &entry[at], (count - at) * sizeof(*entry));
	entry[at] = (struct dir_entry){ .bytes = htobe32(bytes), .key = htobe16(*key) };
	memcpy(entry[at].name, name, strlen(name));
	cfg->directory.count = htobe32(count + 1);
	cfg->item[DIRECTORY].bytes = sizeof(uint32_t) + (count + 1) * sizeof(*entry);
	return 0;
}

int fw_cfg_add_file(struct fw_cfg *cfg, const char *name, const void *data, size_t bytes)
{
	uint16_t key;
	int r = add_entry(cfg, name, bytes, &key);

	return r < 0 ? r : fw_cfg_add(cfg, key, data, bytes);
}

int fw_cfg_add_live_file(struct fw_cfg *cfg, const char *name, void *data, size_t bytes,
			 void (*selected)(void *context), void *context)
{
	uint16_t key;
	struct item *item;
	int r = add_entry(cfg, name, bytes, &key);

	if (r < 0)
		return r;
	item = new_item(cfg, key, data, bytes);
	item->selected = selected;
	item->context = context;
	return 0;
}

/* ---- what the guest does ---- */

static void select_item(struct fw_cfg *cfg, uint16_t key)
{
	cfg->current = find(cfg, key & SELECTOR_MASK);
	cfg->offset = 0;
	if (cfg->current && cfg->current->selected)
		cfg->current->selected(cfg->current->context);
}

static size_t bytes_left(const struct fw_cfg *cfg)
{
	return cfg->current ? cfg->current->bytes - cfg->offset : 0;
}

static uint8_t read_data(struct fw_cfg *cfg)
{
	return bytes_left(cfg) ? cfg->current->data[cfg->offset++] : 0;
}

static void skip(struct fw_cfg *cfg, size_t bytes)
{
	size_t left = bytes_left(cfg);

	cfg->offset += bytes < left ? bytes : left;
}

/* Beyond the item's end there are zeros. */
static bool copy_to_guest(struct fw_cfg *cfg, uint64_t gpa, uint32_t bytes)
{
	size_t have = bytes_left(cfg) < bytes ? bytes_left(cfg) : bytes;
	uint8_t *to = guest_ram_ptr(cfg->ram, gpa, bytes);

	if (!bytes)
		return true;
	if (!to)
		return false;
	if (have)
		memcpy(to, cfg->current->data + cfg->offset, have);
	memset(to + have, 0, bytes - have);
	skip(cfg, have);
	return true;
}

static void run_dma(struct fw_cfg *cfg, uint64_t command_gpa)
{
	void *at = guest_ram_ptr(cfg->ram, command_gpa, sizeof(struct dma_command));
	struct dma_command command;
	uint32_t control, length, result = 0;

	if (!at) {
		log_line(LOG_GUEST_ERRORS, "fw_cfg: a DMA command outside of memory");
		return;
	}
	memcpy(&command, at, sizeof(command));
	control = be32toh(command.control);
	length = be32toh(command.length);

	if (control & DMA_SELECT)
		select_item(cfg, control >> 16);
	if (control & DMA_READ) {
		if (!copy_to_guest(cfg, be64toh(command.gpa), length))
			result = DMA_ERROR;
	} else if (control & DMA_WRITE) {
		result = DMA_ERROR;
	} else if (control & DMA_SKIP) {
		skip(cfg, length);
	}
	command.control = htobe32(result);
	memcpy(at, &command.control, sizeof(command.control));
}

static uint64_t cfg_read(void *dev, uint64_t offset, unsigned int size)
{
	struct fw_cfg *cfg = dev;
	uint64_t value = 0;

	if (offset == PORT_DMA_HIGH && size == 4)
		return htobe32(DMA_SIGNATURE >> 32);
	if (offset == PORT_DMA_LOW && size == 4)
		return htobe32((uint32_t)DMA_SIGNATURE);
	if (offset != PORT_DATA)
		return 0;
	pthread_mutex_lock(&cfg->lock);
	if (size == 1)
		value = read_data(cfg);
	pthread_mutex_unlock(&cfg->lock);
	return value;
}

static void cfg_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct fw_cfg *cfg = dev;

	pthread_mutex_lock(&cfg->lock);
	if (offset == PORT_SELECTOR && size == 2) {
		select_item(cfg, value);
	} else if (offset == PORT_DMA_HIGH && size == 4) {
		cfg->dma_high = be32toh((uint32_t)value);
	} else if (offset == PORT_DMA_LOW && size == 4) {
		uint64_t gpa = (uint64_t)cfg->dma_high << 32 | be32toh((uint32_t)value);

		cfg->dma_high = 0;
		run_dma(cfg, gpa);
	}
	pthread_mutex_unlock(&cfg->lock);
}

void fw_cfg_reset(struct fw_cfg *cfg)
{
	pthread_mutex_lock(&cfg->lock);
	cfg->current = find(cfg, FW_CFG_SIGNATURE);
	cfg->offset = 0;
	cfg->dma_high = 0;
	pthread_mutex_unlock(&cfg->lock);
}

struct region *fw_cfg_region(struct fw_cfg *cfg)
{
	return &cfg->region;
}

struct fw_cfg *fw_cfg_create(const struct guest_ram *ram)
{
	struct fw_cfg *cfg = calloc(1, sizeof(*cfg));

	if (!cfg)
		return NULL;
	cfg->region = (struct region){
		.name = "fw-cfg",
		.read = cfg_read,
		.write = cfg_write,
		.dev = cfg,
		.max_access = 4,
	};
	cfg->ram = ram;
	pthread_mutex_init(&cfg->lock, NULL);
	new_item(cfg, FW_CFG_FILE_DIR, &cfg->directory, sizeof(cfg->directory.count));
	if (fw_cfg_add(cfg, FW_CFG_SIGNATURE, "QEMU", 4) < 0 ||
	    fw_cfg_add_number(cfg, FW_CFG_ID, ID_TRADITIONAL | ID_DMA, 4) < 0) {
		fw_cfg_destroy(cfg);
		return NULL;
	}
	fw_cfg_reset(cfg);
	return cfg;
}

void fw_cfg_destroy(struct fw_cfg *cfg)
{
	if (!cfg)
		return;
	for (unsigned int i = 0; i < cfg->count; i++)
		if (cfg->item[i].owned)
			free(cfg->item[i].data);
	pthread_mutex_destroy(&cfg->lock);
	free(cfg);
}
