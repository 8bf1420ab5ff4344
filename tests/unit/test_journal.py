"""Log records on their way to a journal: a real socket that the test reads."""

from __future__ import annotations

import logging
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd import logtext
from polarisd.journal import (
    SEND_DEADLINE_S,
    JournalHandler,
    StderrHandler,
    fields,
    leads_to_journal,
    write_in_time,
)
from polarisd.logtext import journal_name, prefixed_text
from tests.unit.journal_support import Journald, journald

UUID = "GPU-5f2c81d0-90ab-4c1e-8f02-7d3b9a6e1c44"


@contextmanager
def handler_to(path: Path) -> Iterator[tuple[JournalHandler, Callable[[], bytes]]]:
    """A handler, and what has gone to its standard error since it was last asked."""
    read_fd, write_fd = os.pipe()
    os.set_blocking(read_fd, False)
    handler = JournalHandler(path, fallback=StderrHandler(write_fd, prefixed_text))

    def written() -> bytes:
        try:
            return os.read(read_fd, 1 << 20)
        except BlockingIOError:
            return b""

    try:
        yield handler, written
    finally:
        handler.close()
        os.close(read_fd)
        os.close(write_fd)


@contextmanager
def logger_to(path: Path) -> Iterator[tuple[logging.Logger, Callable[[], bytes]]]:
    logger = logging.getLogger("polarisd.somewhere")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    with handler_to(path) as (handler, written):
        logger.addHandler(handler)
        try:
            yield logger, written
        finally:
            logger.removeHandler(handler)


def test_a_record_arrives_with_its_fields() -> None:
    with journald() as journal, logger_to(journal.path) as (log, written):
        log.warning(
            "GPU %s is lost",
            UUID,
            extra=fields(event="gpu_lost", gpu_uuid=UUID, fault="gpu_lost", xid=79, wanted=False),
        )
        entry = journal.entry()
        assert written() == b""
    assert re.fullmatch("[0-9]+", entry.pop("CODE_LINE"))
    assert entry == {
        "MESSAGE": f"GPU {UUID} is lost",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "polarisd",
        "CODE_FILE": __file__,
        "CODE_FUNC": "test_a_record_arrives_with_its_fields",
        "POLARIS_LOGGER": "polarisd.somewhere",
        "POLARIS_EVENT": "gpu_lost",
        "GPU_UUID": UUID,
        "POLARIS_FAULT": "gpu_lost",
        "POLARIS_XID": "79",
        "POLARIS_WANTED": "false",
    }


def test_fields_that_are_absent_or_empty_are_left_out() -> None:
    with journald() as journal, logger_to(journal.path) as (log, _):
        log.info("x", extra=fields(event="ready", gpu_uuid="", fault=None, codes=[], gpus=[1, 2]))
        entry = journal.entry()
    assert {name for name in entry if name.startswith(("POLARIS", "GPU"))} == {
        "POLARIS_LOGGER",
        "POLARIS_EVENT",
        "POLARIS_GPUS",
    }
    assert entry["POLARIS_GPUS"] == "1,2"


def test_a_traceback_is_part_of_the_message() -> None:
    with journald() as journal, logger_to(journal.path) as (log, _):
        try:
            raise LookupError("\x1b[2Jgone")
        except LookupError:
            log.exception("bug")
        entry = journal.entry()
    first, *trace = entry["MESSAGE"].split("\n")
    assert first == "bug"
    assert trace[0] == "Traceback (most recent call last):"
    assert trace[-1] == "LookupError: \\x1b[2Jgone"
    assert entry["PRIORITY"] == "3"
    assert entry["POLARIS_EXCEPTION"] == "LookupError"


ANYTHING = st.text(st.characters(), max_size=200)  # lone surrogates and all


@given(ANYTHING, ANYTHING, ANYTHING)
def test_no_text_can_add_a_field_or_a_control_character(
    message: str, value: str, name: str
) -> None:
    with journald() as journal, logger_to(journal.path) as (log, _):
        log.info("%s", message, extra=fields(**{"detail": value, "gpu_" + name: value}))
        entry = journal.entry()
    own = [n for n in entry if n not in ("CODE_FILE", "CODE_LINE", "CODE_FUNC", "POLARIS_LOGGER")]
    assert own[:3] == ["MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER"]
    assert set(own[3:]) == ({"POLARIS_DETAIL", journal_name("gpu_" + name)} if value else set())
    assert entry["MESSAGE"].replace("\n", "").isprintable()
    assert entry["MESSAGE"].count("\n") == message.count("\n")
    assert all(entry[n].isprintable() for n in own[1:])
    if message.isprintable():
        assert entry["MESSAGE"] == message


