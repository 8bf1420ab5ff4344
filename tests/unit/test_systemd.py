"""What goes to systemd and comes from it, over real sockets and descriptors."""

from __future__ import annotations

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.systemd import (
    MAX_STATUS_CHARACTERS,
    SEND_DEADLINE_S,
    Systemd,
    clean_status,
    fd_name,
    half_watchdog_s,
    passed_fds,
)
from tests.unit.systemd_support import manager


@contextmanager
def service(address: str, **environ: str) -> Iterator[Systemd]:
    systemd = Systemd.from_environment({"NOTIFY_SOCKET": address, **environ})
    try:
        yield systemd
    finally:
        systemd.close()


@pytest.mark.parametrize("name", ["", "@polaris-test-"], ids=["file", "abstract"])
def test_tells_where_the_daemon_stands(name: str) -> None:
    address = f"{name}{os.getpid()}" if name else None
    with manager(address) as systemd, service(systemd.address) as ours:
        assert ours.present
        ours.ready("8 GPUs")
        assert systemd.told() == "READY=1\nSTATUS=8 GPUs"
        before_us = time.monotonic_ns() // 1000
        ours.reloading()
        reloading = re.fullmatch("RELOADING=1\nMONOTONIC_USEC=([0-9]+)", systemd.told())
        assert reloading is not None
        assert before_us <= int(reloading[1]) <= time.monotonic_ns() // 1000
        ours.watchdog()
        assert systemd.told() == "WATCHDOG=1"
        ours.stopping()
        assert systemd.told() == "STOPPING=1"
        ours.forget_fd("control")
        assert systemd.told() == "FDSTOREREMOVE=1\nFDNAME=control"


def test_a_status_is_sent_when_it_changes() -> None:
    with manager() as systemd, service(systemd.address) as ours:
        ours.ready("one")
        assert systemd.told() == "READY=1\nSTATUS=one"
        ours.status("one")
        ours.status(" one\n")
        assert systemd.has_been_told_nothing()
        ours.status("two")
        ours.status("one")
        assert [systemd.told(), systemd.told()] == ["STATUS=two", "STATUS=one"]


def test_a_status_cannot_carry_another_message() -> None:
    with manager() as systemd, service(systemd.address) as ours:
        ours.status("GPU é\nREADY=1\x00\x1b[2J")
        assert systemd.told() == "STATUS=GPU ? READY=1??[2J"


@given(st.text(st.characters()))
def test_a_clean_status_is_one_short_line_of_ascii(text: str) -> None:
    cleaned = clean_status(text * 3)
    assert cleaned.isascii()
    assert cleaned == "" or cleaned.isprintable()
    assert len(cleaned) <= MAX_STATUS_CHARACTERS


def test_takes_its_variables_away_so_that_children_do_not_inherit_them() -> None:
    ours = dict.fromkeys(("WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS"), "1")
    environ = {"PATH": "/bin", "NOTIFY_SOCKET": "", "LISTEN_FDNAMES": "x", **ours}
    Systemd.from_environment(environ)
    assert environ == {"PATH": "/bin"}


def test_without_systemd_nothing_happens() -> None:
    ours = Systemd.from_environment({})
    assert not ours.present
    assert ours.watchdog_interval_s is None
    assert ours.stored_socket("control") is None
    with socket.socket() as sock:
        ours.store_fd(sock, "control")
    for method in (ours.ready, ours.status):
        method("x")
    for say in (ours.reloading, ours.stopping, ours.watchdog, ours.close_unclaimed, ours.close):
        say()


@pytest.mark.parametrize(
    "address", ["/nonexistent/notify", "vsock:2:1234", "notify", "/" + "x" * 200]
)
def test_an_address_that_leads_nowhere_is_logged_and_done_without(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    ours = Systemd.from_environment({"NOTIFY_SOCKET": address})
    ours.ready("x")
    assert not ours.present
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith("cannot notify systemd")


def test_a_manager_that_does_not_read_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with manager() as systemd, service(systemd.address) as ours:
        began = time.monotonic()
        while not caplog.records:
            ours.watchdog()
            assert time.monotonic() - began < 20
        # A full queue costs one deadline.
        assert time.monotonic() - began < SEND_DEADLINE_S + 5
        assert caplog.messages == ["cannot tell systemd WATCHDOG=1: timed out"]
        systemd.told()
        ours.stopping()
        assert len(caplog.records) == 1


def test_after_close_nothing_is_sent() -> None:
    with manager() as systemd, service(systemd.address) as ours:
        ours.close()
        ours.watchdog()
        assert systemd.has_been_told_nothing()


@pytest.mark.parametrize(
    ("usec", "pid", "interval_s"),
    [
        ("30000000", "", 15.0),
        ("30000000", "7", 15.0),
        ("30000000", "8", None),
        ("0", "", None),
        ("", "", None),
        ("-5", "", None),
        ("ten", "", None),
        ("٣", "", None),
        ("9" * 30, "", None),
    ],
)
def test_watchdog_interval(usec: str, pid: str, interval_s: float | None) -> None:
    assert half_watchdog_s({"WATCHDOG_USEC": usec, "WATCHDOG_PID": pid}, 7) == interval_s
    if not pid:
        assert half_watchdog_s({"WATCHDOG_USEC": usec}, 7) == interval_s
        assert Systemd.from_environment({"WATCHDOG_USEC": usec}).watchdog_interval_s == interval_s


@pytest.mark.parametrize(
    ("pid", "fds", "names", "passed"),
    [
        ("7", "1", "control", (("control", 3),)),
        ("7", "2", "control:http", (("control", 3), ("http", 4))),
        ("7", "2", "control", (("control", 3), ("unknown", 4))),
        ("7", "2", "", (("unknown", 3), ("unknown", 4))),
        ("8", "1", "control", ()),
        ("", "1", "control", ()),
        ("7", "0", "", ()),
        ("7", "-1", "control", ()),
        ("7", "65", "control", ()),
        ("7", "x", "control", ()),
    ],
)
def test_passed_fds(pid: str, fds: str, names: str, passed: tuple[tuple[str, int], ...]) -> None:
    environ = {"LISTEN_PID": pid, "LISTEN_FDS": fds, "LISTEN_FDNAMES": names}
    assert passed_fds(environ, 7) == passed


@given(st.text(), st.text(), st.text())
def test_no_environment_is_too_strange(a: str, b: str, c: str) -> None:
    environ = {"LISTEN_PID": a, "LISTEN_FDS": b, "LISTEN_FDNAMES": c, "WATCHDOG_USEC": a}
    assert len(passed_fds(environ, 1)) <= 64
    interval_s = half_watchdog_s(environ, 1)
    assert interval_s is None or interval_s > 0


@pytest.mark.parametrize("name", ["", "a:b", "a\nb", "é", "x" * 256])
def test_a_name_that_the_protocol_cannot_carry_is_a_bug(name: str) -> None:
    with pytest.raises(ValueError, match="not a name for a stored descriptor"):
        fd_name(name)
