"""What a row of the catalogue is, and how grave a fault can be."""

from __future__ import annotations

from dataclasses import dataclass

ERROR = "error"
WARNING = "warning"
NOTICE = "notice"
SEVERITIES = (ERROR, WARNING, NOTICE)


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One row of the catalogue."""

    code: str
    severity: str
    text: str
    remedy: str
    visible_after_s: float = 0.0


def error(code: str, text: str, remedy: str, visible_after_s: float = 0.0) -> FaultKind:
    return FaultKind(code, ERROR, text, remedy, visible_after_s)


def warning(code: str, text: str, remedy: str, visible_after_s: float = 0.0) -> FaultKind:
    return FaultKind(code, WARNING, text, remedy, visible_after_s)


def notice(code: str, text: str, remedy: str, visible_after_s: float = 0.0) -> FaultKind:
    return FaultKind(code, NOTICE, text, remedy, visible_after_s)
