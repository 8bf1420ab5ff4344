"""polarisctl whose own standard files are closed or full, as a shell can make them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.ctl_samples import fault, snapshot
from tests.unit.ctl_support import ROOT, WAIT_S, daemon


def shell(line: str, path: Path) -> subprocess.CompletedProcess[str]:
    """Run the line, in which `ctl` is polarisctl."""
    return subprocess.run(
        ["/bin/sh", "-c", f'ctl() {{ "$0" -m polarisctl.main "$@"; }}; {line}', sys.executable],
        cwd=ROOT,
        env={**os.environ, "POLARIS_SOCKET": str(path), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


@pytest.mark.parametrize("verb", ["status", "status --json", "gpus 0", "--help", "version"])
def test_a_full_disk_is_said_in_words(tmp_path: Path, verb: str) -> None:
    with daemon(tmp_path / "s", snapshot=snapshot()):
        done = shell(f"ctl {verb} >/dev/full", tmp_path / "s")
    text = "polarisctl: cannot write the output: No space left on device\n"
    assert (done.returncode, done.stderr) == (1, text)


@pytest.mark.parametrize("closed", [">&-", "<&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_files_change_no_exit_code(tmp_path: Path, closed: str) -> None:
    with daemon(tmp_path / "s", snapshot=snapshot()) as peer:
        done = shell(f"ctl status {closed}", tmp_path / "s")
        assert (done.returncode, done.stderr) == (0, "")
        peer.answers["snapshot"] = snapshot(faults=(fault(),))
        done = shell(f"ctl status --json {closed}", tmp_path / "s")
        assert (done.returncode, done.stderr) == (5, "")


@pytest.mark.parametrize("errors", ["2>&-", "2>/dev/full"])
def test_an_error_that_cannot_be_told_keeps_its_exit_code(tmp_path: Path, errors: str) -> None:
    done = shell(f"ctl status {errors}", tmp_path / "none")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
