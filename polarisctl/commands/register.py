"""`polarisctl register`: make this machine part of a network."""

from __future__ import annotations

from polarisctl.context import DEFAULT_CONFIG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from polarisctl.context import Arguments, Context

HELP = """Make this machine part of a network: bittensor (a hotkey gets a UID on a subnet, which
costs TAO), independent (a key of its own, no chain) or commune (legacy). What the chain says of
the subnet is shown and confirmed before anything is paid; the UID is proven on the chain; then the
hotkey and the configuration are put in place and polarisd is restarted. It can be run again at any
time: it goes on where it was cut, and never pays twice."""
DEFAULTS: dict[str, object] = {
    "mode": None,
    "network": None,
    "netuid": None,
    "subnet_name": None,
    "max_price": None,
    "new_hotkey": False,
    "show_mnemonic": False,
    "hotkey": None,
    "hotkey_file": None,
    "import_": False,
    "mnemonic_fd": None,
    "wallet": None,
    "wallet_path": None,
    "sign": None,
    "coldkey": None,
    "password_fd": None,
    "plain": False,
    "wait": None,
    "endpoint": None,
    "module_name": None,
    "commune_python": None,
    "yes": False,
    "dry_run": False,
    "config": None,
    "credentials": None,
    "no_restart": False,
}
OFFERS = {
    "mode": {
        "bittensor": "a subnet of bittensor",
        "independent": "a key of its own and no chain",
        "commune": "legacy, with an interpreter of yours",
    },
    "network": {
        "finney": "the main network",
        "test": "the test network",
        "local": "a node on this machine",
    },
    "sign": {
        "here": "with the coldkey of a wallet on this host",
        "elsewhere": "on the machine that has the coldkey",
    },
}


def add_arguments(parser: ArgumentParser) -> None:
    from polarisctl.registration.words import ELSEWHERE, HERE, MODES

    parser.add_argument("--mode", choices=MODES, metavar="MODE", help=", ".join(MODES))
    parser.add_argument("--network", metavar="NETWORK", help="finney, test, local or ws(s)://...")
    parser.add_argument("--netuid", metavar="N", help="the subnet's number; there is no default")
    parser.add_argument(
        "--subnet-name", metavar="NAME", help="what the subnet has to call itself on the chain"
    )
    parser.add_argument(
        "--max-price",
        metavar="TAO",
        help="pay no more than this; --yes needs it where it is signed here",
    )
    key = parser.add_mutually_exclusive_group()
    key.add_argument(
        "--new-hotkey", action="store_true", help="make a hotkey here, if there is none"
    )
    key.add_argument("--hotkey", metavar="NAME", help="the hotkey NAME of --wallet")
    key.add_argument("--hotkey-file", metavar="FILE", help="the hotkey in a keyfile")
    key.add_argument(
        "--import", dest="import_", action="store_true", help="type a mnemonic or a seed"
    )
    key.add_argument(
        "--mnemonic-fd", metavar="N", type=int, help="read a mnemonic or a seed from file N"
    )
    parser.add_argument(
        "--show-mnemonic", action="store_true", help="show that of a new hotkey, once"
    )
    parser.add_argument("--wallet", metavar="NAME", help="a bittensor wallet")
    parser.add_argument("--wallet-path", metavar="PATH", help="where wallets are")
    parser.add_argument(
        "--sign", choices=(HERE, ELSEWHERE), metavar="WHERE", help="here, or elsewhere"
    )
    parser.add_argument("--coldkey", metavar="SS58", help="who pays, when it is signed elsewhere")
    parser.add_argument(
        "--password-fd", metavar="N", type=int, help="read the coldkey's password from file N"
    )
    parser.add_argument("--plain", action="store_true", help="do not shield the transaction")
    parser.add_argument(
        "--wait", metavar="SECONDS", type=float, help="for a signature elsewhere (default 1800)"
    )
    parser.add_argument("--endpoint", metavar="ADDRESS:PORT", help="of this machine, for commune")
    parser.add_argument("--module-name", metavar="NAME", help="of this machine, for commune")
    parser.add_argument("--commune-python", metavar="FILE", help="an interpreter with communex")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show all, send and write nothing")
    add_place_options(parser)


def add_place_options(parser: ArgumentParser) -> None:
    """Also of `unregister`."""
    parser.add_argument(
        "--config", metavar="FILE", help=f"polarisd's configuration (default {DEFAULT_CONFIG})"
    )
    parser.add_argument(
        "--credentials",
        metavar="PATH",
        help="where polarisd's keys are (default /etc/polaris/credentials)",
    )
    parser.add_argument("--no-restart", action="store_true", help="do not restart polarisd")


def run(args: Arguments, context: Context) -> int:
    from polarisctl.registration.running import register

    return register(args, context)
