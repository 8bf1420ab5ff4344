"""Building the kernels for this processor: once, whoever asks, and never another's code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from polarisd.bench.worker import host_build
from polarisd.bench.worker.device import NO_COMPILER, DeviceError
from polarisd.bench.worker.kernel_device import KERNELS, source, source_path

ANSWER = 'extern "C" int answer() { return %d; }\n'
ROOT = Path(__file__).parents[2]
# A compiler that keeps count of what it is asked to build, and then does it.
COUNTING = """\
#!/bin/sh
case "$*" in *-shared*) echo built >> {log} ;; esac
exec {compiler} "$@"
"""
LOAD = """\
import sys
from pathlib import Path
from polarisd.bench.worker import host_build
print(host_build.load(sys.argv[1], Path(sys.argv[2])).library.answer())
"""


class Counting:
    def __init__(self, directory: Path) -> None:
        self._log = directory / "log"
        self.program = directory / "counting-compiler"
        compiler = shutil.which("g++")
        assert compiler is not None
        self.program.write_text(COUNTING.format(log=self._log, compiler=compiler))
        self.program.chmod(0o755)

    def load(self, source: str, cache: Path | None) -> int:
        build = host_build.load(source, cache, compilers=[str(self.program)])
        return int(build.library.answer())

    @property
    def builds(self) -> int:
        return len(self._log.read_text().splitlines()) if self._log.exists() else 0


@pytest.fixture
def compiler(tmp_path: Path) -> Counting:
    return Counting(tmp_path)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "state" / "kernels"


def test_it_is_built_once(compiler: Counting, cache: Path) -> None:
    assert [compiler.load(ANSWER % 42, cache) for _ in range(3)] == [42, 42, 42]
    assert compiler.builds == 1
    assert len(list(cache.iterdir())) == 1
    assert cache.stat().st_mode & 0o777 == 0o700


def test_another_source_is_another_build_and_takes_its_place(
    compiler: Counting, cache: Path
) -> None:
    assert compiler.load(ANSWER % 1, cache) == 1
    assert compiler.load(ANSWER % 2, cache) == 2
    assert compiler.builds == 2
    assert len(list(cache.iterdir())) == 1


def test_other_flags_are_another_build(
    compiler: Counting, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "#ifndef MORE\n#define MORE 0\n#endif\n" + ANSWER.replace("%d", "MORE")
    assert compiler.load(source, cache) == 0
    monkeypatch.setattr(host_build, "FLAGS", (*host_build.FLAGS, "-DMORE=7"))
    assert compiler.load(source, cache) == 7


def test_a_damaged_one_is_built_anew(compiler: Counting, tmp_path: Path, cache: Path) -> None:
    # In a process of its own: what this one has loaded must not be written to.
    command = [sys.executable, "-c", LOAD, ANSWER % 5, str(cache)]
    subprocess.run(command, cwd=ROOT, check=True)
    (kept,) = cache.iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout == "5\n"
    assert kept.stat().st_size > 100


def test_several_processes_at_once(cache: Path) -> None:
    command = [sys.executable, "-c", LOAD, ANSWER % 9, str(cache)]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    outputs = [process.communicate()[0] for process in running]
    assert outputs == ["9\n"] * 4
    assert all(process.returncode == 0 for process in running)
    assert [path.suffix for path in cache.iterdir()] == [".so"]


# Whose code it is.


def plant(compiler: Counting, cache: Path, tmp_path: Path) -> Path:
    """Another's library under the very name that ours would have."""
    assert compiler.load(ANSWER % 1, cache) == 1
    (name,) = (path.name for path in cache.iterdir())
    shutil.rmtree(cache)
    compiler.load(ANSWER % 666, tmp_path / "evil")
    (evil,) = (tmp_path / "evil").iterdir()
    cache.mkdir(mode=0o700)
    return evil.rename(cache / name)


