"""The independent engines, as processes that answer one case per line."""

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType

from tests.differential.case import Answer, Case, answer_from_json

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache"
EELS_PYTHON = CACHE / "eels" / "bin" / "python"
ETHEREUMJS = CACHE / "ethereumjs"


class Oracle:
    """A running engine; use as a context."""

    def __init__(self, name: str, command: list[str], folder: Path) -> None:
        self.name = name
        environment = {**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> "Oracle":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def ask(self, case: Case) -> None:
        """Send a case; more may be sent before the first answer is read."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(case.as_json()) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Answer:
        """The answer to the oldest case without one. Raises `RuntimeError` if the engine died."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with code {self._process.wait()}")
        return answer_from_json(json.loads(line))


def are_installed() -> bool:
    """Whether `make fuzz-evm` has installed both."""
    return EELS_PYTHON.exists() and (ETHEREUMJS / "node_modules").exists()


def start() -> list[Oracle]:
    return [
        Oracle("EELS", [str(EELS_PYTHON), str(HERE / "eels_runner.py")], HERE),
        Oracle("ethereumjs", ["node", "--stack-size=4000", "run.mjs"], ETHEREUMJS),
    ]
