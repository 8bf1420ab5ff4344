"""Programs that the doctor runs: real ones, held to their deadline and their cap."""

from __future__ import annotations

import os
import time
from pathlib import Path

from polarisctl.doctor.child import Ran, run_program
from polarisd.api.reading import READ_ERROR, TIMED_OUT, Unknown
from tests.unit.doctor_support import edge, script

SOON_S = 5.0
AT_ONCE_S = 0.2


def test_both_outputs_and_the_status_come_back(tmp_path: Path) -> None:
    path = script(tmp_path, "tool", 'echo "out $1"; echo err >&2; exit 3')
    assert run_program((str(path), "one"), {}, SOON_S) == Ran(3, "out one\n", "err\n")


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    path = script(tmp_path, "tool", r"printf 'a\377b'")
    ran = run_program((str(path),), {}, SOON_S)
    assert ran == Ran(0, "a\N{REPLACEMENT CHARACTER}b", "")


def test_a_large_output_on_one_pipe_does_not_block_the_other(tmp_path: Path) -> None:
    path = script(tmp_path, "tool", "head -c 300000 /dev/zero >&2; echo done")
    ran = run_program((str(path),), {}, SOON_S)
    assert isinstance(ran, Ran)
    assert ran.stdout == "done\n"
    assert len(ran.stderr) == 300_000


def test_past_the_deadline_the_whole_group_is_killed(tmp_path: Path) -> None:
    path = script(tmp_path, "tool", f"sleep 300 & echo $! > {tmp_path}/pid; wait")
    began_at = time.monotonic()
    ran = run_program((str(path),), {}, AT_ONCE_S)
    assert isinstance(ran, Unknown)
    assert ran.reason == TIMED_OUT
    assert time.monotonic() - began_at < SOON_S
    assert_ends(int((tmp_path / "pid").read_text()))


def test_a_grandchild_that_holds_the_pipe_is_killed_too(tmp_path: Path) -> None:
    path = script(tmp_path, "tool", f"sleep 300 & echo $! > {tmp_path}/pid")
    ran = run_program((str(path),), {}, AT_ONCE_S)
    assert isinstance(ran, Unknown)
    assert_ends(int((tmp_path / "pid").read_text()))


def assert_ends(pid: int) -> None:
    """Killed at once; whoever adopts it may take a moment to bury it."""
    until = time.monotonic() + SOON_S
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        os.sched_yield()
    raise AssertionError(f"process {pid} is alive")


def test_endless_output_is_cut_off(tmp_path: Path) -> None:
    path = script(tmp_path, "tool", "cat /dev/zero")
    ran = run_program((str(path),), {}, SOON_S)
    assert isinstance(ran, Unknown)
    assert ran.reason == READ_ERROR
    assert "1048576 bytes" in ran.detail


def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(b"\0")
    path.chmod(0o755)
    ran = run_program((str(path),), {}, SOON_S)
    assert isinstance(ran, Unknown)
    assert "cannot start" in ran.detail


def test_a_program_gets_no_input_and_not_the_operators_engine(tmp_path: Path) -> None:
    script(tmp_path / "bin", "docker", 'cat; echo "$DOCKER_HOST|$HOME|$LC_ALL|$KEPT"')
    asking = edge(
        tmp_path,
        bin_directory=tmp_path / "bin",
        environment={"DOCKER_HOST": "tcp://elsewhere", "HOME": "/root", "KEPT": "yes"},
    )
    assert asking.run("docker") == Ran(0, "||C|yes\n", "")


def test_a_program_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert edge(tmp_path).run("docker", "--version") is None
