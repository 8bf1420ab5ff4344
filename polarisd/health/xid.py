"""What an XID means and what to do about it.

XIDs are the error numbers of NVIDIA's kernel driver.  Meanings and actions after
NVIDIA's "XID Errors" catalogue (docs.nvidia.com/deploy/xid-errors); which of
them are the fault of an application follows NVIDIA's own k8s-device-plugin,
which leaves a GPU in service after 13, 31, 43, 45, 68 and 109.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.health.catalogue import ERROR, FORGET, NOTICE, RESET, WARNING

_REPLACE = "if it returns, run NVIDIA's field diagnostics and contact the card's vendor"
# A reboot forgets them all.
_REBOOT = f"reboot; {_REPLACE}"
_RESET = f"{RESET}; {FORGET}; {_REPLACE}"
_WATCH = f"watch whether it returns; {FORGET}"
_APPLICATION = "none for the owner: the program that ran on the GPU is at fault"


@dataclass(frozen=True, slots=True)
class XidMeaning:
    """`severity` notice means an application's fault: told as an event, never raised."""

    severity: str
    meaning: str
    remedy: str


_MEANINGS = {
    8: XidMeaning(NOTICE, "a GPU job took too long", _APPLICATION),
    13: XidMeaning(NOTICE, "graphics engine exception", _APPLICATION),
    31: XidMeaning(NOTICE, "GPU memory page fault", _APPLICATION),
    32: XidMeaning(WARNING, "corrupted push buffer: bad PCIe signal or driver bug", _WATCH),
    38: XidMeaning(WARNING, "driver firmware error", _WATCH),
    43: XidMeaning(NOTICE, "the GPU stopped one program", _APPLICATION),
    44: XidMeaning(WARNING, "graphics engine fault during a context switch", _WATCH),
    45: XidMeaning(NOTICE, "a program's work was cleaned up", _APPLICATION),
    48: XidMeaning(ERROR, "uncorrectable memory error (double bit ECC)", _RESET),
    61: XidMeaning(WARNING, "internal microcontroller warning", _WATCH),
    62: XidMeaning(ERROR, "internal microcontroller halted", _RESET),
    63: XidMeaning(WARNING, "a bad memory row or page was recorded", _RESET),
    64: XidMeaning(ERROR, "a bad memory row or page could not be recorded", _RESET),
    68: XidMeaning(NOTICE, "video decoder exception", _APPLICATION),
    69: XidMeaning(NOTICE, "graphics engine class error", _APPLICATION),
    74: XidMeaning(ERROR, "NVLink error", f"check NVLink bridges and seats; {_RESET}"),
    79: XidMeaning(
        ERROR,
        "the GPU has fallen off the bus",
        f"check its power cables, seat and cooling; power the machine off and on; {_REPLACE}",
    ),
    92: XidMeaning(WARNING, "many corrected memory errors", _WATCH),
    94: XidMeaning(ERROR, "contained memory error", _RESET),
    95: XidMeaning(ERROR, "uncontained memory error", _RESET),
    109: XidMeaning(NOTICE, "context switch timeout", _APPLICATION),
    110: XidMeaning(ERROR, "security fault", _REBOOT),
    119: XidMeaning(ERROR, "the GPU's system processor (GSP) does not answer", _REBOOT),
    120: XidMeaning(ERROR, "error of the GPU's system processor (GSP)", _REBOOT),
    121: XidMeaning(WARNING, "chip-to-chip link error", _WATCH),
    140: XidMeaning(ERROR, "unrecovered memory error", _RESET),
    143: XidMeaning(ERROR, "the GPU could not be initialised", _REBOOT),
    154: XidMeaning(WARNING, "the driver changed the recovery it asks for", _WATCH),
}


def meaning_of(xid: int) -> XidMeaning:
    """An XID that is not in the table is a warning, never nothing."""
    return _MEANINGS.get(
        xid, XidMeaning(WARNING, "see NVIDIA's list of XID errors for its meaning", _WATCH)
    )
