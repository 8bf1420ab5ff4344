"""What tests start a process with, so that it sees the fake CuPy and not a real one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

SITE = Path(__file__).parent / "site"


def environ(base: Mapping[str, str], **script: object) -> dict[str, str]:
    """That environment with the fake in front, and its script; keys are in README.md."""
    path = os.pathsep.join(filter(None, (str(SITE), base.get("PYTHONPATH"))))
    return {**base, "PYTHONPATH": path, "FAKE_CUPY": json.dumps(script)}
