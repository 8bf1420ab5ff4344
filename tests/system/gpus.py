"""Fake GPUs in a box: the library and its state there, and the unit told to load it."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.fakes.nvml import FakeNvml
from tests.system.box import Box

PLACE = "/srv/fake-nvml"
DROP_IN = "/run/systemd/system/polarisd.service.d/50-fake-nvml.conf"

# The real library is where the loader finds it, and writes nowhere; the fake one counts its calls.
SETTINGS = f"""[Service]
Environment=LD_LIBRARY_PATH={PLACE}/library FAKE_NVML_STATE={PLACE}/state
ReadWritePaths={PLACE}
"""


def plug_in(box: Box, model: str = "h100", count: int = 2) -> FakeNvml:
    """A machine of fake GPUs, which lives in the box's files and is steered from here."""
    place = box.root / PLACE.lstrip("/")
    place.mkdir()
    fake = FakeNvml.create(place, model, count)
    shutil.copytree(Path(fake.env({})["LD_LIBRARY_PATH"]), place / "library")
    box.run("chown", "--recursive", "--no-dereference", "polaris", PLACE)
    box.write(DROP_IN, SETTINGS)
    box.run("systemctl", "daemon-reload")
    return fake
