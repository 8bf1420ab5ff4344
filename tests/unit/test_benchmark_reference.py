"""polarisd/bench/reference.json: it fits the cards' names, is sane, and says where it is from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from polarisd.api.benchmark import TESTS

PATH = Path(__file__).parents[2] / "polarisd" / "bench" / "reference.json"
DOC = PATH.parents[2] / "docs" / "benchmark.md"
MODELS: list[dict[str, Any]] = json.loads(PATH.read_text())["models"]
GEMM = ("gemm_bf16", "gemm_fp16", "gemm_int8", "gemm_tf32", "gemm_fp32")
LINK = ("h2d_pinned", "d2h_pinned")
GIB = 1 << 30
# NVML's names, as nvidia-smi -L prints them; the older ones also as older drivers do.
NAMES = {
    "H100 SXM": ("NVIDIA H100 80GB HBM3",),
    "H100 PCIe": ("NVIDIA H100 PCIe",),
    "H100 NVL": ("NVIDIA H100 NVL",),
    "H200 SXM": ("NVIDIA H200",),
    "H200 NVL": ("NVIDIA H200 NVL",),
    "GH200 96 GB": ("NVIDIA GH200 480GB",),
    "GH200 144 GB": ("NVIDIA GH200 144G HBM3e",),
    "B200": ("NVIDIA B200",),
    "B300": ("NVIDIA B300 SXM6 AC", "NVIDIA B300"),
    "GB200": ("NVIDIA GB200",),
    "A100 SXM 40 GB": ("NVIDIA A100-SXM4-40GB", "A100-SXM4-40GB"),
    "A100 SXM 80 GB": ("NVIDIA A100-SXM4-80GB",),
    "A100 PCIe 40 GB": ("NVIDIA A100-PCIE-40GB", "A100-PCIE-40GB"),
    "A100 PCIe 80 GB": ("NVIDIA A100 80GB PCIe",),
    "A10": ("NVIDIA A10",),
    "A30": ("NVIDIA A30",),
    "A40": ("NVIDIA A40", "A40"),
    "L4": ("NVIDIA L4",),
    "L40": ("NVIDIA L40",),
    "L40S": ("NVIDIA L40S",),
    "RTX 6000 Ada": ("NVIDIA RTX 6000 Ada Generation",),
    "RTX A4000": ("NVIDIA RTX A4000", "RTX A4000"),
    "RTX A5000": ("NVIDIA RTX A5000",),
    "RTX A6000": ("NVIDIA RTX A6000", "RTX A6000"),
    "RTX 3080": ("NVIDIA GeForce RTX 3080", "GeForce RTX 3080"),
    "RTX 3090": ("NVIDIA GeForce RTX 3090", "GeForce RTX 3090"),
    "RTX 4080": ("NVIDIA GeForce RTX 4080",),
    "RTX 4090": ("NVIDIA GeForce RTX 4090",),
    "RTX 5080": ("NVIDIA GeForce RTX 5080",),
    "RTX 5090": ("NVIDIA GeForce RTX 5090",),
    "RTX PRO 6000 Workstation": ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition",),
    "RTX PRO 6000 Max-Q": ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",),
    "RTX PRO 6000 Server": ("NVIDIA RTX PRO 6000 Blackwell Server Edition",),
    "T4": ("Tesla T4", "NVIDIA T4"),
    "V100 SXM2 16 GB": ("Tesla V100-SXM2-16GB",),
    "V100 SXM2 32 GB": ("Tesla V100-SXM2-32GB",),
    "V100 PCIe 16 GB": ("Tesla V100-PCIE-16GB",),
    "V100 PCIe 32 GB": ("Tesla V100-PCIE-32GB",),
    "V100S": ("Tesla V100S-PCIE-32GB",),
}
# Cards that are something else, however alike their names.
OTHERS = (
    *("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "NVIDIA H20", "NVIDIA H800", "NVIDIA GB300"),
    *("NVIDIA A100-SXM-64GB", "NVIDIA A100X", "NVIDIA A10G", "NVIDIA A10-4Q", "NVIDIA L20"),
    *("NVIDIA A40-48Q", "NVIDIA L2", "GRID T4-16Q", "Tesla T40 24GB", "NVIDIA T400 4GB"),
    *("NVIDIA RTX A4500", "NVIDIA RTX A5500", "NVIDIA RTX A4000 Laptop GPU", "Quadro RTX 6000"),
    *("NVIDIA RTX 5000 Ada Generation", "NVIDIA GeForce RTX 3080 Ti", "NVIDIA GeForce RTX 3090 Ti"),
    *("NVIDIA GeForce RTX 3080 Laptop GPU", "NVIDIA GeForce RTX 4090 Laptop GPU"),
    *("NVIDIA GeForce RTX 4090 D", "NVIDIA GeForce RTX 4080 SUPER", "NVIDIA GeForce RTX 5090 D"),
    *("NVIDIA GeForce RTX 5090 Laptop GPU", "NVIDIA RTX PRO 5000 Blackwell", "NVIDIA B200X"),
    *("AMD Instinct MI300X", "NVIDIA Graphics Device", "NVIDIA CMP 170HX", ""),
)
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model["name"]))


def test_every_model_has_sample_names() -> None:
    assert [model["name"] for model in MODELS] == list(NAMES)


@each_model
def test_it_matches_its_own_names_and_no_others(model: dict[str, Any]) -> None:
    pattern = re.compile(model["match"])
    for name, samples in NAMES.items():
        for sample in samples:
            assert bool(pattern.search(sample)) == (name == model["name"]), sample
    assert [other for other in OTHERS if pattern.search(other)] == []


@each_model
def test_it_has_these_fields(model: dict[str, Any]) -> None:
    assert set(model) == {"name", "match", "peak", "good", "sources"}
    assert {*model["peak"], *model["good"]} <= set(TESTS)
    assert all(type(value) is int for value in (*model["peak"].values(), *model["good"].values()))


@each_model
class TestSanity:
    def test_units(self, model: dict[str, Any]) -> None:
        limits = dict.fromkeys(GEMM, (5e12, 1e16))
        limits |= dict.fromkeys(("memory_copy", "memory_read"), (2e11, 1e13))
        limits |= dict.fromkeys(LINK, (1e10, 1e12))
        limits["vram_capacity"] = (8 * GIB, 300 * GIB)
        for test, value in (*model["peak"].items(), *model["good"].items()):
            least, most = limits[test]
            assert least <= value <= most, test

    def test_memory_is_whole_gibibytes(self, model: dict[str, Any]) -> None:
        assert model["peak"].get("vram_capacity", 0) % GIB == 0

    def test_a_good_figure_is_below_the_peak_unless_its_source_says_so(
        self, model: dict[str, Any]
    ) -> None:
        for test, value in model["good"].items():
            (source,) = [s for s in model["sources"] if s.startswith(f"measured: good {test}:")]
            assert (value > model["peak"][test]) == ("above the peak" in source), test
            assert value <= model["peak"][test] * 1.05

    def test_kinds_of_product_are_in_the_ratios_of_dense_ones(self, model: dict[str, Any]) -> None:
        """A figure with sparsity among them, or one summed in fp16, is off by two."""
        peak = model["peak"]
        if "gemm_bf16" not in peak:
            return
        assert peak["gemm_fp16"] == peak["gemm_bf16"]
        assert peak["gemm_tf32"] == pytest.approx(peak["gemm_bf16"] / 2, rel=0.02)
        if "gemm_int8" in peak:
            # GeForce sums 16-bit products in fp32 at half the rate of others.
            times = 4 if model["name"].startswith("RTX ") and model["name"][4].isdigit() else 2
            times = 2 if "Ada" in model["name"] else times
            assert peak["gemm_int8"] == pytest.approx(times * peak["gemm_bf16"], rel=0.02)

    def test_copying_and_reading_have_the_same_limit(self, model: dict[str, Any]) -> None:
        peak = model["peak"]
        assert peak.get("memory_copy") == peak.get("memory_read")
        assert peak.get("h2d_pinned") == peak.get("d2h_pinned")


@each_model
def test_each_figure_has_one_source(model: dict[str, Any]) -> None:
    told: dict[tuple[str, str], int] = {}
    for source in model["sources"]:
        found = re.fullmatch(
            r"(datasheet|measured|derived|unknown): (peak|good) ([^:]+): (.+)", source
        )
        assert found, source
        kind, what, tests, words = found.groups()
        assert (what == "good") == (kind == "measured")
        if kind in ("datasheet", "measured") and "such card" not in words and "issue" not in words:
            assert re.search(r"\b20\d\d\b", words), f"no date: {source}"
        for test in tests.split(", "):
            told[what, test] = told.get((what, test), 0) + 1
            assert (test in model[what]) == (kind != "unknown"), source
    figures = {(what, test) for what in ("peak", "good") for test in model[what]}
    assert figures <= set(told)
    assert set(told.values()) == {1}


def test_the_documentation_names_every_model() -> None:
    text = DOC.read_text()
    assert [model["name"] for model in MODELS if model["name"] not in text] == []
