"""Boxes and packages for the tests under systemd; and when those tests are left out, saying so."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.fakes.nvml import FakeNvml
from tests.system import debs
from tests.system.box import Box, base_image
from tests.system.daemon import Daemon
from tests.system.gpus import plug_in

SUITES = {"debian12": "bookworm", "debian13": "trixie"}
HERE = Path(__file__).parent
TOOLS = ("mmdebstrap", "systemd-nspawn", "nsenter", "unshare", "setpriv", "dpkg-buildpackage")

BoxMaker = Callable[[], Box]

_numbers = itertools.count()


def why_left_out() -> str | None:
    if os.geteuid() != 0:
        return "they need root: sudo make test"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} missing: packaging/setup-host deb box"
    if not (debs.REPOSITORY / ".cache/vendor").is_dir():
        return "the package cannot be built yet: make deb"
    return None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if HERE in item.path.parents]
    why = why_left_out()
    if ours and why and os.environ.get("CI"):
        raise pytest.UsageError(f"cannot run tests/system: {why}")
    for item in ours:
        item.add_marker(pytest.mark.system)
        if why:
            item.add_marker(pytest.mark.skip(reason=why))
    config.stash[_LEFT_OUT] = f"{len(ours)} tests of tests/system: {why}" if ours and why else ""


_LEFT_OUT = pytest.StashKey[str]()


@pytest.hookimpl(wrapper=True, tryfirst=True)  # after every other word but the closing line
def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter,
) -> Generator[None, object, object]:
    result = yield
    left_out = terminalreporter.config.stash.get(_LEFT_OUT, "")
    if left_out:
        terminalreporter.write_line(f"LEFT OUT: {left_out}", yellow=True)
    return result


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This tree's package, built now."""
    return debs.build(debs.REPOSITORY, tmp_path_factory.mktemp("deb"))


@pytest.fixture(scope="session")
def next_deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package of the version to come."""
    tree = debs.tree_of_next_version(tmp_path_factory.mktemp("next-tree"))
    return debs.build(tree, tmp_path_factory.mktemp("next-deb"))


@pytest.fixture(scope="session", params=SUITES)
def suite(request: pytest.FixtureRequest) -> str:
    return SUITES[request.param]


@pytest.fixture
def box(suite: str, tmp_path: Path) -> Iterator[Box]:
    """A bare Debian of the test's own."""
    box = _boot(suite, tmp_path)
    yield box
    box.stop()


@pytest.fixture(scope="session")
def installed_box(suite: str, deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """A Debian with the package, shared by the tests that put back what they change."""
    box = _boot(suite, tmp_path_factory.mktemp(suite))
    try:
        box.install(deb)
        yield box
    finally:
        box.stop()


@pytest.fixture(scope="session")
def shared_gpus(installed_box: Box) -> FakeNvml:
    return plug_in(installed_box)


@pytest.fixture
def daemon(installed_box: Box, shared_gpus: FakeNvml) -> Iterator[Daemon]:
    """The installed daemon, running with the fake GPUs; afterwards all is as it was."""
    daemon = Daemon(installed_box)
    daemon.start()
    yield daemon
    daemon.restore()


def _boot(suite: str, directory: Path) -> Box:
    name = f"polaris-{suite}-{os.getpid()}-{next(_numbers)}"
    return Box(name, base_image(suite), directory / "console.log")
