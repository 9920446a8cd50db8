// SPDX-License-Identifier: GPL-2.0-or-later
/* Legacy DMA controllers without devices: see isa_dma.h. */
#include <string.h>

#include "dev/isa_dma.h"

#define REG_COMMAND 8 /* read: status */
#define REG_SINGLE_MASK 10
#define REG_CLEAR_FLIPFLOP 12
#define REG_MASTER_CLEAR 13 /* read: temporary register */
#define REG_CLEAR_MASK 14
#define REG_ALL_MASK 15

#define ALL_CHANNELS 0x0f

static void clear(struct isa_dma_chip *chip)
{
	chip->upper = false;
	chip->command = 0;
	chip->mask = ALL_CHANNELS;
}

static uint8_t read_word(struct isa_dma_chip *chip, unsigned int index)
{
	uint8_t value = chip->word[index] >> (chip->upper ? 8 : 0);

	chip->upper = !chip->upper;
	return value;
}

static void write_word(struct isa_dma_chip *chip, unsigned int index, uint8_t value)
{
	unsigned int shift = chip->upper ? 8 : 0;

	chip->word[index] &= ~(0xff << shift);
	chip->word[index] |= value << shift;
	chip->upper = !chip->upper;
}

static uint8_t read_register(struct isa_dma_chip *chip, unsigned int reg)
{
	if (reg < 8)
		return read_word(chip, reg);
	return reg == REG_ALL_MASK ? chip->mask : 0;
}

static void write_register(struct isa_dma_chip *chip, unsigned int reg, uint8_t value)
{
	unsigned int channel = value & 3;

	if (reg < 8) {
		write_word(chip, reg, value);
		return;
	}
	switch (reg) {
	case REG_COMMAND:
		chip->command = value;
		break;
	case REG_SINGLE_MASK:
		chip->mask &= ~(1 << channel);
		chip->mask |= (value >> 2 & 1) << channel;
		break;
	case REG_CLEAR_FLIPFLOP:
		chip->upper = false;
		break;
	case REG_MASTER_CLEAR:
		clear(chip);
		break;
	case REG_CLEAR_MASK:
		chip->mask = 0;
		break;
	case REG_ALL_MASK:
		chip->mask = value & ALL_CHANNELS;
		break;
	}
}

static uint64_t chip_read(void *dev, uint64_t offset, unsigned int size)
{
	struct isa_dma_chip *chip = dev;
	uint64_t value;

	pthread_mutex_lock(&chip->dma->lock);
	value = read_register(chip, offset >> chip->shift);
	pthread_mutex_unlock(&chip->dma->lock);
	return value;
}

static void chip_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct isa_dma_chip *chip = dev;

	pthread_mutex_lock(&chip->dma->lock);
	write_register(chip, offset >> chip->shift, value);
	pthread_mutex_unlock(&chip->dma->lock);
}

static uint64_t page_read(void *dev, uint64_t offset, unsigned int size)
{
	struct isa_dma *dma = dev;
	uint64_t value;

	pthread_mutex_lock(&dma->lock);
	value = dma->page[offset];
	pthread_mutex_unlock(&dma->lock);
	return value;
}

static void page_write(void *dev, uint64_t offset, unsigned int size, uint64_t value)
{
	struct isa_dma *dma = dev;

	pthread_mutex_lock(&dma->lock);
	dma->page[offset] = value;
	pthread_mutex_unlock(&dma->lock);
}

void isa_dma_reset(struct isa_dma *dma)
{
	pthread_mutex_lock(&dma->lock);
	for (unsigned int i = 0; i < 2; i++)
		clear(&dma->chip[i]);
	pthread_mutex_unlock(&dma->lock);
}

void isa_dma_init(struct isa_dma *dma)
{
	memset(dma, 0, sizeof(*dma));
	pthread_mutex_init(&dma->lock, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		dma->chip[i].dma = dma;
		dma->chip[i].shift = i;
		dma->chip[i].region = (struct region){
			.name = "isa-dma",
			.read = chip_read,
			.write = chip_write,
			.dev = &dma->chip[i],
			.max_access = 1,
		};
	}
	dma->pages = (struct region){
		.name = "isa-dma-pages",
		.read = page_read,
		.write = page_write,
		.dev = dma,
		.max_access = 1,
	};
	isa_dma_reset(dma);
}
