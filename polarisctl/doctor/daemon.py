"""polarisd as its control socket shows it: values and judgements.  Pure.

Made by `gather.daemon`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, skipped, unknown, warning
from polarisd.api import errors
from polarisd.api.reading import Unknown

SHOWN_FAULTS = 5
ADVISED_CODES = 3
START = "sudo systemctl enable --now polarisd"
LOG = "journalctl -u polarisd -n 50 --no-pager"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request got no result: a code, what was said, what to do."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Daemon:
    """What came of hello, snapshot and config, in that order.

    `hello` is a Refusal when nobody could be spoken with; then so are the others.
    """

    socket_path: str
    hello: dict[str, Any] | Refusal
    snapshot: dict[str, Any] | Refusal
    config: dict[str, Any] | Refusal


def answers(daemon: Daemon) -> Finding:
    needed = f"polarisd answering on {daemon.socket_path}"
    hello = daemon.hello
    if isinstance(hello, dict):
        return ok(f"pid {hello.get('pid', '?')} on {daemon.socket_path}")
    if hello.code == errors.NOT_PERMITTED:
        advice = "Run with sudo; the check group-polaris says how to do without:"
        return unknown(hello.message, needed, advice, "sudo polarisctl doctor")
    if hello.code == errors.PROTOCOL_MISMATCH:
        return failure(hello.message, needed, f"{hello.hint}.", "sudo systemctl restart polarisd")
    if hello.code == "not_running":
        return failure(
            hello.message, needed, "Start it; if it does not stay up, its log says why:", START, LOG
        )
    return failure(hello.message, needed, "See what it says, then restart it:", LOG, START)


def version(daemon: Daemon, client_version: str) -> Finding:
    needed = f"the version of polarisctl, {client_version}"
    if isinstance(daemon.hello, Refusal):
        return skipped("polarisd does not answer")
    running = daemon.hello.get("version")
    if running == client_version:
        return ok(str(running))
    return warning(
        f"polarisd {running} runs, polarisctl is {client_version}",
        needed,
        "The one that runs was started before the upgrade. Restart it (leases go on):",
        "sudo systemctl restart polarisd",
    )


def faults(daemon: Daemon) -> Finding:
    needed = "no fault"
    if isinstance(daemon.hello, Refusal):
        return skipped("polarisd does not answer")
    if isinstance(daemon.snapshot, Refusal):
        return unknown(daemon.snapshot.message, needed, daemon.snapshot.hint)
    listed = daemon.snapshot.get("faults")
    if not isinstance(listed, list) or not all(isinstance(fault, dict) for fault in listed):
        return cannot_tell("the faults", Unknown("read_error", "malformed answer"), needed)
    grave = [fault for fault in listed if fault.get("severity") == "error"]
    minor = [fault for fault in listed if fault.get("severity") == "warning"]
    chosen = [*grave, *minor]
    if not chosen:
        return ok("none")
    texts = [f"{fault.get('code')}: {fault.get('text')}" for fault in chosen[:SHOWN_FAULTS]]
    if len(chosen) > SHOWN_FAULTS:
        texts.append(f"and {len(chosen) - SHOWN_FAULTS} more")
    answer = failure if grave else warning
    return answer("; ".join(texts), needed, _remedies(chosen), "polarisctl status")


def _remedies(faults: list[dict[str, Any]]) -> str:
    """What to do about the first few, each under its code where there are several."""
    found = {str(fault.get("code")): _remedy(fault) for fault in reversed(faults)}
    first = list(dict.fromkeys(str(fault.get("code")) for fault in faults))[:ADVISED_CODES]
    if len(first) == 1:
        return found[first[0]]
    return "; ".join(f"{code}: {found[code].rstrip('.')}" for code in first) + "."


def _remedy(fault: dict[str, Any]) -> str:
    remedy = str(fault.get("remedy", ""))
    if "polarisctl doctor" in remedy:  # its reader has just done that
        return "The checks before this one say what to do."
    return remedy
