"""The command line itself: parsing, the verb table, errors, exit codes, broken pipes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl import failures, verbs
from polarisctl.context import Arguments
from polarisctl.main import split_verb
from polarisctl.parser import verb_parser
from polarisd.api import errors
from polarisd.api.errors import ControlError
from tests.unit.ctl_samples import snapshot
from tests.unit.ctl_support import ROOT, WAIT_S, ctl, daemon, raw_daemon


@pytest.mark.parametrize("verb", verbs.VERBS)
class TestEachVerb:
    def test_has_a_module_that_says_what_it_does(self, verb: str) -> None:
        module, line = verbs.VERBS[verb]
        command = verbs.load(verb)
        assert command.__name__ == module  # type: ignore[attr-defined]  # a module has one
        assert command.HELP.strip()
        assert line
        assert len(line) < 60
        assert not line.endswith(".")

    def test_takes_the_common_options_and_has_help(self, verb: str) -> None:
        text = verb_parser(verb).format_help()
        assert "--json" in text
        assert "--socket PATH" in text
        code, out, err = ctl(verb, "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"usage: polarisctl {verb}")
        assert verb in ctl("--help")[1]


@pytest.mark.parametrize("verb", [v for v in verbs.VERBS if hasattr(verbs.load(v), "DEFAULTS")])
def test_it_runs_without_argparse_as_with_it(verb: str) -> None:
    args = Arguments(json=False, socket=None)
    verb_parser(verb).parse_args([], namespace=args)
    defaults: dict[str, object] = verbs.load(verb).DEFAULTS  # type: ignore[attr-defined]
    assert vars(args) == {"json": False, "socket": None, **defaults}


@pytest.mark.parametrize(
    ("words", "split"),
    [
        ("status", ([], "status", [])),
        ("--json status -v", (["--json"], "status", ["-v"])),
        ("--socket s status", (["--socket", "s"], "status", [])),
        ("--socket=s status --json", (["--socket=s"], "status", ["--json"])),
        ("--version", (["--version"], None, [])),
        ("--socket", (["--socket"], None, [])),
        ("", ([], None, [])),
    ],
)
def test_the_verb_is_found(words: str, split: tuple[list[str], str | None, list[str]]) -> None:
    assert split_verb(words.split()) == split


@given(
    st.lists(st.sampled_from(["--json", "--socket", "s", "--x", "-v", "status", "", "-", "gpus"]))
)
def test_any_words_are_split_without_loss(words: list[str]) -> None:
    before, verb, after = split_verb(words)
    assert [*before, *([] if verb is None else [verb]), *after] == words


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "no verb was given"),
        (["statsu"], "did you mean status?"),
        (["xyz"], "verbs: status, gpus"),
        (["--jsn", "status"], "unrecognized arguments: --jsn"),
        (["status", "--verb"], "unrecognized arguments"),
        (["status", "--socket"], "expected one argument"),
        (["config"], "ACTION"),
        (["logs", "-n", "many"], "no number of lines"),
        (["gpus", "0", "--forget", "0"], "cannot show and forget"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(words: list[str], text: str) -> None:
    code, out, err = ctl(*words)
    assert code == 2
    assert out == ""
    assert err.startswith("polarisctl: cannot ")
    assert text in err


def test_errors_are_json_with_json() -> None:
    code, out, err = ctl("status", "--json", "--nonsense")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "usage"
    assert "--nonsense" in err


def test_help_and_version() -> None:
    assert ctl("--version") == (0, "polarisctl 0.1.0\n", "")
    for word in ("-h", "--help"):
        code, out, err = ctl(word)
        assert (code, err) == (0, "")
        assert out.startswith("usage: polarisctl")
        for option in ("-h", "--help", "--version", "--json", "--socket PATH"):
            # In the usage, and with a line of its own that says what it does.
            assert option in out.partition("\n\n")[0]
            assert re.search(rf"^  (-h, )?{option},? +[-\w]", out, re.MULTILINE), option


EXIT_CODES = [
    (errors.NOT_PERMITTED, 4),
    (errors.REFUSED, 4),
    (errors.BAD_CONFIG, 78),
    (errors.STOPPING, 3),
    (errors.INTERNAL, 1),
    (errors.TOO_MANY_SESSIONS, 1),
    ("a_code_of_tomorrow", 1),
]


@pytest.mark.parametrize(("error", "code"), EXIT_CODES)
def test_each_error_of_the_daemon_has_its_exit_code(tmp_path: Path, error: str, code: int) -> None:
    refusal = ControlError(error, "cannot do it:\nfirst\nsecond \x1b[31m", "do this")
    with daemon(tmp_path / "s", snapshot=refusal):
        plain = ctl("status", "--socket", str(tmp_path / "s"))
        as_json = ctl("status", "--json", "--socket", str(tmp_path / "s"))
    text = "polarisctl: cannot do it:\n  first\n  second ?[31m\n  do this\n"
    assert plain == (code, "", text)
    assert as_json[0] == code
    assert as_json[2] == text
    assert json.loads(as_json[1]) == {"error": refusal.to_wire()}


def test_every_code_of_the_wire_has_a_considered_exit_code() -> None:
    assert set(failures.EXIT_BY_CODE) <= {
        *errors.ALL_CODES,
        failures.NOT_RUNNING,
        failures.CONNECTION_LOST,
        failures.NO_ANSWER,
        failures.USAGE,
    }


def test_the_socket_comes_from_the_option_then_the_environment(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    with daemon(here, snapshot=snapshot()) as first, daemon(there, snapshot=snapshot()) as second:
        assert ctl("status", POLARIS_SOCKET=str(here))[0] == 0
        assert ctl("--socket", str(there), "status", POLARIS_SOCKET=str(here))[0] == 0
        assert ctl("status", f"--socket={there}", POLARIS_SOCKET=str(here))[0] == 0
        assert (len(first.asked), len(second.asked)) == (2, 4)
    assert (
        "no socket /run/polaris/polarisd.sock" in ctl("status")[2]
        or Path("/run/polaris/polarisd.sock").exists()
    )


def process(*words: str, path: Path, **settings: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "polarisctl.main", *words],
        cwd=ROOT,
        env={**os.environ, "POLARIS_SOCKET": str(path), "LANG": "C.UTF-8"},
        text=True,
        **settings,
    )


def test_a_reader_that_leaves_is_no_drama(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with (
        daemon(tmp_path / "s", snapshot=snapshot()),
        process("status", path=tmp_path / "s", stdout=writer, stderr=subprocess.PIPE) as running,
    ):
        os.close(writer)
        _, err = running.communicate(timeout=WAIT_S)
    assert running.returncode == failures.EXIT_BROKEN_PIPE
    assert err == ""


def test_control_c_is_quiet(tmp_path: Path) -> None:
    asked = threading.Event()

    def talk(session: socket.socket) -> None:
        session.recv(1 << 16)
        asked.set()
        session.recv(1)

    with (
        raw_daemon(tmp_path / "s", talk),
        process(
            "status", path=tmp_path / "s", stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running,
    ):
        assert asked.wait(WAIT_S)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=WAIT_S)
    assert (running.returncode, out, err) == (failures.EXIT_INTERRUPTED, "", "")


def test_a_name_that_the_encoding_lacks_is_still_printed(tmp_path: Path) -> None:
    """LANG says UTF-8 while Python was told to write ASCII."""
    strange = snapshot()
    strange["host"]["hostname"] = "mïner–ö"
    with daemon(tmp_path / "s", snapshot=strange):
        done = subprocess.run(
            [sys.executable, "-m", "polarisctl.main", "status"],
            cwd=ROOT,
            env={
                **os.environ,
                "POLARIS_SOCKET": str(tmp_path / "s"),
                "LANG": "C.UTF-8",
                "LC_ALL": "C.UTF-8",
                "PYTHONIOENCODING": "ascii",
            },
            capture_output=True,
            timeout=WAIT_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert rb"m\xefner\u2013\xf6" in done.stdout
