"""Cases of the doctor's rows about polarisd, its files and accounts."""

from __future__ import annotations

from dataclasses import replace

from polarisctl.doctor.accounts import Account, Accounts, Group
from polarisctl.doctor.config import Checked, Config
from polarisctl.doctor.daemon import Daemon, Refusal
from polarisctl.doctor.files import Coldkey, Entry, Files
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, WARNING
from polarisctl.doctor.unit import Unit
from tests.unit.doctor_cases_machine import BROKEN, DENIED
from tests.unit.doctor_support import CLIENT_VERSION, Case, case

PATH = "/etc/polaris/polaris.toml"
WELL = {
    "LoadState": "loaded",
    "UnitFileState": "enabled",
    "ActiveState": "active",
    "NRestarts": "0",
    "ExecMainStatus": "0",
    "Result": "success",
}


def _unit(**changed: str) -> Unit:
    return Unit("polarisd.service", {**WELL, **changed})


NO_SYSTEMD = Unit("polarisd.service", None)
UNREAD_UNIT = Unit("polarisd.service", BROKEN)
NOT_THERE = _unit(LoadState="not-found")
FAILED = _unit(ActiveState="failed", Result="exit-code", ExecMainStatus="1")

UNIT_CASES = [
    case("polarisd-installed", OK, "polarisd.service", unit=_unit()),
    case("polarisd-installed", FAILURE, "unmask", unit=_unit(LoadState="masked")),
    case("polarisd-installed", FAILURE, "Install the package", unit=NOT_THERE),
    case("polarisd-installed", FAILURE, "bad-setting", unit=_unit(LoadState="bad-setting")),
    case("polarisd-installed", UNKNOWN, "output", unit=UNREAD_UNIT),
    case("polarisd-installed", SKIPPED, "systemd is not", unit=NO_SYSTEMD),
    case("polarisd-enabled", OK, "enabled", unit=_unit()),
    case("polarisd-enabled", WARNING, "disabled", unit=_unit(UnitFileState="disabled")),
    case("polarisd-enabled", UNKNOWN, "output", unit=UNREAD_UNIT),
    case("polarisd-enabled", SKIPPED, "not installed", unit=NOT_THERE),
    case("polarisd-active", OK, "active", unit=_unit()),
    case("polarisd-active", OK, "restarted 3 times", unit=_unit(NRestarts="3")),
    case("polarisd-active", FAILURE, "exit status 1", unit=FAILED),
    case("polarisd-active", FAILURE, "bad", unit=_unit(ActiveState="failed", ExecMainStatus="78")),
    case("polarisd-active", FAILURE, "enable --now", unit=_unit(ActiveState="inactive")),
    case(
        "polarisd-active",
        FAILURE,
        "restarted 9 times",
        unit=_unit(ActiveState="activating", SubState="auto-restart", NRestarts="9"),
    ),
    case("polarisd-active", UNKNOWN, "activating", unit=_unit(ActiveState="activating")),
    case("polarisd-active", UNKNOWN, "output", unit=UNREAD_UNIT),
    case("polarisd-active", SKIPPED, "systemd is not", unit=NO_SYSTEMD),
]

LISTENING = {"LoadState": "loaded", "ActiveState": "active"}


def _socket(verdict: str, says: str, service: Unit, **changed: str) -> Case:
    socket = Unit("polaris-worker.socket", {**LISTENING, **changed})
    return case("worker-socket", verdict, says, worker_socket=socket, unit=service)


SOCKET_CASES = [
    _socket(OK, "listening", _unit()),
    _socket(OK, "listening", _unit(ActiveState="reloading")),
    _socket(FAILURE, "restart polaris-worker.socket", _unit(), ActiveState="failed"),
    _socket(FAILURE, "unmask", _unit(), LoadState="masked"),
    _socket(FAILURE, "reinstall polaris", _unit(), LoadState="not-found"),
    case("worker-socket", UNKNOWN, "output", worker_socket=UNREAD_UNIT, unit=_unit()),
    _socket(SKIPPED, "is not running", FAILED),
    case("worker-socket", SKIPPED, "systemd is not", worker_socket=NO_SYSTEMD, unit=NO_SYSTEMD),
]


def _config(*problems: str) -> Config:
    return Config(PATH, True, Checked(problems, {}))


