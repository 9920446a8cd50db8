#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The guest's clock over a minute.
# hvlab-timeout: 200
# hvlab-long
SECONDS_LONG=60 exec "$(dirname "$0")/clock.sh"
