"""The entry point of polarisctl: find the verb, run it, turn errors into exit codes.

It imports little before it knows the verb, and argparse only if there is
something to parse: `polarisctl status` must feel instant.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper

from polarisctl import context as _context
from polarisctl import output, reach, verbs
from polarisctl.environment import given
from polarisctl.failures import (
    EXIT_BROKEN_PIPE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_OK,
    exit_code,
    usage,
)
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from polarisctl.context import Arguments


def main(
    argv: Sequence[str] | None = None,
    *,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
) -> int:
    words = list(sys.argv[1:] if argv is None else argv)
    output.hold_standard_files()
    out, err = stdout or output.stream(1, sys.stdout), stderr or output.stream(2, sys.stderr)
    if isinstance(out, TextIOWrapper):
        out.reconfigure(errors="backslashreplace")  # whatever a name holds, it can be printed
    try:
        try:
            code = _run(words, out, err, given() if environ is None else environ)
        except ControlError as error:
            code = _tell(error, as_json="--json" in words, out=out, err=err)
        except RecursionError:
            # Only what came from a peer can nest like that.
            deep = reach.not_polarisd("the socket", "it nests too deep")
            code = _tell(deep, as_json="--json" in words, out=out, err=err)
        out.flush()
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        output.drop(out)
        code = EXIT_BROKEN_PIPE
    except OSError as problem:
        if problem.filename is not None:
            raise  # of a file that was opened, so not of the output
        output.drop(out)
        output.say(err, f"polarisctl: cannot write the output: {problem.strerror}\n")
        code = EXIT_FAILED
    return code


def _run(words: list[str], out: TextIO, err: TextIO, env: Mapping[str, str]) -> int:
    before, verb, after = split_verb(words)
    if verb is None:
        return _without_verb(before, out)
    if verb not in verbs.VERBS:
        from polarisctl.parser import unknown_verb

        unknown_verb(verb)
    command = verbs.load(verb)
    args = _context.Arguments(json=False, socket=None)
    defaults = getattr(command, "DEFAULTS", None)
    if defaults is not None and not before and not after:
        args.__dict__.update(defaults)
    elif not _parse(verb, before + after, args, out):
        return EXIT_OK
    context = _context.Context(
        socket_path=args.socket or env.get("POLARIS_SOCKET") or _context.DEFAULT_SOCKET,
        socket_named=args.socket is not None,
        stdout=out,
        stderr=err,
        environ=env,
        program=sys.argv[0],
    )
    return command.run(args, context)


def split_verb(words: Sequence[str]) -> tuple[list[str], str | None, list[str]]:
    """The options before the verb, the verb if there is one, and what follows it."""
    position = 0
    while position < len(words) and words[position].startswith("-"):
        position += 2 if words[position] == "--socket" else 1
    if position >= len(words):
        return list(words), None, []
    return list(words[:position]), words[position], list(words[position + 1 :])


def _parse(verb: str, words: list[str], args: Arguments, out: TextIO) -> bool:
    """Fill `args`; False if help was asked for, and has been given."""
    from polarisctl.parser import HelpAsked, verb_parser

    try:
        verb_parser(verb).parse_args(words, namespace=args)
    except HelpAsked as asked:
        out.write(asked.text)
        return False
    return True


def _without_verb(options: list[str], out: TextIO) -> int:
    from polarisctl.parser import top_help

    if "--version" in options:
        from polarisd import __version__

        out.write(f"polarisctl {__version__}\n")
        return EXIT_OK
    if "-h" in options or "--help" in options:
        out.write(top_help())
        return EXIT_OK
    raise usage("cannot tell what to do: no verb was given", "see polarisctl --help")


def _tell(error: ControlError, *, as_json: bool, out: TextIO, err: TextIO) -> int:
    from polarisctl.cells import clean

    message = [clean(line) for line in error.message.splitlines()]
    hint = [clean(line) for line in error.hint.splitlines()]
    output.say(err, "\n  ".join(["polarisctl: " + "\n  ".join(message), *hint]) + "\n")
    if as_json:
        from polarisctl.json_text import json_text

        out.write(json_text({"error": error.to_wire()}) + "\n")
    return exit_code(error)


if __name__ == "__main__":
    sys.exit(main())
