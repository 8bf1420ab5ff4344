"""polaris.toml.example and the manual page, held to what `config` declares."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

from polarisd.config import RESTART_ONLY, Config, parse, values

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "polaris.toml.example"
MANUAL = ROOT / "docs/man/polaris.toml.5"

DEFAULTS = values(Config())
KEYS = [
    f"{section}.{field.name}"
    for section, cls in get_type_hints(Config).items()
    for field in fields(cls)
]


def test_the_example_is_the_defaults_and_has_every_key_with_a_comment() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert parse(text) == Config()
    assert list(example_comments(text)) == KEYS


def test_the_example_marks_exactly_the_keys_that_need_a_restart() -> None:
    comments = example_comments(EXAMPLE.read_text(encoding="utf-8"))
    marked = {path for path, comment in comments.items() if "(restart)" in comment}
    assert marked == RESTART_ONLY


def example_comments(text: str) -> dict[str, str]:
    """The comment above each key.  Of keys that stand together it belongs to all."""
    found: dict[str, str] = {}
    section = comment = ""
    for line in text.splitlines():
        if header := re.fullmatch(r"\[(\w+)\]", line):
            section = header[1]
        elif key := re.match(r"(\w+) = ", line):
            assert comment, f"{line} has no comment"
            found[f"{section}.{key[1]}"] = comment
        else:
            comment = f"{comment}{line[1:]}\n" if line.startswith("#") else ""
    return found


def manual_entries() -> dict[str, str]:
    """Each key of the manual page with its entry, by dotted path."""
    found: dict[str, str] = {}
    section = ""
    for block in re.split(
        r"^\.(?=TP$|SS )", MANUAL.read_text(encoding="utf-8"), flags=re.MULTILINE
    ):
        if header := re.match(r"SS \[(\w+)\]", block):
            section = header[1]
        elif section and (key := re.match(r"TP\n\.BR? (\w+)", block)):
            found[f"{section}.{key[1]}"] = block
    return found


def test_the_manual_page_has_every_key_with_its_default() -> None:
    entries = manual_entries()
    assert list(entries) == KEYS
    for path, entry in entries.items():
        section, key = path.split(".")
        assert f"Default: {json.dumps(DEFAULTS[section][key])}." in entry, path


def test_the_manual_page_marks_exactly_the_keys_that_need_a_restart() -> None:
    marked = {path for path, entry in manual_entries().items() if "next start" in entry}
    assert marked == RESTART_ONLY
