"""A GPU stack of small wheels for a box: its lock, and an index that runs in the box itself."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

from tests.fakes.cupy import script
from tests.fakes.wheel_index import Fault, Member, make_lock, make_wheel, server
from tests.system.box import Box, wait_for

LOCK = "/usr/lib/polaris/app/polarisctl/gpu_stack/lock.json"
PLACE = "/srv/index"
PLATFORM = "manylinux_2_28_x86_64"

# This machine has no GPU: what the fake CuPy finds in a box where nobody tells it more.
NO_GPU = b"import os\n\nos.environ.setdefault('FAKE_CUPY', '{\"devices\": 0}')\n"


def tag_of(box: Box) -> str:
    code = "import sys; print('cp%d%d' % sys.version_info[:2])"
    return box.run("python3", "-c", code).stdout.strip()


def make(directory: Path, tag: str) -> list[Path]:
    """CuPy's place is taken by the fake one, as the worker's own tests have it."""
    directory.mkdir(exist_ok=True)
    site = script.SITE
    members = [
        Member(str(path.relative_to(site)), path.read_bytes())
        for path in sorted(site.rglob("*"))
        if path.is_file() and path.parent != site and "__pycache__" not in path.parts
    ]
    members = [
        Member(m.name, NO_GPU + m.data) if m.name == "cupy/__init__.py" else m for m in members
    ]
    cublas = [Member("nvidia/cublas/lib/libcublas.so.12", random.Random(7).randbytes(20_000))]
    return [
        make_wheel(directory, f"cupy_cuda12x-14.2.0-{tag}-{tag}-{PLATFORM}.whl", members),
        make_wheel(directory, f"nvidia_cublas_cu12-12.9.3.13-py3-none-{PLATFORM}.whl", cublas),
    ]


class Index:
    """Serves wheels in the box on the loopback; `url` is what gpu-setup is given."""

    def __init__(self, box: Box, wheels: list[Path], faults: dict[str, list[Fault]]) -> None:
        self._box = box
        place = box.root / PLACE.lstrip("/")
        (place / "wheels").mkdir(parents=True)
        for wheel in wheels:
            shutil.copy(wheel, place / "wheels")
        shutil.copy(Path(server.__file__), place / "server.py")
        box.write(f"{PLACE}/faults.json", json.dumps(faults))
        words = [f"{PLACE}/{name}" for name in ("server.py", "wheels", "port", "faults.json")]
        log = f"--property=StandardOutput=append:{PLACE}/log"
        box.run("systemd-run", "--unit=wheel-index", "--collect", log, "python3", *words)
        wait_for("the index", lambda: box.exists(f"{PLACE}/port") and box.read(f"{PLACE}/port"))
        self.url = f"http://127.0.0.1:{box.read(f'{PLACE}/port').strip()}/simple"

    def seen(self) -> list[str]:
        """The requests for files."""
        lines = self._box.read(f"{PLACE}/log").splitlines()
        return [line for line in lines if line.startswith("/files/")]

    def stop(self) -> None:
        self._box.run("systemctl", "stop", "wheel-index")


def lock_text(tag: str, wheels: list[Path]) -> str:
    return make_lock({tag: wheels}, "https://index.invalid/simple")
