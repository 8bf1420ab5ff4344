"""One frame, or one snapshot, without a terminal."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from polarisctl.main import main
from tests.terminal import scenes
from tests.terminal.peer import Peer


def run(path: Path, *more: str, **environ: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    words = ["--socket", str(path), "monitor", *more]
    code = main(words, stdout=out, stderr=err, environ={"LANG": "C.UTF-8", **environ})
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    def play(at: float) -> dict[str, object]:
        return scenes.snapshot(at, gpus=16, faults=("lost", "hot"))

    with Peer(tmp_path / "s", play, gpus=16) as one:
        yield one


def test_once_shows_every_gpu_and_every_fault(peer: Peer) -> None:
    code, out, err = run(peer.path, "--once")
    assert (code, err) == (0, "")
    assert all(f"{n:>2} H100" in out for n in range(16))
    assert "gpu_lost" in out
    assert "clean filters" in out
    assert "quit" not in out
    assert all(len(line) <= 80 and line == line.rstrip() for line in out.splitlines())


def test_without_a_terminal_it_is_once_with_a_note(peer: Peer) -> None:
    code, out, err = run(peer.path)
    assert code == 0
    assert "H100" in out
    assert "no terminal to draw on" in err


def test_columns_and_ascii_are_honoured(peer: Peer) -> None:
    _, out, _ = run(peer.path, "--once", "--ascii", COLUMNS="120")
    assert out.isascii()
    assert 100 < max(map(len, out.splitlines())) <= 120


def test_json_is_the_snapshot(peer: Peer) -> None:
    code, out, _ = run(peer.path, "--json")
    assert code == 0
    assert [gpu["uuid"] for gpu in json.loads(out)["gpus"]] == [scenes.uuid(n) for n in range(16)]


def test_a_daemon_that_is_not_there_is_exit_code_3(tmp_path: Path) -> None:
    code, out, err = run(tmp_path / "none", "--once")
    assert (code, out) == (3, "")
    assert "systemctl start polarisd" in err


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "x", "4000"])
def test_an_interval_out_of_bounds_is_refused_in_words(tmp_path: Path, interval: str) -> None:
    code, _, err = run(tmp_path / "none", f"--interval={interval}")
    assert code == 2
    assert "is not a number of seconds from 0.1 to 3600" in err
