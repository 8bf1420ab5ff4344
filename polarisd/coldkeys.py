"""Coldkeys that this process could read: where there is one, nothing is to be signed for a chain.

A coldkey owns the funds, and the daemon talks to strangers, so it must not be able to
take one even if it wanted to.  `main` asks when the mode is bittensor, before it loads
the hotkey; the other modes know no coldkey, and a developer's wallets are no business
of theirs.  Imports nothing of Polaris.
"""

from __future__ import annotations

import json
import os
import pwd
import stat
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

# EX_CONFIG: systemd does not try again, for that would cure nothing.
EXIT_COLDKEY = 78

# A wallet below a place: PLACE/wallets/NAME/coldkey, and one level more for those kept apart.
MAX_DEPTH = 4
MAX_ENTRIES = 20_000
DEADLINE_S = 2.0
MAX_KEYFILE_BYTES = 64 << 10
MAX_HOMES = 1000

# What a file begins with that bittensor, of today or of old, has encrypted.
_ENCRYPTED = (b"$NACL", b"$ANSIBLE_VAULT", b"gAAAA")
_SECRETS = ("secretSeed", "privateKey", "secretPhrase")


@dataclass(frozen=True, slots=True)
class Sight:
    """The coldkeys found.  `unseen` says what was left unlooked at, empty if nothing was:
    what cannot be opened is out of reach, and no part of it."""

    coldkeys: tuple[Path, ...]
    unseen: str = ""


def homes() -> tuple[str, ...]:
    """The home directories of this machine's accounts."""
    return tuple(account.pw_dir for account in pwd.getpwall()[:MAX_HOMES])


def places_for(
    environ: Mapping[str, str], state_dir: Path, config_dir: Path, homes: Iterable[str]
) -> tuple[Path, ...]:
    """Where wallets are kept, and where somebody may have laid one for the daemon."""
    users = [environ.get("HOME", ""), *homes]
    named = [environ.get("BT_WALLET_PATH", ""), environ.get("CREDENTIALS_DIRECTORY", "")]
    places = [Path(home) / ".bittensor" for home in users if home]
    places += [Path(name) for name in named if name]
    return tuple(dict.fromkeys([*places, config_dir, state_dir]))


def readable_coldkeys(
    places: Iterable[Path], *, clock: Callable[[], float] = time.monotonic
) -> Sight:
    """Blocking, for `DEADLINE_S` at most unless the file system itself hangs.

    Follows links, for wallets are often kept behind one, but enters no directory twice.
    """
    budget = _Budget(clock)
    found = dict.fromkeys(
        path for path in _files(places, budget) if _is_coldkey_name(path.name) and _holds_key(path)
    )
    return Sight(tuple(found), budget.spent)


def refusal(coldkeys: Iterable[Path]) -> str:
    """What to tell the operator; several lines."""
    paths = [str(path) for path in coldkeys]
    wallet = Path(paths[0]).parent
    listed = "\n".join(f"  {path}" for path in paths)
    return f"""\
cannot sign for a chain where I can read a coldkey:
{listed}
A coldkey owns the stake and the balance; this machine needs the hotkey alone.  Move it away:
  1. copy {wallet} to a machine of your own that serves nobody
  2. see there that the copy is whole: btcli wallet unlock --wallet {wallet.name}
  3. remove it here: sudo shred --remove {paths[0]}
     (the hotkeys and coldkeypub.txt beside it may stay)
  4. sudo systemctl restart polarisd
If it lay here without a password, or where others could read it, treat it as known to them: move
the funds to a new coldkey."""


class _Budget:
    """How much may still be looked at; `spent` says what was left out once it is not enough."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.spent = ""
        self._clock = clock
        self._deadline = clock() + DEADLINE_S
        self._entries = MAX_ENTRIES

    def in_time(self, path: Path) -> bool:
        late = self._clock() > self._deadline
        if late:
            self.spent = f"{path} and others: it took more than {DEADLINE_S:g} s"
        return not late

    def names_in(self, directory: Path) -> Iterator[str]:
        """As many as may be looked at."""
        with os.scandir(directory) as entries:
            for entry in entries:
                if not self._entries:
                    self.spent = f"some of {directory}: there are more than {MAX_ENTRIES} files"
                    return
                self._entries -= 1
                yield entry.name


def _files(places: Iterable[Path], budget: _Budget) -> Iterator[Path]:
    """Every file, the shallow ones first."""
    waiting = deque((place, 0) for place in places)
    entered: set[tuple[int, int]] = set()
    while waiting:
        path, depth = waiting.popleft()
        if not budget.in_time(path):
            return
        try:
            status = os.stat(path)
            here = (status.st_dev, status.st_ino)
            if stat.S_ISREG(status.st_mode):
                yield path
            elif stat.S_ISDIR(status.st_mode) and depth < MAX_DEPTH and here not in entered:
                entered.add(here)
                waiting.extend((path / name, depth + 1) for name in budget.names_in(path))
        except OSError:
            continue  # not there, or out of our reach, which is as good


def _is_coldkey_name(name: str) -> bool:
    """Also copies, such as coldkey.bak; not the public half, coldkeypub.txt."""
    return "coldkey" in name.lower() and "coldkeypub" not in name.lower()


def _holds_key(path: Path) -> bool:
    """Whether we can read it and it looks like a key, encrypted or not."""
    try:
        # O_NONBLOCK: to open a FIFO that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            content = file.read(MAX_KEYFILE_BYTES)
    except OSError:
        return False
    return content.startswith(_ENCRYPTED) or _has_secret(content)


def _has_secret(content: bytes) -> bool:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and any(document.get(name) for name in _SECRETS)
