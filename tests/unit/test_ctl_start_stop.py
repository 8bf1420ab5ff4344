"""`polarisctl start` and `stop`, with a daemon and without."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polarisctl.commands import start
from polarisctl.context import Arguments, Context
from polarisctl.terminal import Terminal
from polarisd.api import errors
from polarisd.api.errors import ControlError
from tests.unit import ctl_samples as world
from tests.unit.ctl_support import Peer, asked, daemon, program, raw_daemon, run


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    with daemon(tmp_path / "s", snapshot=world.snapshot()) as running:
        yield running


class TestStartAndStop:
    @pytest.mark.parametrize(
        ("verb", "wanted", "changed", "text"),
        [
            ("start", True, True, "this machine is now offered\n"),
            ("start", True, False, "this machine is offered, since 20"),
            ("stop", False, True, "this machine is now not offered\n"),
            ("stop", False, False, "this machine is not offered, since 20"),
        ],
    )
    def test_the_answer(
        self, peer: Peer, verb: str, wanted: bool, changed: bool, text: str
    ) -> None:
        answer = {"wanted": wanted, "since_at": world.NOW, "changed": changed}
        peer.answers[verb] = answer
        code, out, err = run(peer, verb)
        assert (code, err) == (0, "")
        assert out.startswith(text)
        assert json.loads(run(peer, verb, "--json")[1]) == answer
        assert asked(peer) == [(verb, {}), (verb, {})]

    def test_a_user_who_may_not(self, peer: Peer) -> None:
        peer.answers["stop"] = ControlError(errors.NOT_PERMITTED, "cannot stop: …", "use sudo")
        assert run(peer, "stop") == (4, "", "polarisctl: cannot stop: …\n  use sudo\n")


def world_of(tmp_path: Path, *, euid: int, named: bool = False, path: str = "") -> Context:
    return Context(
        socket_path=str(tmp_path / "s"),
        socket_named=named,
        stdout=io.StringIO(),
        stderr=io.StringIO(),
        environ={"PATH": path or str(tmp_path)},
        terminal=Terminal(),
        euid=euid,
        now=lambda: world.NOW,
    )


class TestStartWithoutADaemon:
    def test_somebody_else_is_told_the_command(self, tmp_path: Path) -> None:
        with pytest.raises(ControlError, match="there is no socket") as caught:
            start.run(Arguments(json=False), world_of(tmp_path, euid=1000))
        assert "sudo systemctl start polarisd && polarisctl start" in caught.value.hint

    def test_a_daemon_named_by_its_socket_is_not_started(self, tmp_path: Path) -> None:
        program(tmp_path / "systemctl", f"open({str(tmp_path / 'ran')!r}, 'w')")
        with pytest.raises(ControlError, match="there is no socket"):
            start.run(Arguments(json=False), world_of(tmp_path, euid=0, named=True))
        assert not (tmp_path / "ran").exists()

    def test_root_starts_it_and_waits_for_its_socket(self, tmp_path: Path) -> None:
        """systemctl is back before the socket is there: the daemon comes a moment later."""
        answer = {"wanted": True, "since_at": world.NOW, "changed": True}
        late = (
            f"import sys, threading; sys.path[:0] = {sys.path!r}\n"
            "from pathlib import Path\n"
            "from tests.unit.ctl_support import daemon\n"
            f"with daemon(Path({str(tmp_path / 's')!r}), start={answer!r}):\n"
            "    sys.stdin.read()\n"
        )
        program(tmp_path / "late", late)
        program(
            tmp_path / "systemctl",
            "import os, sys\n"
            f"open({str(tmp_path / 'words')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
            f"reader, writer = os.pipe()\n"
            f"if os.fork() == 0:\n"
            f"    os.dup2(os.open({str(tmp_path / 'hold')!r}, os.O_RDONLY), 0)\n"
            f"    os.dup2(os.open(os.devnull, os.O_RDWR), 1); os.dup2(1, 2)\n"
            f"    os.execv({str(tmp_path / 'late')!r}, ['late'])\n",
        )
        os.mkfifo(tmp_path / "hold")
        # While this end of the pipe is open the daemon lives; read-write, so that
        # opening it waits for nobody.
        hold = os.open(tmp_path / "hold", os.O_RDWR)
        try:
            context = world_of(tmp_path, euid=0)
            assert start.run(Arguments(json=False), context) == 0
        finally:
            os.close(hold)
        assert (tmp_path / "words").read_text() == "start polarisd"
        assert isinstance(context.stdout, io.StringIO)
        assert context.stdout.getvalue() == "this machine is now offered\n"
        assert isinstance(context.stderr, io.StringIO)
        assert context.stderr.getvalue() == (
            "polarisctl: polarisd is not running; starting it: systemctl start polarisd\n"
        )

    def test_what_systemctl_says_is_told(self, tmp_path: Path) -> None:
        program(tmp_path / "systemctl", "import sys; sys.exit('Unit polarisd.service not found.')")
        with pytest.raises(ControlError, match=r"Unit polarisd\.service not found") as caught:
            start.run(Arguments(json=False), world_of(tmp_path, euid=0))
        assert caught.value.message.startswith("cannot run ")

    def test_a_daemon_that_hangs_is_not_started_again(self, tmp_path: Path) -> None:
        program(tmp_path / "systemctl", f"open({str(tmp_path / 'ran')!r}, 'w')")
        with (
            raw_daemon(tmp_path / "s", lambda session: None),
            pytest.raises(ControlError, match=r"cannot (read|write)"),
        ):
            start.run(Arguments(json=False), world_of(tmp_path, euid=0))
        assert not (tmp_path / "ran").exists()
