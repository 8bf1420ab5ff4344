"""Try a stack out: have a worker load it, compile a first kernel, run it, compare the answer.

Called by gpu-setup before a new stack takes the place of the old one, and for `--check`.  The
worker is the daemon's own, spoken with over its stdin and stdout.
"""

from __future__ import annotations

import os
import pwd
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from polarisd.api import wire
from polarisd.api.errors import ControlError
from polarisd.bench.stack import Stack, worker_path

# The first start reads 1.4 GB from the disk, and the kernels are compiled.
DEADLINE_S = 300.0
REAP_S = 5.0
SAID_CAP_BYTES = 2000

PASSED, UNTRIED, FAILED = "passed", "untried", "failed"
# Nothing that the stack could help: there is no GPU to run on, or no room on it now.
NOT_THE_STACKS = ("no_gpu", "out_of_memory")
JOB: dict[str, object] = {"job": "check", "backend": "cupy"}
USER = "polaris"

_BOOT = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from polarisd.bench.worker.main import main; sys.exit(main())"
)


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went: `text` and `remedy` say why not, `device` what it ran on."""

    verdict: str
    text: str = ""
    remedy: str = ""
    device: str = ""
    versions: dict[str, str] = field(default_factory=dict)


def judge(frames: Sequence[object], said: str) -> Trial:
    """What a worker's frames come to.  Pure."""
    device, versions = "", {}
    for frame in frames:
        match frame:
            case {"kind": "hello", "device": {"name": str(device)}, "versions": dict(told)}:
                versions = {str(k): str(v) for k, v in told.items()}
            case {"kind": "done"}:
                return Trial(PASSED, device=device, versions=versions)
            case {"kind": "failed", "code": str(code), "message": str(message), **rest}:
                verdict = UNTRIED if code in NOT_THE_STACKS else FAILED
                return Trial(verdict, message, str(rest.get("hint", "")), device, versions)
    return Trial(FAILED, f"the worker ended without an answer{f': {said}' if said else ''}")


def argv(stack: Stack) -> list[str]:
    """The worker on this very interpreter, isolated as we are."""
    own = [os.path.abspath(entry) for entry in sys.path]
    return [sys.executable, "-I", "-S", "-B", "-c", _BOOT, *worker_path(stack, own)]


def try_out(
    stack: Stack, command: Sequence[str], *, deadline_s: float = DEADLINE_S, account: str = USER
) -> Trial:
    """As user polaris where we are root: nothing that was downloaded runs as root."""
    ends_at = time.monotonic() + deadline_s
    user, group, groups = _account(account)
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory() as home:
        if user is not None and group is not None:
            os.chown(home, user, group)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd="/",
                env=_environ(stack, home),
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=groups,
            )
        except OSError as problem:
            return Trial(FAILED, f"cannot start {command[0]}: {problem.strerror}")
        patience_s = REAP_S
        try:
            frames = list(_frames(process, ends_at))
        except TimeoutError:
            patience_s = 0.0
            return Trial(FAILED, f"the worker did not answer within {deadline_s:.0f} s")
        except ControlError as error:
            return Trial(FAILED, f"the worker sent nonsense: {error.message}")
        finally:
            _end(process, patience_s)
        errors.seek(max(errors.seek(0, os.SEEK_END) - SAID_CAP_BYTES, 0))
        lines = errors.read().decode(errors="replace").strip().splitlines()
    return judge(frames, lines[-1] if lines else f"exit status {process.returncode}")


def _environ(stack: Stack, home: str) -> dict[str, str]:
    """CuPy does not load without a home that it can write to; the driver has a cache there."""
    made = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": home}
    if stack.library_dirs:
        made["LD_LIBRARY_PATH"] = os.pathsep.join(stack.library_dirs)
    return made


def _account(name: str) -> tuple[int | None, int | None, list[int] | None]:
    """User, group and groups to become; nobody else where we may not, or there is no such user."""
    if os.geteuid() != 0:
        return None, None, None
    try:
        user = pwd.getpwnam(name)
    except KeyError:
        return None, None, None
    return user.pw_uid, user.pw_gid, os.getgrouplist(user.pw_name, user.pw_gid)


def _frames(process: subprocess.Popen[bytes], ends_at: float) -> Iterator[object]:
    """Until the last one, or the worker's end.  TimeoutError; ControlError on nonsense."""
    assert process.stdin is not None and process.stdout is not None
    decoder = wire.Decoder(max_items=64)
    _send(process.stdin, wire.pack(JOB))
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(ends_at - time.monotonic(), 0)):
            data = os.read(process.stdout.fileno(), 1 << 16)
            if not data:
                return
            decoder.feed(data)
            for frame in decoder:
                if frame is None:
                    continue  # it says that it lives
                yield frame
                if isinstance(frame, dict) and frame.get("kind") in ("done", "failed"):
                    return
    raise TimeoutError


def _send(stdin: IO[bytes], data: bytes) -> None:
    try:
        stdin.write(data)
        stdin.flush()
    except BrokenPipeError:
        return  # it has ended already, and its stderr says why


def _end(process: subprocess.Popen[bytes], patience_s: float) -> None:
    """Its stdin closed it goes; what stays is killed, with all that it started."""
    assert process.stdin is not None and process.stdout is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # stuck in the kernel, where no signal reaches
            process.wait(REAP_S)
    process.stdout.close()
