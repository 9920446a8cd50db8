/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware configuration device: numbered items and named files that firmware (and Linux's
 * qemu_fw_cfg) read through a selector and a data port, or by DMA. QEMU's document "QEMU
 * Firmware Configuration (fw_cfg) Device" describes it.
 */
#ifndef HVRUN_FW_CFG_H
#define HVRUN_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

#include "bus.h"
#include "guest_ram.h"

#define FW_CFG_PORT 0x510 /* selector, data; the DMA address from 0x514 on */
#define FW_CFG_PORTS 12

#define FW_CFG_SIGNATURE 0x0000
#define FW_CFG_ID 0x0001
#define FW_CFG_UUID 0x0002
#define FW_CFG_RAM_SIZE 0x0003
#define FW_CFG_NOGRAPHIC 0x0004
#define FW_CFG_NB_CPUS 0x0005
#define FW_CFG_NUMA 0x000d
#define FW_CFG_BOOT_MENU 0x000e
#define FW_CFG_MAX_CPUS 0x000f
#define FW_CFG_FILE_DIR 0x0019
#define FW_CFG_FILE_FIRST 0x0020
#define FW_CFG_IRQ0_OVERRIDE 0x8002

#define FW_CFG_NAME_MAX 55
#define FW_CFG_FILES_MAX 96

struct fw_cfg;

/** fw_cfg_create() - with the signature, the id and an empty directory; @ram is for DMA */
struct fw_cfg *fw_cfg_create(const struct guest_ram *ram);
void fw_cfg_destroy(struct fw_cfg *cfg);

/** fw_cfg_reset() - nothing selected; the items stay */
void fw_cfg_reset(struct fw_cfg *cfg);
struct region *fw_cfg_region(struct fw_cfg *cfg);

/**
 * fw_cfg_add() - an item of its own number, before the guest runs
 * @data: copied
 *
 * Return: 0; -EEXIST, -ENOMEM.
 */
int fw_cfg_add(struct fw_cfg *cfg, uint16_t key, const void *data, size_t bytes);

/** fw_cfg_add_number() - an item of @bytes (2, 4 or 8) in little-endian order */
int fw_cfg_add_number(struct fw_cfg *cfg, uint16_t key, uint64_t value, unsigned int bytes);

/** fw_cfg_add_file() - a file; @data is copied. -EEXIST, -ENAMETOOLONG, -ENOSPC, -ENOMEM. */
int fw_cfg_add_file(struct fw_cfg *cfg, const char *name, const void *data, size_t bytes);

/**
 * fw_cfg_add_live_file() - a file whose contents are made when the guest selects it
 * @data: @bytes of the caller's, for as long as the device lives
 * @selected: called before the guest reads from the start; by any thread. May be NULL.
 * @context: passed to it
 */
int fw_cfg_add_live_file(struct fw_cfg *cfg, const char *name, void *data, size_t bytes,
			 void (*selected)(void *context), void *context);

#endif /* HVRUN_FW_CFG_H */
