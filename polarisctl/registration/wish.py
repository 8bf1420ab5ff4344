"""What was asked for on the command line, checked as a whole.  Pure.

`commands.register` makes a Wish from the parsed options; whatever is empty in it is asked on a
terminal, and where there is none `missing` names the options that say it.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.cells import clean
from polarisctl.failures import usage
from polarisctl.registration.amounts import parse_tao
from polarisctl.registration.networks import Network, parse_netuid, parse_network
from polarisctl.registration.words import (
    BITTENSOR,
    COMMUNE,
    ELSEWHERE,
    FILE,
    HERE,
    INDEPENDENT,
    MODES,
    NEW,
    PIPED,
    TYPED,
    WALLET,
)
from polarisd.api.errors import ControlError
from polarisd.chain.values import Endpoint, parse_endpoint
from polarisd.keys import is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from polarisctl.context import Arguments

    T = TypeVar("T")

MAX_WAIT_S = 7 * 86400
MAX_PRICE = "--max-price TAO"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    """Where the hotkey comes from; an empty `source` means that nothing was said."""

    source: str = ""
    hotkey: str = ""
    file: str = ""
    fd: int = -1
    show_mnemonic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    mode: str = ""
    network: Network | None = None
    netuid: int = 0
    subnet_name: str | None = None
    max_price_rao: int | None = None
    key: KeyWish = KeyWish()
    wallet: str = ""
    wallet_path: str = ""
    sign: str = ""
    coldkey: str = ""
    password_fd: int = -1
    plain: bool = False
    wait_s: float = 1800.0
    endpoint: Endpoint | None = None
    module_name: str = ""
    commune_python: str = ""
    yes: bool = False
    dry_run: bool = False


# Options that say nothing outside of one mode.
_ONLY_IN = {
    BITTENSOR: (
        *("--netuid", "--max-price", "--sign", "--coldkey", "--password-fd", "--plain", "--wait"),
    ),
    COMMUNE: ("--endpoint", "--module-name", "--commune-python"),
}
_DESTINATIONS = {
    "--netuid": "netuid",
    "--max-price": "max_price",
    "--sign": "sign",
    "--coldkey": "coldkey",
    "--password-fd": "password_fd",
    "--plain": "plain",
    "--wait": "wait",
    "--endpoint": "endpoint",
    "--module-name": "module_name",
    "--commune-python": "commune_python",
    "--network": "network",
    "--subnet-name": "subnet_name",
}


def from_arguments(args: Arguments) -> Wish:
    """Error handling: a usage error for what cannot be, or does not go together."""
    _check_not_empty(args)
    _check_together(args)
    if args.coldkey and not is_address(args.coldkey):
        raise usage(
            f"cannot take --coldkey {clean(args.coldkey)}: it is not an address of bittensor",
            "it begins with 5: btcli wallet list shows it",
        )
    if args.wait is not None and not 0 <= args.wait <= MAX_WAIT_S:
        raise usage(f"cannot wait {args.wait:g} s: --wait takes 0 to {MAX_WAIT_S}")
    return Wish(
        mode=args.mode or "",
        network=_parsed("--network", args.network, parse_network),
        netuid=_parsed("--netuid", args.netuid, parse_netuid) or 0,
        subnet_name=args.subnet_name,
        max_price_rao=_parsed("--max-price", args.max_price, parse_tao),
        key=_key(args),
        wallet=_name("--wallet", args.wallet),
        wallet_path=args.wallet_path or "",
        sign=args.sign or "",
        coldkey=args.coldkey or "",
        password_fd=_fd("--password-fd", args.password_fd),
        plain=args.plain,
        wait_s=1800.0 if args.wait is None else args.wait,
        endpoint=_parsed("--endpoint", args.endpoint, parse_endpoint),
        module_name=args.module_name or "",
        commune_python=args.commune_python or "",
        yes=args.yes,
        dry_run=args.dry_run,
    )


def missing(wish: Wish, *, has_key: bool) -> list[str]:
    """The options that somebody would have to be asked for; `has_key`: there is one here."""
    options = []
    if not wish.mode:
        options.append(f"--mode {{{','.join(MODES)}}}")
    if not has_key and not wish.key.source:
        options.append(
            "--new-hotkey (or --wallet NAME --hotkey NAME, --hotkey-file, --mnemonic-fd)"
        )
    if wish.mode == BITTENSOR:
        wants = {
            "--network NAME-OR-URL": wish.network is None,
            "--netuid N": not wish.netuid,
            "--subnet-name NAME": wish.subnet_name is None and not wish.dry_run,
            "--sign {here,elsewhere}": not wish.sign and not wish.dry_run,
            "--wallet NAME": wish.sign == HERE and not wish.wallet,
            MAX_PRICE: wish.sign == HERE and wish.max_price_rao is None and not wish.dry_run,
            "--password-fd N": wish.sign == HERE and wish.password_fd < 0 and not wish.dry_run,
        }
        options += [option for option, is_missing in wants.items() if is_missing]
    if wish.mode == COMMUNE:
        wants = {
            "--network URL": wish.network is None,
            "--subnet-name NAME": not wish.subnet_name,
            "--endpoint ADDRESS:PORT": wish.endpoint is None,
            "--module-name NAME": not wish.module_name,
        }
        options += [option for option, is_missing in wants.items() if is_missing]
    if not wish.yes and not wish.dry_run:
        options.append("--yes")
    return options


# A variable of a script that was not set is no answer; a subnet may have no name.
_NOT_EMPTY = (
    *("hotkey", "hotkey_file", "wallet", "wallet_path", "coldkey", "module_name"),
    *("commune_python", "config", "credentials"),
)


def _check_not_empty(args: Arguments) -> None:
    for name in _NOT_EMPTY:
        given = getattr(args, name)
        if given is not None and not given.strip():
            raise usage(f"cannot take --{name.replace('_', '-')}: it is empty")


def _check_together(args: Arguments) -> None:
    for mode, options in _ONLY_IN.items():
        if args.mode and args.mode != mode and (given := _given(args, options)):
            raise usage(f"{' and '.join(given)} cannot go with --mode {args.mode}")
    chain_s = _given(args, ("--network", "--subnet-name"))
    if args.mode == INDEPENDENT and chain_s:
        raise usage(f"{' and '.join(chain_s)} cannot go with --mode {INDEPENDENT}: it has no chain")
    if args.sign == ELSEWHERE and (given := _given(args, ("--password-fd", "--plain"))):
        raise usage(f"{' and '.join(given)} cannot go with --sign {ELSEWHERE}: nothing is signed")
    if args.sign == HERE and args.coldkey:
        raise usage(f"--coldkey cannot go with --sign {HERE}: it is the one of --wallet")
    if args.hotkey and not args.wallet:
        raise usage("--hotkey NAME is of a wallet: give --wallet NAME too")
    if args.show_mnemonic and not args.new_hotkey:
        raise usage("--show-mnemonic goes with --new-hotkey")
    if args.yes and args.sign == HERE and args.max_price is None and not args.dry_run:
        raise unlimited()
    fds = [fd for fd in (args.mnemonic_fd, args.password_fd) if fd is not None]
    if len(set(fds)) < len(fds):
        raise usage("--mnemonic-fd and --password-fd cannot be the same")


def unlimited() -> ControlError:
    return usage(
        f"cannot pay with --yes and without {MAX_PRICE}: nobody sees the price",
        "say how much may be paid at most; --dry-run shows what it costs now",
    )


def _given(args: Arguments, options: tuple[str, ...]) -> list[str]:
    values = {option: getattr(args, _DESTINATIONS[option]) for option in options}
    return [option for option, value in values.items() if value is not None and value is not False]


def _key(args: Arguments) -> KeyWish:
    if args.new_hotkey:
        return KeyWish(source=NEW, show_mnemonic=args.show_mnemonic)
    if args.hotkey:
        return KeyWish(source=WALLET, hotkey=_name("--hotkey", args.hotkey))
    if args.hotkey_file:
        return KeyWish(source=FILE, file=args.hotkey_file)
    if args.import_:
        return KeyWish(source=TYPED)
    if args.mnemonic_fd is not None:
        return KeyWish(source=PIPED, fd=_fd("--mnemonic-fd", args.mnemonic_fd))
    return KeyWish()


def _name(option: str, name: str | None) -> str:
    """It becomes a part of a path."""
    if name and ("/" in name or "\0" in name or name in (".", "..")):
        raise usage(f"cannot take {option} {clean(name)}: it is a name, not a path")
    return name or ""


def _fd(option: str, number: int | None) -> int:
    if number is None:
        return -1
    if number < 0 or number in (1, 2):
        raise usage(f"cannot read {option} {number}: it is not open for reading")
    return number


def _parsed(option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    if text is None:
        return None
    try:
        return parse(text)
    except ValueError as problem:
        raise usage(f"cannot take {option}: {problem}") from None
