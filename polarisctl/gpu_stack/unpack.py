"""Unpack wheels into one directory, as an installer would, and no byte outside of it.

A wheel's hash was checked before; this still takes only plain files with plain names, no more
of them and no more bytes than the lock knows of.  Used by gpu-setup and by the package's build.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

from polarisctl.failures import failed
from polarisctl.gpu_stack.lock import Wheel

# Parts of NAME.data that belong beside the modules; the others are programs and headers.
INSTALLED_DATA = ("purelib", "platlib")
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Tell = Callable[[int], None]  # bytes of this wheel that are unpacked


class BadWheel(Exception):
    """Not an archive that may be unpacked: why."""


def unpack(archive: Path, wheel: Wheel, target: Path, tell: Tell) -> None:
    """Error handling: fails on whatever is wrong with the wheel; OSError is of the disk."""
    try:
        with zipfile.ZipFile(archive) as opened:
            check(opened.infolist(), wheel)
            done = 0
            for info in opened.infolist():
                place = destination(info.filename)
                if place and not info.is_dir():
                    _extract(opened, info, target / place)
                done += info.file_size
                tell(done)
    except (BadWheel, zipfile.BadZipFile, NotImplementedError, EOFError) as problem:
        raise failed(
            f"cannot unpack {wheel.filename}: {problem}",
            "it is not a wheel that polaris was made with; upgrade polaris",
        ) from None


def check(infos: list[zipfile.ZipInfo], wheel: Wheel) -> None:
    """Error handling: BadWheel, before anything is written."""
    unpacked = sum(info.file_size for info in infos)
    if (len(infos), unpacked) != (wheel.entries, wheel.unpacked_bytes):
        raise BadWheel(
            f"it has {len(infos)} entries of {unpacked} bytes, and the lock says "
            f"{wheel.entries} of {wheel.unpacked_bytes}"
        )
    for info in infos:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise BadWheel(f"{info.filename!r} is neither a file nor a directory")
        if info.flag_bits & 1 or info.compress_type not in METHODS:
            raise BadWheel(f"{info.filename!r} is encrypted, or packed in an unknown way")
        destination(info.filename)


def destination(name: str) -> str:
    """Where an entry goes, relative to the target; empty for what is left out.

    Error handling: BadWheel for a name that could lead anywhere else.
    """
    parts = name.rstrip("/").split("/")
    if "\\" in name or "\0" in name or name.startswith("/") or not name:
        raise BadWheel(f"it has an entry named {name!r}")
    if any(part in ("", ".", "..") for part in parts):
        raise BadWheel(f"it has an entry named {name!r}")
    if parts[0].endswith(".data"):
        return "/".join(parts[2:]) if len(parts) > 2 and parts[1] in INSTALLED_DATA else ""
    return "/".join(parts)


def _extract(opened: zipfile.ZipFile, info: zipfile.ZipInfo, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source:
        if place.exists():
            # Several wheels have nvidia/__init__.py, and all of them the same.
            if place.read_bytes() != source.read():
                raise BadWheel(f"{info.filename!r} is in another wheel too, and differs")
            return
        with open(place, "xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    place.chmod(0o644)
