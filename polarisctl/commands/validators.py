"""`polarisctl validators`: whom this machine sends heartbeats to, and what they say of it."""

from __future__ import annotations

from polarisctl import values
from polarisctl.failures import EXIT_OK, failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from polarisctl.context import Arguments, Context
    from polarisctl.render.readings import Record

HELP = """List the validators that this machine sends heartbeats to: whether they answer, the
address and the ports that they see of it from outside, and their last verdict, with a remedy
where one does not take the heartbeats. With a validator, named by its hotkey or a beginning of it
that fits no other, show everything known of that one."""
DEFAULTS: dict[str, object] = {"validator": None}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("validator", nargs="?", metavar="HOTKEY", help="show this one in full")


def run(args: Arguments, context: Context) -> int:
    with context.connect() as client:
        snapshot = client.call("snapshot")
    if not isinstance(snapshot.get("validators"), list):
        raise failed(
            "cannot list the validators: this polarisd does not tell of any",
            "where polaris was upgraded: sudo systemctl restart polarisd",
        )
    found = values.maps(snapshot, "validators")
    if args.validator is not None:
        found = [find(found, args.validator)]
    if args.json:
        context.print_json({"validators": found})
    elif args.validator is not None:
        from polarisctl.render.validators import validator_detail

        context.print(validator_detail(found[0], context.terminal, context.now()))
    else:
        from polarisctl.render.validators import validators_table

        context.print(validators_table(found, context.terminal, context.now()))
    return EXIT_OK


def find(found: Sequence[Record], wanted: str) -> Record:
    """The one of a hotkey, or of the beginning of one."""
    fitting = [each for each in found if str(each.get("hotkey")).startswith(wanted)]
    if len(fitting) == 1:
        return fitting[0]
    known = ", ".join(str(each.get("hotkey")) for each in fitting or found)
    if fitting:
        raise failed(f"cannot choose a validator: {wanted} fits several", f"these fit: {known}")
    raise failed(
        f"cannot find a validator {wanted}", f"there are: {known}" if known else "there are none"
    )
