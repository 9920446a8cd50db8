/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a machine's tables say about it. */
#ifndef HVRUN_DESCRIBE_H
#define HVRUN_DESCRIBE_H

#include "boot/acpi.h"

struct machine;

/** describe_acpi() - as the machine is now */
struct acpi_config describe_acpi(struct machine *machine);

/** describe_pci_gpa() - where memory BARs may begin: after memory, at 2 or 3 GiB */
uint64_t describe_pci_gpa(const struct machine *machine);

#endif /* HVRUN_DESCRIBE_H */
