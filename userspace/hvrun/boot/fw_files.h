/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What firmware is told about the machine, by the firmware configuration device. */
#ifndef HVRUN_FW_FILES_H
#define HVRUN_FW_FILES_H

#include "error.h"

struct machine;

/** fw_files_add() - fill @machine->fw_cfg; memory and options are known */
int fw_files_add(struct machine *machine, struct error *err);

#endif /* HVRUN_FW_FILES_H */
