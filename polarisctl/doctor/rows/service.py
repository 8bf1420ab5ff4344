"""Rows of polarisd: its unit, configuration, socket, files and accounts."""

from __future__ import annotations

from polarisctl.doctor import accounts, config, daemon, files, unit
from polarisctl.doctor.check import Check
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, WARNING

POLARISD = "polarisd"
FILES = "Files and accounts"

CHECKS: tuple[Check, ...] = (
    Check(
        "polarisd-installed",
        POLARISD,
        "Unit installed",
        "systemd runs polarisd from it.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: unit.installed(f.unit.get()),
    ),
    Check(
        "polarisd-enabled",
        POLARISD,
        "Unit enabled",
        "Otherwise polarisd stays down after a reboot.",
        (OK, WARNING, UNKNOWN, SKIPPED),
        lambda f: unit.enabled(f.unit.get()),
    ),
    Check(
        "polarisd-active",
        POLARISD,
        "Unit active",
        "Nothing is offered while polarisd is down.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: unit.active(f.unit.get()),
    ),
    Check(
        "worker-socket",
        POLARISD,
        "Worker socket",
        "polarisd has systemd start the workers that measure GPUs through it.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: unit.socket(f.worker_socket.get(), f.unit.get()),
    ),
    Check(
        "config-valid",
        POLARISD,
        "Configuration",
        "polarisd does not start with a bad one.",
        (OK, FAILURE, UNKNOWN),
        lambda f: config.valid(f.config.get()),
    ),
    Check(
        "polarisd-answers",
        POLARISD,
        "Control socket",
        "polarisctl speaks with polarisd through it.",
        (OK, FAILURE, UNKNOWN),
        lambda f: daemon.answers(f.daemon.get()),
    ),
    Check(
        "polarisd-version",
        POLARISD,
        "Version",
        "After an upgrade the old daemon runs on until it is restarted.",
        (OK, WARNING, SKIPPED),
        lambda f: daemon.version(f.daemon.get(), f.client_version),
    ),
    Check(
        "polarisd-faults",
        POLARISD,
        "Faults",
        "polarisd watches what this one look cannot see, such as XID errors.",
        (OK, WARNING, FAILURE, UNKNOWN, SKIPPED),
        lambda f: daemon.faults(f.daemon.get()),
    ),
    Check(
        "user-polaris",
        FILES,
        "User polaris",
        "polarisd runs as this user, not as root.",
        (OK, FAILURE, UNKNOWN),
        lambda f: accounts.service_user(f.accounts.get()),
    ),
    Check(
        "group-polaris",
        FILES,
        "Your access",
        "polarisd takes orders from root and group polaris alone.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: accounts.membership(f.accounts.get()),
    ),
    Check(
        "config-file",
        FILES,
        "Configuration file",
        "polarisd must read it; whoever can write it rules the machine's offer.",
        (OK, WARNING, FAILURE, UNKNOWN, SKIPPED),
        lambda f: files.config_file(f.files.get(), f.accounts.get().service()),
    ),
    Check(
        "credentials",
        FILES,
        "Credentials",
        "Whoever reads the hotkey can speak as this machine.",
        (OK, FAILURE, UNKNOWN, SKIPPED),
        lambda f: files.credentials(f.files.get()),
    ),
    Check(
        "state-directory",
        FILES,
        "State directory",
        "polarisd keeps its leases there; what others can change it cannot trust.",
        (OK, WARNING, FAILURE, UNKNOWN, SKIPPED),
        lambda f: files.state(f.files.get(), f.accounts.get().service()),
    ),
    Check(
        "coldkey",
        FILES,
        "Coldkey",
        "The coldkey holds the money; nothing on a GPU host needs it.",
        (OK, WARNING, FAILURE, UNKNOWN),
        lambda f: files.coldkey(f.files.get(), f.accounts.get().service()),
    ),
)
