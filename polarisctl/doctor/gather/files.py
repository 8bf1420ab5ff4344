"""Look at the files whose owners and modes `polarisctl.doctor.files` judges.

No file is opened here: of a key its place, owner and mode are all that counts.
"""

from __future__ import annotations

import os
import stat
from pathlib import PurePosixPath

from polarisctl.doctor.accounts import Accounts
from polarisctl.doctor.config import Config, Settings
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.files import Coldkey, Entry, Files
from polarisctl.doctor.limits import CREDENTIALS_DIRECTORY, SERVICE_USER
from polarisd.api.reading import NO_PERMISSION, Reading, Unknown

WALLETS = ".bittensor/wallets"
# A machine with more local people than this is no GPU host; the rest goes unseen.
MAX_HOMES = 256
FIRST_PERSON_UID = 1000


def gather_files(edge: Edge, config: Config, settings: Settings, accounts: Accounts) -> Files:
    coldkeys, unseen = _coldkeys(edge, accounts)
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


def _coldkeys(edge: Edge, accounts: Accounts) -> tuple[tuple[Coldkey, ...], tuple[str, ...]]:
    """Every coldkey under the homes of root, of people and of polaris; homes not seen."""
    users = () if isinstance(accounts.users, Unknown) else accounts.users
    homes = {
        user.home
        for user in users
        if user.uid == 0 or user.uid >= FIRST_PERSON_UID or user.name == SERVICE_USER
    }
    found: list[Coldkey] = []
    unseen: list[str] = []
    for home in sorted(homes | {"/root"})[:MAX_HOMES]:
        wallets = f"{home.rstrip('/')}/{WALLETS}"
        names = edge.list_names(wallets)
        if isinstance(names, Unknown):
            if names.reason == NO_PERMISSION:
                unseen.append(home)
            continue
        for name in names or ():
            path = f"{wallets}/{name}/coldkey"
            entry = _entry(edge, path)
            if isinstance(entry, Entry):
                found.append(Coldkey(entry, _leading(edge, path)))
    return tuple(found), tuple(unseen)
