"""GPU models: one TOML file each under models/, written into a slot of the shared state.

Keys under [gpu] and [[mig]] are fields of layout.Gpu and layout.MigInstance; a key that
ends in `_mib` sets the field without that ending, in bytes. What a file leaves out is 0,
or comes from the model it `extends`.
"""

import ctypes
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import layout
from .build import functions

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MODELS = Path(__file__).parent / "models"
DEFAULT_DRIVER = "580.95.05"
MIB = 1 << 20
NOT_SUPPORTED = 3


@dataclass(frozen=True)
class Model:
    name: str
    driver: str
    gpu: Mapping[str, Any]
    mig: tuple[Mapping[str, Any], ...]
    missing_functions: tuple[str, ...]
    missing_fields: tuple[int, ...]


def model_names() -> list[str]:
    return sorted(path.stem for path in MODELS.glob("*.toml"))


def load_model(name: str) -> Model:
    """Read a model; limits add up along `extends`, everything else is replaced."""
    path = MODELS / f"{name}.toml"
    if not path.exists():
        raise ValueError(f"no GPU model {name!r}; there are {', '.join(model_names())}")
    data = tomllib.loads(path.read_text())
    base = load_model(data["extends"]) if "extends" in data else None
    limits = data.get("limits", {})
    return Model(
        name=name,
        driver=data.get("driver", base.driver if base else DEFAULT_DRIVER),
        gpu={**(base.gpu if base else {}), **data["gpu"]},
        mig=tuple(data.get("mig", base.mig if base else ())),
        missing_functions=(
            *(base.missing_functions if base else ()),
            *limits.get("functions", ()),
        ),
        missing_fields=(*(base.missing_fields if base else ()), *limits.get("fields", ())),
    )


def write_model(gpu: layout.Gpu, model: Model, slot: int, seed: str) -> None:
    """Make a slot of the state a healthy, idle GPU of this model."""
    ctypes.memset(ctypes.addressof(gpu), 0, ctypes.sizeof(gpu))
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{seed}/{slot}/{model.name}")
    gpu.uuid = f"GPU-{identity}".encode()
    gpu.serial = str(identity.int)[:13].encode()
    gpu.minor = slot
    gpu.numa_node = slot // 4 % 2
    gpu.pci_bus = 0x07 + 8 * slot
    _write(gpu, model.gpu)
    gpu.ecc_pending = gpu.ecc_mode
    gpu.mig_pending = gpu.mig_mode
    for link in range(gpu.nvlinks):
        gpu.nvlink_up[link] = 1
    for function in model.missing_functions:
        gpu.not_supported[functions()[function]] = 1
    for field in model.missing_fields:
        gpu.field_error[field] = NOT_SUPPORTED
    _write_instances(gpu, model, identity)
    gpu.present = 1


def _write_instances(gpu: layout.Gpu, model: Model, parent: uuid.UUID) -> None:
    wanted = [(table, n) for table in model.mig for n in range(table["count"])]
    for index, (table, nth) in enumerate(wanted):
        instance = gpu.mig[index]
        values = {key: value for key, value in table.items() if key != "count"}
        values["gpu_instance"] += nth
        _write(instance, values)
        instance.uuid = f"MIG-{uuid.uuid5(parent, str(index))}".encode()
        instance.present = 1


def _write(target: ctypes.Structure, values: Mapping[str, Any]) -> None:
    known = {field[0] for field in target._fields_}
    for key, value in values.items():
        name, scale = (key[:-4], MIB) if key.endswith("_mib") else (key, 1)
        if name not in known:
            raise ValueError(f"{type(target).__name__} has no field {name!r}")
        if isinstance(value, list):
            getattr(target, name)[:] = value
        else:
            setattr(target, name, value.encode() if isinstance(value, str) else value * scale)
