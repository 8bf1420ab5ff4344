"""What polarisctl may import: `polarisctl status` must feel instant.

Each module below costs between a third and all of a bare interpreter's start, or
belongs to the daemon.  The list is what the promise of three times a bare start
is kept by; a stopwatch would only notice on a quiet machine.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import msgpack
import pytest

from polarisctl import verbs
from tests.unit.chain_samples import place
from tests.unit.ctl_samples import snapshot
from tests.unit.ctl_support import ROOT, WAIT_S, daemon

SLOW = {
    *("argparse", "dataclasses", "typing", "enum", "re", "inspect", "json", "socket", "selectors"),
    *("subprocess", "shutil", "locale", "logging", "pathlib", "tempfile", "signal", "threading"),
    *("importlib", "contextlib", "textwrap", "string", "ctypes", "curses", "asyncio", "ssl"),
}
THE_DAEMONS = {"trio", "cattrs", "attr", "psutil", "pynvml", "sdnotify", "logging_journald"}
CODE = """\
import sys
sys.path[:0] = {path!r}
from polarisctl.main import main
code = main({words!r})
print(*sorted(sys.modules))
sys.exit(code)
"""


def loaded_by(words: list[str], socket: Path) -> set[str]:
    site = str(Path(msgpack.__file__).parents[1])
    code = CODE.format(path=[str(ROOT), site], words=words)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env={"POLARIS_SOCKET": str(socket), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("verb", ["status", "gpus", "validators"])
def test_the_way_to_status_is_short(verb: str, tmp_path: Path) -> None:
    with daemon(tmp_path / "s", snapshot=snapshot(**place())):
        loaded = loaded_by([verb], tmp_path / "s")
    assert "msgpack" in loaded
    assert loaded & (SLOW | THE_DAEMONS) == set()


@pytest.mark.parametrize("words", [["status"], ["gpus", "0"], ["status", "--json"], ["version"]])
def test_a_verb_loads_no_other_and_nothing_of_the_daemon(words: list[str], tmp_path: Path) -> None:
    with daemon(tmp_path / "s", snapshot=snapshot()):
        loaded = loaded_by(words, tmp_path / "s")
    commands = {name for name in loaded if name.startswith("polarisctl.commands.")}
    assert commands == {f"polarisctl.commands.{words[0]}"}
    daemons = {name for name in loaded if name.startswith("polarisd.")}
    assert daemons == {"polarisd.api", "polarisd.api.errors", "polarisd.api.wire"}
    assert loaded & THE_DAEMONS == set()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "polarisctl").rglob("*.py")), ids=lambda path: path.stem
)
def test_of_polarisd_only_the_leaves_are_imported(path: Path) -> None:
    """The api, and where the GPU stack is; and the version of the package."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "polarisd":
            names = {alias.name for alias in node.names}
            leaves: tuple[str, ...] = (
                "polarisd.api",
                "polarisd.bench.stack",
                "polarisd.chain.networks",
            )
            of_it = {"__version__"}
            # It makes keys, and pays on the chain by itself, as whoever runs it.
            if path.parent.name == "registration":
                leaves += ("polarisd.chain", "polarisd.keys")
                of_it = {"keys"}
            assert node.module != "polarisd" or names == of_it
            assert node.module == "polarisd" or str(node.module).startswith(leaves)
        if isinstance(node, ast.Import):
            tops = {alias.name.split(".")[0] for alias in node.names}
            theirs = {"trio"} if path.match("registration/chain.py") else set()
            assert tops & (THE_DAEMONS | {"polarisd"}) == theirs


def test_the_verb_table_names_modules_of_the_package() -> None:
    assert {module for module, _ in verbs.VERBS.values()} == {
        f"polarisctl.commands.{path.stem}"
        for path in (ROOT / "polarisctl" / "commands").glob("[!_]*.py")
    }
