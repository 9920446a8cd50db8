/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two 8237A DMA controllers and their page registers, as far as software looks: the
 * registers keep what is written; no device is connected, so no channel ever moves a byte.
 * "8237A High Performance Programmable DMA Controller", section "Register Description".
 */
#ifndef HVRUN_ISA_DMA_H
#define HVRUN_ISA_DMA_H

#include <pthread.h>
#include <stdbool.h>

#include "bus.h"

#define ISA_DMA_PORT_LOW 0x00	/* 16 ports */
#define ISA_DMA_PORT_HIGH 0xc0	/* 32 ports, every second one is a register */
#define ISA_DMA_PORT_PAGES 0x81 /* 15 ports; 0x80 is the POST code's, 0x92 comes after */
#define ISA_DMA_PAGES 15

/**
 * struct isa_dma_chip - one 8237A
 * @region: its ports
 * @shift: 1: the registers are two ports apart
 * @dma: for the lock
 * @word: address and count of each channel
 * @upper: the next access to @word is to the upper byte
 */
struct isa_dma_chip {
	struct region region;
	unsigned int shift;
	struct isa_dma *dma;

	uint16_t word[8];
	bool upper;
	uint8_t command;
	uint8_t mask;
};

/** struct isa_dma - both; @lock: all registers */
struct isa_dma {
	struct isa_dma_chip chip[2];
	struct region pages;

	pthread_mutex_t lock;
	uint8_t page[ISA_DMA_PAGES];
};

void isa_dma_init(struct isa_dma *dma);
void isa_dma_reset(struct isa_dma *dma);

#endif /* HVRUN_ISA_DMA_H */
