"""Which group is the administrators', looked up where it can block nobody.

The name may have to be asked of a directory service far away, so a thread does it,
at start and at each reload, and the answer is held in between.  Made by `daemon`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from polarisd.control.access import group_id
from polarisd.journal import fields

log = logging.getLogger(__name__)

LOOKUP_DEADLINE_S = 3.0


class AdminGroup:
    """`gid` is None if there is no such group, as far as is known."""

    def __init__(self, name: str, group_id: Callable[[str], int | None] = group_id) -> None:
        self.gid: int | None = None
        self._name = name
        self._group_id = group_id
        # A lookup that hangs keeps its thread; no more than one may.
        self._limiter = trio.CapacityLimiter(1)

    async def look_up(self) -> None:
        """What cannot be learned in time leaves `gid` as it was."""
        try:
            with trio.fail_after(LOOKUP_DEADLINE_S):
                self.gid = await trio.to_thread.run_sync(
                    self._group_id, self._name, abandon_on_cancel=True, limiter=self._limiter
                )
        except trio.TooSlowError:
            self._warn(f"no answer within {LOOKUP_DEADLINE_S:.0f} s")
        except OSError as error:
            self._warn(error.strerror or type(error).__name__)

    def _warn(self, why: str) -> None:
        log.warning(
            "cannot look up group %s: %s; its members have the access that they had before"
            " (none, if polarisd has just started) until: sudo systemctl reload polarisd",
            self._name,
            why,
            extra=fields(event="group_unknown"),
        )
