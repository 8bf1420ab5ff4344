"""`polarisctl logs`: hand over to journalctl with the daemon's unit and our filters."""

from __future__ import annotations

import os
from glob import glob

from polarisctl import values
from polarisctl.failures import Unreachable, failed
from polarisctl.naming import find, is_whole
from polarisctl.programs import find_program, hand_over
from polarisd.api.errors import NOT_PERMITTED, ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from polarisctl.context import Arguments, Context

HELP = """Show what the daemon wrote to the journal: by default its last 200 lines. Times are as
journalctl takes them: "2025-11-22 15:00", "-2h", yesterday."""
PRIORITIES = {
    "emerg": "the system is unusable",
    "alert": "act at once",
    "crit": "critical failures",
    "err": "errors",
    "warning": "warnings",
    "notice": "unusual, not wrong",
    "info": "what usually happens",
    "debug": "everything",
}
# The values of POLARIS_EVENT, for completion: one that is not here can be asked for too.
EVENTS = {
    "ready": "the daemon is up",
    "stopping": "the daemon begins to stop",
    "stopped": "the daemon has stopped",
    "fault_raised": "a fault was found",
    "fault_cleared": "a fault is over",
    "xid": "the driver reported an XID",
    "gpu_appeared": "a GPU came",
    "gpu_missing": "a GPU is gone",
    "driver_changed": "the driver came, went or changed",
    "offering_changed": "start or stop",
    "benchmark_begun": "a benchmark began",
    "benchmark_ended": "a benchmark ended, however it did",
    "listening": "the API port is open",
    "chain_not_read": "the chain does not say where this machine stands",
    "chain_read_again": "it says so again",
    "miner_seen": "a validator heard a miner, for the first time or again",
    "endpoint_published": "the chain was told where this machine is",
    "endpoint_not_published": "the chain could not be told where it is",
    "heartbeats_stopped": "no heartbeats can be sent",
    "equivocation": "two heartbeats contradict each other",
    "http_request": "somebody asked something of the API port",
    "config_reloaded": "a new configuration is in use",
    "reload_refused": "a bad configuration was refused",
    "restart_needed": "a changed setting waits for a restart",
    "group_unknown": "who belongs to group polaris could not be asked",
    "disk_error": "the state cannot be written",
    "internal_error": "a bug in the daemon",
    "loop_blocked": "the daemon stood still for a moment",
    "watchdog_withheld": "the daemon stands still",
}
OFFERS = {"priority": PRIORITIES, "event": EVENTS}
DEFAULT_LINES = 200
# System journals, kept over reboots or not.
JOURNAL_FILES = ("/var/log/journal/*/system.journal", "/run/log/journal/*/system.journal")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("-f", "--follow", action="store_true", help="go on as lines come")
    parser.add_argument("-n", "--lines", type=line_count, metavar="N", help="the last N lines")
    parser.add_argument("--since", metavar="TIME", help="from this time on, as --since=-2h")
    parser.add_argument("--until", metavar="TIME", help="up to this time")
    parser.add_argument(
        "--priority", choices=PRIORITIES, help="only lines that are at least this grave"
    )
    parser.add_argument(
        "--gpu", metavar="GPU", help="only lines about this GPU: its index, its UUID or a beginning"
    )
    parser.add_argument("--event", metavar="NAME", help="only this event, as gpu_missing")


def run(args: Arguments, context: Context) -> int:
    journalctl = find_program("journalctl", context.environ)
    if journalctl is None:
        raise failed(
            "cannot show the log: there is no journalctl here",
            "it belongs to systemd; without systemd polarisd logs to stderr",
        )
    if not journal_is_readable(JOURNAL_FILES):
        raise ControlError(
            NOT_PERMITTED,
            "cannot read the journal: permission denied",
            "run it with sudo, or join the group systemd-journal: "
            "sudo usermod -aG systemd-journal $USER",
        )
    uuid = _uuid_of(args.gpu, context) if args.gpu is not None else ""
    context.stdout.flush()
    hand_over(journalctl, journalctl_words(args, uuid), context.environ)


def _uuid_of(wanted: str, context: Context) -> str:
    """The journal knows whole UUIDs alone; whatever is less, the daemon completes."""
    if is_whole(wanted):
        return wanted
    try:
        with context.connect() as client:
            gpus = values.maps(client.call("snapshot"), "gpus")
    except ControlError as error:
        kind = Unreachable if isinstance(error, Unreachable) else ControlError
        raise kind(
            error.code,
            f"cannot tell which GPU {wanted!r} is without polarisd: {error.message}",
            f"give the whole UUID, as GPU-5f6b2d10-1234-5678-9abc-def012345678; or {error.hint}",
        ) from None
    return str(find(gpus, wanted)["uuid"])


def journalctl_words(args: Arguments, gpu_uuid: str = "") -> list[str]:
    words = ["--unit=polarisd"]
    lines = args.lines
    if lines is None and not args.since and not args.until:
        lines = DEFAULT_LINES
    if args.follow:
        words.append("--follow")
    if lines is not None:
        words.append(f"--lines={lines}")
    filters = {"since": args.since, "until": args.until, "priority": args.priority}
    words += [f"--{option}={value}" for option, value in filters.items() if value]
    if args.json:
        words.append("--output=json")
    if gpu_uuid:
        words.append(f"GPU_UUID={gpu_uuid}")
    if args.event:
        words.append(f"POLARIS_EVENT={args.event}")
    return words


def journal_is_readable(patterns: Sequence[str]) -> bool:
    """False only if there are journals and this user may read none of them.

    journalctl itself then shows nothing and a hint, which looks like a daemon
    that logs nothing.
    """
    directories = [d for pattern in patterns for d in glob(os.path.dirname(pattern))]
    open_ones = [d for d in directories if _may(d, os.X_OK)]
    files = [file for pattern in patterns for file in glob(pattern)]
    if not files and len(open_ones) == len(directories):
        return True
    return any(_may(file, os.R_OK) for file in files)


def _may(path: str, what: int) -> bool:
    return os.access(path, what, effective_ids=True)


def line_count(text: str) -> int:
    if not text.isdecimal():
        raise _bad_argument(f"{text!r} is no number of lines")
    return int(text)


def _bad_argument(why: str) -> Exception:
    from argparse import ArgumentTypeError

    return ArgumentTypeError(why)