CONFIG_CASES = [
    case("config-valid", OK, PATH, config=_config()),
    case("config-valid", FAILURE, "ports.api: must be", config=_config("ports.api: must be")),
    case("config-valid", FAILURE, "and 3 more", config=_config(*["x: wrong"] * 13)),
    case("config-valid", FAILURE, "install -D", config=Config(PATH, False, None)),
    case("config-valid", UNKNOWN, "sudo", config=Config(PATH, DENIED, DENIED)),
    case("config-valid", UNKNOWN, "output", config=Config(PATH, True, BROKEN)),
    case("config-valid", UNKNOWN, "not installed", config=Config(PATH, True, None)),
]

HELLO = {"pid": 7, "version": CLIENT_VERSION}
DAEMON = Daemon("/run/x.sock", HELLO, {"faults": []}, {})


def _fault(severity: str, code: str = "gpu_lost") -> dict[str, str]:
    return {"code": code, "severity": severity, "text": "a GPU is lost", "remedy": "Reseat it."}


def _with_faults(*faults: object) -> Daemon:
    return replace(DAEMON, snapshot={"faults": list(faults)})


def refused(code: str, message: str = "cannot") -> Daemon:
    refusal = Refusal(code, message, "do this")
    return Daemon("/run/x.sock", refusal, refusal, refusal)


DAEMON_CASES = [
    case("polarisd-answers", OK, "pid 7", daemon=DAEMON),
    case("polarisd-answers", FAILURE, "enable --now", daemon=refused("not_running")),
    case("polarisd-answers", FAILURE, "restart polarisd", daemon=refused("protocol_mismatch")),
    case("polarisd-answers", FAILURE, "journalctl", daemon=refused("no_answer")),
    case("polarisd-answers", UNKNOWN, "group-polaris", daemon=refused("not_permitted")),
    case("polarisd-version", OK, CLIENT_VERSION, daemon=DAEMON),
    case("polarisd-version", WARNING, "1.0 runs", daemon=replace(DAEMON, hello={"version": "1.0"})),
    case("polarisd-version", SKIPPED, "not answer", daemon=refused("not_running")),
    case("polarisd-faults", OK, "none", daemon=DAEMON),
    case("polarisd-faults", OK, "none", daemon=_with_faults(_fault("notice"))),
    case("polarisd-faults", WARNING, "gpu_lost", daemon=_with_faults(_fault("warning"))),
    case(
        "polarisd-faults",
        FAILURE,
        "Reseat it.",
        daemon=_with_faults(_fault("warning", "hot"), _fault("error")),
    ),
    case(
        "polarisd-faults",
        FAILURE,
        "The checks before this one",
        daemon=_with_faults({**_fault("error"), "remedy": "reboot, then: sudo polarisctl doctor"}),
    ),
    case(
        "polarisd-faults",
        FAILURE,
        "gpu_lost: Reseat it; hot: Reseat it; c: Reseat it. polarisctl",
        daemon=_with_faults(
            *(_fault("warning", code) for code in ("hot", "hot", "c", "d")), _fault("error")
        ),
    ),
    case("polarisd-faults", FAILURE, "and 2 more", daemon=_with_faults(*[_fault("error")] * 7)),
    case(
        "polarisd-faults",
        UNKNOWN,
        "may not",
        daemon=replace(DAEMON, snapshot=Refusal("not_permitted", "you may not", "use sudo")),
    ),
    case("polarisd-faults", UNKNOWN, "malformed", daemon=_with_faults("odd")),
    case("polarisd-faults", SKIPPED, "not answer", daemon=refused("not_running")),
]

POLARIS = Account("polaris", 990, frozenset({985}), "/var/lib/polaris")
GROUP = Group("polaris", 985, frozenset({"ada"}))
ACCOUNTS = Accounts((POLARIS,), (GROUP,), "ada", 1000, frozenset({1000, 985}))
NOBODY = Accounts((), (), "ada", 1000, frozenset({1000}))

ACCOUNT_CASES = [
    case("user-polaris", OK, "uid 990", accounts=ACCOUNTS),
    case("user-polaris", FAILURE, "reinstall", accounts=NOBODY),
    case("user-polaris", UNKNOWN, "output", accounts=replace(ACCOUNTS, users=BROKEN)),
    case("group-polaris", OK, "ada is in", accounts=ACCOUNTS),
    case("group-polaris", OK, "root", accounts=replace(NOBODY, asking_uid=0)),
    case("group-polaris", WARNING, "newgrp", accounts=replace(ACCOUNTS, asking_groups=frozenset())),
    case(
        "group-polaris",
        WARNING,
        "usermod -aG polaris bob",
        accounts=replace(ACCOUNTS, asking_user="bob", asking_groups=frozenset()),
    ),
    case("group-polaris", FAILURE, "no group", accounts=NOBODY),
    case("group-polaris", UNKNOWN, "output", accounts=replace(NOBODY, groups=BROKEN)),
]

