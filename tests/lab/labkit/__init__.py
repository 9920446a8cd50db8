# SPDX-License-Identifier: GPL-2.0-or-later
"""The parts of hvlab, the tool that boots a host kernel (L1) and runs a command there."""
