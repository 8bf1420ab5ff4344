"""What polarisctl takes a terminal to be, and the few texts made for it."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.cells import width_of
from polarisctl.render.page import Column, Page, fit_columns
from polarisctl.render.readings import Reasons, moment
from polarisctl.terminal import BAD, UNLIMITED_COLUMNS, Terminal, detect
from polarisctl.values import why
from tests.unit import ctl_samples as world
from tests.unit.ctl_support import ROOT, WAIT_S, daemon, process

UTF8 = {"LANG": "en_US.UTF-8"}


@pytest.fixture
def tty() -> Iterator[TextIO]:
    main, other = pty.openpty()
    fcntl.ioctl(main, termios.TIOCSWINSZ, struct.pack("4H", 24, 97, 0, 0))
    with os.fdopen(other, "w") as stream:
        yield stream
    os.close(main)


def test_a_terminal_has_its_width_and_colour(tty: TextIO) -> None:
    seen = detect(tty, UTF8)
    assert (seen.is_tty, seen.columns, seen.colour, seen.unicode) == (True, 97, True, True)


@pytest.mark.parametrize(
    ("environ", "colour"),
    [({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_can_be_refused(tty: TextIO, environ: dict[str, str], colour: bool) -> None:
    assert detect(tty, environ).colour is colour


@pytest.mark.parametrize(
    ("columns", "width"), [("40", 40), ("0", 97), ("-3", 97), ("wide", 97), ("²", 97)]
)
def test_columns_of_the_environment_win(tty: TextIO, columns: str, width: int) -> None:
    assert detect(tty, {"COLUMNS": columns}).columns == width


def test_a_pipe_has_neither_width_nor_colour() -> None:
    seen = detect(io.StringIO(), UTF8)
    assert (seen.is_tty, seen.columns, seen.colour) == (False, UNLIMITED_COLUMNS, False)


@pytest.mark.parametrize(
    ("environ", "unicode"),
    [
        ({}, False),
        ({"LANG": "C"}, False),
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "de_DE.utf8@euro"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "C.UTF-8", "LC_ALL": "C"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "C.UTF-8", "LC_ALL": ""}, True),
    ],
)
def test_utf8_is_what_the_locale_says(environ: dict[str, str], unicode: bool) -> None:
    assert detect(io.StringIO(), environ).unicode is unicode


SHOW = """\
import json, os, subprocess, sys
sys.path[:0] = {path!r}
from polarisctl.environment import given
from polarisctl.terminal import detect
child = subprocess.run(["env"], env=dict(given()), capture_output=True, text=True).stdout
print(json.dumps([detect(sys.stdout, given()).unicode, "LC_CTYPE=C.UTF-8" in child]))
"""


@pytest.mark.parametrize("options", [("-I",), ("-I", "-X", "utf8"), ("-I", "-X", "utf8=0")])
@pytest.mark.parametrize(
    ("environ", "unicode"),
    [
        ({}, False),
        ({"LANG": "C"}, False),
        ({"LC_CTYPE": "C"}, False),
        ({"LC_CTYPE": "POSIX", "LANG": "C.UTF-8"}, False),
        ({"LC_ALL": "C"}, False),
        ({"LANG": "xy_ZZ.UTF-8"}, True),  # of a distant terminal, and not installed here
        ({"LANG": "C.UTF-8"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
    ],
)
def test_what_python_makes_of_the_c_locale_is_not_the_users(
    environ: dict[str, str], unicode: bool, options: tuple[str, ...]
) -> None:
    """Nor handed on to journalctl and others; what is the user's own is."""
    done = subprocess.run(
        [sys.executable, *options, "-c", SHOW.format(path=[str(ROOT), *sys.path])],
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )
    assert json.loads(done.stdout) == [unicode, environ.get("LC_CTYPE") == "C.UTF-8"]


