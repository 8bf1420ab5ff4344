"""Small wheels, and a lock of them."""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Member:
    """One entry of a wheel; `mode` is what Unix keeps of it."""

    name: str
    data: bytes = b""
    mode: int = stat.S_IFREG | 0o644


def make_wheel(directory: Path, filename: str, members: Iterable[Member]) -> Path:
    path = directory / filename
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members:
            info = zipfile.ZipInfo(member.name, (2026, 1, 1, 0, 0, 0))
            info.external_attr = member.mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, member.data)
    return path


def describe(path: Path) -> dict[str, object]:
    """A lock's entry for a wheel, as `make lock` makes it."""
    project, version = path.name.split("-")[:2]
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    data = path.read_bytes()
    return {
        "project": project.replace("_", "-"),
        "version": version,
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "entries": len(infos),
        "unpacked_bytes": sum(info.file_size for info in infos),
    }


def make_lock(pythons: Mapping[str, Iterable[Path]], index_url: str = "") -> str:
    """The text of a lock.json; each Python has its wheels."""
    paths = {path.name: path for wheels in pythons.values() for path in wheels}
    return json.dumps(
        {
            "index_url": index_url or "http://127.0.0.1:1/simple",
            "driver_min": "525.60.13",
            "pythons": {tag: [path.name for path in wheels] for tag, wheels in pythons.items()},
            "wheels": {name: describe(path) for name, path in sorted(paths.items())},
        }
    )
