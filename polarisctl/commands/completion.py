"""`polarisctl completion`: print the completion script of a shell."""

from __future__ import annotations

from polarisctl.failures import EXIT_OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from polarisctl.context import Arguments, Context

HELP = """Print a completion script. The package installs all three; by hand:
source <(polarisctl completion bash), the same for zsh, polarisctl completion fish | source."""
SHELLS = ("bash", "zsh", "fish")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that is to complete")


def run(args: Arguments, context: Context) -> int:
    text = script(args.shell)
    if args.json:
        context.print_json({"shell": args.shell, "script": text})
    else:
        context.stdout.write(text)
    return EXIT_OK


def script(shell: str) -> str:
    from polarisctl.shells import bash, fish, zsh
    from polarisctl.shells.places import places, top_options

    found, top = places(), top_options()
    if shell == "zsh":
        return zsh.script(found, top)
    if shell == "fish":
        return fish.script(found, top)
    return bash.script(found, [flag for option in top for flag in option.flags])
