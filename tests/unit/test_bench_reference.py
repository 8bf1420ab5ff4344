"""The reference of each model: what is shipped is in order, and what is not there is unknown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from polarisd.api.reading import NOT_KNOWN, Unknown
from polarisd.bench import reference
from polarisd.bench.reference import Reference, parse

SHIPPED = reference.load()


def model(**changes: Any) -> dict[str, Any]:
    base = {
        "match": "^NVIDIA H100",
        "name": "H100",
        "peak": {"gemm_bf16": 989e12},
        "good": {},
        "sources": ["datasheet"],
    }
    return {**base, **changes}


def test_the_first_model_that_matches_counts() -> None:
    found = parse({"models": [model(), model(match="H100 PCIe", peak={"gemm_bf16": 1})]})
    assert found.peak("NVIDIA H100 PCIe", "gemm_bf16") == 989e12


def test_what_is_not_there_is_not_known() -> None:
    found = parse({"models": [model()]})
    for reading, why in (
        (found.good("NVIDIA H100", "gemm_bf16"), "the reference of H100 has none"),
        (found.peak("NVIDIA H100", "gemm_int8"), "the reference of H100 has none"),
        (found.peak("NVIDIA B300", "gemm_bf16"), "there is no reference of NVIDIA B300"),
        (Reference().peak("", "gemm_bf16"), "there is no reference of "),
    ):
        assert reading == Unknown(NOT_KNOWN, why)


@pytest.mark.parametrize(
    "changes",
    [
        {"match": 7},
        {"name": None},
        {"match": "("},
        {"peak": []},
        {"peak": {"gemm_fp4": 1}},
        {"peak": {"gemm_bf16": "fast"}},
        {"peak": {"gemm_bf16": True}},
        {"good": {"gemm_bf16": 0}},
        {"good": {"gemm_bf16": float("inf")}},
    ],
)
def test_what_is_not_of_the_format_is_a_bug(changes: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError, re.error)):
        parse({"models": [model(**changes)]})


def test_what_is_shipped_stands_beside_the_module_and_is_packaged() -> None:
    assert reference.FILE.parent == Path(reference.__file__).parent
    assert reference.FILE.is_file()


def test_each_model_that_is_shipped_has_sources_and_is_found_by_a_name() -> None:
    entries = json.loads(reference.FILE.read_text(encoding="utf-8"))["models"]
    assert len(entries) == len(SHIPPED.models) > 5
    assert all(entry["sources"] for entry in entries)
    peak = SHIPPED.peak("NVIDIA H100 80GB HBM3", "gemm_bf16")
    assert isinstance(peak, float)
    assert 9.8e14 < peak < 1e15
