"""What an earlier run left behind, or a fresh start."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from polarisd import store
from polarisd.api.snapshot import Offering
from polarisd.gpu.memory import GpuMemory, to_document, with_cards, with_xid
from polarisd.remembered import (
    BOOT_ID_FILE,
    GPUS_FILE,
    OFFERING_FILE,
    offering_document,
    recall,
)
from tests.unit.build import NOW, card, uuid_of

BOOT = "9b0c2e1e-6a52-4c4f-8f7e-3f1f6f9d5a11"
MEMORY = with_cards(with_xid(GpuMemory(BOOT, {}, {}), uuid_of(0), 79, NOW)[0], [card(0)], NOW)
INFINITE = float("inf")


@pytest.fixture
def boot_id_file(tmp_path: Path) -> Path:
    path = tmp_path / "boot_id"
    path.write_text(f"{BOOT}\n")
    return path


def test_a_first_start_offers_and_remembers_nothing(tmp_path: Path, boot_id_file: Path) -> None:
    assert recall(tmp_path, NOW).offering == Offering(wanted=True, since_at=NOW)
    assert recall(tmp_path, NOW, boot_id_file).memory == GpuMemory(BOOT, {}, {})


@pytest.mark.parametrize("wanted", [True, False])
def test_an_offering_outlives_the_daemon(tmp_path: Path, wanted: bool) -> None:
    kept = Offering(wanted=wanted, since_at=NOW - 5)
    store.write(tmp_path / OFFERING_FILE, offering_document(kept))
    assert recall(tmp_path, NOW).offering == kept


def test_a_memory_outlives_the_daemon(tmp_path: Path, boot_id_file: Path) -> None:
    store.write(tmp_path / GPUS_FILE, to_document(MEMORY))
    memory = recall(tmp_path, NOW, boot_id_file).memory
    assert memory.gpus == MEMORY.gpus
    assert memory.xids[uuid_of(0), 79].count == 1


def test_after_a_reboot_the_gpus_are_known_and_their_xids_are_over(
    tmp_path: Path, boot_id_file: Path
) -> None:
    store.write(tmp_path / GPUS_FILE, to_document(MEMORY))
    boot_id_file.write_text("another\n")
    assert recall(tmp_path, NOW, boot_id_file).memory == GpuMemory("another", {}, MEMORY.gpus)


def test_a_kernel_that_does_not_say_which_boot_this_is(tmp_path: Path) -> None:
    unreadable = tmp_path / "boot_id"
    blind = GpuMemory("", MEMORY.xids, MEMORY.gpus)
    store.write(tmp_path / GPUS_FILE, to_document(blind))
    assert recall(tmp_path, NOW, unreadable).memory == GpuMemory("", {}, MEMORY.gpus)


def test_this_kernel_says_which_boot_this_is() -> None:
    assert len(BOOT_ID_FILE.read_text().strip()) == 36


GOOD: Any = json.loads(json.dumps(to_document(MEMORY)))
DEEP: Any = json.loads("[" * 300 + "]" * 300)


def assert_doubtful(directory: Path, name: str, content: str) -> None:
    """Told of, a copy is kept, and so is the file: the next start must doubt it too."""
    for _ in range(2):
        recalled = recall(directory, NOW)
        assert recalled.unreadable.keys() == {name}
        assert recalled.unreadable[name].startswith(f"{directory / name}: ")
    assert (directory / f"{name}.bad").read_text() == content
    assert (directory / name).read_text() == content


@pytest.mark.logs_errors(r"cannot use .*gpus\.json: .*; a copy is in gpus\.json\.bad$")
@pytest.mark.parametrize(
    "document",
    [
        {},
        {**GOOD, "format": 2},
        {**GOOD, "format": None},
        {**GOOD, "gpus": DEEP},
        {**GOOD, "xids": [{**GOOD["xids"][0], "xid": INFINITE}]},
        {**GOOD, "gpus": [{**GOOD["gpus"][0], "index": INFINITE}]},
        {**GOOD, "gpus": [{**GOOD["gpus"][0], "seen_at": "yesterday"}]},
        {"format": 1},
        {"anything": "else"},
    ],
)
def test_a_memory_of_another_shape_is_doubted(
    tmp_path: Path, boot_id_file: Path, document: dict[str, Any]
) -> None:
    content = json.dumps(document)
    (tmp_path / GPUS_FILE).write_text(content)
    assert recall(tmp_path, NOW, boot_id_file).memory == GpuMemory(BOOT, {}, {})
    assert_doubtful(tmp_path, GPUS_FILE, content)


@pytest.mark.logs_errors(r"cannot use .*offering\.json: .*; a copy is in offering\.json\.bad$")
@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        '{"wanted": tr',
        '{"format": 1, "wanted": "no", "since_at": 5.0}',
        '{"format": 1, "wanted": 0, "since_at": 5.0}',
        '{"format": 2, "stopped": true}',
    ],
)
def test_a_doubtful_offering_is_none(tmp_path: Path, content: str) -> None:
    """Its owner may have said stop."""
    (tmp_path / OFFERING_FILE).write_text(content)
    assert recall(tmp_path, NOW).offering == Offering(wanted=False, since_at=NOW)
    assert_doubtful(tmp_path, OFFERING_FILE, content)


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize(
    ("rest", "since_at"),
    [
        ({"format": 2, "since_at": NOW - 5, "reason": "holiday"}, NOW - 5),
        ({"format": 1}, NOW),
        ({"format": 1, "since_at": None}, NOW),
        ({"format": 1, "since_at": INFINITE}, NOW),
    ],
)
def test_the_owners_word_is_taken_from_any_format(
    tmp_path: Path, wanted: bool, rest: dict[str, Any], since_at: float
) -> None:
    (tmp_path / OFFERING_FILE).write_text(json.dumps({**rest, "wanted": wanted}))
    recalled = recall(tmp_path, NOW)
    assert recalled.offering == Offering(wanted=wanted, since_at=since_at)
    assert recalled.unreadable == {}


def test_a_first_start_is_one_only_once(tmp_path: Path) -> None:
    first = recall(tmp_path, NOW)
    assert first.unreadable == {}
    assert recall(tmp_path, NOW + 100).offering == Offering(wanted=True, since_at=NOW)


@pytest.mark.logs_errors(r"cannot write .*offering\.json: Is a directory")
def test_a_first_start_that_cannot_be_written_down_is_one(tmp_path: Path) -> None:
    (tmp_path / "offering.json.new").mkdir()
    assert recall(tmp_path, NOW).offering == Offering(wanted=True, since_at=NOW)


@pytest.mark.logs_errors("cannot use .*; and no copy can be made: Is a directory")
def test_a_copy_that_cannot_be_made_keeps_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / OFFERING_FILE).write_text("nonsense")
    (tmp_path / "offering.json.bad.new").mkdir()
    assert recall(tmp_path, NOW).offering.wanted is False


@pytest.mark.logs_errors("; a copy is in gpus")
def test_the_journal_is_not_flooded_with_what_is_wrong(
    tmp_path: Path, boot_id_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [{**GOOD["gpus"][0], "seen_at": None} for _ in range(200)]
    (tmp_path / GPUS_FILE).write_text(json.dumps({**GOOD, "gpus": rows}))
    recall(tmp_path, NOW, boot_id_file)
    (record,) = caplog.records
    assert len(record.getMessage()) < 500


@pytest.mark.logs_errors("cannot use .*: Expecting value")
def test_what_is_no_json_is_forgotten_too(tmp_path: Path, boot_id_file: Path) -> None:
    (tmp_path / GPUS_FILE).write_text("nonsense")
    assert recall(tmp_path, NOW, boot_id_file).memory.gpus == {}
