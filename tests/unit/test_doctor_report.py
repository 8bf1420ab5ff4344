"""How the doctor reports: text, JSON, exit codes, which checks run."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.commands import doctor
from polarisctl.context import Arguments, Context
from polarisctl.doctor import report
from polarisctl.doctor.facts import TOPICS, Facts
from polarisctl.doctor.finding import FAILURE, SKIPPED, UNKNOWN, VERDICTS, Finding
from polarisctl.doctor.later import Later
from polarisctl.doctor.table import CHECKS
from polarisctl.failures import EXIT_OK, EXIT_UNHEALTHY, EXIT_USAGE
from polarisctl.main import main
from polarisctl.terminal import Terminal
from polarisd import __version__
from tests.unit.doctor_support import edge, known, tree

FINDINGS = st.builds(
    Finding,
    st.sampled_from(VERDICTS),
    st.text(max_size=200),
    st.text(max_size=200),
    st.text(max_size=200),
    st.lists(st.text(max_size=50), max_size=3).map(tuple),
)
ANSWERS = st.lists(st.tuples(st.sampled_from(CHECKS), FINDINGS), max_size=8)
PLAIN = Terminal(columns=80)


@given(ANSWERS, st.booleans(), st.integers(1, 200))
def test_text_is_printable_lines_whatever_was_found(
    answers: report.Answers, unicode: bool, columns: int
) -> None:
    for line in report.lines(answers, Terminal(columns=columns, unicode=unicode)):
        assert line.isprintable()
        assert unicode or line.isascii()


@given(ANSWERS)
def test_every_check_has_a_line_with_its_mark(answers: report.Answers) -> None:
    text = list(report.lines(answers, PLAIN))
    for check, finding in answers:
        start = f"  {report.MARKS[finding.verdict]} {check.title}"
        assert any(line.startswith(start) for line in text)


@given(ANSWERS)
def test_the_map_is_json_and_counts_right(answers: report.Answers) -> None:
    made = json.loads(json.dumps(report.to_map(answers, "1.0")))
    assert sum(made["counts"].values()) == len(made["checks"]) == len(answers)
    assert made["healthy"] == (made["counts"][FAILURE] == 0)


def test_details_of_a_failure() -> None:
    check = next(check for check in CHECKS if check.id == "engine-running")
    finding = Finding(FAILURE, "it is down", "up", "Start it:", ("sudo systemctl start docker",))
    assert list(report.lines([(check, finding)], PLAIN)) == [
        "Containers",
        "  ✗ Engine running  [engine-running]",
        "      found   it is down",
        "      needed  up",
        f"      why     {check.why}",
        "      do      Start it:",
        "                sudo systemctl start docker",
        "",
        "1 checks: 1 failure",
    ]


def test_a_command_is_never_wrapped() -> None:
    command = "sudo " + "x" * 300
    finding = Finding(FAILURE, "a", "b", "c", (command,))
    text = list(report.lines([(CHECKS[0], finding)], Terminal(columns=40)))
    assert any(line.endswith(command) for line in text)


def run(root: Path, **asked: object) -> tuple[int, str]:
    out = io.StringIO()
    args = Arguments(**{"json": False, **doctor.DEFAULTS, **asked})
    code = doctor.run(args, Context(stdout=out, environ={"LANG": "C.UTF-8"}), edge(root))
    return code, out.getvalue()


def test_an_empty_machine_is_told_in_full_and_unhealthy(tmp_path: Path) -> None:
    code, text = run(tmp_path, json=True)
    told = json.loads(text)
    assert code == EXIT_UNHEALTHY
    assert told["version"] == __version__
    assert [check["id"] for check in told["checks"]] == [check.id for check in CHECKS]
    verdicts = {check["id"]: check["verdict"] for check in told["checks"]}
    assert verdicts["container-engine"] == FAILURE
    assert verdicts["memory"] == UNKNOWN
    assert verdicts["polarisd-active"] == SKIPPED


def test_only_gathers_what_it_needs_and_exits_by_it(tmp_path: Path) -> None:
    tree(tmp_path, {"/proc/meminfo": "MemTotal: 67108864 kB\n"})
    code, text = run(tmp_path, only=["memory"])
    assert code == EXIT_OK
    assert text == "Hardware\n  ✓ Memory  64.0 GiB\n\n1 checks: 1 ok\n"


def test_warnings_alone_are_no_failure(tmp_path: Path) -> None:
    tree(tmp_path, {"/proc/meminfo": "MemTotal: 12582912 kB\n"})
    code, text = run(tmp_path, only=["memory,kernel"])
    assert code == EXIT_OK
    assert "2 checks: 1 warning, 1 ok" in text


def test_list_names_every_check_and_looks_at_none(tmp_path: Path) -> None:
    code, text = run(tmp_path, list=True)
    assert code == EXIT_OK
    assert [line.split()[0] for line in text.splitlines()] == [check.id for check in CHECKS]
    _, told = run(tmp_path, list=True, json=True, only=["clock"])
    assert [row["id"] for row in json.loads(told)] == ["clock"]


def test_an_unknown_id_is_a_usage_error() -> None:
    out, err = io.StringIO(), io.StringIO()
    code = main(["doctor", "--only", "clock", "bogus,cpu"], stdout=out, stderr=err, environ={})
    assert code == EXIT_USAGE
    assert "bogus" in err.getvalue()


def test_this_machine_whatever_it_is(tmp_path: Path) -> None:
    """The real edges, through the real entry: no check may break on any machine."""
    out, err = io.StringIO(), io.StringIO()
    words = ["--socket", str(tmp_path / "none.sock"), "doctor", "--json"]
    code = main(words, stdout=out, stderr=err, environ={"PATH": "/usr/bin:/bin"})
    told = json.loads(out.getvalue())
    assert code == (EXIT_OK if told["healthy"] else EXIT_UNHEALTHY)
    assert len(told["checks"]) == len(CHECKS)
    for check, row in zip(told["checks"], CHECKS, strict=True):
        assert check["verdict"] in row.verdicts


def test_there_is_a_thread_for_each_topic(tmp_path: Path) -> None:
    with known(tmp_path, {}) as facts:
        assert isinstance(facts, Facts)
        topics = [value for value in vars(facts).values() if isinstance(value, Later)]
    assert len(topics) == TOPICS


@pytest.mark.parametrize("heavy", ["trio", "cattrs", "psutil", "pynvml", "polarisd.config"])
def test_the_doctor_does_not_import(heavy: str) -> None:
    code = f"import sys, polarisctl.commands.doctor; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
