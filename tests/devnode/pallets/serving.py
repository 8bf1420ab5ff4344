"""Axons and Prometheus endpoints.

The checks run twice, as in the runtime: when the pool looks at the transaction, which is where
nearly all of it is refused, and when it is dispatched.
"""

from __future__ import annotations

from typing import Any

from tests.devnode.ledger import SUBTENSOR, Ledger
from tests.devnode.scale import decoded_bytes

FIELDS = ("version", "ip", "port", "ip_type", "protocol", "placeholder1", "placeholder2")
PROMETHEUS_FIELDS = ("version", "ip", "port", "ip_type")
MOST_CERTIFICATE_BYTES = 65
LOOPBACK_4, LOOPBACK_6 = 0x7F000001, 1


def check_axon(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    ledger.require(ledger.uid(args["netuid"], who) is not None, "HotKeyNotRegisteredInNetwork")
    _check_address(ledger, args, zero_allowed=True)
    _check_rate(ledger, "Axons", who, args)
    ledger.require(args["port"], "InvalidPort")


def check_prometheus(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    _check_address(ledger, args, zero_allowed=False)
    ledger.require(ledger.uid(args["netuid"], who) is not None, "HotKeyNotRegisteredInNetwork")
    _check_rate(ledger, "Prometheus", who, args)
    ledger.require(args["port"], "InvalidPort")


def serve_axon(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    ledger.require(ledger.exists(args["netuid"]), "SubnetNotExists")
    check_axon(ledger, who, args)
    axon = {name: args[name] for name in FIELDS}
    ledger.put("Axons", args["netuid"], who, value={**axon, "block": ledger.block})
    ledger.emit(SUBTENSOR, "AxonServed", [args["netuid"], who])


def serve_axon_tls(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    """A certificate that does not fit is left out, without an error."""
    serve_axon(ledger, who, args)
    certificate = decoded_bytes(args["certificate"])
    if 0 < len(certificate) <= MOST_CERTIFICATE_BYTES:
        value = {"algorithm": certificate[0], "public_key": list(certificate[1:])}
        ledger.put("NeuronCertificates", args["netuid"], who, value=value)


def serve_prometheus(ledger: Ledger, who: str, args: dict[str, Any]) -> None:
    ledger.require(ledger.exists(args["netuid"]), "SubnetNotExists")
    check_prometheus(ledger, who, args)
    endpoint = {name: args[name] for name in PROMETHEUS_FIELDS}
    ledger.put("Prometheus", args["netuid"], who, value={**endpoint, "block": ledger.block})
    ledger.emit(SUBTENSOR, "PrometheusServed", [args["netuid"], who])


def _check_address(ledger: Ledger, args: dict[str, Any], *, zero_allowed: bool) -> None:
    """Private addresses are not refused."""
    ip, ip_type = args["ip"], args["ip_type"]
    ledger.require(ip_type in (4, 6), "InvalidIpType")
    ledger.require(zero_allowed or ip, "InvalidIpAddress")
    if ip_type == 4:
        ledger.require(ip < 2**32 - 1 and ip != LOOPBACK_4, "InvalidIpAddress")
    else:
        ledger.require(ip != 2**128 - 1 and ip != LOOPBACK_6, "InvalidIpAddress")


def _check_rate(ledger: Ledger, item: str, who: str, args: dict[str, Any]) -> None:
    before = ledger.get(item, args["netuid"], who)
    limit = ledger.get("ServingRateLimit", args["netuid"])
    if before and before["block"]:
        ledger.require(ledger.block - before["block"] >= limit, "ServingRateLimitExceeded")
