"""What a call sees when it is carried out: state, block number, accounts, events, refusals."""

from __future__ import annotations

from typing import Any

from tests.devnode.keys import NOBODY, ROOT
from tests.devnode.state import State

SUBTENSOR = "SubtensorModule"
EXISTENTIAL_DEPOSIT_RAO = 500
# of an account that uses the new logic of the balances pallet, which all do
NEW_LOGIC = 1 << 127


class Refused(Exception):
    """A dispatch error: by the pallet's name for it, or `BadOrigin`."""

    def __init__(self, pallet: str, name: str) -> None:
        super().__init__(f"{pallet}.{name}")
        self.pallet = pallet
        self.name = name


class Ledger:
    """`block` is the number of the block that is being made."""

    def __init__(self, state: State, block: int) -> None:
        self.state = state
        self.block = block
        self.events: list[tuple[str, str, Any]] = []

    def emit(self, pallet: str, name: str, attributes: Any) -> None:
        self.events.append((pallet, name, attributes))

    def require(self, condition: object, name: str, pallet: str = SUBTENSOR) -> None:
        if not condition:
            raise Refused(pallet, name)

    # the pallet that most is about

    def get(self, item: str, *keys: Any) -> Any:
        return self.state.get(SUBTENSOR, item, *keys)

    def put(self, item: str, *keys: Any, value: Any) -> None:
        self.state.put(SUBTENSOR, item, *keys, value=value)

    def exists(self, netuid: int) -> bool:
        return bool(self.get("NetworksAdded", netuid))

    def uid(self, netuid: int, hotkey: str) -> int | None:
        found: int | None = None if hotkey == ROOT else self.get("Uids", netuid, hotkey)
        return found

    def owner(self, hotkey: str) -> str | None:
        """The coldkey of a hotkey that has one."""
        coldkey: str = self.get("Owner", hotkey)
        return None if coldkey == NOBODY else coldkey

    def stake(self, netuid: int, hotkey: str) -> int:
        rao: int = self.get("TotalHotkeyAlpha", hotkey, netuid)
        return rao

    # accounts

    def free(self, who: str) -> int:
        rao: int = self.state.get("System", "Account", who)["data"]["free"]
        return rao

    def nonce(self, who: str) -> int:
        number: int = self.state.get("System", "Account", who)["nonce"]
        return number

    def set_account(self, who: str, *, free: int | None = None, nonce: int | None = None) -> None:
        account = self.state.get("System", "Account", who)
        data = account["data"]
        self.state.put(
            "System",
            "Account",
            who,
            value={
                "nonce": account["nonce"] if nonce is None else nonce,
                "consumers": 0,
                "providers": 1,
                "sufficients": 0,
                "data": {
                    "free": data["free"] if free is None else free,
                    "reserved": data["reserved"],
                    "frozen": data["frozen"],
                    "flags": NEW_LOGIC,
                },
            },
        )

    def spendable(self, who: str) -> int:
        """What can leave the account without ending it."""
        return max(0, self.free(who) - EXISTENTIAL_DEPOSIT_RAO)

    def withdraw(self, who: str, rao: int) -> None:
        self.set_account(who, free=self.free(who) - rao)
        if rao:
            self.emit("Balances", "Withdraw", {"who": who, "amount": rao})

    def deposit(self, who: str, rao: int) -> None:
        self.set_account(who, free=self.free(who) + rao)
