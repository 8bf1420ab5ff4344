"""The configuration in use as TOML, and what a reload changed."""

from __future__ import annotations

import json

from polarisctl import values
from polarisctl.json_text import plain
from polarisctl.render.page import Page
from polarisctl.terminal import BOLD, DIM, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from polarisctl.terminal import Terminal


def config_text(config: object, terminal: Terminal) -> str:
    page = Page(terminal)
    page.prose(f"# {values.text(config, 'path') or 'no file'}, defaults included", style=DIM)
    sections = values.get(config, "values")
    for name, section in sections.items() if isinstance(sections, dict) else ():
        page.blank()
        page.line((f"[{name}]", BOLD))
        for key, value in section.items() if isinstance(section, dict) else ():
            page.prose(toml_value(value), first=f"{key} = ")
    return page.text()


def toml_value(value: object) -> str:
    """A TOML value: JSON's spelling of strings, numbers, booleans and lists is TOML's too."""
    return json.dumps(plain(value), ensure_ascii=False)


def reload_text(result: object, terminal: Terminal) -> str:
    changed = values.names(result, "changed") or ()
    waiting = values.names(result, "needs_restart") or ()
    page = Page(terminal)
    if not changed and not waiting:
        page.line("nothing changed")
    for key in changed:
        page.line(f"changed: {key}")
    for key in waiting:
        page.line(("needs a restart: ", WARN), key)
    if waiting:
        page.prose("sudo systemctl restart polarisd", first="→ ")
    return page.text()
