"""The answer of `polarisctl start` and `stop`: whether this machine is offered now."""

from __future__ import annotations

from polarisctl import values
from polarisctl.render import readings
from polarisctl.render.page import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from polarisctl.context import Arguments, Context


def print_offering(result: object, args: Arguments, context: Context) -> None:
    if args.json:
        context.print_json(result)
        return
    wanted, changed = values.flag(result, "wanted"), values.flag(result, "changed")
    state = "offered" if wanted else "not offered"
    now = "now " if changed else ""
    since = readings.moment(result, "since_at", context.now())
    page = Page(context.terminal)
    page.prose(f"this machine is {now}{state}" + ("" if changed else f", since {since}"))
    context.print(page.text())
