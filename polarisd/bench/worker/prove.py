"""The job "prove": answer one challenge of a validator on this device.

Called by main, which hands it the pipe to the daemon; the daemon passes messages of
docs/proof.md on between it and the validator, without knowing them.
"""

from __future__ import annotations

from polarisd.bench.worker.device import OUT_OF_MEMORY, Device, DeviceError
from polarisd.bench.worker.engine import DeviceEngine, needed_bytes
from polarisd.bench.worker.frames import BadFrame, Reader, Writer
from polarisd.proof import messages as m
from polarisd.proof.prover import Breach, Prover
from polarisd.proof.transcript import Terms

# The validator did not keep to the protocol.
BAD_CHALLENGE = "bad_challenge"
_HINT = "nothing to do here: the validator's software is at fault"


def run(device: Device, reader: Reader, writer: Writer, hotkey: bytes, slot: int) -> None:
    """Until everything is opened.  Only for our own hotkey and the slot of this GPU: else
    another miner could have its challenges answered here.

    Error handling: DeviceError, also with code `bad_challenge`; EndOfInput and BadFrame
    from the pipe.
    """
    try:
        offer = _receive(reader)
        if not isinstance(offer, m.Offer):
            raise Breach(f"{type(offer).__name__} came where an offer was due")
        if (offer.terms.hotkey, offer.terms.slot) != (hotkey, slot):
            _send(writer, m.Refused("the challenge is for another hotkey or slot"))
            raise Breach("it is for another hotkey or slot")
        _answer(offer.terms, device, reader, writer)
    except (Breach, m.Malformed) as error:
        raise DeviceError(BAD_CHALLENGE, f"cannot answer the challenge: {error}", _HINT) from None


def _answer(terms: Terms, device: Device, reader: Reader, writer: Writer) -> None:
    info = device.describe()
    needed = needed_bytes(terms.compute, terms.memory)
    if needed > info.free_bytes:
        text = f"{needed >> 20} MiB of GPU memory are needed, {info.free_bytes >> 20} are free"
        _send(writer, m.Refused(text))
        raise DeviceError(OUT_OF_MEMORY, text, "end what else uses this GPU")
    prover = Prover(terms, DeviceEngine(device, info))
    try:
        _send(writer, prover.prepare())
    except DeviceError as error:
        _send(writer, m.Refused(error.message[:100]))
        raise
    while not prover.finished:
        for message in prover.answer(_receive(reader)):
            _send(writer, message)


def _receive(reader: Reader) -> m.Message:
    data = reader.read().get("message")
    if not isinstance(data, bytes):
        raise BadFrame("a frame without a message")
    return m.decode(data)


def _send(writer: Writer, message: m.Message) -> None:
    writer.send({"kind": "message", "message": m.encode(message)})
