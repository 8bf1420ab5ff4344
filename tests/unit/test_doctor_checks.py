"""The doctor's table: every row judges as it should, is documented and fully tried."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from polarisctl.doctor import daemon, driver
from polarisctl.doctor.check import Check
from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, VERDICTS, WARNING
from polarisctl.doctor.table import CHECKS
from polarisd.health.catalogue import CATALOGUE, FaultKind
from tests.unit import (
    doctor_cases_containers,
    doctor_cases_gpu,
    doctor_cases_machine,
    doctor_cases_service,
    doctor_cases_subnet,
)
from tests.unit.doctor_support import Case, known

CASES = [
    *doctor_cases_machine.CASES,
    *doctor_cases_gpu.CASES,
    *doctor_cases_containers.CASES,
    *doctor_cases_service.CASES,
    *doctor_cases_subnet.CASES,
]
BY_ID = {check.id: check for check in CHECKS}
DOCUMENT = Path(__file__).parents[2] / "docs" / "doctor.md"


@pytest.mark.parametrize("tried", CASES, ids=str)
def test_judges(tried: Case, tmp_path: Path) -> None:
    with known(tmp_path, tried.topics) as facts:
        finding = BY_ID[tried.id].judge(facts)
    assert finding.verdict == tried.verdict, finding
    said = " ".join((finding.found, finding.advice, *finding.commands))
    assert tried.says in said
    assert finding.found
    if finding.verdict in (WARNING, FAILURE, UNKNOWN):
        assert finding.needed
    if finding.verdict in (OK, SKIPPED):
        assert not finding.commands
    if finding.verdict == FAILURE:
        assert finding.advice or finding.commands
    for command in finding.commands:
        assert "\n" not in command


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
class TestRow:
    def test_has_a_case_for_each_verdict_and_gives_no_other(self, check: Check) -> None:
        assert {tried.verdict for tried in CASES if tried.id == check.id} == set(check.verdicts)

    def test_is_well_formed(self, check: Check) -> None:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", check.id)
        assert check.title
        assert check.why.endswith(".")
        assert set(check.verdicts) <= set(VERDICTS)
        assert OK in check.verdicts

    def test_is_documented_with_its_verdicts(self, check: Check) -> None:
        rows = [
            line for line in DOCUMENT.read_text().splitlines() if line.startswith(f"| `{check.id}`")
        ]
        assert len(rows) == 1
        columns = [column.strip() for column in rows[0].strip("|").split("|")]
        assert columns[1] == ", ".join(v for v in VERDICTS if v in check.verdicts)


def test_ids_are_unique_and_the_document_knows_no_others() -> None:
    assert len(BY_ID) == len(CHECKS)
    documented = re.findall(r"^\| `([a-z0-9-]+)` \| ok", DOCUMENT.read_text(), re.MULTILINE)
    assert documented == [check.id for check in CHECKS]


def test_groups_stand_together() -> None:
    groups = [check.group for check in CHECKS]
    starts = [
        group for number, group in enumerate(groups) if groups[number - 1 : number] != [group]
    ]
    assert len(starts) == len(set(groups))


ONE_LINE = """\
# deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm main
deb-src [arch=amd64] http://deb.debian.org/debian bookworm main non-free-firmware
deb https://download.docker.com/linux/debian bookworm stable
"""
FIELDS = """\
Types: deb
URIs: http://deb.debian.org/debian
Suites: trixie trixie-updates
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
"""


def test_on_debian_the_driver_is_made_installable_first(tmp_path: Path) -> None:
    """A stock Debian has no candidate for nvidia-driver: it is in non-free."""
    (tmp_path / "sources.list.d").mkdir()
    lines, fields = tmp_path / "sources.list", tmp_path / "sources.list.d" / "debian.sources"
    lines.write_text(ONE_LINE)
    fields.write_text(FIELDS)
    finding = driver.loaded(doctor_cases_gpu.NO_DRIVER, "debian")
    assert "non-free" in finding.advice
    command = finding.commands[0].removeprefix("sudo ").replace("/etc/apt", str(tmp_path))
    for _ in range(2):  # doing it again changes nothing more
        subprocess.run(["sh", "-c", command], check=True, timeout=10)
        every = "main contrib non-free non-free-firmware"
        assert lines.read_text().splitlines() == [
            "# deb http://deb.debian.org/debian bookworm main",
            f"deb http://deb.debian.org/debian bookworm {every}",
            f"deb-src [arch=amd64] http://deb.debian.org/debian bookworm {every}",
            "deb https://download.docker.com/linux/debian bookworm stable",
        ]
        assert fields.read_text() == FIELDS.replace("main non-free-firmware", every)
    assert driver.loaded(doctor_cases_gpu.NO_DRIVER, "ubuntu").commands[0].startswith("sudo ubuntu")


def test_no_remedy_of_the_daemon_sends_the_doctors_reader_to_the_doctor() -> None:
    for kind in CATALOGUE.values():
        told = Daemon("/run/x.sock", {}, {"faults": [vars_of(kind)]}, {})
        assert "polarisctl doctor" not in daemon.faults(told).advice, kind.code


def vars_of(kind: FaultKind) -> dict[str, str]:
    return {"code": kind.code, "severity": "error", "text": kind.text, "remedy": kind.remedy}
