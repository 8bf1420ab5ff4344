"""Several NVML fields in one call: the cheapest way to read a GPU."""

from __future__ import annotations

from typing import Any

import pynvml

from polarisd.api import reading
from polarisd.api.reading import Reading, Unknown
from polarisd.gpu.probe.calls import Calls, explain

# nvmlValueType_t -> member of the nvmlValue_t union
_MEMBERS = {
    pynvml.NVML_VALUE_TYPE_DOUBLE: "dVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_INT: "uiVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG: "ulVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_LONG_LONG: "ullVal",
    pynvml.NVML_VALUE_TYPE_SIGNED_LONG_LONG: "sllVal",
    pynvml.NVML_VALUE_TYPE_SIGNED_INT: "siVal",
    pynvml.NVML_VALUE_TYPE_UNSIGNED_SHORT: "usVal",
}

# The driver fills a field that it cannot measure with all ones; seen in public
# exporters as a memory temperature of 9223372036854775794.
_BLANKS = {0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFF, 0x7FFFFFFFFFFFFFFF}
_BLANKS_FROM = 0x7FFFFFFFFFFFFFF0

ALL_LINKS = 0xFFFFFFFF


def read_fields(calls: Calls, wanted: tuple[Any, ...]) -> tuple[Reading[Any], ...]:
    """The values of `wanted` field ids (or `(id, scope)` pairs), in their order."""
    answer = calls.read("nvmlDeviceGetFieldValues", wanted)
    if isinstance(answer, Unknown):
        return (answer,) * len(wanted)
    return tuple(_value(entry) for entry in answer)


def _value(entry: Any) -> Reading[Any]:
    if entry.nvmlReturn == pynvml.NVML_ERROR_INVALID_ARGUMENT:
        # The id was given to the field after this driver was made.
        return Unknown(reading.DRIVER_TOO_OLD)
    if entry.nvmlReturn != pynvml.NVML_SUCCESS:
        return explain(pynvml.NVMLError(entry.nvmlReturn))
    member = _MEMBERS.get(entry.valueType)
    if member is None:
        return Unknown(reading.DRIVER_ERROR, f"unknown value type {entry.valueType}")
    value = getattr(entry.value, member)
    if value in _BLANKS or value >= _BLANKS_FROM:
        return Unknown(reading.NOT_SUPPORTED)
    return value
