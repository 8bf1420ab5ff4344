"""Look into the hotkey's file, for `polarisctl.doctor.membership`: no secret leaves this module."""

from __future__ import annotations

from polarisctl.doctor.edge import Edge
from polarisctl.doctor.limits import HOTKEY_FILE
from polarisctl.doctor.membership import Keyfile, read_keyfile
from polarisd.api.reading import Reading, Unknown


def gather_hotkey(edge: Edge) -> Reading[Keyfile | None]:
    text = edge.read_text(HOTKEY_FILE)
    return text if text is None or isinstance(text, Unknown) else read_keyfile(text)
