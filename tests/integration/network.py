"""A real `openledger-node dev` in processes of its own, on ports of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import requests

COMMAND = Path(sys.executable).with_name("openledger-node")
START_PATIENCE_S = 120.0
STOP_PATIENCE_S = 10.0


class DevNode:
    """Start with `start()`, or run for the time of a `with` block.

    `config` is what `--config-out` wrote. `ports` overrides a free port by name.
    """

    def __init__(
        self, datadir: Path, *arguments: str, ports: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.datadir = datadir
        self._arguments = arguments
        self._ports = ports
        self._config_path = datadir / "config-out.json"
        self._process: subprocess.Popen[bytes] | None = None
        self.config: dict[str, Any] = {}

    def start(self) -> Self:
        """Launch, and wait until everything is up."""
        self.launch()
        process = self._process
        assert process is not None
        deadline = time.monotonic() + START_PATIENCE_S
        while not self._config_path.exists():
            if process.poll() is not None:
                raise AssertionError(f"dev ended with {process.returncode}: {self.log_tail()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"dev is not up after {START_PATIENCE_S:.0f} s: {self.log_tail()}")
            time.sleep(0.1)
        self.config = json.loads(self._config_path.read_text())
        return self

    def launch(self) -> None:
        self.datadir.mkdir(parents=True, exist_ok=True)
        self._config_path.unlink(missing_ok=True)
        log = (self.datadir / "dev.log").open("ab")
        command = [
            str(COMMAND),
            "dev",
            "--datadir",
            str(self.datadir),
            "--config-out",
            str(self._config_path),
        ]
        for port in ("http", "ws", "gateway", "metrics", "l1", "verifier"):
            command += [f"--{port}.port", self._ports.get(port, "0")]
        self._process = subprocess.Popen(
            [*command, *self._arguments], stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )

    def url(self, name: str) -> str:
        return str(self.config["urls"][name])

    def rpc(self, method: str, *parameters: Any, on: str = "rpc") -> Any:
        body: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
        answer = requests.post(self.url(on), json=body, timeout=30).json()
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, number: signal.Signals = signal.SIGTERM) -> float:
        """Signal and wait; returns the seconds it took."""
        start = time.monotonic()
        self.signal(number)
        assert self.exit_code(STOP_PATIENCE_S + 5) == 0, self.log_tail()
        return time.monotonic() - start

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def exit_code(self, patience_s: float) -> int:
        assert self._process is not None
        return self._process.wait(patience_s)

    def kill(self) -> None:
        """SIGKILL: nothing gets a chance to tidy up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_PATIENCE_S + 5)
            except subprocess.TimeoutExpired:
                self.kill()

    def log_tail(self, lines: int = 30) -> str:
        return "\n".join((self.datadir / "dev.log").read_text().splitlines()[-lines:])


def wait_until(condition: Any, what: str, patience_s: float = 60.0, poll_s: float = 0.25) -> Any:
    """The first truthy value of `condition()`; fails naming `what` when patience ends."""
    deadline = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"after {patience_s:.0f} s still not: {what}")
        time.sleep(poll_s)
