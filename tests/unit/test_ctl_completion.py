"""Completion, asked of the real shells where they are installed."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from polarisctl import verbs
from polarisctl.commands import benchmark, logs
from polarisctl.commands.completion import SHELLS, script
from polarisctl.doctor.table import CHECKS
from polarisctl.shells.places import Place, places
from tests.unit.ctl_support import WAIT_S, ctl

Ask = Callable[[Path, str, Path], set[str]]
COMMON = {"--json", "--socket", "--help"}


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"{shell} is not installed")


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the scripts under the names of the shells."""
    directory = tmp_path_factory.mktemp("completion")
    for shell in SHELLS:
        (directory / shell).write_text(script(shell))
    return directory


@pytest.fixture
def somewhere(tmp_path: Path) -> Path:
    (tmp_path / "a.toml").touch()
    (tmp_path / "sub").mkdir()
    return tmp_path


def shell(*command: str, cwd: Path | None = None, **environ: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), "LANG": "C.UTF-8", **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.stderr == "", done.stderr
    assert done.returncode == 0
    return done.stdout


def bash(scripts: Path, line: str, cwd: Path) -> set[str]:
    """What bash offers at the end of a line; it splits words at = as readline does."""
    words = line.replace("=", " = ").split(" ")
    code = (
        f"source {scripts / 'bash'}; COMP_WORDS=({' '.join(repr(w) for w in words)}); "
        f"COMP_CWORD={len(words) - 1}; compopt() {{ :; }}; _polarisctl; "
        "printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    return set(shell("bash", "--norc", "-c", code, cwd=cwd).split())


def fish(scripts: Path, line: str, cwd: Path) -> set[str]:
    code = f"source {scripts / 'fish'}; complete -C {line!r}"
    out = shell("fish", "--no-config", "-c", code, cwd=cwd)
    return {offer.split("\t")[0] for offer in out.splitlines()}


def zsh(scripts: Path, line: str, cwd: Path) -> set[str]:
    """What an interactive zsh lists when Tab is pressed, read off a terminal."""
    start = (
        "autoload -U compinit; compinit -u -D; zstyle ':completion:*' list-separator '#'; "
        "LISTMAX=1000; PS1=; unsetopt zle_bracketed_paste 2>/dev/null; zmodload zsh/zutil; "
        f"source {scripts / 'zsh'}; "
        # Each completer's matches are printed in place of being inserted.
        'compadd() { local -a found; builtin compadd -O found "$@"; '
        'print -l -- $found >&3; builtin compadd "$@"; }; '
        "show() { zle expand-or-complete; exit; }; "
        f"zle -N show; bindkey '^I' show; exec 3>{cwd / 'offers'}; print READY"
    )
    (cwd / ".zshrc").write_text(start)
    main, other = pty.openpty()
    with subprocess.Popen(
        ["zsh", "-i"],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "ZDOTDIR": str(cwd), "TERM": "dumb", "LANG": "C.UTF-8"},
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
    ) as running:
        os.close(other)
        try:
            seen = b""
            while b"READY" not in seen:
                seen += os.read(main, 4096)
            os.write(main, line.encode() + b"\t")
            running.wait(WAIT_S)
        finally:
            running.kill()
            os.close(main)
    return set((cwd / "offers").read_text().split())


ASK = [
    pytest.param(bash, id="bash", marks=needs("bash")),
    pytest.param(fish, id="fish", marks=needs("fish")),
    pytest.param(zsh, id="zsh", marks=needs("zsh")),
]


@pytest.mark.parametrize("name", SHELLS)
def test_the_shell_itself_can_parse_it(name: str, scripts: Path) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    shell(name, "-n", str(scripts / name))


