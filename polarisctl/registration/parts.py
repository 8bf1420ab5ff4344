"""The edges that every mode works with, as one value.  `commands` makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from polarisctl.context import DEFAULT_CONFIG
from polarisctl.registration.asking import Asker, sits_there
from polarisctl.registration.judge import Ruling
from polarisctl.registration.place import CREDENTIALS, Place
from polarisctl.registration.settings import Settings
from polarisd.api import errors
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from polarisctl.context import Arguments, Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`show` takes what is the result; all else is said through `asker`."""

    place: Place
    settings: Settings
    asker: Asker
    environ: Mapping[str, str]
    clock: Callable[[], float]
    show: Callable[[str], None]
    print_json: Callable[[object], None]
    as_json: bool
    restarts: bool

    def restart(self) -> str:
        """What became of the daemon.  That it is owed one is forgotten once it is done, or the
        caller was told to do it."""
        if not self.restarts:
            return "left"
        daemon = self.settings.restart()
        self.place.restarted()
        return daemon

    def prove(self, edited: str) -> None:
        """Error handling: fails unless the key and the configuration can be put in place."""
        self.place.prove()
        self.settings.prove(edited)


def of(args: Arguments, context: Context) -> Parts:
    def show(text: str) -> None:
        context.print(text)
        context.stdout.flush()  # what follows may take half an hour

    # Absolute, so that what is shown can be used from anywhere.
    config = Path(args.config or DEFAULT_CONFIG).absolute()
    return Parts(
        place=Place(Path(args.credentials or CREDENTIALS).absolute()),
        settings=Settings(config, context.environ, context.program),
        asker=Asker(context.stderr, can_ask=not args.json and sits_there(context.stderr)),
        environ=context.environ,
        clock=context.now,
        show=show,
        print_json=context.print_json,
        as_json=args.json,
        restarts=not args.no_restart,
    )


def refuse(rulings: list[Ruling], what: str) -> None:
    """Error handling: refused, with all of them at once, if there is one."""
    if not rulings:
        return
    raise ControlError(
        errors.REFUSED,
        "\n".join(f"cannot {what}: {ruling.text}" for ruling in rulings),
        "\n".join(ruling.remedy for ruling in rulings),
    )
