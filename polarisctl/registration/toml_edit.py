"""Change a few values of polaris.toml, and nothing else: comments and order stay.  Pure.

The only importer of tomlkit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

# Sections, and in each the keys to set; None takes a key out.
Changes = Mapping[str, Mapping[str, "str | int | None"]]


class CannotEdit(Exception):
    """The text is no TOML, or has something else where a section belongs: why."""


def edit(text: str, changes: Changes) -> str:
    """The text with these values.  Error handling: CannotEdit."""
    after = wanted(_load(text), changes)
    try:
        document = tomlkit.parse(text)
        for section, values in changes.items():
            _edit_section(document, section, values)
        edited = tomlkit.dumps(document)
    except (TOMLKitError, TypeError, ValueError, AttributeError, RecursionError):
        raise CannotEdit("it is written in a way that cannot be edited safely") from None
    if not text.endswith("\n") and not edited.endswith("\n"):
        edited += "\n"
    # What matters is what is read from it, whatever the editor did.
    if _load(edited) != after:
        raise CannotEdit("it is written in a way that cannot be edited safely")
    return edited


def wanted(before: Mapping[str, Any], changes: Changes) -> dict[str, Any]:
    """What is to be read from the edited text.  Error handling: CannotEdit."""
    after = dict(before)
    for section, values in changes.items():
        table = after.get(section, {})
        if not isinstance(table, dict):
            raise CannotEdit(f"{section} is a value there, not a section")
        table = {**table, **values}
        table = {key: value for key, value in table.items() if value is not None}
        if table or section in after:
            after[section] = table
    return after


def _load(text: str) -> dict[str, Any]:
    try:
        read: dict[str, Any] = tomlkit.parse(text).unwrap()
    except RecursionError:
        raise CannotEdit("it is not valid TOML: nested too deeply") from None
    except (TOMLKitError, ValueError) as problem:
        why = str(problem)
        raise CannotEdit(f"it is not valid TOML: {why[:1].lower()}{why[1:]}") from None
    return read


def _edit_section(document: Any, section: str, values: Mapping[str, str | int | None]) -> None:
    if section not in document:
        if all(value is None for value in values.values()):
            return
        if document.as_string().strip():
            document.add(tomlkit.nl())
        document.add(section, tomlkit.table())
    table = document[section]
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
