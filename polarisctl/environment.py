"""The environment as the user gave it.  `main` alone reads it, for every command."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# What Python itself puts into LC_CTYPE where the locale is C (PEP 538).
COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
_GIVEN = "/proc/self/environ"


def given() -> Mapping[str, str]:
    """`os.environ`, without the LC_CTYPE that Python sets where the locale is C.

    Taken for the user's own it would say that the terminal shows UTF-8, here and in
    every program that is started.
    """
    environ = os.environ
    if environ.get("LC_CTYPE") not in COERCED:
        return environ
    # The flag for Python's UTF-8 mode cannot tell: PYTHONUTF8 sets it as well.
    try:
        with open(_GIVEN, "rb") as file:
            given = file.read().split(b"\0")
    except OSError:
        return environ
    name = b"LC_CTYPE="
    theirs = [os.fsdecode(pair[len(name) :]) for pair in given if pair.startswith(name)]
    if environ["LC_CTYPE"] in theirs:
        return environ
    rest = {key: value for key, value in environ.items() if key != "LC_CTYPE"}
    return {**rest, "LC_CTYPE": theirs[0]} if theirs else rest
