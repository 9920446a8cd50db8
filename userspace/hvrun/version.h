/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef HVRUN_VERSION_H
#define HVRUN_VERSION_H

#define HVRUN_VERSION "0.1"

#endif /* HVRUN_VERSION_H */
