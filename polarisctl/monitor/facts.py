"""What is known of a GPU beside its graphs: links, memory errors, settings, names.  Pure."""

from __future__ import annotations

from polarisctl import values
from polarisctl.cells import fit
from polarisctl.monitor import frame
from polarisctl.monitor.frame import Block, Span
from polarisctl.monitor.gpu_text import Gpu
from polarisctl.monitor.scene import Scene

COLUMN = 30
LABEL = 9


def facts(scene: Scene, gpu: Gpu, width: int) -> Block:
    """In columns, under the UUID by which everything else calls this GPU."""
    across = max(width // COLUMN, 1)
    cells = frame.split(width, across, 2)
    pairs = links(scene, gpu) + health(scene, gpu) + settings(gpu)
    uuid = values.text(gpu, "uuid") or values.NOT_KNOWN
    block = [frame.line(width, (fit("uuid", LABEL), "label"), (uuid, ""))]
    for begin in range(0, len(pairs), across):
        spans: list[Span] = []
        for (label, text), column in zip(pairs[begin : begin + across], cells, strict=False):
            spans += [("  ", "")] if spans else []
            style = "dim" if text == values.NOT_KNOWN else ""
            head = (fit(label, LABEL), "label")
            spans += frame.line(column, head, (text, style), mark=scene.glyphs.cut)
        block.append(frame.line(width, *spans))
    return block


def links(scene: Scene, gpu: Gpu) -> list[tuple[str, str]]:
    generation, lanes = (
        _count(gpu, "condition", "pcie_generation"),
        _count(gpu, "condition", "pcie_width"),
    )
    most, most_lanes = (
        _count(gpu, "identity", f"pcie_max_{name}") for name in ("generation", "width")
    )
    up, all_links = _count(gpu, "condition", "nvlinks_up"), _count(gpu, "condition", "nvlinks")
    return [
        ("pcie", _unless(generation, f"gen {generation}/{most} x{lanes}/{most_lanes}")),
        ("pcie io", _flow(scene, gpu, "pcie")),
        ("nvlink", _unless(up, f"{up}/{all_links} up")),
        ("link io", _flow(scene, gpu, "nvlink")),
    ]


def health(scene: Scene, gpu: Gpu) -> list[tuple[str, str]]:
    ecc = _switch(gpu, "ecc_mode")
    wrong = _count(gpu, "condition", "ecc_uncorrected_volatile")
    good, bad = (
        _count(gpu, "condition", f"remapped_rows_{k}") for k in ("correctable", "uncorrectable")
    )
    return [
        ("mem temp", _count(gpu, "sample", "memory_temperature_c", f" {scene.glyphs.degree}C")),
        ("fan", _count(gpu, "condition", "fan_percent", " %")),
        ("ecc", _unless(ecc, f"{ecc}, uncorrected {wrong}")),
        ("remapped", _unless(good, f"{good} corr, {bad} uncorr")),
        ("recovery", _word(gpu, "condition", "recovery_action")),
        ("replays", _count(gpu, "condition", "pcie_replays")),
    ]


def settings(gpu: Gpu) -> list[tuple[str, str]]:
    performance = values.number(gpu, "condition", "performance_state")
    state = values.NOT_KNOWN if performance is None else f"P{performance:.0f}"
    cores = (
        f"{_word(gpu, 'identity', 'architecture')} {_word(gpu, 'identity', 'compute_capability')}"
    )
    return [
        ("state", f"{state}, mode {_word(gpu, 'condition', 'compute_mode')}"),
        ("persist", _switch(gpu, "persistence_mode")),
        ("arch", cores),
        ("bus", _word(gpu, "identity", "pci_bus_id")),
        ("vbios", _word(gpu, "identity", "vbios")),
        ("serial", _word(gpu, "identity", "serial")),
    ]


def _count(gpu: Gpu, part: str, name: str, unit: str = "") -> str:
    return values.whole(values.number(gpu, part, name), unit)


def _word(gpu: Gpu, part: str, name: str) -> str:
    return values.text(gpu, part, name) or values.NOT_KNOWN


def _switch(gpu: Gpu, name: str) -> str:
    value = values.flag(gpu, "condition", name)
    return values.NOT_KNOWN if value is None else "on" if value else "off"


def _flow(scene: Scene, gpu: Gpu, link: str) -> str:
    sent, got = (
        values.rate(values.number(gpu, "sample", f"{link}_{way}_bps")) for way in ("tx", "rx")
    )
    return _unless(sent, f"{scene.glyphs.up} {sent}  {scene.glyphs.down} {got}")


def _unless(known: str, text: str) -> str:
    """`n/a` alone, where the first of several figures is not known."""
    return known if known == values.NOT_KNOWN else text
