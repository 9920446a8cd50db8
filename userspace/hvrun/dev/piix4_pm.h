/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Power management of an Intel 82371AB (PIIX4), at 00:01.3: puts the ACPI registers
 * (acpi_pm.h) where firmware wants them, and has the ports around them: APM control and
 * status (0xb2, 0xb3: ACPI mode on and off), the general purpose events, an SMBus without
 * devices. There is no SMM. "82371AB (PIIX4) data sheet", chapter "Power Management".
 */
#ifndef HVRUN_PIIX4_PM_H
#define HVRUN_PIIX4_PM_H

#include "dev/acpi_pm.h"
#include "dev/pci.h"

#define PIIX4_PM_BASE 0x40     /* 4 bytes: port, bit 0 says that it is one */
#define PIIX4_PM_IO_ON 0x80    /* bit 0 */
#define PIIX4_PM_DEFAULT 0x600 /* where SeaBIOS puts the registers, and hvrun without firmware */

#define PIIX4_APM_PORT 0xb2
#define PIIX4_ACPI_ON 0xf1 /* written to the APM control port */
#define PIIX4_ACPI_OFF 0xf0
#define PIIX4_GPE_PORT 0xafe0
#define PIIX4_GPE_BYTES 4 /* half status, half enable */

/**
 * struct piix4_pm - the function
 * @pm: the ACPI registers; the caller's
 * @pm_base: where they are now, 0: nowhere
 * @lock: @apm, @gpe, @smbus
 */
struct piix4_pm {
	struct pci_function pci;
	struct acpi_pm *pm;
	struct region apm_region;
	struct region gpe_region;
	struct region smbus_region;
	_Atomic uint16_t pm_base;
	uint16_t smbus_base;

	pthread_mutex_t lock;
	uint8_t apm[2];
	uint8_t gpe[PIIX4_GPE_BYTES];
	uint8_t smbus[16];
};

/** piix4_pm_init() - plug it in; the ports of fixed place are attached */
int piix4_pm_init(struct piix4_pm *dev, struct pci_bus *bus, struct acpi_pm *pm, struct error *err);
void piix4_pm_reset(struct piix4_pm *dev);

/** piix4_pm_set_up() - what firmware does: registers at PIIX4_PM_DEFAULT, ACPI mode on */
void piix4_pm_set_up(struct piix4_pm *dev);

#endif /* HVRUN_PIIX4_PM_H */
