"""Where this machine stands: on the chain, in its network, and as validators see it.

Lines of `polarisctl status`, for a machine that has a hotkey.  A line on which a fault
bears names its code; the faults below have the remedies.
"""

from __future__ import annotations

from polarisctl import values
from polarisctl.render import readings, validators
from polarisctl.terminal import BAD, GOOD, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from polarisctl.render.page import Page, Span
    from polarisctl.render.readings import Reasons, Record

_NAMED_NETWORKS = ("finney", "test")
_BLOCK_S = 12  # of those two
_LATELY_S = 900.0
_FAMILIES = ("ipv4", "ipv6")
# Which faults bear on which line.
_OF_CHAIN = ("chain_refused", "chain_unreachable", "chain_stalled", "chain_unread",
             "subnet_renamed", "runtime_changed")  # fmt: skip
_OF_ENDPOINT = ("endpoint_not_published", "endpoint_differs", "endpoint_private", "owner_funds_low")
_OF_ADDRESS = ("public_address_unknown", "address_private", "address_cgnat",
               "address_configured_not_public")  # fmt: skip
_OF_OUTSIDE = ("ports_closed", "api_port_taken")
_OF_HEARTBEATS = ("heartbeats_not_sent", "no_validators", "validators_silent", "clock_off")
ON_LINES = (*_OF_CHAIN, "not_registered", *_OF_ENDPOINT, *_OF_ADDRESS, *_OF_OUTSIDE,
            *_OF_HEARTBEATS)  # fmt: skip
_SOURCES = {
    "configured": "as configured",
    "interface": "this machine's own",
    "validators": "as validators see it",
    "echo": "as echo services see it",
}


def add_place(
    page: Page, snapshot: Record, now: float, reasons: Reasons, verbose: bool = False
) -> None:
    if verbose:
        page.field("hotkey", readings.text(values.get(snapshot, "chain"), "hotkey"))
    if values.text(snapshot, "chain", "state") not in (None, "off"):
        page.field("chain", *_chain(snapshot, now))
        page.field("uid", *_uid(snapshot))
        if values.number(snapshot, "chain", "uid") is not None:
            page.field("earning", *_earning(snapshot, reasons))
        if verbose:
            page.field("owner", *_owner(values.get(snapshot, "chain")))
    page.field("endpoint", *_endpoint(snapshot))
    page.field("address", *_addresses(snapshot))
    if values.text(snapshot, "daemon", "role") == "miner":
        page.field("outside", *_outside(snapshot, now))
        page.field("heartbeat", *_heartbeat(snapshot, now))
    elif values.get(snapshot, "miners") is not None:
        page.field("miners", *_miners(values.get(snapshot, "miners"), now))
    validators.add_validators(page, values.maps(snapshot, "validators"), now)


def _chain(snapshot: Record, now: float) -> Iterator[Span]:
    chain = values.get(snapshot, "chain")
    yield readings.text(chain, "network")
    name = values.text(chain, "subnet_name")
    quoted = f' "{name}"' if name else ""
    yield f"netuid {readings.text(chain, 'netuid')}{quoted}"
    block = readings.measured(chain, "block", readings.count)
    at = values.number(chain, "block_at")
    yield f"block {block}" + ("" if at is None else f" ({values.age(now - at)} ago)")
    state, detail = readings.text(chain, "state"), values.text(chain, "detail")
    if state != "following":
        style = WARN if state == "starting" else BAD
        yield (f"{state}: {detail}" if detail else state), style
    yield from _marks(snapshot, *_OF_CHAIN)


def _uid(snapshot: Record) -> Iterator[Span]:
    chain = values.get(snapshot, "chain")
    uid = values.number(chain, "uid")
    if uid is None:
        why = values.why(chain, "uid")
        gone = why.startswith("not registered")
        yield ("none: not registered", BAD) if gone else f"{readings.NOT_KNOWN} ({why})"
    else:
        yield readings.count(uid)
        yield f"registered in block {readings.measured(chain, 'registered_block', readings.count)}"
        yield from _immunity(chain)
        if values.flag(chain, "validator_permit"):
            yield "validator permit"
        elif values.text(snapshot, "daemon", "role") == "validator":
            yield "no validator permit: no miner finds it before it has stake", WARN
    yield from _marks(snapshot, "not_registered")


def _immunity(chain: object) -> Iterator[Span]:
    until, block = (values.number(chain, key) for key in ("immune_until_block", "block"))
    if until is None or block is None:
        return
    left = until - block
    if left <= 0:
        yield "no longer immune"
        return
    named = values.text(chain, "network") in _NAMED_NETWORKS
    about = f" (about {values.age(left * _BLOCK_S)})" if named else ""
    yield f"immune for {left:.0f} blocks{about}"


