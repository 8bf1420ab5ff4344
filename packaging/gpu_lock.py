#!/usr/bin/env python3
"""Write polarisctl/gpu_stack/lock.json: the exact wheels of the GPU stack for each Python.

Part of `make lock`.  packaging/lock/gpu.txt says which versions, with hashes; the index says
which wheels there are, and the end of each wheel (its table of contents) what it unpacks to.
Only gpu.txt's own projects count: what core.txt has is in the package already.

The index is $POLARIS_INDEX_URL where that is set; the lock names the public one in any case.
"""

from __future__ import annotations

import io
import json
import os
import sys
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "polarisctl/gpu_stack/lock.json"
PUBLIC_INDEX = "https://pypi.org/simple"
JSON_API = "application/vnd.pypi.simple.v1+json"
TIMEOUT_S = 60
# What every supported system's C library (2.35 and newer) can load, the best first.
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in range(34, 4, -1)]
PLATFORMS += ["manylinux2014_x86_64", "manylinux2010_x86_64"]
# CUDA 12 runs on this driver and newer (minor version compatibility).
DRIVER_MIN = "525.60.13"


@dataclass(frozen=True)
class Pin:
    """One line of a requirements file."""

    project: str
    version: str
    marker: str
    hashes: frozenset[str]

    def holds_for(self, python: str) -> bool:
        environment = {
            "python_version": python,
            "python_full_version": f"{python}.0",
            "sys_platform": "linux",
        }
        return not self.marker or Marker(self.marker).evaluate(environment)


def parse_pins(text: str) -> list[Pin]:
    pins = []
    for entry in text.replace("\\\n", " ").splitlines():
        if "==" not in entry or entry.startswith("#"):
            continue
        requirement, *hashes = entry.split("--hash=sha256:")
        name, _, marker = requirement.partition(";")
        project, _, version = name.strip().partition("==")
        pins.append(Pin(project, version, marker.strip(), frozenset(h.strip() for h in hashes)))
    return pins


def wanted(gpu: list[Pin], core: list[Pin], python: str) -> list[Pin]:
    """What the stack for one Python has: gpu.txt less core.txt."""
    ours = {pin.project for pin in core}
    return [pin for pin in gpu if pin.project not in ours and pin.holds_for(python)]


def best(filenames: list[str], python: str) -> str | None:
    """Of a release's wheels the one that an installer would take."""
    version = tuple(map(int, python.split(".")))
    order: list[Tag] = [
        *cpython_tags(version, platforms=PLATFORMS),
        *compatible_tags(version, platforms=PLATFORMS),
    ]
    ranked = [
        (order.index(tag), filename)
        for filename in filenames
        for tag in parse_wheel_filename(filename)[3]
        if tag in order
    ]
    return min(ranked)[1] if ranked else None


def files_of(index_url: str, project: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(f"{index_url}/{project}/", headers={"Accept": JSON_API})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        files: list[dict[str, Any]] = json.load(answer)["files"]
    return files


class RemoteFile(io.RawIOBase):
    """A file at a URL, read by ranges: zipfile needs no more than its end."""

    def __init__(self, url: str, size: int) -> None:
        self._url, self._size, self._at = url, size, 0

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, count: int = -1) -> bytes:
        last = self._size if count < 0 else min(self._at + count, self._size)
        if last <= self._at:
            return b""
        headers = {"Range": f"bytes={self._at}-{last - 1}"}
        request = urllib.request.Request(self._url, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            data: bytes = answer.read()
        self._at += len(data)
        return data


def contents(file: RemoteFile) -> dict[str, int]:
    with zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
    return {"entries": len(infos), "unpacked_bytes": sum(info.file_size for info in infos)}


def make_lock(index_url: str, gpu: list[Pin], core: list[Pin], pythons: list[str]) -> object:
    wheels: dict[str, dict[str, object]] = {}
    by_tag: dict[str, list[str]] = {}
    files: dict[str, list[dict[str, Any]]] = {}
    for python in pythons:
        tag = "cp" + python.replace(".", "")
        by_tag[tag] = []
        for pin in wanted(gpu, core, python):
            if pin.project not in files:
                files[pin.project] = files_of(index_url, pin.project)
            ours = {f["filename"]: f for f in files[pin.project] if is_release(f, pin)}
            name = best(list(ours), python)
            if name is None:
                sys.exit(f"gpu_lock: {pin.project} {pin.version} has no wheel for {tag}")
            by_tag[tag].append(name)
            if name not in wheels:
                wheels[name] = entry(ours[name], pin)
                print(f"gpu_lock: {name}", flush=True)
    return {
        "index_url": PUBLIC_INDEX,
        "driver_min": DRIVER_MIN,
        "pythons": by_tag,
        "wheels": dict(sorted(wheels.items())),
    }


def is_release(file: dict[str, Any], pin: Pin) -> bool:
    """A wheel of the pinned version, and one that gpu.txt has the hash of."""
    name = str(file["filename"])
    if not name.endswith(".whl") or file["hashes"].get("sha256") not in pin.hashes:
        return False
    return str(parse_wheel_filename(name)[1]) == pin.version


def entry(file: dict[str, Any], pin: Pin) -> dict[str, object]:
    size = int(file["size"])
    return {
        "project": pin.project,
        "version": pin.version,
        "sha256": file["hashes"]["sha256"],
        "size_bytes": size,
        **contents(RemoteFile(str(file["url"]), size)),
    }


def main() -> int:
    index_url = os.environ.get("POLARIS_INDEX_URL", PUBLIC_INDEX).rstrip("/")
    gpu, core = (parse_pins((HERE / "lock" / name).read_text()) for name in ("gpu.txt", "core.txt"))
    lock = make_lock(index_url, gpu, core, (HERE / "pythons").read_text().split())
    OUT.write_text(json.dumps(lock, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
