"""Where a registration is kept on this host: the only writer of keys.

    /etc/polaris/credentials/hotkey        what systemd hands polarisd; there once it is registered
    /etc/polaris/registration.json         who this host is registered as, for all to read
    /etc/polaris/registration/progress     how far a registration has come
    /etc/polaris/registration/hotkey-SS58  keys on their way there, and those that were replaced
    /etc/polaris/registration/restart      there while polarisd is yet to be restarted
    /etc/polaris/registration/lock         held by the one registration that runs

The rest is root's (or the caller's, elsewhere), 0600 in 0700.  A key is never overwritten and
never removed by moving another into its place.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polarisctl.failures import failed
from polarisctl.gpu_stack.disk import disk_errors_told
from polarisctl.registration import progress as progresses
from polarisctl.registration.files import (
    make_directory,
    not_permitted,
    open_lock,
    read_small,
    sync_directory,
    write,
)
from polarisctl.registration.formats import Encrypted, read_hotkey
from polarisctl.registration.progress import Progress, Unreadable
from polarisd import keys
from polarisd.keys import MAX_KEYFILE_BYTES, BadKeyfile, Hotkey

CREDENTIALS = Path("/etc/polaris/credentials")
PROBE = ".probe"


class Place:
    def __init__(self, credentials: Path = CREDENTIALS) -> None:
        self.credential = credentials / "hotkey"
        self.own = credentials.parent / "registration"
        self._progress = self.own / "progress"
        self._restart = self.own / "restart"
        self._record = credentials.parent / "registration.json"

    def need_writable(self, verb: str) -> None:
        """Error handling: refused unless what is written here can be written."""
        there = next(p for p in (self.own, *self.own.parents) if p.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            raise not_permitted(verb, there, "is root's, as the hotkey of this host is")

    @contextmanager
    def held(self, verb: str) -> Iterator[None]:
        """Ours alone.  Error handling: fails while another one holds it, and on disk errors."""
        self.need_writable(verb)
        with disk_errors_told(self.own):
            make_directory(self.own)
            file = open_lock(self.own / "lock")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise failed(
                    f"cannot {verb}: another polarisctl register or unregister is at it",
                    "wait for it to end, or end it with Ctrl-C where it runs",
                ) from None
            self._tidy()
            yield

    def _tidy(self) -> None:
        """What a run that was cut had not finished writing was in use by nobody yet."""
        with disk_errors_told(self.own):
            beside = (self.credential.with_name(name) for name in ("hotkey.new", PROBE))
            for partial in (*self.own.glob("*.new"), *beside):
                if os.path.lexists(partial):  # or a disk that is read-only speaks up here
                    partial.unlink()

    def progress(self) -> Progress | None:
        """Error handling: fails if it cannot be understood: a transaction may be on its way."""
        try:
            return progresses.from_text(self._progress.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (Unreadable, UnicodeDecodeError) as problem:
            raise failed(
                f"cannot go on with the registration in {self._progress}: {problem}",
                f"look on the chain whether its hotkey has a UID; then: sudo rm {self._progress}",
            ) from None
        except PermissionError:
            return None  # of a dry run without root, which goes on with nothing

    def save(self, progress: Progress) -> None:
        """On the disk for good when this returns."""
        with disk_errors_told(self.own):
            write(self._progress, progresses.to_text(progress).encode())

    def forget(self) -> None:
        with disk_errors_told(self.own):
            self._progress.unlink(missing_ok=True)
            sync_directory(self.own)

    def owe_restart(self) -> None:
        with disk_errors_told(self.own):
            write(self._restart, b"")

    def owes_restart(self) -> bool:
        return self._restart.exists()

    def restarted(self) -> None:
        with disk_errors_told(self.own):
            self._restart.unlink(missing_ok=True)

    def record(self, text: str) -> None:
        """Holds no secret; empty removes it."""
        with disk_errors_told(self._record):
            if text:
                write(self._record, text.encode(), 0o644)
            else:
                self._record.unlink(missing_ok=True)

    def kept(self, ss58: str) -> Path:
        return self.own / f"hotkey-{ss58}"

    def keep(self, hotkey: Hotkey) -> None:
        """So that no UID is ever paid for with a key that is not on the disk.

        Error handling: fails if it could not be put into its place afterwards.
        """
        if self.installed() == hotkey:
            return
        with disk_errors_told(self.own):
            if not self.kept(hotkey.ss58).exists():
                write(self.kept(hotkey.ss58), keys.keyfile(hotkey))

    def drop(self, hotkey: Hotkey) -> None:
        """What `keep` wrote, of a hotkey that nobody was told of."""
        with disk_errors_told(self.own):
            self.kept(hotkey.ss58).unlink(missing_ok=True)

    def installed(self) -> Hotkey | None:
        """The hotkey that polarisd is handed.  Error handling: fails in words if unusable."""
        return self._read(self.credential)

    def read_kept(self, ss58: str) -> Hotkey | None:
        return self._read(self.kept(ss58))

    def where(self, ss58: str) -> Path:
        """The file that has this hotkey."""
        installed = self.installed()
        is_it = installed is not None and installed.ss58 == ss58
        return self.credential if is_it else self.kept(ss58)

    def prove(self) -> None:
        """Error handling: fails unless a key can be put where polarisd gets it from."""
        directory = self.credential.parent
        made = not directory.exists()
        with self._told("install a hotkey", "nothing was sent"):
            make_directory(directory)
            probe = self.credential.with_name(PROBE)
            write(probe, bytes(MAX_KEYFILE_BYTES))
            probe.unlink()
            if self.credential.exists() and not os.access(self.credential, os.W_OK):
                raise OSError(errno.EPERM, "it is protected (lsattr)", str(self.credential))
            if made:
                directory.rmdir()

    @contextmanager
    def _told(self, what: str, safe: str) -> Iterator[None]:
        """Never with the advice to remove anything: it may be a key that was paid for."""
        try:
            yield
        except OSError as problem:
            directory = self.credential.parent
            raise failed(
                f"cannot {what}: cannot write {directory}: {problem.strerror or problem}",
                f"{safe}; mend {directory} (is its disk full, or mounted read-only?), then run it "
                "again",
            ) from None

    def install(self, hotkey: Hotkey) -> bool:
        """Make it polarisd's, and keep the one before.  False if it was there."""
        before = self.installed()
        if before == hotkey:
            with disk_errors_told(self.credential):
                self.credential.chmod(0o600)
                self.kept(hotkey.ss58).unlink(missing_ok=True)
            return False
        self.keep(hotkey)
        kept = self.kept(hotkey.ss58)
        safe = f"the hotkey is safe: keep the file {kept}; what was paid for is not paid for again"
        with self._told(f"install the hotkey {hotkey.ss58}", safe):
            if before is not None:
                write(self.kept(before.ss58), keys.keyfile(before))
            make_directory(self.credential.parent)
            # Written there, for it may be another file system.
            write(self.credential, keys.keyfile(hotkey))
            kept.unlink(missing_ok=True)
            sync_directory(self.own)
        return True

    def remove(self, hotkey: Hotkey) -> None:
        """The key of this host, for good."""
        with disk_errors_told(self.credential.parent):
            self.kept(hotkey.ss58).unlink(missing_ok=True)
            self.credential.unlink(missing_ok=True)
            sync_directory(self.credential.parent)

    def _read(self, path: Path) -> Hotkey | None:
        content = read_small(path)
        if content is None:
            return None
        try:
            found = read_hotkey(content)
        except BadKeyfile as bad:
            raise failed(f"cannot use {path}: {bad}", f"{bad.remedy}; move it away first") from None
        if isinstance(found, Encrypted):
            raise failed(
                f"cannot use {path}: it is encrypted ({found.how}), and polarisd has nobody to ask",
                "move it away, and import it: polarisctl register --hotkey-file FILE",
            )
        return found
