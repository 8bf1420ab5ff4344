"""User polaris, and whether whoever asks may speak with the daemon.  Pure.

Made by `gather.accounts` from /etc/passwd and /etc/group; accounts that come
from a directory service are not seen there.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, warning
from polarisctl.doctor.limits import SERVICE_USER
from polarisd.api.reading import Reading, Unknown


@dataclass(frozen=True, slots=True)
class Account:
    """A user of /etc/passwd with every group that it is in."""

    name: str
    uid: int
    groups: frozenset[int]
    home: str


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    gid: int
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Accounts:
    """`asking_*` are of the process that asks: its groups are those of its login."""

    users: Reading[tuple[Account, ...]]
    groups: Reading[tuple[Group, ...]]
    asking_user: str
    asking_uid: int
    asking_groups: frozenset[int]

    def service(self) -> Account | None:
        """User polaris, None where it is not known to exist."""
        users = () if isinstance(self.users, Unknown) else self.users
        return next((user for user in users if user.name == SERVICE_USER), None)


def parse_groups(text: str) -> tuple[Group, ...]:
    """Lines of group(5); malformed ones are passed over."""
    found = []
    for line in text.splitlines():
        match line.split(":"):
            case [name, _, gid, members] if _is_id(gid):
                found.append(Group(name, int(gid), frozenset(filter(None, members.split(",")))))
    return tuple(found)


def parse_users(text: str, groups: tuple[Group, ...]) -> tuple[Account, ...]:
    """Lines of passwd(5), each with the groups that list it; malformed ones are passed over."""
    found = []
    for line in text.splitlines():
        match line.split(":"):
            case [name, _, uid, gid, _, home, _] if _is_id(uid) and _is_id(gid):
                listed = {group.gid for group in groups if name in group.members}
                found.append(Account(name, int(uid), frozenset((int(gid), *listed)), home))
    return tuple(found)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10


def service_user(accounts: Accounts) -> Finding:
    needed = f"user {SERVICE_USER}"
    if isinstance(accounts.users, Unknown):
        return cannot_tell("/etc/passwd", accounts.users, needed)
    service = accounts.service()
    if service is not None:
        return ok(f"uid {service.uid}")
    return failure(
        "no such user",
        needed,
        "The package makes it; install it again:",
        "sudo apt-get install --reinstall polaris",
    )


def membership(accounts: Accounts) -> Finding:
    """Root, or in group polaris now, or at the next login."""
    needed = f"root, or a member of group {SERVICE_USER}"
    if accounts.asking_uid == 0:
        return ok("root")
    if isinstance(accounts.groups, Unknown):
        return cannot_tell("/etc/group", accounts.groups, needed)
    group = next((group for group in accounts.groups if group.name == SERVICE_USER), None)
    user = accounts.asking_user
    if group is None:
        return failure(
            f"there is no group {SERVICE_USER}",
            needed,
            "The package makes it; install it again:",
            "sudo apt-get install --reinstall polaris",
        )
    if group.gid in accounts.asking_groups:
        return ok(f"{user} is in group {SERVICE_USER}")
    if user in group.members:
        return warning(
            f"{user} is in group {SERVICE_USER}, but not in this login",
            needed,
            "Log out and in again, or for this shell:",
            f"newgrp {SERVICE_USER}",
        )
    return warning(
        f"{user} is not in group {SERVICE_USER}",
        needed,
        "Use sudo; or join the group, then log out and in again:",
        f"sudo usermod -aG {SERVICE_USER} {user}",
    )
