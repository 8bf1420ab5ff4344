"""FakeNvml: a machine full of NVIDIA GPUs that a test can hurt at will.

Every process started with `env()` loads the fake libnvidia-ml.so.1 and reads the same
mapped state, so a change is visible everywhere at once. GPUs are named by their slot (the
order they were put in), which never moves; NVML's own index does.
"""

import ctypes
import mmap
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from . import layout
from .build import LIBRARY, branch_of, build, functions
from .models import load_model, write_model

XID = 0x8
"""Event type: a critical Xid error."""
UNKNOWN = 999
"""Return code: an internal driver error."""
HANG_S = 3600.0

ProcessKind = Literal["compute", "graphics", "mps"]
FieldType = Literal["double", "uint", "ulong", "ulonglong", "longlong", "int"]
_FIELD_TYPES = ("double", "uint", "ulong", "ulonglong", "longlong", "int")

_FUTEX = {"x86_64": 202, "aarch64": 98}
_FUTEX_WAKE = 1
_EVERYONE = 0x7FFFFFFF


class FakeNvml:
    """Made by `create`. Setting a number directly also works: `fake.gpus[0].temp = 91`."""

    def __init__(self, directory: Path, seed: str) -> None:
        self._directory = directory
        self._seed = seed
        self._ids = functions()
        path = self._state_path
        path.touch()
        os.truncate(path, ctypes.sizeof(layout.State))
        with path.open("r+b") as file:
            memory = mmap.mmap(file.fileno(), ctypes.sizeof(layout.State))
        self.state = layout.State.from_buffer(memory)
        self.gpus = self.state.gpus

    @classmethod
    def create(
        cls,
        directory: str | os.PathLike[str],
        models: str | Sequence[str] = "h100",
        count: int = 1,
        driver: str | None = None,
        seed: str = "",
    ) -> "FakeNvml":
        """Build a machine in an empty directory: `count` GPUs of one model, or a list of models.

        The driver is that of the first model unless given. `seed` goes into UUIDs and
        serials: give two machines different ones, or they own the same GPUs.
        """
        names = [models] * count if isinstance(models, str) else list(models)
        self = cls(Path(directory), seed)
        self.set_driver(driver or load_model(names[0] if names else "h100").driver)
        for name in names:
            self.add_gpu(name)
        broken = self._directory / "nolib" / LIBRARY
        broken.parent.mkdir()
        broken.write_text("not a library\n")
        self.state.magic = layout.MAGIC
        return self

    @property
    def _state_path(self) -> Path:
        return self._directory / "state"

    @property
    def _library_path(self) -> Path:
        return self._directory / "lib"

    def env(self, base: Mapping[str, str] | None = None, library: bool = True) -> dict[str, str]:
        """The environment of a process on this machine; `library=False` has no NVML to load."""
        env = dict(os.environ if base is None else base)
        first = self._library_path if library else self._directory / "nolib"
        rest = env.get("LD_LIBRARY_PATH")
        env["LD_LIBRARY_PATH"] = f"{first}:{rest}" if rest else str(first)
        env["FAKE_NVML_STATE"] = str(self._state_path)
        return env

    # The machine.

    def add_gpu(self, model: str = "h100") -> int:
        """Plug in a GPU; returns its slot."""
        used = [slot for slot, gpu in enumerate(self.gpus) if gpu.name]
        slot = max(used, default=-1) + 1
        if slot == layout.MAX_GPUS:
            raise ValueError(f"the fake machine has room for {layout.MAX_GPUS} GPUs")
        write_model(self.gpus[slot], load_model(model), slot, self._seed)
        self._ring()
        return slot

    def remove_gpu(self, gpu: int) -> None:
        """Take a GPU out: the count drops, later indices move up, its UUID is unknown."""
        self.gpus[gpu].present = 0
        self._ring()

    def restore_gpu(self, gpu: int) -> None:
        """Put a removed GPU back where it was."""
        self.gpus[gpu].present = 1
        self._ring()

    def lose_gpu(self, gpu: int) -> None:
        """Let it fall off the bus: still counted, but every call on it is GPU_IS_LOST (15)."""
        self.gpus[gpu].lost = 1
        self._ring()

    def recover_gpu(self, gpu: int) -> None:
        self.gpus[gpu].lost = 0
        self._ring()

    def uuid(self, gpu: int, mig: int | None = None) -> str:
        owner = self.gpus[gpu] if mig is None else self.gpus[gpu].mig[mig]
        return owner.uuid.decode()

    def set_driver(self, version: str) -> None:
        """Install a driver. Processes that hold the old library get LIB_RM_VERSION_MISMATCH (18)
        from every call, a new init included; new processes load the new library."""
        branch = branch_of(version)
        link = self._directory / "lib.new"
        link.symlink_to(build() / branch.name)
        link.rename(self._library_path)
        self.state.driver = version.encode()
        self.state.nvml = f"{branch.cuda // 1000}.{version}".encode()
        self.state.cuda_version = branch.cuda
        self.state.field_max = branch.field_max
        self._ring()

    def set_init_error(self, code: int) -> None:
        """Fail each init: 9 driver not loaded, 4 no permission, 18 version mismatch, 0 none."""
        self.state.init_error = code

    # Functions that fail or take their time. `gpu=None` is the function on every GPU.

    def fail(self, gpu: int | None, function: str, code: int = UNKNOWN) -> None:
        """Make a function return an error; code 0 heals it."""
        self._scope(gpu).failure[self._id(function)] = code

    def latency(self, function: str, seconds: float, gpu: int | None = None) -> None:
        """Make a function take this long; a caller inside follows a change at once."""
        self._scope(gpu).latency_us[self._id(function)] = round(seconds * 1e6)
        self._ring()

    def hang(self, function: str, gpu: int | None = None) -> None:
        """Make a function not return until `release` (an hour at most)."""
        self.latency(function, HANG_S, gpu)

    def release(self, function: str, gpu: int | None = None) -> None:
        self.latency(function, 0, gpu)

    def calls(self, gpu: int | None = None) -> Counter[str]:
        """How often each function was called, by all processes together, on one GPU or on any."""
        numbers = self._scope(gpu).calls
        return Counter({name: numbers[i] for name, i in self._ids.items() if numbers[i]})

    def reset_calls(self) -> None:
        for scope in (self.state, *self.gpus):
            ctypes.memset(ctypes.addressof(scope.calls), 0, ctypes.sizeof(scope.calls))

    # Field values.

    def set_field(self, gpu: int, field: int, value: int, kind: FieldType = "ulonglong") -> None:
        """Give a field value an answer of its own."""
        target = self.gpus[gpu]
        target.field_value[field] = value
        target.field_type[field] = _FIELD_TYPES.index(kind) + 1
        target.field_error[field] = 0

    def fail_field(self, gpu: int, field: int, code: int = UNKNOWN) -> None:
        """Make one field value fail; code 0 heals it."""
        self.gpus[gpu].field_error[field] = code

    # Events.

    def event(self, gpu: int, kind: int, data: int = 0) -> None:
        """Publish an event to every set that registered for it."""
        self._publish(gpu, kind, data)
        self._ring()

    def xid(self, gpu: int, code: int) -> None:
        self.event(gpu, XID, code)

    def xid_storm(self, gpu: int, code: int, count: int) -> None:
        """Publish the same Xid many times at once; a slow reader loses all but the last 1024."""
        for _ in range(count):
            self._publish(gpu, XID, code)
        self._ring()

    # Processes.

    def add_process(
        self,
        gpu: int,
        pid: int,
        kind: ProcessKind = "compute",
        memory: int | None = 0,
        mig: int | None = None,
    ) -> None:
        """Let a process use a GPU, or one MIG instance (its index). Memory None: not known.

        `memory_used` of the GPU is not touched: set it too where it matters.
        """
        device = self.gpus[gpu]
        entry = next(process for process in device.processes if process.pid == 0)
        instance = None if mig is None else device.mig[mig]
        entry.kind = layout.KINDS.index(kind)
        entry.memory = layout.MEMORY_UNKNOWN if memory is None else memory
        entry.gpu_instance = instance.gpu_instance if instance else layout.NO_INSTANCE
        entry.compute_instance = instance.compute_instance if instance else layout.NO_INSTANCE
        entry.pid = pid  # last: makes the entry visible

    def end_process(self, gpu: int, pid: int) -> None:
        for process in self.gpus[gpu].processes:
            if process.pid == pid:
                process.pid = 0

    def _id(self, function: str) -> int:
        if function not in self._ids:
            raise ValueError(f"nvml.h declares no function {function!r}")
        return self._ids[function]

    def _scope(self, gpu: int | None) -> layout.State | layout.Gpu:
        return self.state if gpu is None else self.gpus[gpu]

    def _publish(self, gpu: int, kind: int, data: int) -> None:
        head = self.state.event_head
        self.state.events[head % layout.MAX_EVENTS] = layout.Event(gpu, 0, kind, data)
        self.state.event_head = (head + 1) & 0xFFFFFFFF  # last: makes the event visible

    def _ring(self) -> None:
        """Wake every process that sleeps in an event wait or in an injected latency."""
        state = self.state
        state.bell = (state.bell + 1) & 0xFFFFFFFF
        word = ctypes.c_void_p(ctypes.addressof(state) + layout.State.__dict__["bell"].offset)
        futex = ctypes.c_long(_FUTEX[platform.machine()])
        ctypes.CDLL(None).syscall(futex, word, ctypes.c_int(_FUTEX_WAKE), ctypes.c_int(_EVERYONE))
