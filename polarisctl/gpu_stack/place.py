"""The directory that gpu-setup keeps: one finished stack for each Python, and what is on its way.

    /var/lib/polaris-gpu/cp311 -> cp311-ID   what is used: the link changes at once, or not
    /var/lib/polaris-gpu/cp311-ID            a stack; unfinished as long as it has no manifest
    /var/lib/polaris-gpu/downloads           wheels, whole ones and parts, until they are used
    /var/lib/polaris-gpu/lock                held by the one gpu-setup that runs

All of it is root's and readable by all: what runs as polaris must not be able to change it.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from polarisctl.failures import failed
from polarisctl.gpu_stack import plan as planning
from polarisctl.gpu_stack.plan import Plan
from polarisd.api.errors import ControlError
from polarisd.bench.stack import MANIFEST, OWN

ROOT = Path(OWN.path)
_STACK = re.compile(r"cp\d+-[0-9a-f]{12}")
_MODE = 0o755


class Place:
    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self.downloads = root / "downloads"

    def free_bytes(self) -> int:
        """Where the directory is, or is going to be."""
        there = next(path for path in (self.root, *self.root.parents) if path.exists())
        return shutil.disk_usage(there).free

    def downloaded(self) -> dict[str, int]:
        """How much of each file is here: whole ones, and parts of others.

        Error handling: fails on links, through which something else would be written to.
        """
        if not os.path.lexists(self.downloads):
            return {}
        if self.downloads.is_symlink() or not self.downloads.is_dir():
            raise _in_the_way(self.downloads, "a directory")
        found = {}
        for path in sorted(self.downloads.iterdir(), reverse=True):
            status = path.lstat()
            if not stat.S_ISREG(status.st_mode):
                raise _in_the_way(path, "a plain file")
            found[path.name.removesuffix(".part")] = status.st_size
        return found

    @contextmanager
    def held(self) -> Iterator[None]:
        """Made if need be, and ours alone.  Error handling: fails while another one holds it."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except FileExistsError:  # a file, or a link to what is not there
            raise _in_the_way(self.root, "a directory") from None
        self.root.chmod(_MODE)
        with _open_lock(self.root / "lock") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise failed(
                    "cannot set up the GPU stack: another gpu-setup is at it", "wait for it to end"
                ) from None
            yield

    def begin(self, plan: Plan) -> Path:
        """An empty directory for a stack, which nobody uses before `finish`."""
        target = self.root / f"{plan.tag}-{plan.id}"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        target.chmod(_MODE)
        return target

    def finish(self, plan: Plan, target: Path) -> None:
        """Mark it finished, for good: after a power cut it is whole or has no manifest."""
        os.sync()
        partial = target / f"{MANIFEST}.new"
        partial.write_text(planning.manifest(plan))
        os.replace(partial, target / MANIFEST)
        os.sync()

    def switch(self, tag: str, target: Path) -> None:
        """From now on this is the stack for `tag`; then whatever is not in use goes."""
        link = self.root / f"{tag}.new"
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
        os.replace(link, self.root / tag)
        self.tidy()

    def tidy(self) -> None:
        """Remove downloads, and every stack that no link leads to."""
        shutil.rmtree(self.downloads, ignore_errors=True)
        used = {os.readlink(path) for path in self.root.iterdir() if path.is_symlink()}
        for path in self.root.iterdir():
            if _STACK.fullmatch(path.name) and path.name not in used:
                shutil.rmtree(path)

    def other_tags(self, tag: str) -> list[str]:
        """Stacks for Pythons that polaris does not run on now."""
        if not self.root.is_dir():
            return []
        return sorted(p.name for p in self.root.iterdir() if p.is_symlink() and p.name != tag)

    def size_bytes(self) -> int:
        total = 0
        for top, _, names in os.walk(self.root):
            for name in names:
                with suppress(FileNotFoundError):  # another gpu-setup may be at it
                    total += Path(top, name).lstat().st_size
        return total

    def remove(self) -> None:
        """Everything.  Links first, so that nobody begins with what is going.

        The directory itself stays where it is a mount point, or a link to another place.
        """
        for path in sorted(self.root.iterdir(), key=lambda path: not path.is_symlink()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        with suppress(OSError):
            self.root.rmdir()


def _open_lock(path: Path) -> IO[bytes]:
    if path.is_symlink() or path.is_dir():
        raise _in_the_way(path, "a plain file")
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644), "rb")


def _in_the_way(path: Path, wanted: str) -> ControlError:
    return failed(
        f"cannot use {path}: it is not {wanted}",
        f"move it away or remove it (sudo rm -r {path}), then run it again; to have the GPU "
        f"stack on another disk, mount that at {ROOT}",
    )
