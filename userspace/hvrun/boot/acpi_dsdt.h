/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's devices in ACPI machine language. */
#ifndef HVRUN_ACPI_DSDT_H
#define HVRUN_ACPI_DSDT_H

#include <stdint.h>

struct acpi_config;

/** acpi_dsdt_write() - what follows the DSDT's header; returns its size, 0: @room is too small */
uint32_t acpi_dsdt_write(void *to, uint32_t room, const struct acpi_config *config);

#endif /* HVRUN_ACPI_DSDT_H */
