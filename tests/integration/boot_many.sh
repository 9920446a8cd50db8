#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Twenty boots in a row.
# hvlab-timeout: 900
# hvlab-long
BOOTS=20 exec "$(dirname "$0")/boot.sh"
