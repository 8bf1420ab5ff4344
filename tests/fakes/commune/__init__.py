"""An interpreter that has a fake communex: see README.md."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SITE = Path(__file__).parent / "site"


def interpreter(directory: Path, *, with_communex: bool = True) -> Path:
    """A Python of its own, as an operator makes one with `python3 -m venv`."""
    root = directory / "communex"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(root)], check=True, timeout=60
    )
    if with_communex:
        (site,) = root.glob("lib/python3.*/site-packages")
        (site / "fake.pth").write_text(f"{SITE}\n")
    return root / "bin" / "python"


def script(home: Path, do: str) -> Path:
    """Have it do that; gives the file in which it says what it saw."""
    saw = home / "saw.json"
    (home / "commune.json").write_text(json.dumps({"do": do, "saw": str(saw)}))
    return saw
