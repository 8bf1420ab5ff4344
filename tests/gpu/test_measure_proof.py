"""The measuring program runs, on what is here: the real card where there is one."""

from __future__ import annotations

import subprocess
import sys


def test_it_measures_the_processor() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.gpu.measure_proof", "--backend", "numpy", "--small",
         "--seconds", "0.5"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("accepted") == 3
    assert "raw bf16 product" in done.stdout