def test_a_directory_that_others_can_write_is_not_used(
    compiler: Counting, tmp_path: Path, cache: Path
) -> None:
    planted = plant(compiler, cache, tmp_path)
    before = planted.read_bytes()
    for mode in (0o777, 0o770, 0o1777):
        cache.chmod(mode)
        assert compiler.load(ANSWER % 1, cache) == 1
    assert list(cache.iterdir()) == [planted]
    assert planted.read_bytes() == before


def test_a_link_to_a_directory_is_not_used(compiler: Counting, tmp_path: Path, cache: Path) -> None:
    planted = plant(compiler, cache, tmp_path)
    link = tmp_path / "link"
    link.symlink_to(planted.parent)
    assert compiler.load(ANSWER % 1, link) == 1


def test_a_library_that_others_can_write_is_replaced(
    compiler: Counting, tmp_path: Path, cache: Path
) -> None:
    planted = plant(compiler, cache, tmp_path)
    planted.chmod(0o722)
    assert compiler.load(ANSWER % 1, cache) == 1
    assert planted.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another's files")
@pytest.mark.parametrize("whose", ["directory", "library"])
def test_what_another_user_owns_is_not_used(
    compiler: Counting, tmp_path: Path, cache: Path, whose: str
) -> None:
    planted = plant(compiler, cache, tmp_path)
    os.chown(planted if whose == "library" else cache, 65534, 65534)
    assert compiler.load(ANSWER % 1, cache) == 1


def test_without_a_cache_nothing_is_left(
    compiler: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    assert compiler.load(ANSWER % 3, None) == 3
    assert list((tmp_path / "tmp").iterdir()) == []


# What can go wrong.


def refused(source: str, *compilers: str) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        host_build.load(source, None, compilers=compilers)
    assert caught.value.code == NO_COMPILER
    assert "apt install g++" in caught.value.hint
    return caught.value


def test_no_compiler() -> None:
    error = refused(ANSWER % 1, "no-such-compiler", "nor-this-one")
    assert "no no-such-compiler or nor-this-one is installed" in error.message


def test_what_a_compiler_complains_about_is_told() -> None:
    error = refused("no C++", "g++")
    assert "cannot build the kernels: g++" in error.message
    assert "'no' does not name a type" in error.message


def test_a_compiler_that_cannot_be_run(tmp_path: Path) -> None:
    broken = tmp_path / "g++"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    assert "cannot run" in refused(ANSWER % 1, str(broken)).message


def test_a_compiler_that_does_not_know_this_processor(tmp_path: Path) -> None:
    compiler = Counting(tmp_path).program
    known = compiler.read_text()
    refuse = 'case "$*" in *-march=native*) echo what is native >&2; exit 1 ;; esac\nexec'
    compiler.write_text(known.replace("exec", refuse))
    build = host_build.load(ANSWER % 8, None, compilers=[str(compiler)])
    assert build.library.answer() == 8
    assert "native" not in build.compiler


def test_a_cache_that_cannot_be_written_to(compiler: Counting, tmp_path: Path) -> None:
    """It is a file: the kernels are built for this time only."""
    (tmp_path / "file").write_text("")
    assert compiler.load(ANSWER % 4, tmp_path / "file") == 4


# The kernels themselves.


def test_the_source_is_beside_its_module() -> None:
    assert source_path().is_file()
    assert source_path().parent == Path(host_build.__file__).parent


def test_the_kernels_are_all_there(cache: Path) -> None:
    library = host_build.load(source(), cache).library
    assert all(callable(getattr(library, name)) for name in KERNELS)


@pytest.mark.parametrize("level", ["-O1", "-O3"])
def test_the_kernels_give_a_strict_compiler_nothing_to_say(level: str) -> None:
    strict = "-Wall -Wextra -Wpedantic -Wshadow -Wcast-align=strict -Wdouble-promotion -Werror"
    command = ["g++", *host_build.FLAGS, level, *strict.split(), str(source_path())]
    done = subprocess.run([*command, "-o", "/dev/null"], check=False, stderr=subprocess.PIPE)
    assert done.stderr.decode() == ""
    assert done.returncode == 0
