#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ten minutes of random calls.
# hvlab-timeout: 900
# hvlab-long
TORTURE_SECONDS=600 exec "$O/tests/integration/api_torture"
