"""`DevNode`: the chain as tests have it.  README.md has the whole of it.

Blocking, for every call takes a few ms.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from tests.devnode.keys import address
from tests.devnode.process import Process

RAO_PER_TAO = 10**9


@dataclass(frozen=True)
class Extrinsic:
    """One that landed.  `method` is `Pallet.function`; `fee_rao` was paid by `paid_by`."""

    block: int
    index: int
    hash: str
    signer: str
    method: str
    args: dict[str, Any]
    ok: bool
    error: str
    fee_rao: int
    paid_by: str
    nonce: int


@dataclass(frozen=True)
class Submission:
    """An attempt to submit, at block `block`.  `refused` is the RPC error, if it was refused;
    `landed_in` the block that it is in, if it is in the best chain."""

    block: int
    hash: str
    signer: str
    method: str
    nonce: int
    refused: dict[str, Any] | None
    landed_in: int | None


class DevNode(Process):
    """Takes the arguments of Options; starts and stops as a context manager."""

    # blocks -----------------------------------------------------------------------------------

    def mine(self, n: int = 1) -> int:
        number: int = self.call("mine", n=n)
        return number

    def number(self) -> int:
        number: int = self.state()["number"]
        return number

    def finalized(self) -> int:
        number: int = self.state()["finalized"]
        return number

    def wait_block(self, number: int, timeout_s: float = 10.0) -> None:
        deadline = time.monotonic() + timeout_s
        while self.number() < number:
            if time.monotonic() > deadline:
                raise TimeoutError(f"block {number} has not come in {timeout_s} s")
            time.sleep(0.01)

    def reorg(self, depth: int, transactions: str = "pool", longer_by: int = 1) -> int:
        """Blocks that are final cannot be orphaned, so this needs a `finality_lag`."""
        number: int = self.call(
            "reorg", depth=depth, transactions=transactions, longer_by=longer_by
        )
        return number

    def upgrade(self, spec_version: int | None = None, epoch_consensus: bool = True) -> int:
        """Comes with the next block; returns the spec version."""
        version: int = self.call(
            "upgrade", spec_version=spec_version, epoch_consensus=epoch_consensus
        )
        return version

    def pause(self) -> None:
        """The chain stands still, the node answers."""
        self.call("pace", running=False)

    def resume(self) -> None:
        self.call("pace", running=True)

    def set_time_offset(self, seconds: float) -> None:
        self.call("time_offset", seconds=seconds)

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.call("state")
        return state

    # what is on the chain ---------------------------------------------------------------------

    def address(self, who: str) -> str:
        return address(who)

    def get(self, pallet: str, item: str, *keys: Any) -> Any:
        return self.call("get", pallet=pallet, item=item, keys=list(keys))

    def set(self, pallet: str, item: str, keys: list[Any], value: Any) -> None:
        self.call("set", pallet=pallet, item=item, keys=keys, value=value)

    def fund(self, who: str, tao: float) -> None:
        self.call("fund", who=who, rao=round(tao * RAO_PER_TAO))

    def balance(self, who: str) -> int:
        rao: int = self.call("balance", who=who)
        return rao

    def register(
        self,
        netuid: int,
        hotkey: str,
        coldkey: str = "//Alice",
        *,
        stake_tao: float = 0,
        permit: bool | None = None,
    ) -> int:
        uid: int = self.call(
            "register",
            netuid=netuid,
            hotkey=hotkey,
            coldkey=coldkey,
            stake_rao=round(stake_tao * RAO_PER_TAO),
            permit=permit,
        )
        return uid

    def deregister(self, netuid: int, hotkey: str) -> None:
        self.call("deregister", netuid=netuid, hotkey=hotkey)

    def serve(self, netuid: int, hotkey: str, endpoint: str) -> None:
        host, _, port = endpoint.rpartition(":")
        ip = ip_address(host.strip("[]"))
        self.call(
            "serve", netuid=netuid, hotkey=hotkey, ip=int(ip), ip_type=ip.version, port=int(port)
        )

    def hyper(self, netuid: int, **wanted: Any) -> dict[str, Any]:
        """Changes those that are named; returns all."""
        values: dict[str, Any] = self.call("hyper", netuid=netuid, wanted=wanted)
        return values

    def name(self, netuid: int, name: str) -> None:
        """What the subnet calls itself on the chain."""
        self.call("name", netuid=netuid, name=name)

    def submit(self, signer: str, pallet: str, function: str, **args: Any) -> str:
        hash_: str = self.call("submit", signer=signer, pallet=pallet, function=function, args=args)
        return hash_

    # what has happened ------------------------------------------------------------------------

    def extrinsics(self, method: str | None = None) -> list[Extrinsic]:
        found = [Extrinsic(**entry) for entry in self.call("extrinsics")]
        return [entry for entry in found if method in (None, entry.method)]

    def submissions(self, method: str | None = None) -> list[Submission]:
        found = [Submission(**entry) for entry in self.call("submissions")]
        return [entry for entry in found if method in (None, entry.method)]

    def calls(self) -> Mapping[str, int]:
        counted: dict[str, int] = self.state()["calls"]
        return counted

    def clear_calls(self) -> None:
        self.call("clear_calls")

    def pool(self) -> list[str]:
        hashes: list[str] = self.state()["pool"]
        return hashes

    # faults -----------------------------------------------------------------------------------

    def fault(
        self,
        name: str,
        *,
        count: int | None = None,
        blocks: int | None = None,
        seconds: float | None = None,
        **options: Any,
    ) -> int:
        id_: int = self.call(
            "fault", name=name, count=count, blocks=blocks, seconds=seconds, **options
        )
        return id_

    def clear_faults(self, id_: int | None = None) -> None:
        self.call("clear_faults", id=id_)

    def drop(self, code: int | None = None) -> None:
        self.call("drop", code=code)
