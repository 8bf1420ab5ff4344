"""Rows of the subnet: this machine's key and membership, and the way to it from outside."""

from __future__ import annotations

from polarisctl.doctor import addresses, membership, reach
from polarisctl.doctor.check import Check
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, WARNING

SUBNET = "Subnet"

CHECKS: tuple[Check, ...] = (
    Check(
        "chain-settings",
        SUBNET,
        "Chain settings",
        "They say which chain and which subnet this machine belongs to.",
        (OK, WARNING, FAILURE, SKIPPED),
        lambda f: membership.chain_settings(f.settings.get()),
    ),
    Check(
        "hotkey",
        SUBNET,
        "Hotkey",
        "All that this machine says to others is signed with it.",
        (OK, WARNING, FAILURE, UNKNOWN, SKIPPED),
        lambda f: membership.hotkey(f.hotkey.get(), f.settings.get(), f.daemon.get()),
    ),
    Check(
        "node-names",
        SUBNET,
        "Names of nodes",
        "Without DNS no node of the chain can be found.",
        (OK, WARNING, FAILURE, UNKNOWN, SKIPPED),
        lambda f: membership.node_names(f.nodes.get()),
    ),
    Check(
        "public-address",
        SUBNET,
        "Public address",
        "Validators and renters come from the Internet.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: addresses.public_address(f.addresses.get(), f.settings.get(), f.daemon.get()),
    ),
    Check(
        "reachable",
        SUBNET,
        "From outside",
        "Whoever cannot reach this machine's ports cannot rent it.",
        (OK, FAILURE, SKIPPED),
        lambda f: reach.from_outside(f.daemon.get(), f.firewall.get(), f.settings.get()),
        role="miner",
    ),
)
