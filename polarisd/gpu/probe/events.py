"""XIDs as they happen: one thread that waits inside the driver, no polling."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pynvml

from polarisd.api import reading
from polarisd.gpu.probe.calls import LibraryLost, explain
from polarisd.gpu.raw import NO_EVENTS, XID

_WANTED = pynvml.nvmlEventTypeXidCriticalError
# NVML offers no way to wake a waiter; the wait ends by itself only so that a set
# that has gone bad is noticed.
_WAIT_MS = 30_000
# A set with a lost GPU in it fails every wait at once.  It is made anew without
# that GPU, soon because the others are deaf meanwhile, but ever more rarely.
_FIRST_RETRY_S = 0.1
_LAST_RETRY_S = 30.0

Send = Callable[..., None]


def start(handles: Mapping[str, Any], send: Send, give_up: Callable[[str], None]) -> None:
    """Report each XID of `handles` (by UUID) through `send`, from a daemon thread."""
    waiter = threading.Thread(
        target=_run, args=(dict(handles), send, give_up), name="xid", daemon=True
    )
    waiter.start()


def _run(handles: dict[str, Any], send: Send, give_up: Callable[[str], None]) -> None:
    retry_s = _FIRST_RETRY_S
    while True:
        begun = time.monotonic()
        try:
            if not _wait_on(handles, send):
                retry_s = _LAST_RETRY_S
        except LibraryLost as lost:
            give_up(str(lost))
            return
        except pynvml.NVMLLibraryMismatchError:
            send(NO_EVENTS, "the driver is too old to report XIDs")
            return
        if time.monotonic() - begun > _LAST_RETRY_S:
            retry_s = _FIRST_RETRY_S
        time.sleep(retry_s)
        retry_s = min(2 * retry_s, _LAST_RETRY_S)


def _wait_on(handles: dict[str, Any], send: Send) -> bool:
    """Register and wait until the set fails.  False if no GPU would report at all.

    Raises LibraryLost.
    """
    try:
        events = pynvml.nvmlEventSetCreate()
    except pynvml.NVMLError as error:
        send(NO_EVENTS, _text(error))
        return False
    try:
        uuids, refusals = _register(handles, events)
        send(NO_EVENTS, "; ".join(refusals))
        while uuids:
            _wait(events, uuids, send)
        return False
    except pynvml.NVMLError as error:
        # A lost GPU has a fault of its own, and the others are registered again.
        if explain(error).reason != reading.GPU_LOST:
            send(NO_EVENTS, _text(error))
        return True
    finally:
        with suppress(pynvml.NVMLError):
            pynvml.nvmlEventSetFree(events)


def _wait(events: Any, uuids: Mapping[int, str], send: Send) -> None:
    """One wait, and the XID that it brought if it did."""
    try:
        event = pynvml.nvmlEventSetWait_v2(events, _WAIT_MS)
    except pynvml.NVMLError as error:
        if error.value == pynvml.NVML_ERROR_TIMEOUT:
            return
        raise
    if event.eventType == _WANTED:
        send(XID, uuids.get(_key(event.device), ""), int(event.eventData))


def _register(handles: dict[str, Any], events: Any) -> tuple[dict[int, str], list[str]]:
    """`{handle value: uuid}` of the GPUs that will report, and why others will not."""
    uuids, refusals = {}, []
    for uuid, handle in handles.items():
        try:
            pynvml.nvmlDeviceRegisterEvents(handle, _WANTED, events)
        except pynvml.NVMLError as error:
            if explain(error).reason != reading.GPU_LOST:
                refusals.append(f"{uuid}: {_text(error)}")
        else:
            uuids[_key(handle)] = uuid
    return uuids, refusals


def _text(error: pynvml.NVMLError) -> str:
    unknown = explain(error)
    return unknown.detail or reading.REASONS[unknown.reason]


def _key(handle: Any) -> int:
    """Handles are opaque pointers that compare by identity in ctypes."""
    return int(ctypes.cast(handle, ctypes.c_void_p).value or 0)
