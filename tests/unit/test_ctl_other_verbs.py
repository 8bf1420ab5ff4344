"""`polarisctl logs`, `config` and `version`, against scripted programs and a scripted daemon."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polarisctl.commands import logs
from polarisctl.context import Arguments
from polarisctl.parser import verb_parser
from polarisd.api import errors
from polarisd.api.errors import ControlError
from tests.unit import ctl_samples as world
from tests.unit.ctl_support import HELLO, ROOT, Peer, ctl, daemon, process, program, run

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Says what it was asked, and ends as a bad configuration would.
ECHO = "import sys; print(*sys.argv[1:], sep='\\n'); sys.exit(78)\n"


needs_the_journal = pytest.mark.skipif(
    os.geteuid() != 0, reason="others may not read the journal here"
)


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    with daemon(tmp_path / "s") as running:
        yield running


class TestLogs:
    @pytest.mark.parametrize(
        ("words", "becomes"),
        [
            ("", "--lines=200"),
            ("-f", "--follow --lines=200"),
            ("--follow -n 0", "--follow --lines=0"),
            ("--since=-2h", "--since=-2h"),
            ("--until yesterday --lines 3", "--lines=3 --until=yesterday"),
            ("--priority err --json", "--lines=200 --priority=err --output=json"),
            ("--event xid", "--lines=200 POLARIS_EVENT=xid"),
        ],
    )
    def test_what_journalctl_is_asked(self, words: str, becomes: str) -> None:
        args = Arguments(json=False, socket=None)
        verb_parser("logs").parse_args(words.split(), namespace=args)
        assert logs.journalctl_words(args) == ["--unit=polarisd", *becomes.split()]

    @needs_the_journal
    def test_it_becomes_journalctl(self, tmp_path: Path) -> None:
        program(tmp_path / "journalctl", ECHO)
        done = process("logs", "-n", "5", PATH=str(tmp_path))
        assert (done.returncode, done.stderr) == (78, "")
        assert done.stdout.split() == ["--unit=polarisd", "--lines=5"]

    @needs_the_journal
    @pytest.mark.parametrize("wanted", ["3", "GPU-00000003", world.uuid_of(3)])
    def test_a_gpu_is_named_as_everywhere(self, peer: Peer, wanted: str, tmp_path: Path) -> None:
        peer.answers["snapshot"] = world.snapshot()
        program(tmp_path / "journalctl", ECHO)
        words = ("logs", "--gpu", wanted, "--socket", str(peer.path))
        done = process(*words, PATH=str(tmp_path))
        assert done.stdout.split()[-1] == f"GPU_UUID={world.uuid_of(3)}", done.stderr

    @needs_the_journal
    def test_a_gpu_that_is_none_or_several_is_refused(self, peer: Peer, tmp_path: Path) -> None:
        peer.answers["snapshot"] = world.snapshot()
        program(tmp_path / "journalctl", ECHO)
        for wanted, text in (("9", "cannot find a GPU 9"), ("GPU-0", "fits several")):
            code, out, err = run(peer, "logs", "--gpu", wanted, PATH=str(tmp_path))
            assert (code, out) == (1, "")
            assert text in err

    @needs_the_journal
    def test_without_the_daemon_a_whole_uuid_is_needed(self, tmp_path: Path) -> None:
        program(tmp_path / "journalctl", ECHO)
        place = {"POLARIS_SOCKET": str(tmp_path / "none"), "PATH": str(tmp_path)}
        code, out, err = ctl("logs", "--gpu", "GPU-12", **place)
        assert (code, out) == (3, "")
        assert "cannot tell which GPU 'GPU-12' is without polarisd" in err
        assert "give the whole UUID" in err
        whole = process("logs", "--gpu", world.uuid_of(3), **place)
        assert whole.stdout.split()[-1] == f"GPU_UUID={world.uuid_of(3)}"

    def test_every_event_that_the_daemon_logs_can_be_completed(self) -> None:
        logged = {"fault_raised", "fault_cleared"}  # which of them, a variable says
        for path in (ROOT / "polarisd").rglob("*.py"):
            if path.name != "logtext.py":  # its docstring has an example
                logged |= set(re.findall(r'\bevent="([a-z_]+)"', path.read_text()))
        assert set(logs.EVENTS) == logged

    def test_a_journal_that_this_user_may_not_read(self) -> None:
        # Not tmp_path: another user could not even enter that.
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o755)
            patterns = (f"{place}/*/system.journal",)
            assert logs.journal_is_readable(patterns)  # there is none: journalctl says so
            journal = Path(place, "id", "system.journal")
            journal.parent.mkdir()
            journal.touch()
            for closed in (journal, journal.parent):
                assert logs.journal_is_readable(patterns)
                closed.chmod(0)
                assert not as_nobody(lambda: logs.journal_is_readable(patterns))
                closed.chmod(0o755)


def as_nobody(ask: Callable[[], bool]) -> bool:
    if os.getuid() != 0:
        return ask()
    os.seteuid(65534)
    try:
        return ask()
    finally:
        os.seteuid(0)


class TestConfig:
    def test_check_becomes_the_daemon_beside_polarisctl(self, tmp_path: Path) -> None:
        program(tmp_path / "polarisd", ECHO)
        beside = str(tmp_path / "polarisctl")
        done = process("config", "check", "x.toml", program=beside)
        assert done.returncode == 78
        assert done.stdout.split() == ["--check-config", "x.toml"]
        done = process("config", "check", "--json", PATH=str(tmp_path))
        assert done.stdout.split() == ["--check-config", "/etc/polaris/polaris.toml", "--json"]

    def test_check_asks_the_real_daemon(self, tmp_path: Path) -> None:
        program(
            tmp_path / "polarisd",
            f"import sys; sys.path[:0] = {[str(ROOT), *sys.path]!r}\n"
            "from polarisd.main import main; sys.exit(main())\n",
        )
        bad = tmp_path / "bad.toml"
        bad.write_text("[gpu]\nsample_interval_s = 0\nhistory_s = 'long'\n")
        done = process("config", "check", str(bad), "--json", PATH=str(tmp_path))
        assert done.returncode == 78, done.stderr
        problems = {problem["path"] for problem in json.loads(done.stdout)["problems"]}
        assert problems == {"gpu.sample_interval_s", "gpu.history_s"}
        bad.write_text("")
        assert process("config", "check", str(bad), PATH=str(tmp_path)).returncode == 0

    def test_show(self, peer: Peer) -> None:
        config = {
            "path": "/etc/polaris/polaris.toml",
            "values": {
                "node": {"role": "miner"},
                "gpu": {"sample_interval_s": 1.0, "withhold": ["GPU-1"]},
                "control": {"local_users_may_read": False},
            },
        }
        peer.answers["config"] = config
        code, out, _ = run(peer, "config", "show")
        assert code == 0
        assert out.startswith("# /etc/polaris/polaris.toml, defaults included\n")
        assert tomllib.loads(out) == config["values"]
        assert json.loads(run(peer, "config", "show", "--json")[1]) == config

    def test_reload(self, peer: Peer) -> None:
        peer.answers["reload"] = {"changed": ["log.level"], "needs_restart": ["node.role"]}
        code, out, _ = run(peer, "config", "reload")
        assert code == 0
        assert out.splitlines() == [
            "changed: log.level",
            "needs a restart: node.role",
            "→ sudo systemctl restart polarisd",
        ]
        peer.answers["reload"] = {"changed": [], "needs_restart": []}
        assert run(peer, "config", "reload")[1] == "nothing changed\n"

    def test_reload_of_a_bad_file_tells_every_problem(self, peer: Peer) -> None:
        peer.answers["reload"] = ControlError(
            errors.BAD_CONFIG, "gpu.x: unknown\nlog.level: not a level", "mend it"
        )
        code, out, err = run(peer, "config", "reload")
        assert (code, out) == (78, "")
        assert err.splitlines() == [
            "polarisctl: cannot reload the configuration:",
            "  gpu.x: unknown",
            "  log.level: not a level",
            "  mend it",
        ]


class TestVersion:
    def test_with_a_daemon(self, peer: Peer) -> None:
        code, out, _ = run(peer, "version")
        assert code == 0
        assert out.splitlines() == [
            "polarisctl 0.1.0 (protocol 1.2)",
            "polarisd 0.1.0 (protocol 1.0, pid 7)",
        ]
        assert json.loads(run(peer, "version", "--json")[1]) == {
            "polarisctl": {"version": "0.1.0", "protocol": "1.2"},
            "polarisd": HELLO,
            "error": None,
        }

    def test_without(self, tmp_path: Path) -> None:
        code, out, err = ctl("version", POLARIS_SOCKET=str(tmp_path / "none"))
        assert (code, err) == (0, "")
        assert "polarisd: cannot reach polarisd" in out
        answer = json.loads(ctl("version", "--json", POLARIS_SOCKET=str(tmp_path / "none"))[1])
        assert answer["polarisd"] is None
        assert answer["error"]["code"] == "not_running"
