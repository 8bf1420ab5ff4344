"""What a model of GPU can do: its datasheet's peak, and a good figure that was measured.

`reference.json` has the data and their sources, and docs/benchmark.md says where they are
from.  `measuring` sets a figure beside them; `daemon` loads them at the start.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from polarisd.api.benchmark import TESTS
from polarisd.api.reading import NOT_KNOWN, Reading, Unknown

FILE = Path(__file__).with_name("reference.json")


@dataclass(frozen=True, slots=True)
class Model:
    """`match` is searched for in NVML's name; `peak` and `good` are by test."""

    match: re.Pattern[str]
    name: str
    peak: Mapping[str, float]
    good: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reference:
    """The models in their order: the first that matches counts."""

    models: tuple[Model, ...] = ()

    def peak(self, gpu_name: str, test: str) -> Reading[float]:
        return self._figure(gpu_name, test, "peak")

    def good(self, gpu_name: str, test: str) -> Reading[float]:
        return self._figure(gpu_name, test, "good")

    def _figure(self, gpu_name: str, test: str, which: str) -> Reading[float]:
        model = next((m for m in self.models if m.match.search(gpu_name)), None)
        if model is None:
            return Unknown(NOT_KNOWN, f"there is no reference of {gpu_name}"[:300])
        figures: Mapping[str, float] = getattr(model, which)
        if test not in figures:
            return Unknown(NOT_KNOWN, f"the reference of {model.name} has none")
        return figures[test]


def load(path: Path = FILE) -> Reference:
    """Blocking, and short.  The file is the package's own, so what is wrong is a bug."""
    return parse(json.loads(path.read_text(encoding="utf-8")))


def parse(document: Mapping[str, object]) -> Reference:
    """Error handling: ValueError, TypeError, KeyError or re.error where it is not of the format."""
    models = document["models"]
    if not isinstance(models, list):
        raise TypeError("models is not a list")
    return Reference(tuple(_model(model) for model in models))


def _model(entry: Mapping[str, object]) -> Model:
    name, match = entry["name"], entry["match"]
    if not isinstance(name, str) or not isinstance(match, str):
        raise TypeError(f"a model is named {name!r} and matched by {match!r}")
    return Model(
        re.compile(match), name, _figures(name, entry["peak"]), _figures(name, entry["good"])
    )


def _figures(name: str, figures: object) -> dict[str, float]:
    if not isinstance(figures, dict):
        raise TypeError(f"{name}: figures are not an object")
    found = {}
    for test, value in figures.items():
        if test not in TESTS or type(value) not in (int, float):
            raise ValueError(f"{name}: {test!r} is {value!r}")
        if not math.isfinite(value) or value <= 0:
            raise ValueError(f"{name}: {test} is {value}")
        found[test] = float(value)
    return found
