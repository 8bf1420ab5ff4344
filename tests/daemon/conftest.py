"""Daemons for the tests; each must end in order and without a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.daemon.process import NO_CHANGES, ROOT, Polarisd, Sections
from tests.fakes.nvml.fake import FakeNvml
from tests.fakes.nvml.fixtures import fake_nvml

__all__ = ["fake_nvml"]

NOBODY = 65534
BUG = "Traceback (most recent call last)"


class PolarisdFactory(Protocol):
    """A daemon that runs, or with `start=False` one that is only configured."""

    def __call__(
        self,
        nvml: FakeNvml,
        config: Sections = ...,
        *,
        library: bool = ...,
        start: bool = ...,
        hurried: bool = ...,
    ) -> Polarisd: ...


class Yard:
    """Makes daemons, each in a directory with a path short enough for a socket."""

    def __init__(self) -> None:
        self._made: list[Polarisd] = []

    def __call__(
        self,
        nvml: FakeNvml,
        config: Sections = NO_CHANGES,
        *,
        library: bool = True,
        start: bool = True,
        hurried: bool = False,
    ) -> Polarisd:
        directory = Path(tempfile.mkdtemp(prefix="polaris-"))
        module = "tests.daemon.hurried" if hurried else "polarisd.main"
        daemon = Polarisd(directory, nvml.env(library=library), config, module=module)
        self._made.append(daemon)
        return daemon.start() if start else daemon

    def close(self) -> None:
        for daemon in self._made:
            daemon.end()
            log = daemon.log()
            shutil.rmtree(daemon.directory)
            assert (BUG in log) == daemon.expects_traceback, log


@pytest.fixture
def polarisd() -> Iterator[PolarisdFactory]:
    yard = Yard()
    yield yard
    yard.close()


@pytest.fixture(scope="session")
def unprivileged() -> int:
    """A user as whom this interpreter, its packages and this tree can be run."""
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    command = [sys.executable, "-c", "import trio, polarisd.main"]
    try:
        subprocess.run(command, user=NOBODY, group=NOBODY, cwd=ROOT, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"other users may not run {sys.executable}")
    return NOBODY


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Polarisd]:
    """One daemon with two healthy GPUs for all tests of a module, which leave it so."""
    yard = Yard()
    nvml = FakeNvml.create(tmp_path_factory.mktemp("nvml"), "h100", 2)
    yield yard(nvml)
    yard.close()
