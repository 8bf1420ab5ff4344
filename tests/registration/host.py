"""A host to register, in a directory: its configuration, its wallets, and no leaked secret.

Every run of polarisctl on it is searched for secrets: what it printed, and what it left on the
disk outside of the files that are there for them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bittensor_core

from polarisd import keys
from tests.devnode.client import DevNode, Extrinsic
from tests.terminal.tty import Tty

ROOT = Path(__file__).parents[2]
WAIT_S = 60.0
PROGRAMS = os.path.dirname(sys.executable)
# Of a key that was made from a seed, the file has no words.
SECRETS = ("secretPhrase", "secretSeed", "privateKey")
REGISTERED = ("SubtensorModule.register_limit", "SubtensorModule.burned_register")


@dataclass
class Done:
    code: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document


@dataclass
class Host:
    root: Path
    node: DevNode
    secrets: set[str] = field(default_factory=set)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.config.parent.mkdir(parents=True)
        shutil.copy(ROOT / "polaris.toml.example", self.config)
        self.mnemonic = bittensor_core.Keypair.generate_mnemonic(12)
        self.coldkey = keys.from_mnemonic(self.mnemonic)
        self._know(keys.keyfile(self.coldkey))
        self.wallet("cold", keys.keyfile(self.coldkey))

    @property
    def config(self) -> Path:
        return self.root / "etc" / "polaris.toml"

    @property
    def credential(self) -> Path:
        return self.root / "etc" / "credentials" / "hotkey"

    @property
    def kept(self) -> list[Path]:
        return sorted((self.root / "etc" / "registration").glob("hotkey-*"))

    def wallet(self, name: str, coldkey: bytes) -> Path:
        """With that coldkey file, and the address of ours beside it."""
        directory = self.root / ".bittensor" / "wallets" / name
        (directory / "hotkeys").mkdir(parents=True)
        (directory / "coldkey").write_bytes(coldkey)
        public = bittensor_core.Keypair(ss58_address=self.coldkey.ss58)
        (directory / "coldkeypub.txt").write_bytes(
            bytes(bittensor_core.serialized_keypair_to_keyfile_data(public))
        )
        return directory

    # running -------------------------------------------------------------------------------

    def words(self, verb: str, words: Iterable[str]) -> list[str]:
        places = ["--config", str(self.config), "--credentials", str(self.credential.parent)]
        return [verb, *places, *words]

    @property
    def environ(self) -> dict[str, str]:
        path = f"{PROGRAMS}:{os.defpath}"
        return {"PATH": path, "HOME": str(self.root), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}

    def start(
        self, *words: str, verb: str = "register", fds: Sequence[int] = ()
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "polarisctl.main", *self.words(verb, words)],
            env=self.environ,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=fds,
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """Nothing outlives its test."""
        for process in self.started:
            process.kill()
            process.communicate()

    def run(self, *words: str, verb: str = "register", fds: Sequence[int] = ()) -> Done:
        with self.start(*words, verb=verb, fds=fds) as process:
            return self.end(process)

    def end(self, process: subprocess.Popen[str]) -> Done:
        try:
            out, err = process.communicate(timeout=WAIT_S)
        finally:
            process.kill()
        assert "Traceback" not in err, err
        self.search(out, err)
        return Done(process.returncode, out, err)

    def join(self, *words: str, sign: str = "here") -> Done:
        """Register on netuid 49 of the devnode, with nobody to ask."""
        return self.run(*self.joining(sign), *words)

    def joining(self, sign: str = "here") -> list[str]:
        words = ["--mode", "bittensor", "--network", self.node.url, "--netuid", "49", "--yes"]
        words += ["--subnet-name", "Polaris", "--sign", sign]
        if sign == "here":
            # An unencrypted coldkey needs no password, and takes no five seconds.
            words += ["--max-price", "0.1", "--wallet", "cold", "--password-fd", "0"]
        return words

    def tty(self, *words: str, verb: str = "register", rows: int = 50) -> Tty:
        return Tty(*self.words(verb, words), columns=140, rows=rows, environ=self.environ)

    # looking -------------------------------------------------------------------------------

    def installed(self) -> str:
        """The address of the hotkey that polarisd is handed."""
        content = self.credential.read_bytes()
        self._know(content)
        return keys.from_keyfile(content).ss58

    def registrations(self) -> list[Extrinsic]:
        """That succeeded, paid by our coldkey."""
        ours = self.coldkey.ss58
        return [
            e
            for e in self.node.extrinsics()
            if e.method in REGISTERED and e.ok and e.signer == ours
        ]

    def _know(self, keyfile: bytes) -> None:
        document = json.loads(keyfile)
        self.secrets |= {document[name] for name in SECRETS if document.get(name)}

    def search(self, *texts: str) -> None:
        """Fails if any secret that is known by now is anywhere but where it belongs."""
        for path in (self.credential, *self.kept):
            if path.exists():
                assert path.stat().st_mode & 0o777 == 0o600
                self._know(path.read_bytes())
        found = [(self.root / "etc").rglob("*"), Path(tempfile.gettempdir()).glob("polaris-*")]
        for path in (path for paths in found for path in paths):
            if path.is_file() and path != self.credential and path not in self.kept:
                texts += (path.read_text(errors="replace"),)
        for secret in self.secrets:
            assert not [text for text in texts if secret.removeprefix("0x") in text]
