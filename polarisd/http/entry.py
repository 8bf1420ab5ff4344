"""The order in which a request is looked at, cheapest first.  Pure, but for whom it remembers.

    address's budget, or strangers' → shape → route → size → who, for whom, when   before the body
    signature → access → never taken before → hotkey's budget        after it

What strangers can fill up is kept apart from what known hotkeys use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from polarisd.http import auth
from polarisd.http.auth import Caller, Claim
from polarisd.http.limits import Buckets, Limits, Trusted, network_key
from polarisd.http.nonces import Nonces
from polarisd.http.refusals import Refusal, refuse
from polarisd.http.routes import ANYONE, Route

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A request before its body.  `target` is as it was sent."""

    method: str
    target: str
    http_version: str
    headers: Headers


class Ledger:
    """What is remembered of hotkeys: nonces and budgets."""

    def __init__(self, limits: Limits, now_ns: int) -> None:
        self.nonces = Nonces(
            started_ns=now_ns,
            most_signers=limits.most_hotkeys,
            most_of_signer=limits.most_nonces_of_hotkey,
        )
        self.buckets = Buckets(
            rate_per_s=limits.hotkey_rate_per_s,
            burst=limits.hotkey_burst,
            most=limits.most_hotkeys,
        )


class Entry:
    """`hotkey` is the address that requests must be for.  `is_known` says which hotkeys
    are not to be crowded out by strangers, where both may ask."""

    def __init__(
        self,
        *,
        hotkey: str,
        routes: Iterable[Route],
        limits: Limits,
        now_ns: int,
        is_known: Callable[[str], bool],
    ) -> None:
        self._hotkey = hotkey
        self._limits = limits
        self._is_known = is_known
        self._routes = {(route.method, route.path): route for route in routes}
        self._methods: dict[str, list[str]] = {}
        for method, path in self._routes:
            self._methods.setdefault(path, []).append(method)
        self.addresses = Buckets(
            rate_per_s=limits.address_rate_per_s,
            burst=limits.address_burst,
            most=limits.most_addresses,
        )
        self._networks = Buckets(
            rate_per_s=limits.network_rate_per_s,
            burst=limits.network_burst,
            most=limits.most_addresses,
        )
        self._crowd = Buckets(
            rate_per_s=limits.strangers_rate_per_s, burst=limits.strangers_burst, most=1
        )
        self._trusted = Trusted(limits.most_trusted)
        self._strangers = Ledger(limits, now_ns)
        self._known = Ledger(limits, now_ns)

    def admits(self, address_key: str, now_s: float) -> Refusal | None:
        """For each connection, and each request on it."""
        wait_s = self.addresses.take(address_key, now_s)
        if wait_s:
            return _slow_down("of this address", wait_s)
        if self._trusted.has(address_key, now_s):
            return None
        # One who has many addresses is held to these, and cannot crowd out who is known.
        network = network_key(address_key)
        wait_s = self._networks.take(network, now_s) if network else 0.0
        wait_s = wait_s or self._crowd.take("", now_s)
        return _slow_down("of strangers", wait_s) if wait_s else None

    def route(self, head: Head) -> Route | Refusal:
        names = [name for name, _ in head.headers]
        if head.http_version not in ("1.0", "1.1"):
            return refuse("malformed", "only HTTP/1.1 is spoken here")
        if b"content-length" in names and b"transfer-encoding" in names:
            return refuse("malformed", "the length of the body is said in two ways")
        if b"transfer-encoding" in names:
            return refuse("length_required", "the body is in chunks, and its length not said")
        if len(head.target) > self._limits.target_bytes:
            return refuse("malformed", f"its target is over {self._limits.target_bytes} bytes")
        path = head.target.partition("?")[0]
        route = self._routes.get((head.method, path))
        if route is not None:
            return route
        if path in self._methods:
            return refuse("wrong_method", f"{path} takes {', '.join(self._methods[path])} only")
        return refuse("not_found", "nothing is served at this path")

    def turns_away(
        self, route: Route, headers: Headers, claim: Claim | Refusal, now_ns: int
    ) -> Refusal | None:
        """What is wrong before the body has been read, if anything is."""
        for name, value in headers:
            # h11 has seen to it that it is a number, and there once
            if name == b"content-length" and (len(value) > 15 or int(value) > route.most_bytes):
                return too_large(route)
        if route.access is ANYONE:
            return None
        if isinstance(claim, Refusal):
            return claim
        return auth.misdirected(claim, receiver=self._hotkey, now_ns=now_ns)

    def caller(
        self,
        route: Route,
        head: Head,
        body: bytes,
        claim: Claim,
        *,
        address_key: str,
        now_ns: int,
        now_s: float,
    ) -> Caller | Refusal:
        """Who asks, once the body is there.  From here on the request cannot be replayed."""
        # Once more, for the body may have taken its time, and then could be sent again
        # after its nonce was let go.
        refusal = auth.misdirected(claim, receiver=self._hotkey, now_ns=now_ns)
        if refusal is not None:
            return refusal
        caller = auth.check(claim, method=head.method, target=head.target, body=body)
        if isinstance(caller, Refusal):
            return caller
        access = route.access
        if callable(access) and not access(caller.hotkey):
            return refuse(
                "not_allowed", f"this hotkey may not use {route.method} {route.path} here"
            )
        is_known = callable(access) or self._is_known(caller.hotkey)
        refusal = self._spend(caller, is_known, now_ns, now_s)
        if refusal is None and is_known:
            self._trusted.note(address_key, now_s)
        return refusal or caller

    def _spend(self, caller: Caller, is_known: bool, now_ns: int, now_s: float) -> Refusal | None:
        """Its nonce, for ever, and a token of its hotkey."""
        ledger, other = self._strangers, self._known
        if is_known:
            ledger, other = other, ledger
        if other.nonces.has_taken(caller, now_ns):
            return refuse("replayed", "this request was already taken")
        refusal = ledger.nonces.take(caller, now_ns)
        if refusal is not None:
            return refusal
        wait_s = ledger.buckets.take(caller.hotkey, now_s)
        return _slow_down("of this hotkey", wait_s) if wait_s else None


def too_large(route: Route) -> Refusal:
    return refuse(
        "too_large", f"{route.method} {route.path} takes at most {route.most_bytes} bytes"
    )


def _slow_down(whose: str, wait_s: float) -> Refusal:
    wait_s = max(0.1, round(wait_s, 1))
    return refuse("rate_limited", f"too many requests {whose}", retry_after_s=wait_s)
