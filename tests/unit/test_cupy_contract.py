"""The fake CuPy has nothing that the real one has not.

cupy_device.py runs on the fake in tests/worker, so whatever it uses the fake has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.cupy import script
from tests.fakes.cupy.real import build, real_environ, stand_ins

# Names in each fake module that stand for those of the real one.
PUBLIC = {
    "cupy": ["RawModule", "__version__"],
    "cupy.cuda": ["Device", "Event", "PinnedMemory", "get_elapsed_time"],
    "cupy.cuda.compiler": ["CompileException"],
    "cupy_backends.cuda.api.driver": ["CUDADriverError"],
    "cupy_backends.cuda.api.runtime": [],
    "cupy_backends.cuda.libs.cublas": [],
    "cupy_backends.cuda.libs.nvrtc": [],
}

# Prints what a module has under some names, or under all: a value, or the names of
# parameters.  CuPy is compiled, and has signatures only in the first lines of docstrings.
LOOK = """\
import importlib, inspect, json, re, sys

def parameters(found):
    text = (inspect.getdoc(found) or "").partition("\\n")[0]
    given = re.match(r"[\\w.]+\\((.*)\\)", text)
    if given:
        pieces = [piece.split("=")[0].split() for piece in given[1].split(",")]
        return [piece[-1] for piece in pieces if piece and piece[-1] not in ("self", "*")]
    try:
        names = list(inspect.signature(found).parameters)
    except ValueError:
        return None
    return [name for name in names if name != "self"]

def members(kind):
    return sorted(name for name in dir(kind) if not name.startswith("_"))

def look(found):
    if isinstance(found, type) and issubclass(found, Exception):
        return {"is": "error", "of": issubclass(found, RuntimeError)}
    if isinstance(found, type):
        calls = {name: parameters(getattr(found, name)) for name in members(found)
                 if callable(getattr(found, name))}
        return {"is": "class", "takes": parameters(found), "members": members(found),
                "calls": calls}
    if callable(found):
        return {"is": "function", "takes": parameters(found)}
    return {"is": "value", "value": found if isinstance(found, int) else None}

def names(module, wanted):
    own = [name for name in dir(module) if not name.startswith("_")]
    mine = [name for name in own if getattr(getattr(module, name), "__module__", None)
            in (module.__name__, None, "builtins", "cupy._machine", "cupy._gemm")]
    return wanted or [name for name in mine if not inspect.ismodule(getattr(module, name))]

report = {}
for module, wanted in json.loads(sys.argv[1]).items():
    it = importlib.import_module(module)
    wanted = names(it, wanted)
    report[module] = {name: look(getattr(it, name)) if hasattr(it, name) else None
                      for name in wanted if name not in ("MACHINE", "annotations")}
print(json.dumps(report))
"""


def looked(environ: dict[str, str], wanted: dict[str, list[str]]) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-c", LOOK, json.dumps(wanted)],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def fake() -> dict[str, dict[str, Any]]:
    return looked(script.environ(os.environ), PUBLIC)


@pytest.fixture(scope="module")
def real(
    fake: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    environ = stand_ins(tmp_path_factory.mktemp("libraries"))
    return looked(environ, {module: sorted(names) for module, names in fake.items()})


def test_the_fake_is_what_is_looked_at(fake: dict[str, dict[str, Any]]) -> None:
    assert {"gemmEx", "CUBLASError", "CUBLAS_OP_T"} <= set(fake["cupy_backends.cuda.libs.cublas"])
    assert {"malloc", "memcpyAsync"} <= set(fake["cupy_backends.cuda.api.runtime"])
    assert "MACHINE" not in fake["cupy_backends.cuda.api.runtime"]


@pytest.mark.parametrize("module", PUBLIC)
def test_the_real_one_has_all_that_the_fake_has(
    module: str, fake: dict[str, dict[str, Any]], real: dict[str, dict[str, Any]]
) -> None:
    for name, ours in fake[module].items():
        theirs = real[module][name]
        assert theirs is not None, f"the real {module} has no {name}"
        assert theirs["is"] == ours["is"], name
        if ours["is"] == "function":
            assert theirs["takes"] == ours["takes"], name
        elif ours["is"] == "value" and ours["value"] is not None:
            assert theirs["value"] == ours["value"], name
        elif ours["is"] == "class":
            assert set(ours["members"]) <= set(theirs["members"]), name
            if theirs["takes"] is not None:
                assert set(ours["takes"]) <= set(theirs["takes"]), name
            for call, takes in ours["calls"].items():
                assert theirs["calls"][call] in (takes, None), f"{name}.{call}"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("cupy_backends.cuda.api.runtime", "CUDARuntimeError"),
        ("cupy_backends.cuda.api.driver", "CUDADriverError"),
        ("cupy_backends.cuda.libs.cublas", "CUBLASError"),
    ],
)
def test_an_error_tells_its_number(module: str, name: str, tmp_path: Path) -> None:
    environ = stand_ins(tmp_path)
    # The driver is asked for the text.
    texts = "".join(
        f'int {function}(int e, const char **s) {{ *s = "text"; return 0; }}\n'
        for function in ("cuGetErrorName", "cuGetErrorString")
    )
    build(texts, tmp_path / "libcuda.so.1")
    look = f"from {module} import {name} as E; print(E(7).status, isinstance(E(7), RuntimeError))"
    done = subprocess.run(
        [sys.executable, "-c", look], env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout == "7 True\n", done.stderr


def test_pinned_memory_tells_its_address() -> None:
    look = "import cupy; it = cupy.cuda.PinnedMemory(0); print(it.ptr, it.size)"
    done = subprocess.run(
        [sys.executable, "-c", look],
        env=real_environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "0 0\n", done.stderr
