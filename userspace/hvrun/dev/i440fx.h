/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host bridge, Intel 82441FX, at 00:00.0. */
#ifndef HVRUN_I440FX_H
#define HVRUN_I440FX_H

#include "dev/pci.h"

/** struct i440fx - the bridge */
struct i440fx {
	struct pci_function pci;
};

int i440fx_init(struct i440fx *bridge, struct pci_bus *bus, struct error *err);

#endif /* HVRUN_I440FX_H */
