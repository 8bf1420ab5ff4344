"""Where the GPU stack is: CuPy, the CUDA libraries that it loads and NumPy, for one Python.

It is no part of the core package: `polarisctl gpu-setup` brings it, or the package
polaris-gpu.  The daemon, the worker's launcher, gpu-setup and the doctor look for it
here.  Standard library only, and nothing of Polaris: whoever asks must start at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Written last, so a directory without it is not finished.
MANIFEST = "stack.json"
FORMAT = 1
MANIFEST_CAP_BYTES = 1 << 20

# Where Debian has python3-numpy: enough for the backends that need no GPU.
DIST_PACKAGES = "/usr/lib/python3/dist-packages"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A directory with one stack for each Python tag in it, and who puts them there."""

    path: str
    origin: str


PACKAGE = Candidate("/usr/lib/polaris/gpu", "the package polaris-gpu")
OWN = Candidate("/var/lib/polaris-gpu", "polarisctl gpu-setup")
CANDIDATES = (PACKAGE, OWN)


@dataclass(frozen=True, slots=True)
class Stack:
    """`path` belongs on sys.path, first; `library_dirs` have the CUDA libraries.

    `id` names exactly these wheels and system libraries.
    """

    path: str
    id: str
    library_dirs: tuple[str, ...]
    versions: dict[str, str]
    origin: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something is there, and cannot be used: why."""

    path: str
    why: str
    origin: str


def python_tag(version: Sequence[object] = sys.version_info) -> str:
    """What wheels call this Python: cp311."""
    return f"cp{version[0]}{version[1]}"


def find_stack(candidates: Iterable[Candidate], python_tag: str) -> Stack | None:
    """The first that can be used."""
    for candidate in candidates:
        found = examine(candidate, python_tag)
        if isinstance(found, Stack):
            return found
    return None


def worker_path(stack: Stack | None, own: Sequence[str]) -> list[str]:
    """A worker's sys.path: the stack, what the worker is part of, the distribution's NumPy."""
    return [*([stack.path] if stack else []), *own, DIST_PACKAGES]


def examine(candidate: Candidate, python_tag: str) -> Stack | Flaw | None:
    """What one candidate has for this Python; None where it has nothing."""
    # Resolved, so that a worker keeps what it began with when gpu-setup puts another there.
    path = os.path.realpath(os.path.join(candidate.path, python_tag))
    try:
        for place in (candidate.path, path):
            if why := _distrust(place):
                return Flaw(path, why, candidate.origin)
        with open(os.path.join(path, MANIFEST), "rb") as file:
            text = file.read(MANIFEST_CAP_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.isdir(path):
            return Flaw(path, f"it has no {MANIFEST}, so it is not finished", candidate.origin)
        return None
    except OSError as problem:
        return Flaw(path, f"cannot read {problem.filename}: {problem.strerror}", candidate.origin)
    try:
        return parse_manifest(text, path, candidate.origin, python_tag)
    except ManifestError as error:
        return Flaw(path, str(error), candidate.origin)


class ManifestError(ValueError):
    """A manifest that cannot be used: its text says why."""


def parse_manifest(text: bytes, path: str, origin: str, python_tag: str) -> Stack:
    """Error handling: ManifestError for whatever does not fit, lost system libraries too."""
    if len(text) > MANIFEST_CAP_BYTES:
        raise ManifestError(f"{MANIFEST} is larger than {MANIFEST_CAP_BYTES} bytes")
    try:
        manifest = json.loads(text)
    except (ValueError, RecursionError):
        raise ManifestError(f"{MANIFEST} is no JSON") from None
    match manifest:
        case {
            "format": int(form),
            "python": str(python),
            "id": str(id),
            "versions": dict(versions),
            "library_dirs": list(directories),
            "system_libraries": dict(system),
        }:
            pass
        case _:
            raise ManifestError(f"{MANIFEST} lacks what it must have")
    if form != FORMAT:
        raise ManifestError(f"it has format {form}, and this polaris knows {FORMAT}")
    if python != python_tag:
        raise ManifestError(f"it is for {python}, and this Python is {python_tag}")
    for lost in (name for name in system.values() if not os.path.exists(str(name))):
        raise ManifestError(f"it uses the system's {lost}, which is gone")
    texts = {str(name): str(version) for name, version in versions.items()}
    return Stack(path, id, tuple(_inside(path, str(d)) for d in directories), texts, origin)


def _inside(path: str, directory: str) -> str:
    if os.path.isabs(directory) or ".." in directory.split("/"):
        raise ManifestError(f"{MANIFEST} names {directory}, outside of it")
    return os.path.join(path, directory)


def _distrust(path: str) -> str:
    """Why code from there must not be run; empty where it may."""
    status = os.stat(path)
    if status.st_uid not in (0, os.geteuid()):
        return f"{path} belongs to uid {status.st_uid}, not to root"
    if status.st_mode & 0o022:
        return f"{path} can be written by others than its owner"
    return ""
