"""The completion script for fish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polarisctl.shells.places import FILE, Option, Place, Value


def script(places: Sequence[Place], top_options: Sequence[Option]) -> str:
    verbs = " ".join(place.path[0] for place in places)
    top = f"not __fish_seen_subcommand_from {verbs}"
    lines = [
        "# fish completion for polarisctl; made by `polarisctl completion fish`",
        "complete -c polarisctl -f",
    ]
    lines += [_option(option, top) for option in top_options]
    for place in places:
        lines.append(_word(place, top))
        lines += _inside(place, f"__fish_seen_subcommand_from {place.path[0]}")
    return "\n".join(lines) + "\n"


def _inside(place: Place, seen: str) -> Iterator[str]:
    if place.actions:
        names = " ".join(action.path[-1] for action in place.actions)
        for action in place.actions:
            yield _word(action, f"{seen}; and not __fish_seen_subcommand_from {names}")
            yield from _inside(action, f"{seen}; and __fish_seen_subcommand_from {action.path[-1]}")
        return
    for option in place.options:
        yield _option(option, seen)
    if place.value is not None and place.value.kind == FILE:
        yield f"complete -c polarisctl -n {_quoted(seen)} -F"
    elif place.value is not None and place.value.choices:
        yield f"complete -c polarisctl -n {_quoted(seen)} -a {_choices(place.value)}"


def _word(place: Place, condition: str) -> str:
    return (
        f"complete -c polarisctl -n {_quoted(condition)} -a {place.path[-1]} "
        f"-d {_quoted(place.help)}"
    )


def _option(option: Option, condition: str) -> str:
    flags = " ".join(
        f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags
    )
    return (
        f"complete -c polarisctl -n {_quoted(condition)} {flags}"
        f"{_argument(option.value)} -d {_quoted(option.help)}"
    )


def _argument(value: Value | None) -> str:
    if value is None:
        return ""
    if value.kind == FILE:
        return " -r -F"
    return f" -x -a {_choices(value)}" if value.choices else " -x"


def _choices(value: Value) -> str:
    """The words; where there is more to say, each with a tab and that, as fish code."""
    if not value.is_told:
        return _quoted(value.words)
    return _quoted(" ".join(f"{word}\\t{_quoted(text)}" for word, text in value.choices))


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
