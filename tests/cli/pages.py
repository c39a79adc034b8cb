"""The commands of a documentation page, and how they are run: this project's in this process, others by bash.

A block marked `sh` is run line by line. Understood are `NAME=$(command)`, `! command` for one that must fail,
and what bash makes of anything else; variables live on from block to block and page to page.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from openledger_node.cli.commands import run_command

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"^(\w+)=\$\((.*)\)$")
VARIABLE = re.compile(r"\$(\w+)")
OURS = "openledger-node "
BASH_TIME_S = 120


class PageError(AssertionError):
    """A command ended otherwise than its page says."""


@dataclass
class Shell:
    """Variables and a folder; `environment` is what every command sees."""

    folder: Path
    environment: Mapping[str, str]
    variables: dict[str, str] = field(default_factory=dict)

    def run_page(self, page: Path) -> int:
        """Run all blocks; returns how many commands. Raises `PageError`."""
        count = 0
        for block in BLOCK.findall(page.read_text()):
            for line in filter(None, block.splitlines()):
                self._run_line(page.name, line)
                count += 1
        return count

    def _run_line(self, page: str, line: str) -> None:
        assigned = ASSIGNMENT.match(line)
        command = assigned[2] if assigned else line.removeprefix("! ")
        code, output, errors = self._run(command)
        if (code != 0) != line.startswith("! "):
            raise PageError(f"{page}: {line}\nexit code {code}\n{output}{errors}")
        if assigned:
            self.variables[assigned[1]] = output.strip()

    def _run(self, command: str) -> tuple[int, str, str]:
        if command.startswith(OURS) and not re.search(r"[|>]", command):
            return self._run_here(command)
        finished = subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env={**os.environ, **self.environment, **self.variables},
            capture_output=True,
            text=True,
            timeout=BASH_TIME_S,
            check=False,
        )
        return finished.returncode, finished.stdout, finished.stderr

    def _run_here(self, command: str) -> tuple[int, str, str]:
        """In this process: a command of its own spends most of its time on imports."""
        words = shlex.split(VARIABLE.sub(lambda name: self.variables[name[1]], command))
        output, errors = io.StringIO(), io.StringIO()
        with (
            _process(words, self.folder, self.environment),
            contextlib.redirect_stdout(output),
            contextlib.redirect_stderr(errors),
        ):
            try:
                run_command()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0
        return code, output.getvalue(), errors.getvalue()


@contextlib.contextmanager
def _process(words: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Arguments, folder and environment as a process of its own would have them."""
    before = sys.argv, Path.cwd(), dict(os.environ)
    sys.argv = words
    os.chdir(folder)
    os.environ.update(environment)
    try:
        yield
    finally:
        sys.argv = before[0]
        os.chdir(before[1])
        os.environ.clear()
        os.environ.update(before[2])