def _earning(snapshot: Record, reasons: Reasons) -> Iterator[Span]:
    """The chain's figures, not this machine's own."""
    chain = values.get(snapshot, "chain")
    names = {"emission_rao": "emission"}
    if values.text(snapshot, "daemon", "role") != "validator":
        names["incentive"] = "incentive"
        share = values.number(chain, "incentive")
        form = readings.NOT_KNOWN if share is None else f"{100 * share:.2f} %"
        yield f"incentive {form}", WARN if share == 0 else ""
    paid = values.number(chain, "emission_rao")
    yield f"{values.tao(paid)} a tempo", WARN if paid == 0 else ""
    yield "by the chain's figures"
    reasons.look("", chain, names)


def _owner(chain: object) -> Iterator[Span]:
    yield f"coldkey {readings.text(chain, 'owner_coldkey')}"
    yield f"{values.tao(values.number(chain, 'owner_balance_rao'))} for fees"


def _endpoint(snapshot: Record) -> Iterator[Span]:
    chain = values.get(snapshot, "chain")
    true = values.text(snapshot, "network", "endpoint")
    here = true or f"{readings.NOT_KNOWN} ({_why_no_endpoint(snapshot)})"
    published = values.text(chain, "published", "endpoint")
    if values.text(chain, "state") in (None, "off"):
        yield here
    elif published is not None and published == true:
        block = readings.measured(values.get(chain, "published"), "block", readings.count)
        yield here
        yield f"published in block {block}", GOOD
    elif published is not None:
        yield f"{published} on the chain", WARN
        yield f"{here} in truth"
    else:
        why = values.why(chain, "published")
        yield here
        yield ("not published", WARN) if why.startswith("not published") else "published: n/a"
    if publication := values.text(chain, "publication"):
        yield publication
    yield from _marks(snapshot, *_OF_ENDPOINT)


def _miners(miners: object, now: float) -> Iterator[Span]:
    """Whom this validator has heard."""
    if not values.number(miners, "known"):
        yield "none has sent a heartbeat yet"
        return
    lately, known = (readings.text(miners, key) for key in ("heard_lately", "known"))
    last_at = values.number(miners, "last_at")
    age = "" if last_at is None else f", the last {values.age(now - last_at)} ago"
    yield f"{lately} of {known} heard in the last 5 min{age}"
    if equivocated := values.number(miners, "equivocated"):
        proofs = "equivocations/ in the state directory has the proof"
        yield f"{equivocated:.0f} told two stories: {proofs}", WARN


def _why_no_endpoint(snapshot: Record) -> str:
    """Without the advice after the arrow: a fault gives that."""
    return values.why(values.get(snapshot, "network"), "endpoint").partition(" → ")[0]


def _addresses(snapshot: Record) -> Iterator[Span]:
    network = values.get(snapshot, "network")
    found = [public for family in _FAMILIES if (public := values.get(network, family))]
    for public in found:
        source = readings.text(public, "source")
        yield f"{readings.text(public, 'address')} ({_SOURCES.get(source, source)})"
    if not found:
        yield "no public one is known", WARN
    if values.flag(network, "behind_nat"):
        yield "behind NAT"
    yield from _marks(snapshot, *_OF_ADDRESS)


def _outside(snapshot: Record, now: float) -> Iterator[Span]:
    """What most validators said of each port, of those that spoke lately."""
    told = [
        each
        for each in values.maps(snapshot, "validators")
        if validators.ports_of(each)
        and now - (values.number(each, "looked_at") or 0.0) <= _LATELY_S
    ]
    if told:
        yield validators.ports_text(validators.of_most(told))
        yield "says 1 validator" if len(told) == 1 else f"say {len(told)} validators"
    else:
        yield "no validator has said lately which ports it can reach"
    yield from _marks(snapshot, *_OF_OUTSIDE)


def _heartbeat(snapshot: Record, now: float) -> Iterator[Span]:
    known = values.maps(snapshot, "validators")
    if values.flag(snapshot, "daemon", "offering", "wanted") is False:
        yield "none: this machine is not offered"
    elif not known:
        yield "no validators known", WARN
    else:
        well = sum(values.text(each, "state") == "ok" for each in known)
        style = GOOD if well == len(known) else WARN if well else BAD
        yield f"{well} of {len(known)} validators answer", style
        answers = [at for each in known if (at := values.number(each, "replied_at")) is not None]
        if answers:
            yield f"the last {values.age(now - max(answers))} ago"
    yield from _marks(snapshot, *_OF_HEARTBEATS)


def _marks(snapshot: Record, *codes: str) -> Iterator[Span]:
    """`see endpoint_differs`: the faults that bear on a line."""
    for fault in values.maps(snapshot, "faults"):
        if fault.get("code") in codes:
            style = {"error": BAD, "warning": WARN}.get(str(fault.get("severity")), "")
            yield f"see {fault['code']}", style
