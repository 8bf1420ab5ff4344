"""Who may read and write what Polaris keeps in files.  Pure; made by `gather.files`.

Only owner, group and mode are looked at.  An access control list can widen what
they say; getfacl(1) shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor.accounts import Account
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, skipped, unknown, warning
from polarisctl.doctor.limits import SERVICE_USER
from polarisd.api.reading import Reading, Unknown

READ, WRITE, SEARCH = 4, 2, 1


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory: permission bits of `mode` alone."""

    path: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Coldkey:
    """A coldkey found, with the directories that lead to it, outermost first."""

    file: Entry
    leading: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Files:
    """Each is None where there is no such thing; `unseen` are homes that we may not enter."""

    config: Reading[Entry | None]
    config_leading: tuple[Entry, ...]
    credentials: Reading[Entry | None]
    credential_files: Reading[tuple[Entry, ...]]
    state: Reading[Entry | None]
    coldkeys: tuple[Coldkey, ...]
    unseen: tuple[str, ...]


def may(account: Account, entry: Entry, want: int) -> bool:
    """Whether owner, group and mode let `account` do `want` (READ, WRITE, SEARCH)."""
    if account.uid == 0:
        return True
    if account.uid == entry.uid:
        return entry.mode >> 6 & want == want
    if entry.gid in account.groups:
        return entry.mode >> 3 & want == want
    return entry.mode & want == want


def may_reach(account: Account, leading: tuple[Entry, ...]) -> bool:
    return all(may(account, directory, SEARCH) for directory in leading)


def config_file(files: Files, service: Account | None) -> Finding:
    needed = f"readable by user {SERVICE_USER}, writable by root alone"
    entry = files.config
    if isinstance(entry, Unknown):
        return cannot_tell("the configuration", entry, needed)
    if entry is None:
        return skipped("there is no configuration file")
    found = f"{entry.path} is {_mode(entry)}"
    open_ones = [
        e for e in (entry, *files.config_leading) if e.mode & 0o002 and not e.mode & 0o1000
    ]
    if open_ones:
        paths = [e.path for e in open_ones]
        return failure(
            f"anybody may write to {', '.join(paths)}",
            needed,
            "Take that away:",
            *(f"sudo chmod o-w {path}" for path in paths),
        )
    if service is None:
        return unknown(f"{found}; there is no user {SERVICE_USER} to judge it for", needed)
    if not may_reach(service, files.config_leading) or not may(service, entry, READ):
        return failure(
            f"{found}: user {SERVICE_USER} cannot read it",
            needed,
            "Let it:",
            f"sudo chgrp {SERVICE_USER} {entry.path}",
            f"sudo chmod 640 {entry.path}",
        )
    if entry.uid != 0 or may(service, entry, WRITE):
        return warning(
            f"{found}, owned by uid {entry.uid}",
            needed,
            "Give it to root:",
            f"sudo chown root:{SERVICE_USER} {entry.path}",
            f"sudo chmod 640 {entry.path}",
        )
    return ok(found)


def credentials(files: Files) -> Finding:
    needed = "directory 0700 and files 0600, all of root's"
    directory = files.credentials
    if isinstance(directory, Unknown):
        return cannot_tell("/etc/polaris/credentials", directory, needed)
    if directory is None:
        return skipped("there are no credentials: this machine is not registered")
    if directory.uid != 0 or directory.mode & 0o077:
        return failure(
            f"{directory.path} is {_mode(directory)}, owned by uid {directory.uid}",
            needed,
            "Close it:",
            f"sudo chown root:root {directory.path}",
            f"sudo chmod 700 {directory.path}",
        )
    if isinstance(files.credential_files, Unknown):
        return cannot_tell(directory.path, files.credential_files, needed)
    loose = [entry for entry in files.credential_files if entry.uid != 0 or entry.mode & 0o077]
    if loose:
        return failure(
            ", ".join(
                f"{entry.path} is {_mode(entry)}, owned by uid {entry.uid}" for entry in loose
            ),
            needed,
            "Close them (and count what they hold as read by others):",
            f"sudo chown -R root:root {directory.path}",
            f"sudo chmod -R go= {directory.path}",
        )
    return ok(f"{directory.path} is {_mode(directory)}, {len(files.credential_files)} files closed")


def state(files: Files, service: Account | None) -> Finding:
    needed = f"owned by {SERVICE_USER}, closed to others"
    entry = files.state
    if isinstance(entry, Unknown):
        return cannot_tell("the state directory", entry, needed)
    if entry is None:
        return skipped("not there yet: polarisd's first start makes it")
    found = f"{entry.path} is {_mode(entry)}"
    if entry.mode & 0o022:
        return failure(
            f"{found}: others may write to it", needed, "Close it:", f"sudo chmod 700 {entry.path}"
        )
    if service is None:
        return unknown(f"{found}; there is no user {SERVICE_USER} to judge it for", needed)
    if entry.uid != service.uid:
        return failure(
            f"{found}, owned by uid {entry.uid}",
            needed,
            "Give it back:",
            f"sudo chown -R {SERVICE_USER}:{SERVICE_USER} {entry.path}",
        )
    if entry.mode & 0o004:
        return warning(
            f"{found}: anybody may read it", needed, "Close it:", f"sudo chmod o= {entry.path}"
        )
    return ok(found)


def coldkey(files: Files, service: Account | None) -> Finding:
    """The key that holds the money does not belong on a machine that strangers rent."""
    needed = "no coldkey on this machine"
    paths = [key.file.path for key in files.coldkeys]
    # No command here removes a key: whoever pastes it without a copy has lost the money.
    advice = (
        "Copy it to a machine of your own, make sure that the copy opens there, then remove it"
        " here. Until then close it to others:"
    )
    commands = tuple(f"sudo chmod go= {path}" for path in paths)
    exposed = [
        key.file.path
        for key in files.coldkeys
        if service and may_reach(service, key.leading) and may(service, key.file, READ)
    ]
    if exposed:
        return failure(
            f"user {SERVICE_USER} can read {', '.join(exposed)}", needed, advice, *commands
        )
    if paths:
        return warning(", ".join(paths), needed, advice, *commands)
    if files.unseen:
        return unknown(
            f"none seen, but {', '.join(files.unseen)} cannot be looked into",
            needed,
            "Run with sudo to find out:",
            "sudo polarisctl doctor --only coldkey",
        )
    return ok("none")


def _mode(entry: Entry) -> str:
    return f"{entry.mode:04o}"