@pytest.mark.parametrize("environ", [{"LANG": "C"}, {"LC_CTYPE": "C"}, {"LANG": ""}], ids=str)
def test_the_program_itself_keeps_to_ascii(environ: dict[str, str], tmp_path: Path) -> None:
    faulty = world.snapshot(faults=(world.fault(),))
    place = {"POLARIS_SOCKET": str(tmp_path / "s")}
    with daemon(tmp_path / "s", snapshot=faulty):
        plain = process("status", **place, **environ)
        usual = process("status", **place)
    assert plain.returncode == usual.returncode == 5
    assert plain.stdout.isascii()
    assert not usual.stdout.isascii()


def test_paint_only_where_there_is_colour() -> None:
    assert Terminal(colour=True).paint("x", BAD) == "\x1b[1;31mx\x1b[0m"
    assert Terminal(colour=True).paint("", BAD) == ""
    assert Terminal(colour=True).paint("x", "") == "x"
    assert Terminal().paint("x", BAD) == "x"


columns = st.lists(
    st.builds(
        Column,
        st.just("T"),
        right=st.booleans(),
        least=st.sampled_from([0, 3, 8]),
        drop=st.integers(0, 4),
    ),
    min_size=1,
    max_size=6,
)


@given(columns, st.data(), st.integers(1, 120))
def test_columns_fit_or_cannot_be_helped(
    shape: list[Column], data: st.DataObject, room: int
) -> None:
    natural = data.draw(st.lists(st.integers(1, 40), min_size=len(shape), max_size=len(shape)))
    widths = fit_columns(shape, natural, room)
    total = sum(widths.values()) + 2 * (len(widths) - 1)
    for index, width in widths.items():
        floor = min(shape[index].least or natural[index], natural[index])
        assert floor <= width <= natural[index]
    assert total <= room or len(widths) == 1 or not any(shape[index].drop for index in widths)
    assert all(shape[index].drop for index in range(len(shape)) if index not in widths)


@given(columns, st.data(), st.integers(1, 60))
def test_no_line_of_a_table_is_too_wide(
    shape: list[Column], data: st.DataObject, room: int
) -> None:
    row = st.lists(st.text(max_size=30), min_size=len(shape), max_size=len(shape))
    page = Page(Terminal(columns=room))
    page.table(shape, data.draw(st.lists(row, max_size=4)))
    assert all(width_of(line) <= room for line in page.text().split("\n"))


@given(
    st.text(max_size=80), st.lists(st.text(max_size=40), min_size=1, max_size=4), st.integers(1, 60)
)
def test_no_field_or_prose_is_too_wide(label: str, values: list[str], room: int) -> None:
    page = Page(Terminal(columns=room))
    page.field(label, *values)
    page.prose(" ".join(values), indent=3, first="→ ")
    page.line(*values)
    for line in page.text().split("\n"):
        assert width_of(line) <= room
        assert line.isprintable()


def test_a_field_wraps_under_itself() -> None:
    page = Page(Terminal(columns=24))
    page.field("host", "miner-1", "Debian 12", "up 40 d")
    assert page.text().split("\n") == [
        "host      miner-1,",
        "          Debian 12, up",
        "          40 d",
    ]


def test_reasons_are_gathered() -> None:
    lost = {"unknown": "gpu_lost", "detail": ""}
    reasons = Reasons()
    for gpu in ("GPU 0", "GPU 1"):
        reasons.look(gpu, {"a": lost, "b": 1, "c": lost}, {"a": "power", "b": "use", "c": "heat"})
    reasons.look("", {"a": {"unknown": "timed_out", "detail": "5 s"}}, {"a": "load"})
    assert reasons.lines() == [
        "n/a: power, heat of GPU 0, GPU 1: gpu lost",
        "n/a: load: timed out: 5 s",
    ]
    assert why({}, "a") == why(None, "a") == "this polarisd does not send it"


@pytest.mark.parametrize("at", [float("inf"), float("nan"), 1e300, -1e300, "soon", None])
def test_a_time_that_is_none(at: object) -> None:
    assert moment({"at": at}, "at", 0.0) == "n/a"
