"""kernels.cu compiles for every GPU that we know, without a word, and within its registers.

The compiler is NVIDIA's own; what it makes runs on a GPU only (tests/gpu).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from polarisd.bench.worker.kernel_device import KERNELS, MAX_THREADS, source
from tests.unit.nvrtc import compile_source, usage

# Turing, Ampere, Ampere's consumer cards, Ada, Hopper, Blackwell, Blackwell's consumer cards.
ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")
REGISTERS_A_MULTIPROCESSOR = 65536
# Of the fewest that may run at a time on one multiprocessor: half of sm_75's 1,024.
FEWEST_THREADS = 512
VERBOSE = ("--ptxas-options=-v", "--ptxas-options=--warn-on-spills")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_compiles_without_a_warning(architecture: str) -> None:
    compiled = compile_source(source(), architecture, "--ptxas-options=--warn-on-spills")
    assert compiled.log == ""
    assert compiled.cubin.startswith(b"\x7fELF")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_kernel_keeps_anything_in_local_memory(
    architecture: str, record_property: Callable[[str, object], None]
) -> None:
    kernels = usage(compile_source(source(), architecture, *VERBOSE).log)
    assert set(kernels) == set(KERNELS)
    for name, used in kernels.items():
        record_property(f"registers of {name}", used.registers)
        assert (used.stack_bytes, used.spill_bytes) == (0, 0), name
        assert used.registers * FEWEST_THREADS <= REGISTERS_A_MULTIPROCESSOR // 2, name


def body(ptx: str, kernel: str) -> str:
    found = re.search(rf"\.entry {kernel}\((.*?)\n}}", ptx, re.DOTALL)
    assert found is not None
    return found[1]


def loads(ptx: str, kernel: str) -> list[str]:
    return re.findall(r"ld\.global\.\S+", body(ptx, kernel))


@pytest.fixture(scope="module")
def ptx() -> str:
    return compile_source(source(), "compute_75").ptx


@pytest.mark.parametrize(
    ("kernel", "width"),
    [("digest_words", "v2.u64"), ("digest_floats", "v4.f32"), ("walk", "u64")],
)
def test_memory_is_read_sixteen_bytes_at_a_time_but_where_words_are_turned(
    ptx: str, kernel: str, width: str
) -> None:
    """And through the cache for what no kernel writes meanwhile."""
    assert set(loads(ptx, kernel)) == {f"ld.global.nc.{width}"}


@pytest.mark.parametrize("kernel", ["digest_words", "digest_floats"])
def test_a_warp_adds_up_before_it_adds_to_the_leaf(ptx: str, kernel: str) -> None:
    text = body(ptx, kernel)
    # Five halvings of a 64-bit word, in two registers.
    assert text.count("shfl.sync.down") == 10
    assert len(re.findall(r"\b(?:atom|red)\.global\.add\.u64", text)) == 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_launch_with_more_threads_is_refused(ptx: str, kernel: str) -> None:
    """By the driver, instead of failing for want of registers."""
    assert re.search(rf"\.maxntid {MAX_THREADS}\b", body(ptx, kernel).partition("{")[0])


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_parameter_is_sixty_four_bits_wide(ptx: str, kernel: str) -> None:
    """As every argument is that `KernelDevice.launch` hands over."""
    parameters = re.findall(r"\.param \.(\w+) \w+_param_\d+", body(ptx, kernel))
    assert parameters
    assert set(parameters) == {"u64"}


def test_warnings_do_show() -> None:
    """The tests above would otherwise pass whatever the compiler says."""
    unused = source() + "\nKERNEL extra(u64 *out) { int unused; *out = 1; }\n"
    assert "unused" in compile_source(unused, "sm_90").log


def test_what_does_not_compile_says_why() -> None:
    broken = compile_source('extern "C" __global__ void f() { return 1; }', "sm_90")
    assert "error" in broken.log
    assert broken.cubin == b""
