"""Look at the files whose owners and modes `polarisctl.doctor.files` judges.

No file is opened here: of these, place, owner and mode are all that counts.
"""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from pathlib import PurePosixPath

from polarisctl.doctor.accounts import Accounts
from polarisctl.doctor.config import Config, Settings
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.files import Coldkey, Entry, Files
from polarisctl.doctor.limits import CONFIG_DIRECTORY, CREDENTIALS_DIRECTORY, SERVICE_USER
from polarisd.api.reading import NO_PERMISSION, Reading, Unknown

WALLETS = ".bittensor"
# As deep, and as much, as polarisd itself looks before it signs for a chain.
MAX_DEPTH = 4
MAX_ENTRIES = 20_000
# A machine with more local people than this is no GPU host; the rest goes unseen.
MAX_HOMES = 256
FIRST_PERSON_UID = 1000


def gather_files(edge: Edge, config: Config, settings: Settings, accounts: Accounts) -> Files:
    coldkeys, unseen = _coldkeys(edge, accounts, settings)
    return Files(
        config=_entry(edge, config.path),
        config_leading=_leading(edge, config.path),
        credentials=_entry(edge, CREDENTIALS_DIRECTORY),
        credential_files=_inside(edge, CREDENTIALS_DIRECTORY),
        state=_entry(edge, settings.state_directory),
        coldkeys=coldkeys,
        unseen=unseen,
    )


def _entry(edge: Edge, path: str) -> Reading[Entry | None]:
    status = edge.stat(path)
    if not isinstance(status, os.stat_result):
        return status
    return Entry(path, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)


def _leading(edge: Edge, path: str) -> tuple[Entry, ...]:
    """The directories above `path`, outermost first, as far as they can be seen."""
    parents = [str(parent) for parent in reversed(PurePosixPath(path).parents)]
    entries = (_entry(edge, parent) for parent in parents)
    return tuple(entry for entry in entries if isinstance(entry, Entry))


def _inside(edge: Edge, directory: str) -> Reading[tuple[Entry, ...]]:
    names = edge.list_names(directory)
    if isinstance(names, Unknown):
        return names
    entries = []
    for name in names or ():
        entry = _entry(edge, f"{directory}/{name}")
        if isinstance(entry, Unknown):
            return entry
        if entry is not None:
            entries.append(entry)
    return tuple(entries)


def _coldkeys(
    edge: Edge, accounts: Accounts, settings: Settings
) -> tuple[tuple[Coldkey, ...], tuple[str, ...]]:
    """Every coldkey in the wallets of root, of people and of polaris, and among what is
    polarisd's own; homes not seen."""
    users = () if isinstance(accounts.users, Unknown) else accounts.users
    homes = {
        user.home.rstrip("/")
        for user in users
        if user.uid == 0 or user.uid >= FIRST_PERSON_UID or user.name == SERVICE_USER
    }
    chosen = sorted(homes | {"/root"})[:MAX_HOMES]
    denied = [edge.list_names(f"{home}/{WALLETS}") for home in chosen]
    unseen = [
        home
        for home, names in zip(chosen, denied, strict=True)
        if isinstance(names, Unknown) and names.reason == NO_PERMISSION
    ]
    places = [*(f"{home}/{WALLETS}" for home in chosen), CONFIG_DIRECTORY, settings.state_directory]
    found = dict.fromkeys(path for path in _files_in(edge, places) if _is_coldkey(path))
    entries = ((path, _entry(edge, path)) for path in found)
    return (
        tuple(Coldkey(e, _leading(edge, p)) for p, e in entries if isinstance(e, Entry)),
        tuple(unseen),
    )


def _files_in(edge: Edge, places: list[str]) -> Iterator[str]:
    """Every file, the shallow ones first, as far as the budget goes."""
    waiting = deque((place, 0) for place in places)
    left = MAX_ENTRIES
    while waiting:
        path, depth = waiting.popleft()
        status = edge.stat(path)
        if not isinstance(status, os.stat_result):
            continue
        if stat.S_ISREG(status.st_mode):
            yield path
        elif stat.S_ISDIR(status.st_mode) and depth < MAX_DEPTH:
            names = edge.list_names(path)
            inside = names[:left] if isinstance(names, tuple) else ()
            left -= len(inside)
            waiting.extend((f"{path}/{name}", depth + 1) for name in inside)


def _is_coldkey(path: str) -> bool:
    """Also copies, such as coldkey.bak; not the public half."""
    name = path.rpartition("/")[2].lower()
    return "coldkey" in name and "coldkeypub" not in name
