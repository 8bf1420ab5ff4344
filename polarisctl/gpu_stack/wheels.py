"""Bring every wheel of a plan into the downloads directory, checked.  Called by `setting_up`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from polarisctl.failures import failed
from polarisctl.gpu_stack.fetch import Waits, digest, fetch, part_of
from polarisctl.gpu_stack.index import Index
from polarisctl.gpu_stack.lock import Wheel
from polarisctl.gpu_stack.meter import Meter
from polarisctl.gpu_stack.plan import Plan
from polarisctl.gpu_stack.web import Web
from polarisd.api.errors import ControlError

# Puts a wheel where it belongs: it has the lock's size and hash when this returns.
Bring = Callable[[Wheel, Path, Callable[[int], None]], None]


def acquire(plan: Plan, downloads: Path, bring: Bring, meter: Meter) -> dict[str, Path]:
    """filename -> where it is.  What was whole before is checked again, and not fetched."""
    downloads.mkdir(exist_ok=True)
    found = {}
    for wheel in plan.wheels:
        target = downloads / wheel.filename
        tell = meter.begin(wheel.project, wheel.size_bytes)
        if not _is_right(target, wheel):
            target.unlink(missing_ok=True)
            bring(wheel, target, tell)
        tell(wheel.size_bytes)
        found[wheel.filename] = target
    meter.end()
    return found


def from_index(index_url: str, web: Web, waits: Waits) -> Bring:
    index = Index(index_url, web.page)

    def bring(wheel: Wheel, target: Path, tell: Callable[[int], None]) -> None:
        url = index.url_of(wheel.project, wheel.filename)
        fetch(url, wheel, target, web=web, tell=tell, waits=waits)

    return bring


def check_directory(plan: Plan, directory: Path, here: Mapping[str, int]) -> None:
    """Fails where wheels are missing, with all of them; `here` is what was brought before."""
    missing = [
        wheel.filename
        for wheel in plan.wheels
        if here.get(wheel.filename) != wheel.size_bytes
        and not (directory / wheel.filename).is_file()
    ]
    if missing:
        raise _not_there(directory, missing)


def _not_there(directory: Path, filenames: Sequence[str]) -> ControlError:
    return failed(
        "\n".join(f"cannot take {name} from {directory}: it is not there" for name in filenames),
        "how to get the wheels of the lock: gpu-setup.md in /usr/share/doc/polaris",
    )


def from_directory(directory: Path) -> Bring:
    """Copied first and checked then: who can write there cannot swap it in between."""

    def bring(wheel: Wheel, target: Path, tell: Callable[[int], None]) -> None:
        source, part = directory / wheel.filename, part_of(target)
        if not source.is_file():
            raise _not_there(directory, [wheel.filename])
        with open(source, "rb") as opened, open(part, "wb") as file:
            while data := opened.read(1 << 20):
                file.write(data)
                tell(min(file.tell(), wheel.size_bytes))
        if not _is_right(part, wheel):
            found = f"{part.stat().st_size} bytes, SHA-256 {digest(part)}"
            part.unlink()
            raise failed(
                f"cannot use {source}: it has {found}; the lock says {wheel.size_bytes} bytes, "
                f"SHA-256 {wheel.sha256}",
                "download it anew",
            )
        os.replace(part, target)

    return bring


def _is_right(path: Path, wheel: Wheel) -> bool:
    return (
        path.is_file() and path.stat().st_size == wheel.size_bytes and digest(path) == wheel.sha256
    )
