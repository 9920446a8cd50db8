# SPDX-License-Identifier: GPL-2.0-or-later
"""The kernels of the lab by name: hosts (L1), and the guest (L2)."""
from .debugkernel import DebugKernel
from .kernels import DebianKernel, ForeignKernel

KERNELS = {
    "6.1": DebianKernel("6.1", "bookworm", "amd64"),
    "6.12": DebianKernel("6.12", "bookworm-backports", "amd64"),
    "7.2": ForeignKernel("7.2", "forky", "amd64"),
    "debug": DebugKernel("debug", "bookworm", "6.1"),
}
GUEST = DebianKernel("guest-6.1", "bookworm", "cloud-amd64")
