"""What the tests of the fake driver library share."""

from pathlib import Path
from typing import Any

from tests.fakes.nvml.client import Handle, NvmlClient

ROOT = Path(__file__).parents[2]
TEMPERATURE = "nvmlDeviceGetTemperature"
UTILISATION = "nvmlDeviceGetUtilizationRates"
XID = 8
GPU_IS_LOST = 15


def handle(client: NvmlClient, index: int = 0) -> Handle:
    found = client.call("nvmlDeviceGetHandleByIndex", index)
    assert isinstance(found, Handle)
    return found


def temperature(client: NvmlClient, gpu: Handle) -> Any:
    return client.call(TEMPERATURE, gpu, 0)


def watch(client: NvmlClient, gpu: Handle, types: int = XID) -> Handle:
    events = client.call("nvmlEventSetCreate")
    client.call("nvmlDeviceRegisterEvents", gpu, types, events)
    assert isinstance(events, Handle)
    return events
