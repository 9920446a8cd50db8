# SPDX-License-Identifier: GPL-2.0-or-later
"""What a backend hands back once its emulator runs."""
import os
import socket
import subprocess
from dataclasses import dataclass


@dataclass
class Machine:
    """L1, booting. The channels are file descriptors, which the owner closes."""
    process: subprocess.Popen
    log: int            # L1's console
    agent: int          # frames from the agent
    to_agent: int       # frames to it, the same one perhaps; None if it listens to nothing
    ended: tuple = (0,)     # exit statuses of an emulator whose L1 ended by itself
    monitor: socket.socket = None   # QEMU's, for QMP

    def type_log(self, data):
        """Types on L1's console, where it has an input."""
        try:
            os.write(self.log, data)
        except OSError:
            pass
