"""`configure` and `set_level`, each in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.unit.journal_support import journald

PROGRAM = """
import logging, os, sys
from pathlib import Path
from polarisd import journal
journal.configure("info", sys.stderr, os.environ, journal_socket=Path(sys.argv[1]))
log = logging.getLogger("polarisd.main")
log.debug("hidden")
log.info("shown", extra=journal.fields(event="ready"))
logging.getLogger("library").info("hidden")
logging.getLogger("library").warning("library")
journal.set_level("debug")
log.debug("deep")
journal.set_level("error")
log.warning("hidden")
"""


def run_program(journal_socket: Path, *, in_journal: bool) -> list[str]:
    with tempfile.TemporaryFile() as stderr:
        is_now = os.fstat(stderr.fileno())
        environ = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
        environ.pop("JOURNAL_STREAM", None)
        if in_journal:
            environ["JOURNAL_STREAM"] = f"{is_now.st_dev}:{is_now.st_ino}"
        subprocess.run(
            [sys.executable, "-c", PROGRAM, str(journal_socket)],
            env=environ,
            stderr=stderr,
            check=True,
            timeout=60,
        )
        stderr.seek(0)
        return stderr.read().decode().splitlines()


class TestConfigure:
    def test_sends_to_the_journal_when_standard_error_is_the_journal(self) -> None:
        with journald() as journal:
            assert run_program(journal.path, in_journal=True) == []
            assert [journal.entry()["MESSAGE"] for _ in range(3)] == ["shown", "library", "deep"]

    def test_prefixes_lines_when_the_journal_takes_nothing_else(self, tmp_path: Path) -> None:
        lines = run_program(tmp_path / "none", in_journal=True)
        assert lines == ["<6>ready: shown", "<4>library", "<7>deep"]

    def test_writes_plain_lines_anywhere_else(self) -> None:
        with journald() as journal:
            lines = run_program(journal.path, in_journal=False)
        stamp = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} "
        wanted = ["info    ready: shown", "warning library", "debug   deep"]
        assert len(lines) == len(wanted)
        for line, rest in zip(lines, wanted, strict=True):
            assert re.fullmatch(stamp + re.escape(rest), line)
