"""Reading values out of a snapshot's maps, and writing them for people.  Pure.

Whatever is unknown, absent or of another type than expected is None here and
`n/a` on the screen: never zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

from polarisctl.cells import clean

NOT_KNOWN = "n/a"
GIB = float(1 << 30)
RAO_PER_TAO = 1e9
# Why nobody can tell how a GPU in such a state is; any other state is its own reason.
_UNTOLD = {"lost": "gpu_lost", "missing": "gpu_missing", "silent": "timed_out"}


def get(place: object, *path: str) -> object:
    """What is at `path`, or None where there is none or it is an Unknown."""
    for key in path:
        if not isinstance(place, Mapping):
            return None
        place = place.get(key)
    return None if _is_unknown(place) else place


def number(place: object, *path: str) -> float | None:
    value = get(place, *path)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    return None


def text(place: object, *path: str) -> str | None:
    """What is written there, made fit for a terminal."""
    value = get(place, *path)
    return clean(value) if isinstance(value, str) else None


def flag(place: object, *path: str) -> bool | None:
    value = get(place, *path)
    return value if isinstance(value, bool) else None


def maps(place: object, *path: str) -> list[Mapping[str, object]]:
    """The maps of a list; empty where there is no list."""
    value = get(place, *path)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def names(place: object, *path: str) -> tuple[str, ...] | None:
    """The strings of a list, or None where the list is unknown."""
    value = get(place, *path)
    if not isinstance(value, list):
        return None
    return tuple(clean(item) for item in value if isinstance(item, str))


def needs_gpus(snapshot: object) -> bool:
    """A validator does without, and without their driver."""
    return text(snapshot, "daemon", "role") != "validator"


def gpus(snapshot: object) -> list[Mapping[str, object]]:
    """The GPUs of a snapshot, to be shown: of one that does not answer, what was read of
    its condition and its MIG devices before says nothing of now, so it is unknown."""
    return [_as_it_is_now(gpu) for gpu in maps(snapshot, "gpus")]


def _as_it_is_now(gpu: Mapping[str, object]) -> Mapping[str, object]:
    state = text(gpu, "state")
    if state is None or state == "ok":
        return gpu
    unknown = {"unknown": _UNTOLD.get(state, state), "detail": ""}
    devices = [
        {**device, "vram_used_bytes": unknown, "processes": unknown}
        for device in maps(gpu, "mig_devices")
    ]
    condition = get(gpu, "condition")
    if isinstance(condition, Mapping):
        condition = {
            key: value if key == "read_at" or _is_unknown(value) else unknown
            for key, value in condition.items()
        }
    return {**gpu, "condition": condition, "mig_devices": devices}


def _is_unknown(value: object) -> bool:
    return isinstance(value, Mapping) and "unknown" in value


def why(record: object, key: str) -> str:
    """Why a reading has no value, in words; empty when it has one."""
    if not isinstance(record, Mapping) or record.get(key) is None:
        return "this polarisd does not send it"
    value = record[key]
    if not (isinstance(value, Mapping) and "unknown" in value):
        return ""
    reason = clean(str(value["unknown"])).replace("_", " ")
    detail = value.get("detail")
    return f"{reason}: {clean(str(detail))}" if detail else reason


def whole(value: float | None, unit: str = "") -> str:
    return NOT_KNOWN if value is None else f"{value:.0f}{unit}"


def gib(value: float | None) -> str:
    """Bytes as GiB in at most five characters: 0.4, 71.2, 1007."""
    if value is None:
        return NOT_KNOWN
    size = value / GIB
    return f"{size:.1f}" if size < 999.5 else f"{size:.0f}"


def size(value: float | None) -> str:
    """Bytes with the unit that fits: 880 MiB, 71.2 GiB, 3.5 TiB."""
    return _scaled(value, 1024.0, ("B", "KiB", "MiB", "GiB", "TiB", "PiB"))


def rate(value: float | None) -> str:
    """Bytes per second with the unit that fits: 880 kB/s, 12.1 MB/s."""
    return _scaled(value, 1000.0, ("B/s", "kB/s", "MB/s", "GB/s", "TB/s", "PB/s"))


def _scaled(value: float | None, base: float, units: tuple[str, ...]) -> str:
    if value is None:
        return NOT_KNOWN
    for unit in units[:-1]:
        if abs(value) < base * 0.9995:
            return (
                f"{value:.0f} {unit}" if unit == units[0] or value >= 100 else f"{value:.1f} {unit}"
            )
        value /= base
    return f"{value:.1f} {units[-1]}"


def tao(rao: float | None) -> str:
    """Rao as TAO, to a ten thousandth, or to the last digit where it is less: 0.42 τ."""
    if rao is None:
        return NOT_KNOWN
    amount = rao / RAO_PER_TAO
    form = f"{amount:.4f}" if abs(amount) >= 0.0001 else f"{amount:.9f}"
    return f"{form.rstrip('0').rstrip('.')} τ"


def age(seconds: float) -> str:
    """A length of time in two or three characters and a unit: 42 s, 3 h, 12 d."""
    seconds = max(seconds, 0.0)
    for limit, divisor, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // divisor:.0f} {unit}"
    return f"{seconds // 86400:.0f} d"


def clock(at: float, utc_offset_s: int) -> str:
    """The time of day at an instant, in the viewer's time zone."""
    second = int(at + utc_offset_s) % 86400
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
