# SPDX-License-Identifier: GPL-2.0-or-later
"""TAP for the programs beside it: tap.ok(GOOD, WORDS), and tap.finish() for sys.exit()."""


class Tap:
    count = bad = 0

    def ok(self, good, words):
        self.count += 1
        self.bad += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {words}", flush=True)
        return bool(good)

    def finish(self):
        print(f"1..{self.count}")
        return self.bad > 0


tap = Tap()
