"""Read processors, memory and free space for `polarisctl.doctor.hardware`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import PurePosixPath

from polarisctl.doctor.edge import Edge, unknown_from
from polarisctl.doctor.hardware import Hardware, Space, parse_cpuinfo, parse_meminfo
from polarisd.api.reading import READ_ERROR, Reading, Unknown


def gather_hardware(edge: Edge) -> Hardware:
    return Hardware(
        cpus=_parsed(edge, "/proc/cpuinfo", parse_cpuinfo),
        memory_bytes=_parsed(edge, "/proc/meminfo", parse_meminfo),
    )


def _parsed(edge: Edge, path: str, parse: Callable[[str], Reading[int]]) -> Reading[int]:
    text = edge.read_text(path)
    if text is None:
        return Unknown(READ_ERROR, f"there is no {path}")
    return text if isinstance(text, Unknown) else parse(text)


def gather_space(edge: Edge, path: str) -> Space:
    """Free space where `path` is, or where it would be made."""
    place = PurePosixPath(path)
    for candidate in (place, *place.parents):
        try:
            status = os.statvfs(edge.at(str(candidate)))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as problem:
            return Space(path, str(candidate), unknown_from(problem))
        # f_bavail, not f_bfree: renters do not get what is reserved for root.
        return Space(path, str(candidate), status.f_bavail * status.f_frsize)
    return Space(path, "/", Unknown(READ_ERROR, "no directory above it exists"))
