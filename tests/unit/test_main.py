"""The entry: arguments, and the exit codes that need no daemon to be seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from polarisd import __version__
from polarisd.main import EXIT_BAD_CONFIG, main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "polaris.toml"


def test_a_good_configuration(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("")
    assert main(["--check-config", str(config)]) == 0
    assert capsys.readouterr() == (f"{config}: ok\n", "")
    assert main(["--check-config", str(config), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["path"] == str(config)
    assert (document["ok"], document["problems"]) == (True, [])
    assert document["values"]["gpu"]["sample_interval_s"] == 1.0


def test_a_bad_configuration(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("[gpu]\nsample_interval_s = 0\n[nodes]\n")
    assert main(["--check-config", str(config)]) == EXIT_BAD_CONFIG
    told = capsys.readouterr()
    assert told.out == ""
    assert sorted(line.split(": ")[1] for line in told.err.splitlines()) == [
        "gpu.sample_interval_s",
        "nodes",
    ]
    assert main(["--check-config", str(config), "--json"]) == EXIT_BAD_CONFIG
    told = capsys.readouterr()
    assert told.err == ""
    document = json.loads(told.out)
    assert (document["ok"], document["values"]) == (False, {})
    assert {problem["path"] for problem in document["problems"]} == {
        "gpu.sample_interval_s",
        "nodes",
    }


@pytest.mark.parametrize("closed", ["0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_closed_standard_streams_are_nobody_elses(config: Path, closed: str) -> None:
    """What is opened first would get their numbers, and be written to in their place."""
    config.write_text("[nodes]\n")
    code = (
        "import os, sys\n"
        "from polarisd.main import main\n"
        "assert main(['--check-config', sys.argv[1]]) == 78\n"
        "assert None not in (sys.stdin, sys.stdout, sys.stderr)\n"
        "null = os.stat(os.devnull)\n"
        "closed = [int(word[0]) for word in sys.argv[2].split()]\n"
        "assert all(os.path.samestat(os.fstat(n), null) for n in closed)\n"
        "assert all(os.get_inheritable(n) for n in closed)\n"
        "sys.exit(5)\n"
    )
    shell = f'exec "$@" {closed}'
    words = ["sh", "-c", shell, "sh", sys.executable, "-c", code, str(config), closed]
    done = subprocess.run(
        words, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 5, done.stderr


def test_no_configuration(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check-config", str(config)]) == EXIT_BAD_CONFIG
    assert "No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code"), [(["--version"], 0), (["--help"], 0), (["start"], 2), (["--config"], 2)]
)
def test_arguments(words: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == code
    told = capsys.readouterr()
    assert (told.out if code == 0 else told.err).startswith(
        f"polarisd {__version__}" if words == ["--version"] else "usage: polarisd"
    )
