"""The verb table: each verb of polarisctl, its module, and one line of help.

`main` imports only the module of the verb that was asked for.  Each module has
`HELP` (a paragraph for `polarisctl VERB --help`), `add_arguments(parser)` and
`run(args, context) -> int`; one that also has `DEFAULTS` (its options' values,
as argparse would set them) runs without argparse when no option is given, and
one that has `OFFERS` (for an option, values with a few words on each) has them
completed by the shells.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Protocol

    from polarisctl.context import Arguments, Context

    class Command(Protocol):
        HELP: str

        def add_arguments(self, parser: ArgumentParser) -> None: ...

        def run(self, args: Arguments, context: Context) -> int: ...


VERBS = {
    "status": ("polarisctl.commands.status", "is it running, is it healthy, what to do if not"),
    "gpus": ("polarisctl.commands.gpus", "the GPUs of this machine, one or all, in detail"),
    "validators": ("polarisctl.commands.validators", "who sees this machine, and what they say"),
    "monitor": ("polarisctl.commands.monitor", "a live screen of GPUs, host and events"),
    "benchmark": ("polarisctl.commands.benchmark", "measure the GPUs, or see earlier figures"),
    "logs": ("polarisctl.commands.logs", "what the daemon wrote to the journal"),
    "start": ("polarisctl.commands.start", "begin offering this machine"),
    "stop": ("polarisctl.commands.stop", "end offering this machine; the daemon keeps running"),
    "register": ("polarisctl.commands.register", "make this machine part of a network"),
    "unregister": ("polarisctl.commands.unregister", "leave the network, and its chain"),
    "config": ("polarisctl.commands.config", "check, show or reload the configuration"),
    "doctor": ("polarisctl.commands.doctor", "look for whatever keeps this machine from working"),
    "gpu-setup": (
        "polarisctl.commands.gpu_setup",
        "bring CuPy and its CUDA libraries onto this host",
    ),
    "version": ("polarisctl.commands.version", "the versions of polarisctl and of the daemon"),
    "completion": ("polarisctl.commands.completion", "print a completion script for your shell"),
}


def load(verb: str) -> Command:
    # __import__ with a fromlist is what importlib.import_module does, without
    # importing importlib (and warnings) first.
    module: Command = __import__(VERBS[verb][0], fromlist=("run",))
    return module
