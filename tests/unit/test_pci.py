"""Which cards the kernel's driver holds."""

from __future__ import annotations

from pathlib import Path

from polarisd.gpu.pci import DRIVER_DIR, bound_addresses


def test_addresses_and_nothing_else(tmp_path: Path) -> None:
    for name in ("0000:3b:00.0", "0000:d8:00.0", "10000:01:00.7", "bind", "module", "new_id"):
        (tmp_path / name).touch()
    (tmp_path / "0000:3b:00.8").touch()  # there are eight functions
    assert bound_addresses(tmp_path) == {"0000:3b:00.0", "0000:d8:00.0", "10000:01:00.7"}


def test_no_driver_is_no_address(tmp_path: Path) -> None:
    assert bound_addresses(tmp_path / "nvidia") == frozenset()
    (tmp_path / "file").touch()
    assert bound_addresses(tmp_path / "file") == frozenset()


def test_it_is_where_the_kernel_shows_the_driver() -> None:
    assert str(DRIVER_DIR) == "/sys/bus/pci/drivers/nvidia"
