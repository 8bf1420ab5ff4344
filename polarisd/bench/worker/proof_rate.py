"""The test `proof_compute`: how fast this device does the work of a compute proof.

A whole small challenge, prover and validator in this process: what comes of it was
timed by the device's owner and is self-reported, but its answers were verified.
"""

from __future__ import annotations

import os
import statistics
import time

from polarisd.bench.worker.device import WRONG_ANSWER, Device, DeviceError
from polarisd.bench.worker.engine import DeviceEngine, needed_bytes
from polarisd.bench.worker.figures import Outcome, Setting
from polarisd.bench.worker.products import WRONG_HINT
from polarisd.proof import calibration
from polarisd.proof import messages as m
from polarisd.proof.judge import Ceiling, judge
from polarisd.proof.parameters import ComputeParameters
from polarisd.proof.prover import Prover
from polarisd.proof.session import Deadlines, Session
from polarisd.proof.transcript import Terms, Transcript
from polarisd.proof.verdict import Rejected

# Verified here, so fewer than a validator takes.
_SAMPLES = 8
_REPEATS = 3
_PROBE_OPS = 2.0 * 256**3 * 8
_ENDLESS = Ceiling(
    tensor_ops=1e24,
    memory_bps=1e24,
    mix_ops=1e24,
    elsewhere_bps=1e24,
    remake_ops=1e24,
    host_bps=1e24,
)
_PATIENT = Deadlines(ready_s=600, ping_s=600, compute_s=600, openings_s=600)


def measure(setting: Setting) -> Outcome:
    target_s = (setting.pace.warm_s + setting.pace.measure_s) / _REPEATS
    parameters = _sized(setting, target_s)
    rates = []
    for number in range(_REPEATS):
        transcript = conversation(setting.device, _terms(parameters))
        _verify(transcript)
        assert transcript.compute is not None
        rates.append(parameters.operations / transcript.compute.took_s)
        setting.tick((number + 1) / _REPEATS)
    median = statistics.median(rates)
    detail = (
        f"SGC/1, {parameters.rounds} rounds of {parameters.rows} x {parameters.columns} x "
        f"{parameters.depth}, {_SAMPLES} rows of each verified"
    )
    return Outcome(median, detail, _REPEATS, (max(rates) - min(rates)) / median)


def _sized(setting: Setting, target_s: float) -> ComputeParameters:
    """Work for about `target_s`, found by doing a little first."""
    expected = calibration.Expected(
        tensor_ops=_PROBE_OPS / target_s, memory_bps=1.0, mix_ops=1.0, vram_bytes=0
    )
    while True:
        parameters = calibration.compute_for(expected, target_s, samples=_SAMPLES)
        if needed_bytes(parameters, None) * 2 > setting.free_bytes():
            return parameters
        transcript = conversation(setting.device, _terms(parameters))
        assert transcript.compute is not None
        took_s = max(transcript.compute.took_s, 1e-6)
        if took_s * 4 >= target_s:
            rate = parameters.operations / took_s
            final = calibration.Expected(tensor_ops=rate, memory_bps=1, mix_ops=1, vram_bytes=0)
            return calibration.compute_for(final, target_s, samples=_SAMPLES)
        expected = calibration.Expected(
            tensor_ops=expected.tensor_ops * 4, memory_bps=1.0, mix_ops=1.0, vram_bytes=0
        )


def _terms(parameters: ComputeParameters) -> Terms:
    return Terms(
        challenge=os.urandom(m.CHALLENGE_BYTES),
        sweep_seed=os.urandom(m.SEED_BYTES),
        hotkey=bytes(m.HOTKEY_BYTES),
        slot=0,
        compute=parameters,
        memory=None,
    )


def conversation(device: Device, terms: Terms) -> Transcript:
    """Both sides of one challenge.  Raises DeviceError if the prover is found wanting."""
    prover = Prover(terms, DeviceEngine(device, device.describe()))
    session = Session(terms, _PATIENT, os.urandom)
    session.start(time.monotonic())
    while session.outcome is None:
        for data in session.take_outgoing():
            message = m.decode(data)
            replies = (
                iter((prover.prepare(),))
                if isinstance(message, m.Offer)
                else prover.answer(message)
            )
            for reply in replies:
                session.receive(m.encode(reply), time.monotonic())
    if isinstance(session.outcome, Rejected):
        raise DeviceError(WRONG_ANSWER, session.outcome.detail, WRONG_HINT)
    return session.outcome


def _verify(transcript: Transcript) -> None:
    (verdict,) = judge([transcript], [_ENDLESS], os.urandom)
    if isinstance(verdict, Rejected):
        text = f"the proof is wrong: {verdict.reason.says}: {verdict.detail}"
        raise DeviceError(WRONG_ANSWER, text, WRONG_HINT)
