"""polaris.toml and the daemon that reads it: checked before, replaced at once, restarted.

The edit itself is `toml_edit`'s; whether the result is good is for `polarisd --check-config`
alone to say.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from polarisctl import programs
from polarisctl.cells import clean
from polarisctl.context import DEFAULT_CONFIG
from polarisctl.failures import failed
from polarisctl.gpu_stack.disk import disk_errors_told
from polarisctl.registration.files import not_permitted, read_small
from polarisctl.registration.toml_edit import CannotEdit, Changes, edit
from polarisd.api import errors
from polarisd.api.errors import ControlError

# What polarisd reads, by section and key.
Values = Mapping[str, Mapping[str, object]]

MAX_CONFIG_BYTES = 1 << 20
CHECK_DEADLINE_S = 30.0
RESTART_DEADLINE_S = 120.0
UNIT = "polarisd"


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration at `path`; `program` is how polarisctl was started."""

    path: Path
    environ: Mapping[str, str]
    program: str = ""

    def read(self) -> str:
        """Empty where there is none yet.  Error handling: fails in words."""
        content = read_small(self.path, MAX_CONFIG_BYTES)
        try:
            return (content or b"").decode()
        except UnicodeDecodeError:
            raise _bad(f"{self.path}: it is not UTF-8") from None

    def values(self) -> Values:
        """What polarisd reads from it, defaults included."""
        return self._check(self.path, self.path) if self.path.exists() else {}

    def prepare(self, changes: Changes) -> str:
        """The text with the changes, which polarisd takes.  Nothing is written.

        Error handling: bad_config, with every problem, if it does not.
        """
        text = self.read()
        try:
            edited = edit(text, changes)
        except CannotEdit as problem:
            raise _bad(f"cannot change {self.path}: {problem}") from None
        with tempfile.TemporaryDirectory(prefix="polaris-") as directory:
            trial = Path(directory, "polaris.toml")
            trial.write_text(edited)
            self._check(trial, self.path)
        return edited

    def replace(self, edited: str) -> bool:
        """Whole or not at all, with the owner and the mode it had.  False if it was the same."""
        if not self.differs(edited):
            return False
        target = Path(os.path.realpath(self.path))
        with disk_errors_told(target):
            os.replace(_write_beside(target, edited), target)
        return True

    def differs(self, edited: str) -> bool:
        return not os.path.exists(self.path) or self.read() != edited

    def prove(self, edited: str) -> None:
        """Error handling: fails unless it can be written beside, which comes before `replace`."""
        target = Path(os.path.realpath(self.path))
        with disk_errors_told(target):
            _write_beside(target, edited).unlink()

    def need_writable(self, verb: str) -> None:
        target = Path(os.path.realpath(self.path))
        if not target.parent.is_dir():
            raise failed(
                f"cannot {verb}: there is no directory {target.parent}",
                "install the package polaris, or name another configuration with --config",
            )
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise not_permitted(verb, target.parent, "cannot be written to")

    def _check(self, path: Path, named: Path) -> Values:
        polarisd = programs.find_program("polarisd", self.environ, beside=self.program)
        if polarisd is None:
            raise failed(
                f"cannot check {named}: there is no polarisd beside polarisctl or on PATH",
                "install the package polaris: the daemon itself knows its configuration",
            )
        try:
            done = subprocess.run(
                [polarisd, "--check-config", str(path), "--json"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CHECK_DEADLINE_S,
                env=dict(self.environ),
                check=False,
            )
            document = json.loads(done.stdout)
            problems, values = document["problems"], document["values"]
        except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
            raise failed(
                f"cannot check {named}: {polarisd} --check-config does not answer"
            ) from None
        if problems:
            lines = [f"{named}: {clean(p['path'])} {clean(p['message'])}" for p in problems]
            raise _bad("\n".join(lines))
        checked: Values = values
        return checked

    def restart(self) -> str:
        """What became of the daemon: restarted, stopped (it does not run), or unknown."""
        systemctl = programs.find_program("systemctl", self.environ)
        if systemctl is None or os.path.realpath(self.path) != os.path.realpath(DEFAULT_CONFIG):
            return "unknown"
        try:
            state = subprocess.run(
                [systemctl, "is-active", "--quiet", UNIT],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CHECK_DEADLINE_S,
                env=dict(self.environ),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return "unknown"
        if state.returncode != 0:
            return "stopped"
        programs.run([systemctl, "restart", UNIT], self.environ, deadline_s=RESTART_DEADLINE_S)
        return "restarted"


def _write_beside(target: Path, edited: str) -> Path:
    partial = target.with_name(f".{target.name}.new")
    with open(partial, "w", encoding="utf-8", newline="") as file:
        if target.exists():
            like = target.stat()
            os.fchown(file.fileno(), like.st_uid, like.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(like.st_mode))
        else:
            os.fchmod(file.fileno(), 0o644)
        file.write(edited)
        file.flush()
        os.fsync(file.fileno())
    return partial


def _bad(text: str) -> ControlError:
    return ControlError(errors.BAD_CONFIG, text, "mend it: polarisctl config check shows the same")
