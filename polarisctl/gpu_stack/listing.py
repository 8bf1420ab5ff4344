"""The list of a stack's files, and whether they are still what it says.

gpu-setup and the build of polaris-gpu write it when a stack is finished; gpu-setup holds the
files against it before it says that nothing is to be done.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from polarisctl.gpu_stack.fetch import digest

NAME = "files.json"
# Every Python module is smaller.  Of the libraries, which are a GB, the size must do: a worker
# loads them in a moment.
DIGEST_CAP_BYTES = 1 << 20
_NAMED = 3


def write(target: Path) -> None:
    """Of each file below `target`: its size, and the SHA-256 of one that is not large."""
    files = sorted(
        Path(top, name).relative_to(target)
        for top, _, names in os.walk(target)
        for name in names
        if Path(top, name) != target / NAME
    )
    listed = {str(name): _entry(target / name) for name in files}
    (target / NAME).write_text(json.dumps(listed, indent=0))


def damage(target: Path) -> str:
    """What is not as it was when the stack was finished; empty if all of it is."""
    try:
        listed = json.loads((target / NAME).read_bytes())
    except OSError as problem:
        return f"cannot read {NAME}, the list of its files: {problem.strerror}"
    except (ValueError, RecursionError):
        return f"{NAME}, the list of its files, is no JSON"
    if not isinstance(listed, dict) or not listed:
        return f"{NAME} lists no files"
    found = [why for name, entry in listed.items() if (why := _differs(target / name, name, entry))]
    more = f", and {len(found) - _NAMED} more files" if len(found) > _NAMED else ""
    return ", ".join(found[:_NAMED]) + more


def _differs(path: Path, name: str, entry: object) -> str:
    match entry:
        case [int(size), str(sha256)]:
            pass
        case _:
            return f"{NAME} does not say what {name} is"
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return f"{name} is no plain file"
        if status.st_size != size:
            return f"{name} has {status.st_size} bytes, not {size}"
        if sha256 and digest(path) != sha256:
            return f"{name} has been changed"
    except (FileNotFoundError, NotADirectoryError):
        return f"{name} is gone"
    except OSError as problem:
        return f"cannot read {name}: {problem.strerror}"
    return ""


def _entry(path: Path) -> tuple[int, str]:
    size = path.stat().st_size
    return size, digest(path) if size <= DIGEST_CAP_BYTES else ""
