"""Runs under an interpreter that has communex, not under ours: one job in, one answer out.

`commune` starts it as a file.  The job, with the key, comes on stdin as JSON; the answer goes
to the stdout of the start, and whatever communex prints elsewhere.  Standard library and
communex only, and what Python 3.10 has.
"""

import importlib
import json
import os
import re
import sys
from typing import Any


def main() -> int:
    # communex and what is below it print as they like.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    job = json.loads(sys.stdin.read())
    try:
        answer = register(job)
    except ModuleNotFoundError as missing:
        answer = {"error": "no_module", "text": "there is no module " + str(missing.name)}
    except Exception as problem:
        # Whatever it is, of whichever library: it is told, and nothing of the job.
        # Before it is cut: half of a key is found by nobody afterwards.
        secret = re.escape(job["private_key"].removeprefix("0x"))
        text = re.sub(secret, "(a secret)", str(problem), flags=re.IGNORECASE)
        answer = {"error": "failed", "text": type(problem).__name__ + ": " + text[:500]}
    json.dump(answer, answers)
    answers.flush()
    return 0


def register(job: dict[str, Any]) -> dict[str, Any]:
    client_module = importlib.import_module("communex.client")
    substrate = importlib.import_module("substrateinterface")
    key = substrate.Keypair.create_from_private_key(
        job["private_key"], public_key=job["public_key"], ss58_format=42
    )
    if key.ss58_address != job["hotkey"]:
        return {
            "error": "failed",
            "text": "its substrateinterface makes another address of the key",
        }
    client = client_module.CommuneClient(job["url"], timeout=int(job["timeout_s"]))
    receipt = client.register_module(
        key, name=job["name"], address=job["address"], subnet=job["subnet"]
    )
    return {
        "registered": bool(receipt.is_success),
        "extrinsic": str(receipt.extrinsic_hash),
        "text": str(receipt.error_message or ""),
    }


if __name__ == "__main__":
    sys.exit(main())
