"""`polarisctl gpu-setup`: bring the GPU stack onto this host, check it, or take it away."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from polarisctl.failures import EXIT_FAILED, EXIT_OK, failed, usage
from polarisctl.gpu_stack import listing, setting_up, system, told, trial
from polarisctl.gpu_stack import plan as planning
from polarisctl.gpu_stack.disk import disk_errors_told
from polarisctl.gpu_stack.host import Host, this_host
from polarisctl.gpu_stack.plan import Plan
from polarisctl.gpu_stack.trial import Trial
from polarisctl.gpu_stack.wheels import Bring, check_directory, from_directory, from_index
from polarisctl.values import size
from polarisd.api import errors
from polarisd.api.errors import ControlError
from polarisd.bench.stack import Flaw, Stack, examine, find_stack

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from polarisctl.context import Arguments, Context

HELP = """Bring the GPU stack onto this host: CuPy, the CUDA libraries that it loads, and NumPy,
with which polarisd measures GPUs. What is fetched, its size and where it goes are shown first.
Every file is checked by its hash; interrupted, the next run goes on where this one stopped. A
worker then runs a first kernel with it: only a stack that passed takes the place of the one
before."""
DEFAULTS: dict[str, object] = {
    "check": False,
    "remove": False,
    "yes": False,
    "no_system": False,
    "index_url": None,
    "from_directory": None,
}
_AGAIN = "run it again: it goes on where it stopped"


def add_arguments(parser: ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="try out the stack that is installed")
    what.add_argument("--remove", action="store_true", help="take away what gpu-setup brought")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--no-system", action="store_true", help="do not use CUDA libraries of this system"
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--index-url", metavar="URL", help="the package index (default https://pypi.org/simple)"
    )
    source.add_argument(
        "--from",
        dest="from_directory",
        metavar="PATH",
        help="a directory with the wheels, for a host without a network",
    )


def run(args: Arguments, context: Context, host: Host | None = None) -> int:
    _check_options(args)
    host = host or this_host()
    if args.check:
        return _check(args, context, host)
    if args.remove:
        return _remove(args, context, host)
    return _set_up(args, context, host)


def _check_options(args: Arguments) -> None:
    """What would not be looked at is not taken."""
    verb = "--check" if args.check else "--remove"
    given = {
        "--yes": args.yes and args.check,  # it asks nothing
        "--no-system": args.no_system,
        "--index-url": args.index_url is not None,
        "--from": args.from_directory is not None,
    }
    idle = [name for name, is_given in given.items() if is_given]
    if idle and (args.check or args.remove):
        raise usage(f"{' and '.join(idle)} cannot go with {verb}", "leave one of them out")


def _set_up(args: Arguments, context: Context, host: Host) -> int:
    spared = () if args.no_system else _spared(host)
    plan = planning.make(host.lock, host.tag, machine=host.machine, libc=host.libc, spared=spared)
    present = examine(host.package, host.tag)
    if not isinstance(present, Stack):
        present = examine(host.own, host.tag)
    if isinstance(present, Stack) and (
        present.origin == host.package.origin or present.id == plan.id
    ):
        why = listing.damage(Path(present.path))
        if not why:
            return _answer(args, context, present, None, changed=False)
        if present.origin == host.package.origin:  # it would be used before one of ours
            raise _damaged(host, present, why)
        present = Flaw(present.path, why, present.origin)
    _need_root(context, "set up")
    source = args.from_directory or args.index_url or host.lock.index_url
    bring = _source(args, host, plan)
    context.stderr.write(
        told.plan_text(
            plan,
            host.place,
            source,
            present if isinstance(present, Flaw) else None,
            planning.driver_warning(host.driver(), host.lock.driver_min),
        )
    )
    _ask(args, context, "Go on?")
    stage = "copying" if args.from_directory else "downloading"
    try:
        stack, tried = setting_up.set_up(host, plan, bring, stage, context)
    except KeyboardInterrupt:
        context.warn(f"stopped; what has been downloaded stays: {_AGAIN}")
        raise
    if tried.verdict == trial.FAILED:
        raise failed(
            f"cannot use the new GPU stack: {tried.text}",
            (f"{tried.remedy}; " if tried.remedy else "")
            + ("the one before stays in use" if isinstance(present, Stack) else "none is in use")
            + "; what was downloaded is kept for another try, and `polarisctl gpu-setup --remove`"
            " removes it",
        )
    return _answer(args, context, _placed(host) or stack, tried, changed=True)


def _placed(host: Host) -> Stack | None:
    return find_stack((host.own,), host.tag)


def _spared(host: Host) -> tuple[system.Spared, ...]:
    return system.spared(system.parse_ldconfig(host.libraries()), os.path.realpath)


def _source(args: Arguments, host: Host, plan: Plan) -> Bring:
    if args.from_directory is None:
        return from_index(args.index_url or host.lock.index_url, host.web, host.waits)
    directory = Path(args.from_directory)
    if not directory.is_dir():
        raise usage(f"cannot take wheels from {directory}: it is not a directory")
    check_directory(plan, directory, host.place.downloaded())
    return from_directory(directory)


def _check(args: Arguments, context: Context, host: Host) -> int:
    stack = find_stack(host.candidates, host.tag)
    if stack is None:
        raise failed(
            f"there is no GPU stack for this Python ({host.tag})"
            + "".join(
                f"; {flaw.path} cannot be used: {flaw.why}"
                for flaw in (examine(candidate, host.tag) for candidate in host.candidates)
                if isinstance(flaw, Flaw)
            ),
            "set it up: sudo polarisctl gpu-setup",
        )
    if why := listing.damage(Path(stack.path)):
        raise _damaged(host, stack, why)
    tried = trial.try_out(stack, host.worker(stack))
    if tried.verdict == trial.FAILED:
        anew = f"if the GPU and its driver are well, set it up anew: {_anew(host, stack, True)}"
        tried = replace(tried, remedy=f"{tried.remedy}; {anew}" if tried.remedy else anew)
    _answer(args, context, stack, tried, changed=False)
    return EXIT_FAILED if tried.verdict == trial.FAILED else EXIT_OK


def _damaged(host: Host, stack: Stack, why: str) -> ControlError:
    return failed(
        f"cannot use the GPU stack in {stack.path}: {why}",
        f"set it up anew: {_anew(host, stack, False)}",
    )


def _anew(host: Host, stack: Stack, looks_right: bool) -> str:
    """What takes the place of a stack; of one that looks right only when it is gone."""
    if stack.origin == host.package.origin:
        return "sudo apt install --reinstall polaris-gpu"
    again = "sudo polarisctl gpu-setup"
    return f"{again} --remove, then {again}" if looks_right else again


def _remove(args: Arguments, context: Context, host: Host) -> int:
    place = host.place
    if not os.path.lexists(place.root):
        if args.json:
            context.print_json({"removed_bytes": 0})
        else:
            context.print(f"there is nothing in {place.root} to remove")
        return EXIT_OK
    _need_root(context, "remove")
    removed = place.size_bytes()
    context.stderr.write(f"{place.root}, {size(removed)}, is going to be removed.\n")
    _ask(args, context, "Go on?")
    with disk_errors_told(place.root), place.held():
        place.remove()
    if args.json:
        context.print_json({"removed_bytes": removed})
    else:
        context.print(f"removed {place.root}, {size(removed)}")
    return EXIT_OK


def _answer(
    args: Arguments, context: Context, stack: Stack, tried: Trial | None, *, changed: bool
) -> int:
    if args.json:
        context.print_json(told.document(stack, tried, changed=changed))
    else:
        context.print(told.outcome_text(stack, tried, changed=changed))
    return EXIT_OK


def _need_root(context: Context, verb: str) -> None:
    if context.euid != 0:
        raise ControlError(
            errors.NOT_PERMITTED,
            f"cannot {verb} the GPU stack: it is root's, so that what polarisd runs is too",
            "use sudo: sudo polarisctl gpu-setup",
        )


def _ask(args: Arguments, context: Context, question: str) -> None:
    """Error handling: fails on any answer but yes; a usage error where nobody can be asked."""
    if args.yes:
        return
    if args.json or not (sys.stdin and sys.stdin.isatty()):
        raise usage("cannot ask whether to go on: there is no terminal", "to agree, give --yes")
    context.stderr.write(f"{question} [y/N] ")
    context.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise failed("nothing was done: the answer was not yes")
