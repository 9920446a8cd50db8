#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Thirty power cuts. hvlab-long, hvlab-timeout: 1800
# for tests/lab/run-tests: $DISK_INITRD
export CUTS=30
exec "$(dirname "$(readlink -f "$0")")/hvrun_disk_durable.sh"
