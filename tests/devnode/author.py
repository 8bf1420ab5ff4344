"""Makes a block: the start of the block, the timestamp, then what the pool has ready."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.devnode.blocks import Block, Blocks
from tests.devnode.codec import Codec
from tests.devnode.epochs import begin_block
from tests.devnode.fees import fee_rao, payer
from tests.devnode.ledger import Ledger, Refused
from tests.devnode.pallets.table import arguments, dispatch, dispatch_error
from tests.devnode.pool import Pool, check_current
from tests.devnode.scale import blake2, decoded_bytes
from tests.devnode.shield import Shield
from tests.devnode.state import State
from tests.devnode.validity import Invalid, Transaction, read

WEIGHT = {"ref_time": 1_000_000_000, "proof_size": 5_000}
CARRIER = "MevShield.submit_encrypted"


class Author:
    """Slots only ever rise, so that blocks of another fork have other hashes.  `can_open` says
    whether the next shielded transaction can be opened."""

    def __init__(
        self, blocks: Blocks, pool: Pool, shield: Shield, can_open: Callable[[], bool]
    ) -> None:
        self._can_open = can_open
        self._blocks = blocks
        self._pool = pool
        self._shield = shield
        self._slot = max(block.slot for block in blocks.canonical())

    def make(self, now_ms: int, upgrade: Codec | None = None) -> Block:
        """Not in the chain yet.  With an upgrade, the blocks after it have the new runtime."""
        parent = self._blocks.best
        state = State(self._blocks.codec_of(parent), dict(self._blocks.state_of(parent).values))
        draft = Draft(Ledger(state, parent.number + 1))
        draft.begin(max(now_ms, state.get("Timestamp", "Now") + 1))
        while (transaction := self._pool.ready(draft.ledger)) is not None:
            self._pool.remove(transaction)
            draft.include(transaction)
            if transaction.method == CARRIER and self._can_open():
                self._include_shielded(draft, transaction)
        if upgrade is not None:
            draft.note([("System", "CodeUpdated", {})], "Finalization")
        draft.close()
        self._slot += 1
        before = self._blocks.state_of(parent).values
        changed = [key + value for key, value in state.values.items() if before.get(key) != value]
        return Block(
            number=draft.ledger.block,
            parent=parent.hash,
            state_root=blake2(parent.state_root + b"".join(changed)),
            extrinsics=draft.extrinsics,
            slot=self._slot,
            spec_version=(upgrade or state.codec).spec_version,
            values=state.values,
            results=draft.results,
        )

    def _include_shielded(self, draft: Draft, carrier: Transaction) -> None:
        """What was inside, right behind it; or nothing, if that cannot be."""
        raw = self._shield.open(decoded_bytes(arguments(carrier.call)["ciphertext"]))
        if raw is None:
            return
        try:
            inner = read(raw, draft.ledger.state.codec, draft.ledger.block)
            check_current(inner, draft.ledger, self._blocks)
        except Invalid:
            return
        if inner.nonce == draft.ledger.nonce(inner.signer):
            draft.include(inner)


class Draft:
    """A block in the making."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.extrinsics: list[bytes] = []
        self.results: list[dict[str, Any]] = []
        self._records: list[dict[str, Any]] = []

    def begin(self, now_ms: int) -> None:
        state = self.ledger.state
        state.put("System", "Number", value=self.ledger.block)
        begin_block(self.ledger, self._netuids())
        self.note(self.ledger.events, "Initialization")
        state.put("Timestamp", "Now", value=now_ms)
        self.extrinsics.append(
            state.codec.bare_extrinsic(state.codec.call("Timestamp", "set", {"now": now_ms}))
        )
        info = {"weight": WEIGHT, "class": "Mandatory", "pays_fee": "Yes"}
        self.note([("System", "ExtrinsicSuccess", {"dispatch_info": info})], {"ApplyExtrinsic": 0})

    def include(self, transaction: Transaction) -> None:
        """Take the fee, count the nonce, and do it; what fails has no effect but these."""
        ledger, signer = self.ledger, transaction.signer
        index = len(self.extrinsics)
        ledger.events = []
        pays = payer(ledger, signer, transaction.call)
        fee = fee_rao(len(transaction.raw))
        ledger.withdraw(pays, fee + transaction.tip)
        ledger.set_account(signer, nonce=transaction.nonce + 1)
        error = self._dispatch(transaction)
        info = {"weight": WEIGHT, "class": "Normal", "pays_fee": "Yes"}
        paid = {"who": pays, "actual_fee": fee, "tip": transaction.tip}
        ledger.emit("TransactionPayment", "TransactionFeePaid", paid)
        if error is None:
            ledger.emit("System", "ExtrinsicSuccess", {"dispatch_info": info})
        else:
            ledger.emit(
                "System",
                "ExtrinsicFailed",
                {"dispatch_error": dispatch_error(ledger, error), "dispatch_info": info},
            )
        self.note(ledger.events, {"ApplyExtrinsic": index})
        self.extrinsics.append(transaction.raw)
        self.results.append(
            {
                "block": ledger.block,
                "index": index,
                "hash": transaction.hash,
                "signer": signer,
                "method": transaction.method,
                "args": arguments(transaction.call),
                "ok": error is None,
                "error": str(error or ""),
                "fee_rao": fee,
                "paid_by": pays,
                "nonce": transaction.nonce,
            }
        )

    def _dispatch(self, transaction: Transaction) -> Refused | None:
        ledger = self.ledger
        kept, said = dict(ledger.state.values), len(ledger.events)
        try:
            dispatch(ledger, transaction.signer, transaction.call)
        except Refused as refused:
            ledger.state.values = kept
            del ledger.events[said:]
            return refused
        return None

    def note(self, events: Iterable[tuple[str, str, Any]], phase: Any) -> None:
        self._records += [
            {"phase": phase, "event": {pallet: {name: attributes}}, "topics": []}
            for pallet, name, attributes in events
        ]

    def close(self) -> None:
        self.ledger.state.put("System", "Events", value=self._records)

    def _netuids(self) -> list[int]:
        """All but root, which has no epochs here."""
        state = self.ledger.state
        prefix = state.codec.key("SubtensorModule", "NetworksAdded", ())
        # the hasher is the identity: the last two bytes are the netuid
        found = [int.from_bytes(key[-2:], "little") for key in state.keys_under(prefix)]
        return sorted(netuid for netuid in found if netuid)
