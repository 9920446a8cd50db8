# SPDX-License-Identifier: GPL-2.0-or-later
"""hvlab's command line."""
import argparse
import os
import sys

from .cache import LabError, say
from .kernels import GUEST, KERNELS

EXIT_LAB = 123


def _parser():
    p = argparse.ArgumentParser(prog="hvlab", description=(
        "Boots a host kernel (L1) in an emulator and runs a command there as root."))
    sub = p.add_subparsers(dest="verb", required=True)

    path = sub.add_parser("path", help="print where a part of the lab is, fetching it first")
    path.add_argument("what", choices=sorted(_PATHS))
    path.add_argument("--kernel", choices=KERNELS, default="6.1")

    kmake = sub.add_parser("kmake", help="run make against a kernel's build directory")
    kmake.add_argument("--kernel", choices=KERNELS, default="6.1")
    kmake.add_argument("args", nargs="+", metavar="MAKE-ARGUMENT")
    return p


_PATHS = {
    "kdir": lambda k: k.kdir,
    "release": lambda k: k.release,
    "l1-kernel": lambda k: k.image,
    "l1-vmlinux": lambda k: k.vmlinux,
    "l1-modules": lambda k: k.modules,
    "guest-kernel": lambda _: GUEST.image,
    "guest-modules": lambda _: GUEST.modules,
}


def _path(args):
    print(_PATHS[args.what](KERNELS[args.kernel]))
    return 0


def _kmake(args):
    kdir = KERNELS[args.kernel].kdir
    sys.stdout.flush()
    os.execvp("make", ["make", "-C", str(kdir), *args.args])


def main(argv):
    args = _parser().parse_args(argv)
    try:
        return {"path": _path, "kmake": _kmake}[args.verb](args)
    except LabError as e:
        say(f"error: {e}")
        return EXIT_LAB
