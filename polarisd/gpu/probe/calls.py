"""The choke point of NVML: every call gives a value or says why there is none."""

from __future__ import annotations

from typing import Any

import pynvml

from polarisd.api import reading
from polarisd.api.reading import Reading, Unknown

# After these the whole library is of no use to this process (gone, unloaded or
# upgraded under us), so the child ends and a new one takes its place.
_LIBRARY_LOST = {
    pynvml.NVML_ERROR_UNINITIALIZED,
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED,
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
}

_REASONS = {
    pynvml.NVML_ERROR_NOT_SUPPORTED: reading.NOT_SUPPORTED,
    pynvml.NVML_ERROR_NO_PERMISSION: reading.NO_PERMISSION,
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: reading.DRIVER_TOO_OLD,
    pynvml.NVML_ERROR_ARGUMENT_VERSION_MISMATCH: reading.DRIVER_TOO_OLD,
    pynvml.NVML_ERROR_DEPRECATED: reading.NOT_SUPPORTED,
    pynvml.NVML_ERROR_GPU_IS_LOST: reading.GPU_LOST,
    pynvml.NVML_ERROR_TIMEOUT: reading.TIMED_OUT,
}

# Answers that stay the same while the driver runs in the same MIG mode: asked
# once, then remembered, so that the hot path makes no call that cannot succeed.
_LASTING = {reading.NOT_SUPPORTED, reading.DRIVER_TOO_OLD, reading.NO_PERMISSION}


class LibraryLost(Exception):
    """NVML can no longer be used by this process; the text says what it answered."""


def explain(error: pynvml.NVMLError) -> Unknown:
    """Why a call gave no value.  Raises LibraryLost when NVML itself is gone."""
    code = int(error.value)
    if code in _LIBRARY_LOST:
        raise LibraryLost(f"{error} (NVML error {code})")
    reason = _REASONS.get(code)
    if reason is None:
        return Unknown(reading.DRIVER_ERROR, f"{error} (NVML error {code})")
    return Unknown(reason)


class Calls:
    """NVML calls on one device handle, with a memory of what it never answers."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle
        self._never: dict[tuple[object, ...], Unknown] = {}

    def forget(self) -> None:
        """Ask everything anew, because the mode of the GPU has changed."""
        self._never.clear()

    def read(self, function: str, *args: Any) -> Reading[Any]:
        """The result of `pynvml.<function>(handle, *args)`, or why there is none."""
        key = (function, *args)
        if key in self._never:
            return self._never[key]
        try:
            return getattr(pynvml, function)(self.handle, *args)
        except pynvml.NVMLError as error:
            unknown = explain(error)
        except pynvml.NVMLLibraryMismatchError:
            # Not an NVMLError: raised by wrappers whose newest symbol is absent.
            unknown = Unknown(reading.DRIVER_TOO_OLD)
        except UnicodeDecodeError:
            unknown = Unknown(reading.DRIVER_ERROR, f"{function} gave text that is not UTF-8")
        if unknown.reason in _LASTING:
            self._never[key] = unknown
        return unknown

    def first(self, *calls: tuple[Any, ...]) -> Reading[Any]:
        """The first of several equivalent calls that answers, newest first."""
        answer: Reading[Any] = Unknown(reading.NOT_SUPPORTED)
        for function, *args in calls:
            answer = self.read(function, *args)
            if not isinstance(answer, Unknown):
                return answer
            if answer.reason not in (reading.DRIVER_TOO_OLD, reading.NOT_SUPPORTED):
                return answer
        return answer


def part(answer: Reading[Any], name: str) -> Reading[Any]:
    """One attribute of a struct that a call returned."""
    return answer if isinstance(answer, Unknown) else getattr(answer, name)


def scaled(answer: Reading[Any], factor: float) -> Reading[float]:
    return answer if isinstance(answer, Unknown) else answer * factor


def flag(answer: Reading[Any]) -> Reading[bool]:
    return answer if isinstance(answer, Unknown) else bool(answer)


def item(answer: Reading[Any], index: int) -> Reading[Any]:
    """One element of a tuple that a call returned."""
    return answer if isinstance(answer, Unknown) else answer[index]
