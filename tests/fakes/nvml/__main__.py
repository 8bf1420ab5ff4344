"""Run a command on a machine of fake GPUs.

python -m tests.fakes.nvml --model h100 --count 8 -- gpustat
python -m tests.fakes.nvml --model h100 --cupy -- make run
eval "$(python -m tests.fakes.nvml --model rtx4090 --print-env)"
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

from tests.fakes.cupy import script

from .fake import FakeNvml
from .models import model_names


def main(arguments: Sequence[str]) -> int:
    options = _parse(arguments)
    if options.print_env:
        fake = _create(options, tempfile.mkdtemp(prefix="fake-nvml-"))
        env = fake.env({})
        env["LD_LIBRARY_PATH"] += "${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        sys.stdout.write(f'export LD_LIBRARY_PATH="{env["LD_LIBRARY_PATH"]}"\n')
        sys.stdout.write(f"export FAKE_NVML_STATE={shlex.quote(env['FAKE_NVML_STATE'])}\n")
        for name, value in _cupy(options).items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        return 0
    with tempfile.TemporaryDirectory(prefix="fake-nvml-") as directory:
        fake = _create(options, directory)
        return _run(options.command, {**fake.env(), **_cupy(options)})


def _cupy(options: argparse.Namespace) -> dict[str, str]:
    """What makes workers compute on the fake CuPy; a stack that this machine has is not used."""
    if not options.cupy:
        return {}
    path = os.environ.get("PYTHONPATH", "")
    return {**script.environ({"PYTHONPATH": path}), "POLARIS_GPU_STACKS": ""}


def _run(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run to the end and give the shell's exit status; SIGTERM and SIGINT reach the command."""
    child = subprocess.Popen(command, env=env)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the command as well
    status = child.wait()
    return status if status >= 0 else 128 - status


def _create(options: argparse.Namespace, directory: str) -> FakeNvml:
    models = [model for model in options.model for _ in range(options.count)]
    return FakeNvml.create(directory, models, driver=options.driver, seed=options.seed)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fakes.nvml",
        description="Run a command on a machine of fake NVIDIA GPUs.",
    )
    parser.add_argument(
        "--model",
        action="append",
        choices=model_names(),
        help="GPU model; repeat it to mix models (default: h100)",
    )
    parser.add_argument("--count", type=int, default=1, help="how many of each model")
    parser.add_argument("--driver", help="driver version (default: the first model's)")
    parser.add_argument("--seed", default="", help="makes UUIDs differ from another machine's")
    parser.add_argument(
        "--cupy",
        action="store_true",
        help="with a fake CuPy as well, so that benchmarks run on these GPUs; needs g++",
    )
    parser.add_argument(
        "--print-env",
        action="store_true",
        help="print shell exports for a machine that is kept, and run nothing",
    )
    parser.add_argument("command", nargs="*", metavar="CMD", help="after --: what to run")
    options = parser.parse_args(arguments)
    options.model = options.model or ["h100"]
    if not options.command and not options.print_env:
        parser.error("give a command after --, or --print-env")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
