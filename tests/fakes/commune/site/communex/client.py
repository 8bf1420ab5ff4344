"""`CommuneClient`, as far as registering goes, by the script in $HOME/commune.json."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from substrateinterface import (  # type: ignore[import-not-found]
    ExtrinsicReceipt,
    Keypair,
)

from communex.errors import ChainTransactionError  # type: ignore[import-not-found]


class CommuneClient:
    def __init__(
        self,
        url: str,
        num_connections: int = 1,
        wait_for_finalization: bool = False,
        timeout: int | None = None,
    ) -> None:
        self.url = url
        self._script = json.loads(Path(os.environ["HOME"], "commune.json").read_text())

    def register_module(
        self,
        key: Keypair,
        name: str,
        address: str | None = None,
        subnet: str = "Rootnet",
        metadata: str | None = None,
    ) -> ExtrinsicReceipt:
        saw = {"url": self.url, "key": key.ss58_address, "name": name, "address": address}
        Path(self._script["saw"]).write_text(json.dumps({**saw, "subnet": subnet}))
        match self._script["do"]:
            case "refuse":
                return ExtrinsicReceipt(False, "0xbad", {"name": "NotEnoughBalanceToRegister"})
            case "raise":
                raise ChainTransactionError("NotEnoughBalanceToRegister\x1b[31m")
            case "exit":
                os._exit(3)
            case "hang":
                time.sleep(60)
            case "noise":
                print("{not json")  # noqa: T201
        return ExtrinsicReceipt(True, "0xfeed", None)
