"""Read /etc/passwd and /etc/group for `polarisctl.doctor.accounts`."""

from __future__ import annotations

from polarisctl.doctor.accounts import Account, Accounts, Group, parse_groups, parse_users
from polarisctl.doctor.edge import Edge
from polarisd.api.reading import READ_ERROR, Reading, Unknown


def gather_accounts(edge: Edge) -> Accounts:
    groups = _groups(edge)
    return Accounts(
        users=_users(edge, groups),
        groups=groups,
        asking_user=edge.user,
        asking_uid=edge.uid,
        asking_groups=edge.groups,
    )


def _groups(edge: Edge) -> Reading[tuple[Group, ...]]:
    text = edge.read_text("/etc/group")
    if text is None:
        return Unknown(READ_ERROR, "there is no /etc/group")
    return text if isinstance(text, Unknown) else parse_groups(text)


def _users(edge: Edge, groups: Reading[tuple[Group, ...]]) -> Reading[tuple[Account, ...]]:
    text = edge.read_text("/etc/passwd")
    if text is None:
        return Unknown(READ_ERROR, "there is no /etc/passwd")
    if isinstance(text, Unknown):
        return text
    return parse_users(text, () if isinstance(groups, Unknown) else groups)
