"""pytest fixtures; a conftest imports them."""

from collections.abc import Sequence
from typing import Protocol

import pytest

from .fake import FakeNvml


class FakeNvmlFactory(Protocol):
    """FakeNvml.create in a fresh directory."""

    def __call__(
        self,
        models: str | Sequence[str] = "h100",
        count: int = 1,
        driver: str | None = None,
        seed: str = "",
    ) -> FakeNvml: ...


@pytest.fixture
def fake_nvml(tmp_path_factory: pytest.TempPathFactory) -> FakeNvmlFactory:
    """Makes fake GPU machines: `fake_nvml("h100", count=8)`."""

    def make(
        models: str | Sequence[str] = "h100",
        count: int = 1,
        driver: str | None = None,
        seed: str = "",
    ) -> FakeNvml:
        directory = tmp_path_factory.mktemp("nvml")
        return FakeNvml.create(directory, models, count, driver=driver, seed=seed)

    return make
