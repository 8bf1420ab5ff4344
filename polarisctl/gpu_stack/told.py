"""What gpu-setup says: the plan before it begins, and how it ended.  Pure."""

from __future__ import annotations

from polarisctl.gpu_stack import plan as planning
from polarisctl.gpu_stack import trial
from polarisctl.gpu_stack.place import Place
from polarisctl.gpu_stack.plan import Plan
from polarisctl.gpu_stack.trial import Trial
from polarisctl.values import size
from polarisd.bench.stack import Flaw, Stack


def plan_text(plan: Plan, place: Place, source: str, flaw: Flaw | None, driver: str) -> str:
    """With what is free and what is there already; `driver` warns of it, if need be."""
    here = place.downloaded()
    left = sum(max(w.size_bytes - here.get(w.filename, 0), 0) for w in plan.wheels)
    lines = [f"The GPU stack for this Python ({plan.tag}), with which polarisd measures GPUs:", ""]
    lines += [f"  {w.project:<24} {w.version:<12} {size(w.size_bytes):>10}" for w in plan.wheels]
    lines += [
        f"  {soname:<24} {path}, this system's"
        for spared in plan.spared
        for soname, path in spared.libraries.items()
    ]
    needed = size(planning.needed_bytes(plan, here))
    fetched = size(plan.download_bytes)
    if left < plan.download_bytes:
        fetched += f", of which {size(left)} are still missing"
    stack = f"{plan.tag}-{plan.id}, which takes {size(plan.unpacked_bytes)}"
    lines += [
        "",
        f"  to fetch    {fetched}, from {source}",
        f"  goes to     {place.root}/{plan.tag}, a link to {stack}",
        f"  disk        {needed} are needed to set it up, {size(place.free_bytes())} are free",
    ]
    if driver:
        lines.append(f"  driver      {driver}; how: polarisctl doctor")
    if flaw is not None:
        lines.append(f"  replaces    {flaw.path}, which cannot be used: {flaw.why}")
    if others := place.other_tags(plan.tag):
        lines.append(
            f"  unused      {', '.join(others)}, for other Pythons: `polarisctl gpu-setup "
            "--remove` removes all, and then set up again"
        )
    return "\n".join(lines) + "\n\n"


def outcome_text(stack: Stack, tried: Trial | None, *, changed: bool) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in stack.versions.items())
    head = "the GPU stack is in" if changed else "the GPU stack is there, from"
    where = stack.path if changed else f"{stack.origin}: {stack.path}"
    lines = [f"{head} {where}", f"  {versions}"]
    if tried is None:
        lines.append("nothing was to be done; to try it out: polarisctl gpu-setup --check")
    elif tried.verdict == trial.PASSED:
        lines.append(f"a first kernel ran on {tried.device or 'the GPU'}, and its answer is right")
    elif tried.verdict == trial.UNTRIED:
        lines.append(f"it is installed, but could not be tried out: {tried.text}")
        if tried.remedy:
            lines.append(f"  {tried.remedy}")
        lines.append("when that is mended: polarisctl gpu-setup --check")
    else:
        lines.append(f"it does not work: {tried.text}")
        if tried.remedy:
            lines.append(f"  {tried.remedy}")
    return "\n".join(lines)


def document(stack: Stack, tried: Trial | None, *, changed: bool) -> dict[str, object]:
    """What `--json` prints; docs/gpu-setup.md describes it."""
    return {
        "path": stack.path,
        "origin": stack.origin,
        "versions": stack.versions,
        "changed": changed,
        "trial": tried.verdict if tried else "none",
        "detail": tried.text if tried else "",
        "hint": tried.remedy if tried else "",
        "device": tried.device if tried else "",
    }
