# SPDX-License-Identifier: GPL-2.0-or-later
"""hvlab's command line."""
import argparse
import os
import subprocess
import sys
from pathlib import Path

from . import run as runner
from .cache import LabError, root, say
from .catalog import GUEST, KERNELS
from .external import end_by_exception
from .l1 import Job

EXIT_LAB = 123

STATUS_HELP = """\
exit status of `run`: the command's own (128 + N if signal N ended it);
  123  the lab itself could not be set up
  124  --timeout was over, or L1 hung
  125  L1's kernel is sick (panic, oops, WARN, sanitizer or lockdep report, stall) or died,
       whatever the command said
  130  interrupted
"""

_PATHS = {
    "cache": lambda _: root(),
    "kdir": lambda k: k.kdir,
    "release": lambda k: k.release,
    "l1-kernel": lambda k: k.image,
    "l1-vmlinux": lambda k: k.vmlinux,
    "l1-modules": lambda k: k.modules,
    "guest-kernel": lambda _: GUEST.image,
    "guest-vmlinux": lambda _: GUEST.vmlinux,
    "guest-modules": lambda _: GUEST.modules,
}


def _parser():
    p = argparse.ArgumentParser(prog="hvlab", description=(
        "Boots a host kernel (L1) in an emulator and runs a command there as root."))
    sub = p.add_subparsers(dest="verb", required=True, metavar="VERB")

    r = sub.add_parser("run", help="run a command in L1", epilog=STATUS_HELP,
                       formatter_class=argparse.RawDescriptionHelpFormatter)
    r.add_argument("--backend", choices=runner.BACKENDS, default="svm")
    r.add_argument("--kernel", choices=KERNELS, default="6.1", help="L1's kernel")
    r.add_argument("--smp", type=int, default=2, metavar="N", help="L1's CPUs (2)")
    r.add_argument("--mem", default="2G", metavar="SIZE", help="L1's memory (2G)")
    r.add_argument("--disk", metavar="SIZE", help="an empty virtio disk of this size")
    r.add_argument("--cpu", metavar="MODEL", help="the emulator's name of L1's CPU model")
    r.add_argument("--with", dest="with_paths", action="append", default=[], metavar="PATH",
                   help="put this file or folder at /with/NAME in L1")
    r.add_argument("--carry", action="append", default=[], metavar="PATH",
                   help="put this file or folder, and the libraries it needs, where it is in "
                        "L0 (vmx; under svm everything is there anyway)")
    r.add_argument("--package", dest="packages", action="append", default=[], metavar="NAME",
                   help="the same with a Debian package that is installed in L0")
    r.add_argument("--out", type=Path, metavar="DIR", help="what L1 writes to /out lands here")
    r.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    r.add_argument("--timeout", type=float, metavar="S",
                   help="seconds, boot included (600; none when interactive)")
    r.add_argument("--silence", type=float, default=180, metavar="S",
                   help="take L1 for dead when one of its CPUs has run nothing for so long (180)")
    r.add_argument("--interactive", action="store_true",
                   help="connect stdin; a shell by default. Ctrl-] ends L1")
    r.add_argument("--icount", action="store_true",
                   help="count instructions: one L1 CPU, one TSC tick per instruction")
    r.add_argument("--profile", type=Path, metavar="FILE",
                   help="write how often each instruction ran between the bench's marks (vmx)")
    r.add_argument("--append", default="", metavar="STRING",
                   help="more for L1's kernel command line")
    r.add_argument("--emulator-arg", action="append", default=[], metavar="ARG",
                   help="one more argument for the emulator itself")
    r.add_argument("--log", type=Path, metavar="FILE", help="write L1's kernel log here")
    r.add_argument("-v", "--verbose", action="store_true")
    r.add_argument("command", nargs="*", metavar="COMMAND")

    path = sub.add_parser("path", help="print where a part of the lab is, fetching it first")
    path.add_argument("what", choices=sorted(_PATHS))
    path.add_argument("--kernel", choices=KERNELS, default="6.1")

    prep = sub.add_parser("prepare", help="fetch and build everything now")
    prep.add_argument("--backend", choices=runner.BACKENDS, default="svm")
    prep.add_argument("--kernel", choices=KERNELS, default="6.1")
    prep.add_argument("--refresh", action="store_true", help="look for newer packages")

    kmake = sub.add_parser("kmake", help="run make against a kernel's build directory")
    kmake.add_argument("--kernel", choices=KERNELS, default="6.1")
    kmake.add_argument("args", nargs="+", metavar="MAKE-ARGUMENT")
    return p


def _run(args):
    stdin, timeout, command = "none", args.timeout, args.command
    if args.interactive:
        stdin = "tty" if sys.stdin.isatty() else "pipe"
        command = command or ["/bin/bash", "-l"]
    elif timeout is None:
        timeout = 600
    if not command:
        raise LabError("run: no command (or --interactive for a shell)")
    for pair in args.env:
        if "=" not in pair:
            raise LabError(f"--env {pair}: not NAME=VALUE")
    backend = runner.BACKENDS[args.backend]
    job = Job(argv=command, backend=args.backend, vendor=backend.vendor(args.cpu),
              kernel=KERNELS[args.kernel], cpu=args.cpu,
              smp=1 if args.icount else args.smp, mem=args.mem, disk=args.disk,
              with_paths=args.with_paths, carry=args.carry, packages=args.packages,
              env=dict(pair.split("=", 1) for pair in args.env), out=args.out,
              timeout=timeout, silence=args.silence, stdin=stdin, icount=args.icount,
              profile=args.profile and args.profile.absolute(), append=args.append, log=args.log,
              emulator_args=args.emulator_arg)
    return runner.run(job, args.verbose or args.interactive)


def _path(args):
    print(_PATHS[args.what](KERNELS[args.kernel]))
    return 0


def _prepare(args):
    if args.refresh:
        KERNELS[args.kernel].refresh()
        GUEST.refresh()
    runner.BACKENDS[args.backend].prepare(KERNELS[args.kernel])
    for kernel in (KERNELS[args.kernel], GUEST):
        say(f"{kernel.name}: {kernel.release}")
    return 0


def _kmake(args):
    command = KERNELS[args.kernel].make_command()
    sys.stdout.flush()
    os.execvp(command[0], [*command, *args.args])


def main(argv):
    end_by_exception()
    args = _parser().parse_args(argv)
    try:
        return {"run": _run, "path": _path, "prepare": _prepare, "kmake": _kmake}[args.verb](args)
    except (LabError, OSError, subprocess.SubprocessError) as e:
        say(f"error: {e}")
        return EXIT_LAB
    except KeyboardInterrupt:
        return runner.EXIT_INTERRUPTED
