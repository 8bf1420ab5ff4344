"""Look up the names of the chain's nodes, for `polarisctl.doctor.membership`.

With getent(1), as the system itself does, for a program can be given a deadline.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from polarisctl.doctor.config import Settings
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.membership import Nodes
from polarisd.api.reading import READ_ERROR, Reading, Unknown
from polarisd.chain.networks import NETWORKS

MOST_NODES = 8
NOT_FOUND = 2  # getent(1)


def gather_nodes(edge: Edge, settings: Settings) -> Nodes:
    if settings.mode != "bittensor":
        return Nodes({})
    hosts = [host for url in _urls(settings) if (host := _name_in(url))]
    return Nodes({host: _look_up(edge, host) for host in dict.fromkeys(hosts[:MOST_NODES])})


def _urls(settings: Settings) -> list[str]:
    network = settings.text("chain", "network")
    first = NETWORKS[network].endpoint if network in NETWORKS else network
    more = settings.values.get("chain", {}).get("fallback_endpoints")
    return [first, *(str(url) for url in (more if isinstance(more, list) else ()))]


def _name_in(url: str) -> str:
    """Empty where there is no name to look up."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    try:
        ip_address(host)
    except ValueError:
        return host
    return ""


def _look_up(edge: Edge, host: str) -> Reading[bool | None]:
    ran = edge.run("getent", "ahosts", "--", host)
    if ran is None or isinstance(ran, Unknown):
        return ran
    if ran.status in (0, NOT_FOUND):
        return ran.status == 0
    return Unknown(READ_ERROR, f"getent ended with {ran.status}")
