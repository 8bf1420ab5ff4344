"""Which way the arrows point: who may import whom, and that importing does nothing else."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.import_rules import HOME_OF, MAY_ENTER_ROOMS, MAY_IMPORT, ROOMS, TOP_DOWN

ROOT = Path(__file__).parents[2]
MAX_LINES = 300
WRITTEN = ("polarisd", "polarisctl", "packaging", "tests")


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_of(p): p for d in ("polarisd", "polarisctl") for p in (ROOT / d).rglob("*.py")}


def imports_of(module: str) -> set[str]:
    """Full names, those of functions and classes cut back to their module."""
    return {_module_in(name) for name in _named(module)}


def _named(module: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(SOURCES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module_in(name: str) -> str:
    parent = name.rpartition(".")[0]
    if name in SOURCES or name.endswith(".__version__") or parent not in SOURCES:
        return name
    return parent


def within(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def room_of(module: str) -> str:
    return max((room for room in MAY_IMPORT if within(module, room)), key=len, default="")


def ours(module: str) -> bool:
    return within(module, "polarisd") or within(module, "polarisctl")


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_a_foreign_library_is_imported_at_home_only(module: str) -> None:
    for name in imports_of(module):
        library = name.split(".")[0]
        if library in HOME_OF:
            assert any(within(module, home) for home in HOME_OF[library]), name
        else:
            assert ours(name) or library in sys.stdlib_module_names, name


def test_every_home_is_inhabited() -> None:
    for library, homes in HOME_OF.items():
        for home in homes:
            inhabitants = [module for module in SOURCES if within(module, home)]
            found = {name.split(".")[0] for module in inhabitants for name in imports_of(module)}
            assert library in found, home


@pytest.mark.parametrize("module", sorted(m for m in SOURCES if room_of(m)))
def test_a_room_imports_itself_and_what_it_may(module: str) -> None:
    room = room_of(module)
    for name in filter(ours, imports_of(module)):
        allowed = room_of(name) == room or any(within(name, may) for may in MAY_IMPORT[room])
        assert allowed, f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(m for m in SOURCES if within(m, "polarisd")))
def test_only_those_at_the_top_enter_rooms(module: str) -> None:
    for name in imports_of(module):
        for room in ROOMS:
            if within(name, room) and not within(module, room):
                assert module in MAY_ENTER_ROOMS, f"{module} imports {name}"


def test_the_top_is_imported_from_above_only() -> None:
    for place, module in enumerate(TOP_DOWN):
        for importer in SOURCES:
            if module in imports_of(importer):
                assert importer in TOP_DOWN[:place], f"{importer} imports {module}"


def test_the_daemon_does_not_know_its_client() -> None:
    for module in SOURCES:
        if within(module, "polarisd"):
            assert not any(within(name, "polarisctl") for name in imports_of(module)), module


def test_every_module_has_its_place_in_the_rules() -> None:
    placed = {m for m in SOURCES if room_of(m)} | MAY_ENTER_ROOMS | {"polarisd"}
    assert set(SOURCES) == placed


# Legibility.


@pytest.mark.parametrize("module", sorted(SOURCES))
def test_a_module_opens_with_what_it_is_for(module: str) -> None:
    text = SOURCES[module].read_text()
    assert ast.get_docstring(ast.parse(text))


def test_no_file_is_long() -> None:
    files = [p for d in WRITTEN for p in (ROOT / d).rglob("*.py")]
    assert Path(__file__) in files
    lines = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in files}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


# Importing does nothing.

LOOK = """\
import importlib, json, logging, os, signal, sys, threading
from pathlib import Path
import trio  # on Python 3.10 it brings exceptiongroup, which takes the excepthook

def look():
    return {
        "threads": [t.name for t in threading.enumerate()],
        "files": sorted(os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                        if os.path.exists(f"/proc/self/fd/{fd}")),
        "environment": dict(os.environ),
        "directory": os.getcwd(),
        "umask": Path("/proc/self/status").read_text().split("Umask:")[1].split()[0],
        "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
        "children": Path(f"/proc/self/task/{os.getpid()}/children").read_text(),
        "logging": [str(logging.root.handlers), logging.root.level],
        "excepthook": str(sys.excepthook),
    }

before = look()
for module in json.loads(sys.argv[1]):
    importlib.import_module(module)
print(json.dumps([before, look()]))
"""


def test_importing_a_module_does_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOOK, json.dumps(sorted(SOURCES))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    before, after = json.loads(done.stdout)
    assert after == before
    assert done.stderr == ""
