"""What can be completed, read off the argparse parsers."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from polarisctl import verbs
from polarisctl.parser import top_parser, verb_parser

FILE = "file"
FREE = "free"
_FILE_METAVARS = ("FILE", "PATH")
# By the name of an option or a position: its values, with a few words on each.
Offers = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Value:
    """What an option or a position takes: a file, one of the choices, or free text.

    A choice is a word and what it means, which may be empty.
    """

    kind: str
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def words(self) -> str:
        return " ".join(word for word, _ in self.choices)

    @property
    def is_told(self) -> bool:
        """Whether there is something to say on each choice."""
        return all(text for _, text in self.choices)


@dataclass(frozen=True)
class Option:
    flags: tuple[str, ...]
    help: str
    value: Value | None


@dataclass(frozen=True)
class Place:
    """A verb, or an action of one: `path` is ("config", "check")."""

    path: tuple[str, ...]
    help: str
    options: tuple[Option, ...]
    value: Value | None
    actions: tuple[Place, ...] = ()


def places() -> tuple[Place, ...]:
    """Every verb of the table."""
    return tuple(
        _place(verb_parser(verb), (verb,), line, getattr(verbs.load(verb), "OFFERS", {}))
        for verb, (_, line) in verbs.VERBS.items()
    )


def top_options() -> tuple[Option, ...]:
    """What may stand before the verb."""
    return _place(top_parser(), (), "", {}).options


def _place(
    parser: argparse.ArgumentParser, path: tuple[str, ...], line: str, offers: Offers
) -> Place:
    # argparse has no public way to ask a parser for its arguments; these two
    # attributes have been there since Python 2.7, and every generator uses them.
    options: list[Option] = []
    value: Value | None = None
    actions: tuple[Place, ...] = ()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            lines = {choice.dest: choice.help or "" for choice in action._choices_actions}
            actions = tuple(
                _place(inner, (*path, name), lines[name], offers)
                for name, inner in action.choices.items()
            )
        elif action.option_strings:
            taken = None if action.nargs == 0 else _value(action, offers)
            options.append(Option(tuple(action.option_strings), _help(action), taken))
        else:
            value = _value(action, offers)
    return Place(path, line, tuple(options), value, actions)


def _value(action: argparse.Action, offers: Offers) -> Value:
    if offered := offers.get(action.dest):
        return Value("choices", tuple(offered.items()))
    if action.choices is not None:
        return Value("choices", tuple((str(choice), "") for choice in action.choices))
    return Value(FILE if action.metavar in _FILE_METAVARS else FREE)


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%%", "%")
