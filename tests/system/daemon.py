"""The installed daemon of a box, as its administrator handles it."""

from __future__ import annotations

import json
from typing import Any

from tests.system import hotkeys
from tests.system.box import Box
from tests.system.box.machine import Done

UNIT = "polarisd.service"
CONFIG = "/etc/polaris/polaris.toml"
DROP_IN = f"/run/systemd/system/{UNIT}.d/90-test.conf"


class Daemon:
    """Remembers what it changed; `restore` undoes that."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self._config: str | None = None
        self._dropped_in = False
        self._has_hotkey = False

    def start(self) -> None:
        self.box.run("systemctl", "start", UNIT)

    def stop(self) -> None:
        self.box.run("systemctl", "stop", UNIT)

    def restart(self) -> None:
        self.box.run("systemctl", "restart", UNIT)

    def reload(self) -> Done:
        return self.box.run("systemctl", "reload", UNIT, check=False)

    def show(self, name: str) -> str:
        return self.box.show(UNIT, name)

    @property
    def pid(self) -> int:
        return int(self.show("MainPID"))

    @property
    def is_active(self) -> bool:
        return self.show("ActiveState") == "active"

    def client(self, *words: str, user: str = "root") -> Done:
        return self.box.run("polarisctl", *words, check=False, user=user)

    def snapshot(self) -> dict[str, Any]:
        """What `polarisctl status --json` says."""
        done = self.client("status", "--json")
        assert done.stdout, done.stderr
        parsed: dict[str, Any] = json.loads(done.stdout)
        return parsed

    def configure(self, text: str) -> None:
        """Put a configuration in place, and tell nobody."""
        if self._config is None:
            self._config = self.box.read(CONFIG)
        self.box.write(CONFIG, text)

    def drop_in(self, text: str) -> None:
        """Add settings to the unit's [Service] section, for the next start."""
        self._dropped_in = True
        self.box.write(DROP_IN, f"[Service]\n{text}\n")
        self.box.run("systemctl", "daemon-reload")

    def give_hotkey(self, content: str = hotkeys.KEYFILE) -> None:
        """Register it, as far as it knows, for the next start."""
        self._has_hotkey = True
        hotkeys.put(self.box, content)

    def environ(self) -> dict[str, str]:
        """What it was started with."""
        words = self.box.read(f"/proc/{self.pid}/environ").rstrip("\0").split("\0")
        return dict(word.split("=", 1) for word in words)

    def journal(self, after: str, *matches: str) -> list[dict[str, str]]:
        return self.box.journal(after, "--unit", UNIT, *matches)

    def restore(self) -> None:
        if self._dropped_in:
            self.box.run("rm", DROP_IN)
            self.box.run("systemctl", "daemon-reload")
        if self._config is not None:
            self.box.write(CONFIG, self._config)
        if self._has_hotkey:
            hotkeys.take_away(self.box)
        if self._dropped_in or self._has_hotkey or self._config is not None:
            self.box.run("systemctl", "reset-failed", UNIT, check=False)
            self.restart()
