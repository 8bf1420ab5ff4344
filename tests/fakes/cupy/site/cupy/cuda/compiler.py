"""cupy.cuda.compiler: its exception."""

from __future__ import annotations


class CompileException(Exception):
    def __init__(
        self,
        msg: str,
        source: str,
        name: str,
        options: tuple[str, ...],
        backend: str = "nvrtc",
    ) -> None:
        self._message = msg
        super().__init__()

    def __str__(self) -> str:
        return self._message
