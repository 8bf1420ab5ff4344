"""The .deb itself, before anything installs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.system import debs

PYTHONS = (debs.REPOSITORY / "packaging/pythons").read_text().split()

IMPORT_ALL = """
import sys
sys.path[:0] = [sys.argv[1] + "/app", sys.argv[1] + "/vendor"]
import attrs, cattrs, logging_journald, msgpack, psutil, pynvml, sdnotify, tomlkit, trio
import httpx, hypercorn.trio, pyroute2, starlette.applications
import bittensor, bittensor_core, ckzg, regex, websockets.speedups
from Crypto.Cipher import ChaCha20_Poly1305
from msgpack import _cmsgpack
import polarisctl.main, polarisd.main
"""


@pytest.fixture(scope="module")
def unpacked(deb: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("unpacked")
    subprocess.run(["dpkg-deb", "--extract", deb, directory], check=True)
    return directory


def test_a_second_build_gives_the_same_bits(deb: Path, tmp_path: Path) -> None:
    assert debs.build(debs.REPOSITORY, tmp_path).read_bytes() == deb.read_bytes()


def test_lintian_finds_neither_errors_nor_warnings(deb: Path) -> None:
    if shutil.which("lintian") is None:
        assert "CI" not in os.environ, "packaging/setup-host deb installs lintian"
        pytest.skip("lintian is not installed")
    command = ["lintian", "--allow-root", "--fail-on", "error,warning", str(deb)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_it_carries_what_a_user_looks_for(unpacked: Path) -> None:
    for path in (
        "usr/share/man/man1/polarisctl.1.gz",
        "usr/share/man/man5/polaris.toml.5.gz",
        "usr/share/man/man8/polarisd.8.gz",
        "usr/share/bash-completion/completions/polarisctl",
        "usr/share/zsh/vendor-completions/_polarisctl",
        "usr/share/fish/vendor_completions.d/polarisctl.fish",
        "usr/share/doc/polaris/examples/polaris.toml.example",
    ):
        assert (unpacked / path).stat().st_size > 0, path
    assert (unpacked / "etc/polaris/polaris.toml").read_bytes() == (
        debs.REPOSITORY / "polaris.toml.example"
    ).read_bytes()


def test_every_page_is_there_under_the_name_by_which_others_link_to_it(unpacked: Path) -> None:
    place = unpacked / "usr/share/doc/polaris"
    pages = {page.name for page in (debs.REPOSITORY / "docs").glob("*.md")}
    assert {page.name for page in place.glob("*.md")} == pages | {"README.md", "CHANGELOG.md"}
    for page in place.glob("*.md"):
        links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
        assert [link for link in links if not (place / link).exists()] == [], page.name


def test_bash_accepts_its_completion(unpacked: Path) -> None:
    completion = unpacked / "usr/share/bash-completion/completions/polarisctl"
    subprocess.run(["bash", "-n", completion], check=True)


def compiled_for(vendor: Path, version: str) -> set[str]:
    """The modules that are there for one Python, by their names without its tag."""
    tag = f".cpython-{version.replace('.', '')}-x86_64-linux-gnu.so"
    files = (str(path.relative_to(vendor)) for path in vendor.rglob(f"*{tag}"))
    return {name.removesuffix(tag) for name in files}


@pytest.mark.parametrize("version", PYTHONS)
def test_its_compiled_libraries_are_there_for_every_python_that_it_declares(
    unpacked: Path, version: str
) -> None:
    """Also for those that this machine lacks; all others are for any version (abi3)."""
    vendor = unpacked / "usr/lib/polaris/vendor"
    compiled = compiled_for(vendor, version)
    assert {"msgpack/_cmsgpack", "pydantic_core/_pydantic_core", "regex/_regex"} <= compiled
    assert compiled == compiled_for(vendor, PYTHONS[0])
    tags = {path.name.split(".", 1)[1] for path in vendor.rglob("*.so") if ".cpython-" in path.name}
    assert len(tags) == len(PYTHONS)


def test_nothing_but_libraries_is_carried(unpacked: Path) -> None:
    """No other program's commands, and nothing that would shadow a module of ours."""
    vendor = unpacked / "usr/lib/polaris/vendor"
    strays = {"bin", "docs", "share", "tests", "polarisd", "polarisctl", "example.py"}
    assert not strays & {path.name for path in vendor.iterdir()}
    commands = [path for place in ("bin", "sbin") for path in (unpacked / "usr" / place).iterdir()]
    assert {path.name for path in commands} == {"polarisctl", "polarisd"}


def test_every_library_is_in_the_copyright(unpacked: Path) -> None:
    text = (debs.REPOSITORY / "packaging/debian/copyright").read_text()
    vendor = unpacked / "usr/lib/polaris/vendor"
    names = {path.name.split("-")[0] for path in vendor.glob("*.dist-info")}
    names = names - {"nvidia_ml_py", "markdown_it_py"} | {"pynvml", "markdown_it"}
    assert {name for name in names if not re.search(rf"\b{name}\b", text)} == set()


@pytest.mark.parametrize("version", PYTHONS)
def test_its_libraries_load_on_every_python_that_it_declares(unpacked: Path, version: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    library = unpacked / "usr/lib/polaris"
    subprocess.run([python, "-IBS", "-W", "error", "-c", IMPORT_ALL, library], check=True)


def find_python(version: str) -> Path | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [Path("/usr/bin"), Path("/usr/local/bin"), *pyenv.glob(f"versions/{version}.*/bin")]
    found = [place / f"python{version}" for place in places]
    return next((python for python in found if python.exists()), None)
