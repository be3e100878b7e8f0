"""Shell completion: what packaging/completions makes of the parser, asked for by the shells themselves."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List

import pytest

from guest_routes.cli.grammar import COMMANDS

pytest.importorskip("shtab")

ROOT = Path(__file__).parents[3]
ASKED = [
    ("guest-routes st", ["status"]),
    ("guest-routes s", ["settings", "status", "sync"]),
    ("guest-routes --co", ["--color"]),
    ("guest-routes --color al", ["always"]),
    ("guest-routes --color always wi", ["withdraw"]),
    ("guest-routes sync --me", ["--metadata", "--metadata-urls", "--metric"]),
    ("guest-routes watch --js", []),
    ("guest-routes export --format net", ["netplan", "networkd", "networkmanager"]),
    ("guest-routes sync --color n", ["never"]),
    ("guest-routes plan --default-mode d", ["demote"]),
    ("guest-routes sync --engine r", ["rtnetlink"]),
    ("guest-routes help wi", ["withdraw"]),
    ("guest-routes sync --settings /etc/hostn", ["/etc/hostname"]),
]
BASH = """
source "$1"
COMP_LINE=$2; read -ra COMP_WORDS <<<"$2"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_POINT=${#COMP_LINE}
$(complete -p guest-routes | sed 's/.*-F \\([^ ]*\\).*/\\1/') guest-routes "${COMP_WORDS[-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    subprocess.run([sys.executable, str(ROOT / "packaging/completions"), str(folder)], check=True)
    Path("/etc/hostname").touch()
    return folder


def shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("line, offered", ASKED)
def test_bash(made: Path, line: str, offered: List[str]) -> None:
    words = [shell("bash"), "--norc", "-c", BASH, "bash", str(made / "guest-routes"), line]
    ran = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    assert sorted(set(ran.stdout.split())) == offered


@pytest.mark.parametrize("line, offered", ASKED)
def test_fish(made: Path, line: str, offered: List[str], tmp_path: Path) -> None:
    words = [shell("fish"), "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"']
    ran = subprocess.run(
        [*words, str(made / "guest-routes.fish"), line], stdout=subprocess.PIPE, text=True, check=True,
        env={**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    )  # fmt: skip
    assert sorted({one.partition("\t")[0] for one in ran.stdout.splitlines()}) == offered


class Zsh:
    """An interactive zsh on a terminal, with our completion and nobody's configuration."""

    def __init__(self, folder: Path, home: Path) -> None:
        self._master, slave = pty.openpty()
        environment = {**os.environ, "HOME": str(home), "TERM": "dumb", "PS1": ""}
        self._process = subprocess.Popen(
            [shell("zsh"), "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=home
        )
        os.close(slave)
        self._ask(
            f"stty -echo; PS1=; fpath=({folder} $fpath); autoload -Uz compinit; compinit -u -D; echo rea''dy\n", "ready"
        )
        self._ask(
            "zle -C all .list-choices all; all() { compstate[list]=''; _main_complete; }; echo rea''dy\n", "ready"
        )

    def complete(self, line: str, rest: str) -> None:
        """A tab after `line`, where only one word fits, adds `rest`."""
        self._ask(f"{line}\t", line + rest)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def _ask(self, keys: str, answer: str) -> None:
        os.write(self._master, keys.encode())
        said, end = "", time.monotonic() + 10
        while answer not in re.sub(r"\033\[[0-9;?]*[a-zA-Z]|\r", "", said):
            assert time.monotonic() < end, said
            if select.select([self._master], [], [], 0.1)[0]:
                said += os.read(self._master, 65536).decode("utf-8", "replace")


@pytest.fixture
def zsh(made: Path, tmp_path: Path) -> Iterator[Zsh]:
    one = Zsh(made, tmp_path)
    yield one
    one.close()


@pytest.mark.parametrize(
    "line, rest",
    [
        ("guest-routes stat", "us "),
        ("guest-routes sync --accept", "-withdrawals "),
        ("guest-routes help wi", "thdraw "),
    ],
)
def test_zsh(zsh: Zsh, line: str, rest: str) -> None:
    zsh.complete(line, rest)


@pytest.mark.parametrize("name", ["guest-routes", "_guest-routes", "guest-routes.fish"])
def test_each_has_every_command(made: Path, name: str) -> None:
    text = (made / name).read_text()
    assert [command for command in COMMANDS if command not in text] == []
    assert str(ROOT) not in text