def test_long_texts_are_cut() -> None:
    with journald() as journal, logger_to(journal.path) as (log, _):
        log.info("%s", "m" * 10**6, extra=fields(detail="d" * 10**6))
        entry = journal.entry()
        many = {f"key{number}": number for number in range(1000)}
        log.info("many", extra=fields(**many))
        full = journal.entry()
    assert entry["MESSAGE"] == "m" * (logtext.MAX_MESSAGE_CHARACTERS - 3) + "..."
    assert entry["POLARIS_DETAIL"] == "d" * (logtext.MAX_VALUE_CHARACTERS - 3) + "..."
    assert sum(name.startswith("POLARIS_KEY") for name in full) == logtext.MAX_FIELDS


def test_a_long_traceback_keeps_its_end() -> None:
    with journald() as journal, logger_to(journal.path) as (log, _):
        try:
            raise ValueError("x" * 10**5 + " the end")
        except ValueError:
            log.exception("bug")
        message = journal.entry()["MESSAGE"]
    assert message.startswith("bug\n... xxx")
    assert message.endswith("x the end")
    assert len(message) < 20_000


def test_without_a_journal_lines_go_to_standard_error_and_it_is_found_again() -> None:
    with journald() as journal, logger_to(journal.path) as (log, written):
        log.info("one")
        assert journal.entry()["MESSAGE"] == "one"
        journal.stop()
        log.error("two", extra=fields(event="x"))
        assert written() == b"<3>x: two\n"
        again = Journald(journal.path)
        log.info("three")
        assert again.entry()["MESSAGE"] == "three"
        assert written() == b""
        again.socket.close()


def test_a_journal_that_does_not_read_holds_nobody_up_and_learns_what_it_missed() -> None:
    with journald() as journal, logger_to(journal.path) as (log, written):
        began = time.monotonic()
        total = 3000
        for number in range(total):
            log.info("record %d", number, extra=fields(padding="x" * 1000))
            if number == total // 2:
                lines = written()  # so far they went to standard error, which took them
        took_s = time.monotonic() - began
        assert lines.startswith(b"<6>record ")
        # One wait for the journal and two for the pipe, which was emptied once.
        assert took_s < 3 * SEND_DEADLINE_S + 5
        while True:
            journal.socket.settimeout(0.05)
            try:
                journal.entry()
            except TimeoutError:
                break
        written()
        journal.socket.settimeout(5)
        log.info("back")
        assert journal.entry()["MESSAGE"] == "back"
        told = journal.entry()
        assert told["PRIORITY"] == "4"
        lost = re.fullmatch("([0-9]+) log records were lost while .*", told["MESSAGE"])
        assert lost is not None
        assert 0 < int(lost[1]) < total
        log.info("and on")
        assert journal.entry()["MESSAGE"] == "and on"


def record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("polarisd.x", logging.INFO, "x.py", 1, message, args, None)


def test_a_record_that_cannot_be_rendered_does_not_raise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # Not through a logger: pytest listens there as well, and does raise.
    with journald() as journal, handler_to(journal.path) as (handler, _):
        handler.handle(record("%d", "not a number"))
        handler.handle(record("next"))
        assert journal.entry()["MESSAGE"] == "next"
    assert "not a number" in capsys.readouterr().err


def test_standard_error_that_takes_nothing_is_given_up() -> None:
    read_fd, write_fd = os.pipe()
    try:
        assert write_in_time(write_fd, b"x" * 60_000, 0.01)
        assert not write_in_time(write_fd, b"y" * 60_000, 0.01)
        os.close(read_fd)
        read_fd = -1
        assert not write_in_time(write_fd, b"z", 0.01)
    finally:
        os.close(write_fd)
        if read_fd >= 0:
            os.close(read_fd)
    assert not write_in_time(write_fd, b"closed", 0.01)


def test_the_journal_is_known_by_device_and_inode() -> None:
    with tempfile.TemporaryFile() as file:
        is_now = os.fstat(file.fileno())
        assert leads_to_journal(file.fileno(), f"{is_now.st_dev}:{is_now.st_ino}")
        for other in ("", ":", "x:y", f"{is_now.st_dev}:{is_now.st_ino + 1}", "1:2:3"):
            assert not leads_to_journal(file.fileno(), other)
        fd = file.fileno()
    assert not leads_to_journal(fd, f"{is_now.st_dev}:{is_now.st_ino}")