ETC = Entry("/etc", 0o755, 0, 0)
CONFIG = Entry(PATH, 0o644, 0, 0)
KEYS = Entry("/etc/polaris/credentials", 0o700, 0, 0)
KEY = Entry("/etc/polaris/credentials/hotkey", 0o600, 0, 0)
STATE = Entry("/var/lib/polaris", 0o700, 990, 985)
HOME = Entry("/home/ada", 0o755, 1000, 1000)
COLD = Entry("/home/ada/.bittensor/wallets/w/coldkey", 0o600, 1000, 1000)
FILES = Files(CONFIG, (ETC,), KEYS, (KEY,), STATE, (), ())


def _file_case(check: str, verdict: str, says: str, **changed: object) -> Case:
    files = replace(FILES, **changed)  # type: ignore[arg-type]
    return Case(check, verdict, says, {"files": files, "accounts": ACCOUNTS})


def _stranger(check: str, says: str) -> Case:
    return Case(check, UNKNOWN, says, {"files": FILES, "accounts": NOBODY})


FILE_CASES = [
    _file_case("config-file", OK, "is 0644"),
    _file_case("config-file", OK, "0640", config=Entry(PATH, 0o640, 0, 985)),
    _file_case("config-file", WARNING, "chown root", config=Entry(PATH, 0o644, 1000, 0)),
    _file_case("config-file", WARNING, "chown root", config=Entry(PATH, 0o660, 0, 985)),
    _file_case("config-file", FAILURE, "cannot read", config=Entry(PATH, 0o600, 0, 0)),
    _file_case("config-file", FAILURE, "cannot read", config_leading=(replace(ETC, mode=0o700),)),
    _file_case("config-file", FAILURE, "o-w /etc", config=Entry(PATH, 0o666, 0, 0)),
    _file_case("config-file", FAILURE, "write to /etc", config_leading=(replace(ETC, mode=0o777),)),
    _file_case("config-file", UNKNOWN, "sudo", config=DENIED),
    _stranger("config-file", "no user polaris"),
    _file_case("config-file", SKIPPED, "no configuration", config=None),
    _file_case("credentials", OK, "1 files closed"),
    _file_case("credentials", FAILURE, "chmod 700", credentials=replace(KEYS, mode=0o750)),
    _file_case("credentials", FAILURE, "uid 990", credentials=replace(KEYS, uid=990)),
    _file_case(
        "credentials", FAILURE, "hotkey is 0644", credential_files=(replace(KEY, mode=0o644),)
    ),
    _file_case("credentials", UNKNOWN, "sudo", credential_files=DENIED),
    _file_case("credentials", UNKNOWN, "sudo", credentials=DENIED),
    _file_case("credentials", SKIPPED, "not registered", credentials=None),
    _file_case("state-directory", OK, "0700"),
    _file_case("state-directory", WARNING, "anybody", state=replace(STATE, mode=0o755)),
    _file_case("state-directory", FAILURE, "write", state=replace(STATE, mode=0o770)),
    _file_case("state-directory", FAILURE, "chown -R polaris", state=replace(STATE, uid=0)),
    _file_case("state-directory", UNKNOWN, "sudo", state=DENIED),
    _stranger("state-directory", "no user polaris"),
    _file_case("state-directory", SKIPPED, "first start", state=None),
    _file_case("coldkey", OK, "none"),
    _file_case("coldkey", WARNING, "wallets/w/coldkey", coldkeys=(Coldkey(COLD, (HOME,)),)),
    _file_case(
        "coldkey",
        WARNING,
        "wallets/w/coldkey",
        coldkeys=(Coldkey(replace(COLD, mode=0o644), (replace(HOME, mode=0o700),)),),
    ),
    _file_case(
        "coldkey", FAILURE, "can read", coldkeys=(Coldkey(replace(COLD, mode=0o644), (HOME,)),)
    ),
    _file_case("coldkey", UNKNOWN, "/root cannot be looked into", unseen=("/root",)),
]

CASES: list[Case] = [
    *UNIT_CASES,
    *SOCKET_CASES,
    *CONFIG_CASES,
    *DAEMON_CASES,
    *ACCOUNT_CASES,
    *FILE_CASES,
]
