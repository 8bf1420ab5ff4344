"""The process: how it starts, ends, counts, and says what is amiss."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.devnode import golden
from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode
from tests.devnode.options import Options
from tests.devnode.process import ROOT
from tests.devnode.sdk import Connect


def test_ready_soon(make_devnode: MakeDevNode) -> None:
    """By the processor's time, for how busy the machine is says nothing of the node."""
    spent = psutil.Process(make_devnode().pid).cpu_times()
    assert spent.user + spent.system < 1.0


def test_from_the_command_line() -> None:
    command = [sys.executable, "-m", "tests.devnode", "--port", "0", "--netuid", "3=Three"]
    child = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None and child.stdout is not None
    with child:
        assert '"port": ' in child.stdout.readline()
        # it ends when whoever started it does
        child.stdin.close()
        assert child.wait(10) == 0


@pytest.mark.parametrize(
    ("words", "netuids"),
    [([], Options().netuids), (["--only-root"], {}), (["--netuid=3=x"], {3: "x"})],
)
def test_the_command_line_has_the_subnets_of_a_devnode(
    words: list[str], netuids: dict[int, str], make_devnode: MakeDevNode
) -> None:
    command = [sys.executable, "-m", "tests.devnode", *words]
    child = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None and child.stdout is not None
    with child:
        ready = json.loads(child.stdout.readline())
        child.stdin.close()
        assert child.wait(10) == 0
    # of which the subnets and their names are a part
    assert ready["genesis_hash"] == make_devnode(netuids=netuids).genesis_hash


def test_a_port_that_is_taken(still_devnode: DevNode) -> None:
    with pytest.raises(RuntimeError, match=r"cannot start devnode: (.|\n)*address already in use"):
        DevNode(port=still_devnode.port).start()


def test_missing_recording(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    golden.load.cache_clear()
    monkeypatch.setattr(golden, "FILE", tmp_path / "golden.json")
    with pytest.raises(golden.Missing, match="run packaging/fetch-devnode"):
        DevNode().start()
    (tmp_path / "golden.json").write_text("{}")
    with pytest.raises(golden.Missing, match="it is another file; run packaging/fetch-devnode"):
        DevNode().start()


def test_fetched_already() -> None:
    script = ROOT / "packaging" / "fetch-devnode"
    told = subprocess.run([script], capture_output=True, text=True, check=True).stdout
    assert told == f"fetch-devnode: {golden.FILE} is there\n"


def test_readme_has_every_method() -> None:
    readme = (ROOT / "tests" / "devnode" / "README.md").read_text()
    public = [name for name in dir(DevNode) if not name.startswith("_")]
    assert [name for name in public if not re.search(rf"`{name}[(`]", readme)] == []


def test_calls_are_counted(still_devnode: DevNode, connect: Connect) -> None:
    node, client = still_devnode, connect(still_devnode)
    # of the head, and of a block unless the SDK has it already
    assert node.calls()["state_getRuntimeVersion"] in (1, 2)
    node.clear_calls()
    client.block()
    client.block()
    assert node.calls()["chain_getHeader"] == 2


def test_ends_with_its_children_and_twice(make_devnode: MakeDevNode) -> None:
    node = make_devnode()
    pid = node.pid
    node.stop()
    node.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(RuntimeError, match="does not run"):
        node.number()


def test_a_whole_subnet(still_devnode: DevNode, connect: Connect) -> None:
    """256 neurons, in a time that tests can afford."""
    node, client = still_devnode, connect(still_devnode)
    for number in range(256):
        node.register(49, f"//miner/{number}", "//Bob")
    before = psutil.Process(node.pid).cpu_times().user
    assert client.subnets.metagraph(49).num_uids == 256
    node.mine(20)
    assert psutil.Process(node.pid).cpu_times().user - before < 1.0
