# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads L1's kernel log as it comes and knows when that kernel is sick."""
import re

# Each of these means that something in L1's kernel went wrong, whatever the job's
# exit status says.
_SICK = re.compile(rb"|".join((
    rb"Kernel panic", rb"Oops\b", rb"\bBUG: ", rb"kernel BUG at", rb"\] WARNING: ",
    rb"KASAN: ", rb"UBSAN: ", rb"KCSAN: ", rb"DEBUG_LOCKS_WARN_ON", rb"INFO: possible",
    rb"INFO: trying to register non-static key", rb"sleeping function called",
    rb"scheduling while atomic", rb"general protection fault", rb"unable to handle",
    rb"double fault", rb"refcount_t: ", rb"(list_add|list_del) corruption",
    rb"rcu: INFO: ", rb"INFO: task .* blocked for more than", rb"soft lockup",
    rb"hard LOCKUP", rb"kmemleak: [1-9]\d* new suspected", rb"unchecked MSR access",
    rb"Bad FPU state", rb"[Bb]ad page state", rb"Bad rss-counter",
)))


class LogWatch:
    def __init__(self):
        self.lines = []
        self.reason = None
        self._first = None
        self._partial = b""

    def feed(self, data):
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._line(line.rstrip(b"\r"))

    def finish(self):
        if self._partial:
            self._line(self._partial)
            self._partial = b""

    def _line(self, line):
        self.lines.append(line)
        if self.reason is None and _SICK.search(line):
            self.reason = line.decode(errors="replace").strip()
            self._first = len(self.lines) - 1

    def tail(self, count=60):
        """The lines worth showing: around the first sign of sickness, or the end."""
        if self._first is not None:
            part = self.lines[max(0, self._first - 5):self._first + 2 * count]
        else:
            part = self.lines[-count:]
        return b"\n".join(part).decode(errors="replace")
