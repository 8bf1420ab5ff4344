"""Every topic of the machine, each gathered once and only when a check asks.

Built by `polarisctl.commands.doctor`; the rows of `table` take from it what they
judge.  The arrows between topics (ports need the configuration, which needs the
daemon) are the arguments of the gatherers.
"""

from __future__ import annotations

from concurrent.futures import Executor

from polarisctl.doctor.config import settings
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.engine import storage_directory
from polarisctl.doctor.gather.accounts import gather_accounts
from polarisctl.doctor.gather.addresses import gather_addresses
from polarisctl.doctor.gather.cdi import gather_gpu_access
from polarisctl.doctor.gather.clock import gather_clock
from polarisctl.doctor.gather.config import gather_config
from polarisctl.doctor.gather.daemon import gather_daemon
from polarisctl.doctor.gather.driver import gather_driver
from polarisctl.doctor.gather.engine import gather_engines
from polarisctl.doctor.gather.files import gather_files
from polarisctl.doctor.gather.gpu_stack import gather_gpu_stack
from polarisctl.doctor.gather.hardware import gather_hardware, gather_space
from polarisctl.doctor.gather.hotkey import gather_hotkey
from polarisctl.doctor.gather.network import gather_firewall, gather_ports
from polarisctl.doctor.gather.nodes import gather_nodes
from polarisctl.doctor.gather.nvml import gather_nvml
from polarisctl.doctor.gather.system import gather_system
from polarisctl.doctor.gather.unit import gather_unit, gather_worker_socket
from polarisctl.doctor.later import Later

# A gatherer that waits for another one holds a thread: one for each topic, so that
# all of them can wait at once.
TOPICS = 22


class Facts:
    """Topics by name; `.get()` waits for one.  The pool needs TOPICS threads."""

    def __init__(self, edge: Edge, pool: Executor, client_version: str) -> None:
        self.client_version = client_version
        self.system = system = Later(pool, lambda: gather_system(edge))
        self.clock = Later(pool, lambda: gather_clock(edge))
        self.hardware = Later(pool, lambda: gather_hardware(edge))
        self.driver = Later(pool, lambda: gather_driver(edge))
        self.gpu_stack = Later(pool, lambda: gather_gpu_stack(edge))
        self.engines = engines = Later(pool, lambda: gather_engines(edge))
        self.access = Later(pool, lambda: gather_gpu_access(edge))
        self.firewall = Later(pool, lambda: gather_firewall(edge))
        self.accounts = accounts = Later(pool, lambda: gather_accounts(edge))
        self.daemon = daemon = Later(pool, lambda: gather_daemon(edge))
        self.unit = Later(pool, lambda: gather_unit(edge, system.get()))
        self.worker_socket = Later(pool, lambda: gather_worker_socket(edge, system.get()))
        self.nvml = Later(pool, lambda: gather_nvml(edge, daemon.get()))
        self.config = config = Later(pool, lambda: gather_config(edge, daemon.get()))
        self.settings = chosen = Later(pool, lambda: settings(daemon.get(), config.get()))
        self.ports = Later(pool, lambda: gather_ports(edge, chosen.get(), daemon.get()))
        self.files = Later(
            pool, lambda: gather_files(edge, config.get(), chosen.get(), accounts.get())
        )
        self.hotkey = Later(pool, lambda: gather_hotkey(edge))
        self.nodes = Later(pool, lambda: gather_nodes(edge, chosen.get()))
        self.addresses = Later(pool, lambda: gather_addresses(edge))
        self.state_space = Later(pool, lambda: gather_space(edge, chosen.get().state_directory))
        self.container_space = Later(
            pool, lambda: gather_space(edge, storage_directory(engines.get()))
        )

    def begin_all(self) -> None:
        """Start every gatherer, so that the checks wait for the slowest one alone."""
        for topic in vars(self).values():
            if isinstance(topic, Later):
                topic.begin()
