"""A process that does what it is told through unmodified pynvml.

`NvmlClient` starts one on a fake machine and calls pynvml functions in it by name; device
handles and event sets stay in the process and are passed around as `Handle`. Run as a
script, this file is that process: JSON lines in, JSON lines out.
"""

import ctypes
import importlib
import json
import select
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class Handle:
    """Something opaque that the process keeps."""

    number: int


class CallFailed(Exception):
    """pynvml raised; `kind` is the name of its exception, `code` NVML's number (or None)."""

    def __init__(self, kind: str, code: int | None) -> None:
        super().__init__(f"{kind} ({code})")
        self.kind = kind
        self.code = code


class NvmlClient:
    """Use as a context manager; leaving ends the process, even inside a hanging call."""

    def __init__(self, env: Mapping[str, str], init: bool = True) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        if init:
            self.call("nvmlInit")

    def __enter__(self) -> "NvmlClient":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def call(self, function: str, *args: Any) -> Any:
        self.send(function, *args)
        return self.receive()

    def code(self, function: str, *args: Any) -> int | None:
        """The NVML return code of a call, 0 when it succeeds."""
        try:
            self.call(function, *args)
        except CallFailed as failure:
            return failure.code
        return 0

    def send(self, function: str, *args: Any) -> None:
        """Start a call; `receive` waits for its answer."""
        pipe = self._process.stdin
        assert pipe is not None
        packed = [{"handle": a.number} if isinstance(a, Handle) else a for a in args]
        pipe.write(json.dumps([function, packed]) + "\n")
        pipe.flush()

    def answered(self, within_s: float) -> bool:
        pipe = self._process.stdout
        assert pipe is not None
        return bool(select.select([pipe], [], [], within_s)[0])

    def receive(self) -> Any:
        pipe = self._process.stdout
        assert pipe is not None
        line = pipe.readline()
        if not line:
            raise RuntimeError(f"the NVML client died: {self._process.wait()}")
        answer = json.loads(line, object_hook=_unpack)
        if "error" in answer:
            raise CallFailed(answer["error"], answer["code"])
        return answer["result"]


def _unpack(value: dict[str, Any]) -> Any:
    return Handle(value["handle"]) if "handle" in value else value


def _serve() -> None:
    pynvml = importlib.import_module("pynvml")
    kept: list[Any] = []
    for line in sys.stdin:
        function, packed = json.loads(line)
        args = [kept[a["handle"]] if isinstance(a, dict) else a for a in packed]
        answer: dict[str, Any]
        try:
            answer = {"result": _plain(getattr(pynvml, function)(*args), kept)}
        except (pynvml.NVMLError, pynvml.NVMLLibraryMismatchError) as error:
            answer = {"error": type(error).__name__, "code": getattr(error, "value", None)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _plain(value: Any, kept: list[Any]) -> Any:
    """JSON for what pynvml returns."""
    if isinstance(value, ctypes._Pointer):
        kept.append(value)
        return {"handle": len(kept) - 1}
    if hasattr(value, "nvmlReturn"):  # a field value: the union read by its type
        members = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal")
        number = getattr(value.value, members[value.valueType])
        return {"id": value.fieldId, "code": value.nvmlReturn, "value": number}
    if isinstance(value, ctypes.Structure):
        names = [field[0] for field in value._fields_]
        return {name: _plain(getattr(value, name), kept) for name in names}
    if isinstance(value, list | tuple | ctypes.Array):
        return [_plain(item, kept) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "__dict__"):
        return {name: _plain(item, kept) for name, item in vars(value).items()}
    return value


if __name__ == "__main__":
    _serve()
