"""Log records as text and as journal fields.  Pure; `journal` sends what this makes.

Everything a stranger can put into a record (a process name, a path, a peer's
words) comes out without control characters and no longer than a cap, and cannot
look like a record of its own.
"""

from __future__ import annotations

import logging
import re
import time
import traceback
from collections.abc import Mapping

IDENTIFIER = "polarisd"
MAX_MESSAGE_CHARACTERS = 4096
MAX_VALUE_CHARACTERS = 1024
MAX_TRACEBACK_CHARACTERS = 16384
MAX_FIELDS = 32
# journald refuses longer names.
MAX_NAME_CHARACTERS = 64

_ATTRIBUTE = "polaris"


def fields(**values: object) -> dict[str, object]:
    """`log.info("...", extra=fields(event="gpu_lost", gpu_uuid=uuid))`.

    None and what is empty are left out.
    `gpu_uuid` becomes the journal field GPU_UUID, and so for all of `gpu_`;
    any other `name` becomes POLARIS_NAME.
    """
    return {_ATTRIBUTE: {name: value for name, value in values.items() if value is not None}}


def fields_of(record: logging.LogRecord) -> dict[str, str]:
    given = getattr(record, _ATTRIBUTE, None)
    if not isinstance(given, Mapping):
        return {}
    texts = {str(name): value_text(value) for name, value in list(given.items())[:MAX_FIELDS]}
    return {name: text for name, text in texts.items() if text}


def journal_fields(record: logging.LogRecord) -> list[tuple[str, str]]:
    """What journald is sent; `MESSAGE` carries the traceback, where there is one."""
    trace = traceback_of(record)
    pairs = [
        ("MESSAGE", f"{message_of(record)}\n{trace}" if trace else message_of(record)),
        ("PRIORITY", str(priority(record.levelno))),
        ("SYSLOG_IDENTIFIER", IDENTIFIER),
        ("CODE_FILE", one_line(record.pathname, MAX_VALUE_CHARACTERS)),
        ("CODE_LINE", str(record.lineno)),
        ("CODE_FUNC", one_line(record.funcName or "", MAX_VALUE_CHARACTERS)),
        ("POLARIS_LOGGER", one_line(record.name, MAX_VALUE_CHARACTERS)),
    ]
    if record.exc_info and record.exc_info[0] is not None:
        pairs.append(("POLARIS_EXCEPTION", record.exc_info[0].__name__))
    pairs += [(journal_name(name), text) for name, text in fields_of(record).items()]
    return pairs


def plain_text(record: logging.LogRecord) -> str:
    """For a person at a terminal, in local time."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
    start = f"{at}.{int(record.msecs):03d} {record.levelname.lower():7} "
    return start + "\n    ".join(_lines(record)) + "\n"


def prefixed_text(record: logging.LogRecord) -> str:
    """For a journal that reads standard error: each line begins with its priority."""
    mark = f"<{priority(record.levelno)}>"
    return mark + f"\n{mark}    ".join(_lines(record)) + "\n"


def _lines(record: logging.LogRecord) -> list[str]:
    """The event, the message and the fields, then the rest of both for indenting."""
    named = fields_of(record)
    event = named.pop("event", "")
    first, *rest = message_of(record).split("\n")
    start = f"{event}: {first}" if event else first
    line = " ".join([start, *(f"{name}={text}" for name, text in named.items())])
    trace = traceback_of(record)
    return [line, *rest, *(trace.split("\n") if trace else ())]


def message_of(record: logging.LogRecord) -> str:
    return _escaped(cut(record.getMessage(), MAX_MESSAGE_CHARACTERS))


def traceback_of(record: logging.LogRecord) -> str:
    """The traceback, or its last part, which names what went wrong."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    whole = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
    if len(whole) > MAX_TRACEBACK_CHARACTERS:
        whole = "... " + whole[-MAX_TRACEBACK_CHARACTERS:]
    return _escaped(whole)


def value_text(value: object) -> str:
    match value:
        case bool():
            text = "true" if value else "false"
        case list() | tuple() | set() | frozenset():
            text = ",".join(str(item) for item in value)
        case _:
            text = str(value)
    return one_line(text, MAX_VALUE_CHARACTERS)


def one_line(text: str, limit: int) -> str:
    """`text` with line ends and control characters spelt out, and cut at `limit`."""
    return "\\n".join(_escaped(cut(text, limit)).split("\n"))


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _escaped(text: str) -> str:
    """All that does not print, but for line ends, in the spelling of Python."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def journal_name(name: str) -> str:
    """A valid field name that cannot be one of the journal's own."""
    clean = re.sub(r"[^A-Z0-9_]", "_", name.upper())
    if not re.match(r"GPU_[A-Z0-9]", clean):
        clean = f"POLARIS_{clean}"
    return clean[:MAX_NAME_CHARACTERS]


def priority(level: int) -> int:
    """A logging level as a syslog priority."""
    for lowest, number in ((50, 2), (40, 3), (30, 4), (25, 5), (20, 6)):
        if level >= lowest:
            return number
    return 7
