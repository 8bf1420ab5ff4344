"""Which way the arrows point, as data: `test_imports` holds the code to it."""

from __future__ import annotations

# Each foreign library is behind one module, or one room.  The second pynvml would hold
# the driver's module in the daemon itself; the second cattrs would check otherwise.
# trio is what the daemon is written in.
HOME_OF = {
    "bittensor": ["polarisd.chain"],
    "bittensor_core": ["polarisd.chain.sealing", "polarisd.keys"],
    "cattrs": ["polarisd.checking"],
    "cupy": ["polarisd.bench.worker.cupy_device"],
    "cupy_backends": ["polarisd.bench.worker.cupy_device"],
    "curses": ["polarisctl.monitor"],
    "httpcore": ["polarisd.http"],
    "httpx": ["polarisd.http"],
    "hypercorn": ["polarisd.http"],
    "logging_journald": ["polarisd.journal"],
    "msgpack": [
        "polarisd.api.wire",
        "polarisd.gpu.link",
        "polarisd.gpu.probe.main",
        "polarisd.proof.messages",
    ],
    # The daemon does without it, for it takes memory and starts threads when imported.
    "numpy": ["polarisd.bench.worker", "polarisd.proof"],
    "psutil": ["polarisd.host"],
    "pynvml": ["polarisd.gpu.probe"],
    "pyroute2": ["polarisd.net"],
    "sdnotify": ["polarisd.systemd"],
    "starlette": ["polarisd.http"],
    "ssl": ["polarisctl.gpu_stack.web", "polarisd.http"],
    "sqlite3": ["polarisd.bench.store"],
    "tomli": ["polarisd.config"],
    # what the SDK itself speaks through: its refusals come out of there
    "websockets": ["polarisd.chain"],
    "tomlkit": ["polarisctl.registration"],
    "tomllib": ["polarisd.config"],
    # A verb that talks to the chain does it through the daemon's own actor.
    "trio": ["polarisctl.registration", "polarisd"],
}

# Rooms, and what of Polaris each may import besides itself; the longest name counts.
MAY_IMPORT = {
    "polarisd.api": [],
    "polarisd.health": ["polarisd.api"],
    "polarisd.gpu": ["polarisd.api", "polarisd.checking", "polarisd.pulse"],
    # It starts anew in milliseconds, and must not know of the daemon.
    "polarisd.gpu.probe": ["polarisd.api", "polarisd.gpu.raw"],
    "polarisd.bench": [
        "polarisd.api",
        "polarisd.bench.stack",
        "polarisd.claims",
        "polarisd.journal",
        "polarisd.state",
    ],
    "polarisd.bench.stack": [],
    # A process of its own, beside the GPU's stack.
    "polarisd.bench.worker": ["polarisd.api", "polarisd.proof"],
    "polarisd.proof": [],
    "polarisd.control": [
        "polarisd.__version__",
        "polarisd.api",
        "polarisd.checking",
        "polarisd.journal",
        "polarisd.state",
    ],
    "polarisd.chain": ["polarisd.api", "polarisd.journal", "polarisd.keys"],
    "polarisd.net": [
        "polarisd.api",
        "polarisd.journal",
        "polarisd.pulse",
        "polarisd.whereabouts",
    ],
    "polarisd.http": ["polarisd.__version__", "polarisd.api", "polarisd.journal", "polarisd.keys"],
    "polarisd.heartbeat": [
        "polarisd.api",
        "polarisd.checking",
        "polarisd.journal",
        "polarisd.keys",
        "polarisd.pulse",
        "polarisd.store",
    ],
    "polarisd.keys": [],
    "polarisd.identity": ["polarisd.keys"],
    "polarisd.coldkeys": [],
    "polarisd.claims": [],
    "polarisd.state": ["polarisd.api"],
    "polarisd.history": ["polarisd.api"],
    "polarisd.config": ["polarisd.api", "polarisd.checking", "polarisd.sections"],
    "polarisd.sections": ["polarisd.checking", "polarisd.keys", "polarisd.whereabouts"],
    "polarisd.whereabouts": [],
    "polarisd.checking": ["polarisd.constraints"],
    "polarisd.constraints": [],
    "polarisd.store": [],
    "polarisd.systemd": [],
    "polarisd.pulse": [],
    "polarisd.logtext": [],
    "polarisd.journal": ["polarisd.logtext"],
    "polarisd.canary": ["polarisd.journal", "polarisd.pulse"],
    "polarisd.hostmath": ["polarisd.api"],
    "polarisd.host": ["polarisd.api", "polarisd.hostmath"],
    # The stack is a leaf too: gpu-setup puts it where the worker looks for it.
    "polarisctl": [
        "polarisd.__version__",
        "polarisd.api",
        "polarisd.bench.stack",
        "polarisd.chain.networks",
        "polarisctl.registration",
    ],
    "polarisctl.registration": [
        "polarisctl",
        "polarisd.__version__",
        "polarisd.api",
        "polarisd.chain",
        "polarisd.config",
        "polarisd.keys",
    ],
}

# What the composition root and its hands are for, and nobody else.
ROOMS = (
    "polarisd.bench",
    "polarisd.chain",
    "polarisd.control",
    "polarisd.gpu",
    "polarisd.health",
    "polarisd.heartbeat",
    "polarisd.http",
    "polarisd.net",
)
MAY_ENTER_ROOMS = {
    "polarisd.main",
    "polarisd.oneshot",
    "polarisd.daemon",
    "polarisd.beating",
    "polarisd.benching",
    "polarisd.keeper",
    "polarisd.members",
    "polarisd.netparts",
    "polarisd.networking",
    "polarisd.outlook",
    "polarisd.parts",
    "polarisd.receiving",
    "polarisd.services",
    "polarisd.remembered",
    "polarisd.summary",
    "polarisd.teller",
}
TOP_DOWN = [
    "polarisd.main",
    "polarisd.daemon",
    "polarisd.parts",
    "polarisd.benching",
    "polarisd.networking",
    "polarisd.services",
    "polarisd.keeper",
]
