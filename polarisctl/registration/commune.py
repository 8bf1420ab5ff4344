"""`register --mode commune`: kept for those who still run a node of that network.

What speaks with it is communex, which cannot live beside today's bittensor: it runs in a
process of its own, with an interpreter that the operator provides, and gets the key on stdin.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from polarisctl.cells import clean
from polarisctl.failures import EXIT_OK, failed, usage
from polarisctl.registration import commune_helper, finishing, hotkeys, judge
from polarisctl.registration.networks import parse_network
from polarisctl.registration.parts import Parts, refuse
from polarisctl.registration.progress import KEPT, Progress
from polarisctl.registration.told import Ending
from polarisctl.registration.wish import Wish
from polarisctl.registration.words import COMMUNE
from polarisd import keys
from polarisd.api import errors
from polarisd.api.errors import ControlError
from polarisd.chain.values import parse_endpoint
from polarisd.keys import Hotkey

DEADLINE_S = 180.0
MOST_ANSWER = 1 << 16
MAX_NAME = 64

STATE_OF_IT = """\
Commune is legacy.  Its library, communex, was last released in December 2024 and cannot be
installed beside today's bittensor; its makers moved on to Torus, which is given up as well.
Whether a node still answers, nobody here has proven.  A registration pays whatever that network
asks of this key, and earns by its rules.
"""
_PROVIDE = (
    "python3 -m venv /opt/communex && /opt/communex/bin/pip install communex==0.1.36.5; then "
    "--commune-python /opt/communex/bin/python, or python in [commune]"
)


def register(parts: Parts, wish: Wish, progress: Progress | None) -> int:
    """Error handling: refused without an interpreter; failed with what communex said."""
    refuse(judge.under_way(progress), "register")
    parts.asker.say(STATE_OF_IT)
    wish = _completed(parts, wish)
    assert wish.network is not None and wish.endpoint is not None
    python = _python(parts, wish)
    chosen = hotkeys.choose(wish, parts.place, progress, parts.environ, parts.asker)
    if wish.dry_run or chosen.hotkey is None:
        address = chosen.hotkey.ss58 if chosen.hotkey else ""
        if parts.as_json:
            parts.print_json({"dry_run": True, "mode": COMMUNE, "hotkey": address})
        else:
            parts.show("nothing was sent: this was a dry run")
        return EXIT_OK
    if not wish.yes and not parts.asker.agrees(f"Register on {wish.subnet_name} all the same?"):
        raise failed("nothing was done: the answer was not yes")
    hotkey = chosen.hotkey
    edited = parts.settings.prepare({**finishing.of_mode(COMMUNE), "commune": {"python": python}})
    finishing.set_aside(parts, progress, hotkey)
    parts.prove(edited)
    kept = Progress(stage=KEPT, mode=COMMUNE, hotkey=hotkey.ss58)
    finishing.keep(parts, wish, chosen, kept)
    job = {
        "url": wish.network.text,
        "name": wish.module_name,
        "address": str(wish.endpoint),
        "subnet": wish.subnet_name,
        "hotkey": hotkey.ss58,
        "timeout_s": DEADLINE_S / 2,
        **_secret(hotkey),
    }
    parts.asker.say(f"registering at {wish.network.text} ...")
    extrinsic = outcome(ask(python, job, parts.environ, DEADLINE_S))
    parts.asker.say(f"the node says that it is in extrinsic {extrinsic}")
    ending = Ending(
        mode=COMMUNE,
        hotkey=hotkey.ss58,
        credential=str(parts.place.credential),
        config=str(parts.settings.path),
        daemon="",
        changed=True,
        network=wish.network.text,
        subnet_name=wish.subnet_name or "",
    )
    finishing.answer(parts, finishing.finish(parts, hotkey, edited, ending))
    return EXIT_OK


def ask(
    python: str, job: Mapping[str, object], environ: Mapping[str, str], deadline_s: float
) -> object:
    """What the helper answers, whatever that is.  Error handling: fails without an answer."""
    try:
        done = subprocess.run(
            [python, "-I", str(commune_helper.__file__)],
            input=json.dumps(job).encode(),
            capture_output=True,
            env={"PATH": os.defpath, "HOME": environ.get("HOME", "/"), "LANG": "C.UTF-8"},
            timeout=deadline_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise failed(
            f"cannot tell whether it was registered: communex did not answer in {deadline_s:.0f} s",
            "ask a node of that network whether the key is registered, before another try",
        ) from None
    except OSError as problem:
        raise failed(f"cannot run {python}: {problem.strerror}", _PROVIDE) from None
    if done.returncode != 0 or len(done.stdout) > MOST_ANSWER:
        last = _redacted(done.stderr, job).strip().splitlines()[-1:]
        why = clean(last[0])[:300] if last else f"it ended with {done.returncode}"
        raise failed(f"cannot register: communex's helper broke: {why}", _PROVIDE)
    try:
        return json.loads(_redacted(done.stdout, job))
    except (ValueError, RecursionError):
        raise failed("cannot register: communex's helper gave no answer that can be read") from None


def _redacted(output: bytes, job: Mapping[str, object]) -> str:
    """What it prints is shown: never with the key that it was given."""
    text = output.decode(errors="replace")
    secret = str(job.get("private_key", "")).removeprefix("0x")
    return re.sub(re.escape(secret), "(a secret)", text, flags=re.IGNORECASE) if secret else text


def outcome(answer: object) -> str:
    """The extrinsic that it landed in.  Error handling: fails in words for all else."""
    if not isinstance(answer, dict):
        raise failed("cannot register: communex's helper gave no answer that can be read")
    text = clean(str(answer.get("text", "")))[:500]
    if answer.get("error") == "no_module":
        raise ControlError(errors.REFUSED, f"cannot register on Commune: {text}", _PROVIDE)
    if answer.get("error"):
        raise failed(f"cannot register on Commune: {text}", "look at the node's address, and funds")
    if answer.get("registered") is not True or not answer.get("extrinsic"):
        raise failed(
            f"cannot register on Commune: the network refused: {text or 'no reason given'}"
        )
    return clean(str(answer["extrinsic"]))[:100]


def _completed(parts: Parts, wish: Wish) -> Wish:
    ask_for = parts.asker.ask
    network = wish.network or ask_for("address of a node (wss://...): ", parse_network)
    if network.is_named or not urlsplit(network.text).hostname:
        raise usage(
            f"cannot take --network {network.text}: that is a network of bittensor",
            "name a node of Commune by its address: wss://...",
        )
    return replace(
        wish,
        network=network,
        subnet_name=wish.subnet_name or ask_for("name of the subnet there: ", _name),
        module_name=_checked(wish.module_name) or ask_for("name of this module: ", _name),
        endpoint=wish.endpoint
        or ask_for("address and port that others reach this machine at: ", parse_endpoint),
    )


def _checked(name: str) -> str:
    try:
        return _name(name) if name else ""
    except ValueError as problem:
        raise usage(f"cannot take --module-name: {problem}") from None


def _name(text: str) -> str:
    if not text or len(text.encode()) > MAX_NAME or not text.isprintable() or " " in text:
        raise ValueError(f"a name has 1 to {MAX_NAME} bytes, and no spaces")
    return text


def _python(parts: Parts, wish: Wish) -> str:
    """Error handling: refused where there is none; it is not looked for."""
    named = wish.commune_python
    if not named:
        named = str(parts.settings.values().get("commune", {}).get("python", ""))
    if not named:
        raise ControlError(
            errors.REFUSED,
            "cannot register on Commune: it takes a Python that has communex, and none is named",
            _PROVIDE,
        )
    if not Path(named).is_absolute() or not os.access(named, os.X_OK) or Path(named).is_dir():
        raise ControlError(
            errors.REFUSED,
            f"cannot register on Commune: {clean(named)} is not the path of a program",
            _PROVIDE,
        )
    return named


def _secret(hotkey: Hotkey) -> dict[str, str]:
    document = json.loads(keys.keyfile(hotkey))
    return {"private_key": document["privateKey"], "public_key": document["publicKey"]}
