#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A guest minute of the load with 4 processors, ten times.
# hvlab-timeout: 2700
# hvlab-long
CPUS=4 LOAD_SECONDS=60 ROUNDS=10 HOTPLUGS=5 exec "$(dirname "$0")/hvrun_smp.sh"
