"""What the disk refuses, in words.  For gpu-setup, around whatever it writes or removes."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polarisctl.failures import failed

_FULL = "free some disk at {root}, then run it again: it goes on where it stopped"
_NOT_OURS = "use sudo, and look whether something protects it: lsattr -d {path}"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EROFS: "mount the disk of {root} for writing, then run it again",
    errno.EACCES: _NOT_OURS,
    errno.EPERM: _NOT_OURS,
    errno.EIO: "the disk of {root} fails: look at the kernel's log (dmesg), and replace it",
}
_ANY = "look at {path} as root, mend or remove it, then run it again"


@contextmanager
def disk_errors_told(root: Path) -> Iterator[None]:
    """Error handling: fails in words for every OSError but that of our own output."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        path = problem.filename or root
        remedy = _REMEDIES.get(problem.errno or 0, _ANY)
        raise failed(
            f"cannot write {path}: {problem.strerror or problem}",
            remedy.format(root=root, path=path),
        ) from None
