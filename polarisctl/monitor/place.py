"""Where this machine stands on its chain and with validators, in a few words.  Pure.

For the header; `polarisctl status` and `validators` say it in full.
"""

from __future__ import annotations

from polarisctl import values
from polarisctl.monitor.frame import Span
from polarisctl.monitor.scene import Scene

_LINK_STYLES = {"starting": "warn"}


def place(scene: Scene) -> list[Span]:
    """Nothing of a machine without a hotkey, or of a daemon that does not tell."""
    chain = values.get(scene.snapshot, "chain")
    state = values.text(chain, "state")
    spans: list[Span] = []
    if state not in (None, "off"):
        spans.append(_uid(chain))
        if state != "following":
            spans.append((f"chain {state}", _LINK_STYLES.get(str(state), "bad")))
    known = values.maps(scene.snapshot, "validators")
    if values.text(chain, "hotkey") and known:
        well = sum(values.text(each, "state") == "ok" for each in known)
        style = "good" if well == len(known) else "warn" if well else "bad"
        count = f"{len(known)} validator" + ("" if len(known) == 1 else "s")
        spans.append((f"{well} of {count}", style))
    return spans


def _uid(chain: object) -> Span:
    uid, netuid = (values.number(chain, key) for key in ("uid", "netuid"))
    where = f" on {netuid:.0f}" if netuid is not None else ""
    if uid is not None:
        return f"UID {uid:.0f}{where}", "dim"
    gone = values.why(chain, "uid").startswith("not registered")
    return (f"no UID{where}", "bad") if gone else (f"UID {values.NOT_KNOWN}", "dim")
