"""polarisd's entry: arguments, exit codes, and the edges that the daemon is made of."""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import os
import sys
import time
from pathlib import Path

from polarisd import __version__, coldkeys, config, identity, journal, store, systemd
from polarisd.config import Config, ConfigError

log = logging.getLogger(__name__)

ON_CHAIN = "bittensor"
EXIT_IN_USE = 69
EXIT_NO_PERMISSION = 77
EXIT_BAD_CONFIG = 78

_EXIT_CODES = (
    "Exit codes: 0 stopped in order, 1 --probe had no answer, 2 usage, 69 the socket or the state "
    "directory is in use, "
    "77 no permission, 78 bad configuration."
)

DEFAULT_CONFIG = Path("/etc/polaris/polaris.toml")


def main(argv: list[str] | None = None) -> int:
    """Exit codes: 0 stopped in order, 69 in use, 77 no permission, 78 bad config."""
    _open_missing()
    parser = _parser()
    options = parser.parse_args(argv)
    if options.json and options.check_config is None:
        parser.error("--json goes with --check-config; --probe prints JSON anyway")
    if options.check_config is not None:
        return check_config(options.check_config, as_json=options.json)
    if options.probe:
        from polarisd.oneshot import probe

        return probe(os.environ)
    return _run(options.config, options.worker_socket)


def _open_missing() -> None:
    """Whoever started us may have closed the standard streams: what is opened next, a
    socket or a state file, would then be written to as if it were one of them."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest free one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="polarisd", description="The Polaris daemon.", epilog=_EXIT_CODES
    )
    parser.add_argument("--version", action="version", version=f"polarisd {__version__}")
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument(
        "--check-config", type=Path, metavar="FILE", help="say what is wrong with FILE, and end"
    )
    parser.add_argument(
        "--probe", action="store_true", help="print GPUs and host once as JSON, and end"
    )
    parser.add_argument(
        "--worker-socket",
        type=Path,
        metavar="PATH",
        help="have systemd start the workers of benchmarks, through this socket",
    )
    parser.add_argument("--json", action="store_true", help="with --check-config: as JSON")
    return parser


def check_config(path: Path, *, as_json: bool) -> int:
    """All problems at once, on stderr or as JSON on stdout; 0 or 78."""
    problems: list[dict[str, str]] = []
    values: dict[str, dict[str, object]] = {}
    try:
        values = config.values(config.load(path))
    except ConfigError as error:
        problems = [{"path": p.path, "message": p.message} for p in error.problems]
        if not as_json:
            print(error, file=sys.stderr)
    if as_json:
        document = {
            "path": str(path),
            "ok": not problems,
            "problems": problems,
            "values": values,
        }
        print(json.dumps(document))
    elif not problems:
        print(f"{path}: ok")
    return EXIT_BAD_CONFIG if problems else 0


def _run(config_path: Path, worker_socket: Path | None) -> int:
    manager = systemd.Systemd.from_environment(os.environ)
    journal.configure("info", sys.stderr, os.environ)
    faulthandler.enable()
    try:
        settings = config.load(config_path)
    except ConfigError as error:
        print(f"polarisd: cannot start:\n{error}", file=sys.stderr)
        return EXIT_BAD_CONFIG
    journal.set_level(settings.log.level)
    directory = Path(settings.state.directory)
    if settings.node.mode == ON_CHAIN and _can_read_a_coldkey(directory, config_path.parent):
        return coldkeys.EXIT_COLDKEY
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        print(
            f"polarisd: cannot use the state directory {directory}: it must exist and be "
            "writable; create it, or change state.directory",
            file=sys.stderr,
        )
        return EXIT_NO_PERMISSION
    try:
        store.lock(directory)
    except store.InUse:
        print(
            f"polarisd: cannot use the state directory {directory}: another polarisd does; stop "
            "it (sudo systemctl stop polarisd) or change state.directory",
            file=sys.stderr,
        )
        return EXIT_IN_USE
    except OSError as error:
        print(f"polarisd: cannot lock {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_NO_PERMISSION
    return _serve(settings, config_path, manager, worker_socket)


def _can_read_a_coldkey(directory: Path, config_dir: Path) -> bool:
    """Then it is told which, and how to move it."""
    places = coldkeys.places_for(os.environ, directory, config_dir, coldkeys.homes())
    sight = coldkeys.readable_coldkeys(places)
    if sight.coldkeys:
        print(f"polarisd: {coldkeys.refusal(sight.coldkeys)}", file=sys.stderr)
    elif sight.unseen:
        log.warning("not looked through for coldkeys: %s", sight.unseen)
    return bool(sight.coldkeys)


def _serve(
    settings: Config, config_path: Path, manager: systemd.Systemd, worker_socket: Path | None
) -> int:
    import trio

    from polarisd import daemon
    from polarisd.benching import bench_parts
    from polarisd.control import listener
    from polarisd.gpu.pci import DRIVER_DIR
    from polarisd.host import HostProbe
    from polarisd.parts import Parts
    from polarisd.remembered import recall

    socket_path = Path(settings.control.socket_path)
    directory = Path(settings.state.directory)
    sock = manager.stored_socket("control")
    if sock is None or not listener.still_serves(sock, socket_path):
        manager.forget_fd("control")
        try:
            sock = listener.bind(socket_path)
        except listener.CannotListen as error:
            print(f"polarisd: {error}", file=sys.stderr)
            return EXIT_IN_USE if error.in_use else EXIT_NO_PERMISSION
        manager.store_fd(sock, "control")
    manager.close_unclaimed()
    try:
        recalled = recall(directory, time.time())
    except OSError as error:
        print(f"polarisd: cannot read {error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_NO_PERMISSION
    who = identity.load(os.environ)
    open_network = None
    if not isinstance(who, identity.NoHotkey):
        from polarisd.networking import opener

        open_network = opener(settings, who, time.time)
    parts = Parts(
        config=settings,
        config_path=config_path,
        listener=sock,
        systemd=manager,
        host_probe=HostProbe(("/", str(directory))),
        environ=dict(os.environ),
        clock=time.time,
        memory=recalled.memory,
        offering=recalled.offering,
        unreadable=recalled.unreadable,
        driver_dir=DRIVER_DIR,
        bench=bench_parts(os.environ, worker_socket),
        identity=who,
        open_network=open_network,
    )
    trio.run(daemon.run, parts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
