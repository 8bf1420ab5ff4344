"""What is said of a GPU in a few words: name, state, what is wrong.  Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from polarisctl import values
from polarisctl.monitor import lanes
from polarisctl.monitor.frame import Span
from polarisctl.monitor.scene import Scene

Gpu = Mapping[str, object]

MEASURED = "benchmark_running"


def number_of(gpu: Gpu) -> str:
    index = values.number(gpu, "identity", "index")
    return "?" if index is None else f"{index:.0f}"


def name_of(gpu: Gpu, scene: Scene) -> str:
    """The model, without the names that all of a kind share."""
    name = values.text(gpu, "identity", "name")
    if name is None:
        return "unknown model"
    return name.removeprefix("NVIDIA ").removeprefix("GeForce ")


def label_of(uuid: str, gpus: Sequence[Gpu]) -> str:
    """`GPU 3` for a UUID that is on the screen, else the UUID's beginning."""
    for gpu in gpus:
        if values.text(gpu, "uuid") == uuid:
            return f"GPU {number_of(gpu)}"
    return uuid[:12]


def faults_of(gpu: Gpu, scene: Scene) -> list[Mapping[str, object]]:
    uuid = values.text(gpu, "uuid")
    faults = values.maps(scene.snapshot, "faults")
    return [fault for fault in faults if uuid and values.text(fault, "gpu_uuid") == uuid]


def is_well(gpu: Gpu) -> bool:
    """Whether it can be offered, or could be if it were not being measured just now."""
    codes = values.names(gpu, "withheld_by") or ()
    return values.text(gpu, "state") == "ok" and all(code == MEASURED for code in codes)


def mark(gpu: Gpu, scene: Scene) -> Span:
    """One character: is it well, does something ask for attention, is it out?"""
    if not is_well(gpu):
        return scene.glyphs.error, "bad"
    if faults_of(gpu, scene):
        return scene.glyphs.warning, "warn"
    return scene.glyphs.good, "good"


def notes(gpu: Gpu, scene: Scene) -> list[Span]:
    """What a viewer must know of this GPU beside its figures, the worst first."""
    found: list[Span] = []
    state = values.text(gpu, "state") or values.NOT_KNOWN
    if state != "ok":
        found.append((state.upper(), "bad"))
    old_s = scene.age_s(values.number(gpu, "sample", "read_at"))
    if old_s is not None and scene.snapshot_age_s is None:
        text = f"{values.age(old_s)} old" if old_s > 0 else "read in the future"
        found.append((text, "bad"))
    codes = [values.text(fault, "code") or "fault" for fault in faults_of(gpu, scene)]
    codes = [code for code in codes if code != f"gpu_{state}"]
    withheld = [
        code
        for code in values.names(gpu, "withheld_by") or ()
        if code not in (*codes, f"gpu_{state}")
    ]
    found += [(code, "bad" if not is_well(gpu) else "warn") for code in codes]
    found += [(code, "warn" if code == MEASURED else "bad") for code in withheld]
    reasons = values.names(gpu, "sample", "throttle") or ()
    if lanes.severity(reasons) != "dim":
        found.append((lanes.throttle_text(reasons), lanes.severity(reasons)))
    slices = len(values.maps(gpu, "mig_devices"))
    if slices:
        found.append((f"{slices} MIG", "dim"))
    if not found and "idle" in reasons:
        found.append(("idle", "dim"))
    return found


def joined(spans: Sequence[Span], separator: str) -> list[Span]:
    """The spans with a dim separator between them."""
    out: list[Span] = []
    for span in spans:
        out.extend([(separator, "dim"), span] if out else [span])
    return out


def summary(scene: Scene) -> Span:
    """How many GPUs there are, and how many of them can be offered."""
    gpus = scene.gpus()
    out = sum(not is_well(gpu) for gpu in gpus)
    count = f"{len(gpus)} GPU" + ("" if len(gpus) == 1 else "s")
    if not gpus:
        return "no GPU", "warn" if values.needs_gpus(scene.snapshot) else "dim"
    return (f"{count}, {out} not offerable", "bad") if out else (f"{count}, all offerable", "good")
