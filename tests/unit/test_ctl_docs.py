"""The manual page and docs/json.md say all that there is, and are well formed."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from polarisctl import failures, verbs
from polarisctl.shells.places import Place, places
from polarisd.api import benchmark, chain, errors, gpu, network, reading, snapshot
from polarisd.api.reading import Unknown
from polarisd.control.commands import COMMANDS
from polarisd.sections import Node
from tests.unit.ctl_support import WAIT_S

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "man" / "polarisctl.1"
JSON = (ROOT / "docs" / "json.md").read_text()
RECORDS = sorted(
    {
        record
        for module in (benchmark, chain, gpu, network, snapshot)
        for record in vars(module).values()
        if isinstance(record, type) and is_dataclass(record) and record is not Unknown
    },
    key=lambda record: record.__name__,
)


def section(name: str) -> list[str]:
    _, _, rest = JSON.partition(f"\n### {name}\n")
    assert rest, f"docs/json.md has no section {name}"
    return rest.partition("\n### ")[0].splitlines()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
class TestEachRecord:
    def test_each_field_is_documented_in_order(self, record: type) -> None:
        rows = [line.split("`")[1] for line in section(record.__name__) if line.startswith("| `")]
        assert rows == [field.name for field in fields(record)]

    def test_each_field_has_a_meaning(self, record: type) -> None:
        for line in section(record.__name__):
            if line.startswith("| `"):
                _, _, _, meaning, _ = line.replace(r"\|", "").split("|")
                assert meaning.strip()

    def test_what_may_be_unknown_is_marked(self, record: type) -> None:
        hints = get_type_hints(record)
        rows = {line.split("`")[1]: line for line in section(record.__name__) if line[:3] == "| `"}
        for name, hint in hints.items():
            assert ("†" in rows[name].split("|")[1]) == (Unknown in get_args(hint)), name

    def test_each_unit_is_that_of_the_name(self, record: type) -> None:
        units = {"bytes": "bytes", "w": "W", "c": "°C", "mhz": "MHz", "percent": "%", "at": "time"}
        units |= {"j": "J", "bps": "bytes/s", "bits": "bits", "rao": "rao"}
        for line in section(record.__name__):
            if line.startswith("| `"):
                expected = units.get(line.split("`")[1].rpartition("_")[2])
                assert expected in (None, line.split("|")[2].strip()), line


def test_each_reason_code_and_exit_code_is_in_json_md() -> None:
    assert [reason for reason in reading.REASONS if f"| `{reason}` | " not in JSON] == []
    codes = {*errors.ALL_CODES, *failures.EXIT_BY_CODE, failures.FAILED}
    assert [code for code in codes if f"`{code}`" not in JSON] == []
    for code in {*failures.EXIT_BY_CODE.values(), failures.EXIT_UNHEALTHY, failures.EXIT_FAILED}:
        assert f"\n| {code} | " in JSON


def test_each_page_that_a_hint_names_is_one_and_is_named_where_the_package_has_it() -> None:
    installed = r"([\w-]+\.md) in /usr/share/doc/polaris\b"
    named = [
        page
        for package in ("polarisctl", "polarisd")
        for module in (ROOT / package).rglob("*.py")
        for page in re.findall(installed, module.read_text())
    ]
    assert {"gpu-setup.md", "control-protocol.md"} <= set(named)
    assert [page for page in named if not (ROOT / "docs" / page).exists()] == []


@pytest.mark.parametrize("verb", verbs.VERBS)
def test_each_verb_is_in_json_md(verb: str) -> None:
    _, _, table = JSON.partition("\n## The verbs\n")
    assert f"`{verb}" in table.partition("\n## ")[0]


def every(found: tuple[Place, ...]) -> list[Place]:
    return [inner for place in found for inner in (place, *every(place.actions))]


@pytest.mark.parametrize("place", every(places()), ids=lambda place: " ".join(place.path))
def test_each_verb_and_each_of_its_options_is_in_the_manual(place: Place) -> None:
    words = " ".join(place.path)
    verbs_section = PAGE.read_text().partition(".Sh VERBS")[2].partition(".Sh ENVIRONMENT")[0]
    # Each entry begins with .It; a long one spreads over .Op lines up to .Xc.
    entries = [
        entry
        for entry in verbs_section.replace("Xo\n.Cm", "Cm").split("\n.It ")
        if entry.startswith((f"Cm {words} ", f"Cm {words}\n"))
    ]
    if not place.actions:
        assert entries, f"polarisctl(1) has no entry {words}"
    text = "\n".join(entries)
    for option in place.options:
        if option.flags[-1] not in ("--json", "--socket", "--help"):
            for flag in option.flags:
                roff = "Fl " + flag[1:].replace("-", "\\-", 1)
                assert roff in text, f"polarisctl(1) does not have {words} {flag}"


def test_the_manual_has_every_exit_code() -> None:
    text = PAGE.read_text().partition(".Sh EXIT STATUS")[2]
    codes = {
        value
        for name, value in vars(failures).items()
        if name.startswith("EXIT_") and isinstance(value, int)
    }
    assert [code for code in codes if f"\n.It {code}\n" not in text] == []


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_is_not_called_one_of_bsd() -> None:
    done = subprocess.run(
        ["groff", "-mandoc", "-Tascii", str(PAGE)],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=True,
    )
    head, *_, foot = (line for line in done.stdout.splitlines() if line.strip())
    assert "BSD" not in head + foot
    assert foot.startswith("Polaris ")


def test_the_roles_and_modes_are_those_that_the_configuration_takes() -> None:
    hints = get_type_hints(Node)
    rows = {line.split("`")[1]: line for line in section("Daemon") if line[:3] == "| `"}
    for name in ("role", "mode"):
        assert tuple(rows[name].split("`")[3::2]) == get_args(hints[name])


@pytest.mark.skipif(shutil.which("mandoc") is None, reason="mandoc is not installed")
def test_mandoc_finds_nothing_wrong_with_the_manual() -> None:
    done = subprocess.run(
        ["mandoc", "-Tlint", "-Wwarning", str(PAGE)],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.stdout + done.stderr == ""


def test_each_command_of_the_daemon_has_its_verb() -> None:
    assert {row.verb for row in COMMANDS.values()} <= set(verbs.VERBS)
