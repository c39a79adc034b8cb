"""`openledger-node demo --json` in a process of its own, watched step by step."""

import json
import os
import subprocess
import threading
from typing import Any

from tests.integration.network import COMMAND, DevNode, wait_until

STEP_MARK = "• "


class RunningDemo:
    """Starts at once; `steps` are the names of the steps begun so far."""

    def __init__(self, node: DevNode, *arguments: str) -> None:
        command = [str(COMMAND), "demo", "--json", "--rpc", node.url("rpc"), "--l1", node.url("l1")]
        self._process = subprocess.Popen(
            [*command, "--gateway", node.url("gateway"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self.steps: list[str] = []
        self.errors: list[str] = []
        self._output = ""
        self._threads = [
            threading.Thread(target=self._read_progress, daemon=True),
            threading.Thread(target=self._read_output, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def wait_for_step(self, part_of_name: str, patience_s: float = 120.0) -> None:
        """Until a step with these words has begun; fails when the demo ends before."""

        def begun() -> bool:
            assert self._process.poll() is None, self.log()
            return any(part_of_name in step for step in self.steps)

        wait_until(begun, f"the demo's step '{part_of_name}'", patience_s, poll_s=0.05)

    def result(self, patience_s: float = 180.0) -> dict[str, Any]:
        """What the demo printed; fails when it did not end well."""
        code = self.exit_code(patience_s)
        assert code == 0, f"exit code {code}: {self.log()}"
        return dict(json.loads(self._output))

    def exit_code(self, patience_s: float) -> int:
        code = self._process.wait(patience_s)
        for thread in self._threads:
            thread.join()
        return code

    def end(self) -> None:
        """Kill the demo, which is no part of what is tested, and let go of it."""
        self._process.kill()
        self.exit_code(10)

    def log(self) -> str:
        return "\n".join(self.errors[-30:])

    def _read_progress(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.errors.append(line.rstrip())
            if line.startswith(STEP_MARK):
                self.steps.append(line.removeprefix(STEP_MARK).strip())

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        self._output = self._process.stdout.read()