@pytest.mark.parametrize("ask", ASK)
class TestEachShell:
    def test_offers_every_verb(self, ask: Ask, scripts: Path, somewhere: Path) -> None:
        assert ask(scripts, "polarisctl ", somewhere) >= set(verbs.VERBS)
        assert ask(scripts, "polarisctl --json st", somewhere) >= {"status", "start", "stop"}

    def test_offers_every_option_of_a_verb(self, ask: Ask, scripts: Path, somewhere: Path) -> None:
        offered = ask(scripts, "polarisctl logs --", somewhere)
        options = {"--follow", "--lines", "--since", "--until", "--priority", "--gpu", "--event"}
        assert {offer.rstrip("=") for offer in offered} >= options | COMMON

    def test_offers_the_actions_of_config_and_their_options(
        self, ask: Ask, scripts: Path, somewhere: Path
    ) -> None:
        assert ask(scripts, "polarisctl config ", somewhere) >= {"check", "show", "reload"}
        offered = ask(scripts, "polarisctl config show --j", somewhere)
        assert offered >= {"--json"}

    def test_offers_the_values_of_an_option(self, ask: Ask, scripts: Path, somewhere: Path) -> None:
        assert ask(scripts, "polarisctl logs --priority ", somewhere) >= {"err", "debug"}
        assert ask(scripts, "polarisctl completion ", somewhere) >= set(SHELLS)
        assert ask(scripts, "polarisctl logs --event ", somewhere) >= set(logs.EVENTS)
        offered = ask(scripts, "polarisctl benchmark --test ", somewhere)
        assert offered >= set(benchmark.OFFERS["test"])
        assert ask(scripts, "polarisctl benchmark --backend ", somewhere) >= {"cupy", "numpy"}
        ids = {check.id for check in CHECKS}
        assert ask(scripts, "polarisctl doctor --only ", somewhere) >= ids
        assert ask(scripts, "polarisctl doctor --only cdi", somewhere) == {"cdi-spec"}

    def test_offers_files_where_a_file_belongs(
        self, ask: Ask, scripts: Path, somewhere: Path
    ) -> None:
        assert "a.toml" in ask(scripts, "polarisctl config check ", somewhere)
        assert "a.toml" in ask(scripts, "polarisctl status --socket ", somewhere)
        assert "a.toml" not in ask(scripts, "polarisctl status ", somewhere)


@needs("fish")
@pytest.mark.parametrize("option", ["logs --priority", "logs --event", "doctor --only"])
def test_fish_tells_one_value_from_another(scripts: Path, somewhere: Path, option: str) -> None:
    code = f"source {scripts / 'fish'}; complete -C 'polarisctl {option} '"
    offers = shell("fish", "--no-config", "-c", code, cwd=somewhere).splitlines()
    told = [text for offer in offers for _, tab, text in [offer.partition("\t")] if tab]
    assert len(set(told)) == len(offers) > 7


@needs("bash")
def test_bash_knows_a_value_after_an_equals_sign(scripts: Path, somewhere: Path) -> None:
    assert bash(scripts, "polarisctl logs --priority=e", somewhere) == {"emerg", "err"}
    assert "--follow" in bash(scripts, "polarisctl --socket=x logs --f", somewhere)
    assert "--follow" in bash(scripts, "polarisctl --socket gpus logs --f", somewhere)


def every(found: tuple[Place, ...]) -> list[Place]:
    return [inner for place in found for inner in (place, *every(place.actions))]


@pytest.mark.parametrize("place", every(places()), ids=lambda place: " ".join(place.path))
def test_every_verb_and_option_is_in_every_script(place: Place) -> None:
    flags = {flag for option in place.options for flag in option.flags}
    assert flags >= {*COMMON, "-h"}
    assert all(option.help for option in place.options)
    for name in SHELLS:
        text = script(name)
        assert place.path[-1] in text
        for flag in flags:
            dashes = flag.count("-", 0, 2)
            fish_spells = f"-{'sl'[dashes - 1]} {flag[dashes:]} "
            assert (fish_spells if name == "fish" else flag) in text


def test_printing_it() -> None:
    assert ctl("completion", "fish") == (0, script("fish"), "")
    answer = json.loads(ctl("completion", "zsh", "--json")[1])
    assert answer == {"shell": "zsh", "script": script("zsh")}
    assert "choose from" in ctl("completion", "tcsh")[2]
