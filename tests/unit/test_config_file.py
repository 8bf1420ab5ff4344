"""Reading polaris.toml: whatever the file is, it is refused in words or taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from polarisd import config
from polarisd.config import Config, ConfigError, load


class TestLoad:
    def test_reads_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "polaris.toml"
        path.write_text("# é\n[ports]\napi = 9000\n", encoding="utf-8")
        assert load(path).ports.api == 9000

    def refused(self, path: Path) -> str:
        with pytest.raises(ConfigError) as failed:
            load(path)
        assert failed.value.path == path
        assert failed.value.problems
        return str(failed.value)

    def test_lists_every_problem_on_a_line_of_its_own(self, tmp_path: Path) -> None:
        path = tmp_path / "polaris.toml"
        path.write_text("[ports]\napi = 0\n[log]\nlevel = 0\n")
        assert self.refused(path) == (
            f"{path}: ports.api: must be a whole number from 1 to 65535, not 0\n"
            f'{path}: log.level: must be one of "debug", "info", "warning", "error", not 0'
        )

    def test_missing(self, tmp_path: Path) -> None:
        path = tmp_path / "none.toml"
        why = "cannot read the configuration: No such file or directory"
        assert self.refused(path) == f"{path}: {why}"

    def test_a_circle_of_links(self, tmp_path: Path) -> None:
        path = tmp_path / "polaris.toml"
        path.symlink_to(path)
        assert "cannot read the configuration: Too many levels" in self.refused(path)

    def test_not_a_file(self, tmp_path: Path) -> None:
        assert "not a regular file" in self.refused(tmp_path)
        os.mkfifo(tmp_path / "fifo")
        assert "not a regular file" in self.refused(tmp_path / "fifo")
        assert "not a regular file" in self.refused(Path("/dev/zero"))

    def test_not_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "polaris.toml"
        path.write_bytes(b"# caf\xe9\n")
        assert self.refused(path) == f"{path}: is not UTF-8 text: byte 5 is 0xe9"

    def test_a_byte_order_mark_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "polaris.toml"
        path.write_text("[ports]\napi = 9000\n", encoding="utf-8-sig")
        assert "it starts with a byte order mark" in self.refused(path)

    def test_too_large(self, tmp_path: Path) -> None:
        path = tmp_path / "polaris.toml"
        path.write_bytes(b"#" * config.MAX_FILE_BYTES)
        assert load(path) == Config()
        path.write_bytes(b"#" * (config.MAX_FILE_BYTES + 1))
        assert "is too large: must be at most 1048576 bytes" in self.refused(path)

    def test_leaves_no_descriptor_open(self, tmp_path: Path) -> None:
        before = os.listdir("/proc/self/fd")
        self.test_not_a_file(tmp_path)
        self.test_not_utf8(tmp_path)
        assert os.listdir("/proc/self/fd") == before
