"""Tests, backends and figures of a benchmark in words.  Pure; imports next to nothing."""

from __future__ import annotations

from polarisctl import values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from polarisctl.render.readings import Record

# In the daemon's order, which is that of the table.
TESTS = {
    "gemm_bf16": "products of bf16 matrices, summed in fp32",
    "gemm_fp16": "products of fp16 matrices, summed in fp32",
    "gemm_int8": "products of int8 matrices, summed in int32",
    "gemm_tf32": "products of fp32 matrices through TF32",
    "gemm_fp32": "products of fp32 matrices without tensor cores",
    "memory_copy": "copying within its memory, bytes read and written",
    "memory_read": "reading its memory",
    "h2d_pinned": "from pinned host memory to the GPU",
    "d2h_pinned": "from the GPU to pinned host memory",
    "vram_capacity": "how much memory can be had, written and read back",
    "int32_rate": "32-bit integer arithmetic",
    "proof_compute": "the proof of computing, judged by itself",
}
BACKENDS = {
    "cupy": "the GPU, which is the default",
    "host": "the processor, with the GPU's kernels built for it",
    "numpy": "the processor, with NumPy alone",
}
GPU_BACKEND = "cupy"
SELF_REPORTED = "self-reported: this machine measured itself, and nobody has proven it"
# Where there is nothing that a cell could say; the notes under a table say why.
NONE = "–"

_ON_THE_PROCESSOR = {
    "host": "measured on the processor with the host build of the kernels: says nothing of a GPU",
    "numpy": "measured on the processor with NumPy: says nothing of a GPU",
}
# What they count is no floating-point operation.
_WHOLE_NUMBERS = ("gemm_int8", "int32_rate", "proof_compute")


def not_a_gpu(backend: str) -> str:
    """The warning that a figure is no GPU's; empty where it is one's."""
    if backend == GPU_BACKEND:
        return ""
    return _ON_THE_PROCESSOR.get(
        backend, f"measured with {backend or 'something unnamed'}, which is not known to be a GPU"
    )


def model(run: Record) -> str:
    """What was measured, by the name that people use."""
    return (values.text(run, "gpu_name") or "a GPU without a name").removeprefix("NVIDIA ")


def owner(run: Record, labels: dict[str, str]) -> str:
    """`GPU 3`; a UUID that no GPU here has stays one, and none at all is the processor."""
    uuid = values.text(run, "gpu_uuid") or ""
    return labels.get(uuid, uuid) or "processor"


def measured(figure: Record) -> str:
    """The value of a figure with its unit: 794.5 TFLOP/s, 3.00 TB/s, 78.9 GiB."""
    value, unit = values.number(figure, "value"), values.text(figure, "unit")
    if value is None:
        return NONE
    if unit == "byte":
        return values.size(value)
    if unit == "op/s":
        whole = values.text(figure, "test") in _WHOLE_NUMBERS
        return scaled(value, "OP/s" if whole else "FLOP/s")
    return scaled(value, {"byte/s": "B/s"}.get(unit or "", unit or ""))


def scaled(value: float, unit: str) -> str:
    """Three or four digits and a prefix up to T, which is what datasheets use."""
    for prefix in ("", "k", "M", "G"):
        if abs(value) < 999.95:
            return f"{_digits(value)} {prefix}{unit}".rstrip()
        value /= 1000.0
    return f"{_digits(value)} T{unit}"


def _digits(value: float) -> str:
    if abs(value) < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if abs(value) < 999.95 else f"{value:.0f}"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def share_of(figure: Record, what: str) -> float | None:
    """The figure as a share of its `peak` or `good`; None where either is not known."""
    value, whole = values.number(figure, "value"), values.number(figure, what)
    if value is None or whole is None or value < 0 or whole <= 0:
        return None
    return value / whole
