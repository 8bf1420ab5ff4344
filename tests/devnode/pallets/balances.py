"""Transfers.  Errors are those of the fungible traits: `Token`, not `Module`."""

from __future__ import annotations

from typing import Any

from tests.devnode.keys import ROOT
from tests.devnode.ledger import EXISTENTIAL_DEPOSIT_RAO, Ledger


def transfer_keep_alive(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    ledger.require(ledger.free(who) >= args["value"], "FundsUnavailable", "Token")
    ledger.require(ledger.spendable(who) >= args["value"], "NotExpendable", "Token")
    _move(ledger, who, args["dest"], args["value"])


def transfer_allow_death(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    ledger.require(ledger.free(who) >= args["value"], "FundsUnavailable", "Token")
    left = ledger.free(who) - args["value"]
    # dust is lost with the account
    if left < EXISTENTIAL_DEPOSIT_RAO:
        ledger.set_account(who, free=args["value"])
    _move(ledger, who, args["dest"], args["value"])


def transfer_all(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    rao = ledger.spendable(who) if args["keep_alive"] else ledger.free(who)
    _move(ledger, who, args["dest"], rao)


def force_set_balance(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    ledger.require(who == ROOT, "BadOrigin", "")
    ledger.set_account(args["who"], free=args["new_free"])


def _move(ledger: Ledger, source: str, target: str, rao: int) -> None:
    ledger.require(ledger.free(target) + rao >= EXISTENTIAL_DEPOSIT_RAO, "BelowMinimum", "Token")
    ledger.set_account(source, free=ledger.free(source) - rao)
    ledger.deposit(target, rao)
    ledger.emit("Balances", "Transfer", {"from": source, "to": target, "amount": rao})
