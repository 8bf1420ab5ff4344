"""Which GPU the words of a command line mean.  Pure; `gpus` and `logs` use it."""

from __future__ import annotations

from polarisctl import values
from polarisctl.failures import failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from polarisctl.render.readings import Record

UUID_CHARACTERS = len("GPU-5f6b2d10-1234-5678-9abc-def012345678")


def is_whole(wanted: str) -> bool:
    """Whether it is a UUID in full, of which nobody need be asked."""
    return wanted.startswith(("GPU-", "MIG-")) and len(wanted) >= UUID_CHARACTERS


def find(gpus: Sequence[Record], wanted: str) -> Record:
    """The GPU of an index, a UUID or the beginning of one."""
    by_index = [gpu for gpu in gpus if str(values.get(gpu, "identity", "index")) == wanted]
    by_uuid = [gpu for gpu in gpus if gpu.get("uuid") == wanted]
    by_beginning = [gpu for gpu in gpus if str(gpu.get("uuid")).startswith(wanted)]
    # A GPU that is missing keeps the index it had: the one that is there wins.
    present = [gpu for gpu in by_index if gpu.get("state") != "missing"]
    found = present or by_index or by_uuid or by_beginning
    if len(found) == 1:
        return found[0]
    known = ", ".join(str(gpu.get("uuid")) for gpu in found or gpus)
    if found:
        raise failed(f"cannot choose a GPU: {wanted} fits several", f"these fit: {known}")
    raise failed(
        f"cannot find a GPU {wanted}", f"there are: {known}" if known else "there are none"
    )
