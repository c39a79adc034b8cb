"""How tests run clients that are programs: Node.js scripts with JSON in and out, cast, forge, anvil."""

import contextlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import requests

from openledger_node.node.preflight import free_port

FOLDER = Path(__file__).parent
SCRIPTS = FOLDER / "scripts"
PACKAGES = FOLDER / "node_modules"
TIMEOUT_S = 100
Finished: TypeAlias = "subprocess.CompletedProcess[str]"
START_PATIENCE_S = 20.0


def require_npm() -> None:
    """Skip the test where the npm packages are not installed."""
    if shutil.which("node") is None or not PACKAGES.is_dir():
        pytest.skip("npm packages are not installed: npm ci --prefix tests/clients")


def foundry(tool: str) -> str:
    """The path of a Foundry program. npm's launcher of it hides exit codes and outlives signals."""
    [path] = PACKAGES.glob(f"@foundry-rs/{tool}-*/bin/{tool}*")
    return str(path)


def run_script(name: str, request: dict[str, Any]) -> Any:
    """What `scripts/<name>.mjs` answers; fails with what it wrote to stderr."""
    finished = subprocess.run(
        ["node", str(SCRIPTS / f"{name}.mjs")],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


class Cast:
    """Foundry's `cast` against one node."""

    def __init__(self, url: str) -> None:
        self._url = url

    def run(self, *arguments: str) -> Finished:
        """Run `cast` with the node's URL, whatever it answers."""
        return subprocess.run(
            [foundry("cast"), *arguments],
            env={**os.environ, "ETH_RPC_URL": self._url, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def __call__(self, *arguments: str) -> str:
        """Standard output; fails when cast does."""
        finished = self.run(*arguments)
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def refused(self, *arguments: str) -> str:
        """Standard error of a command that must fail."""
        finished = self.run(*arguments)
        assert finished.returncode != 0, finished.stdout
        return finished.stderr


class Forge:
    """Foundry's `forge` in the project `foundry/`; whatever it writes goes to `directory`."""

    def __init__(self, url: str, directory: Path) -> None:
        self._url = url
        self._directory = directory

    def run(self, *arguments: str, **variables: str) -> Finished:
        """Run `forge` with more variables in its environment, whatever it answers."""
        places = {
            f"FOUNDRY_{name}": str(self._directory / name) for name in ("OUT", "CACHE_PATH", "BROADCAST")
        }
        return subprocess.run(
            [foundry("forge"), *arguments],
            cwd=FOLDER / "foundry",
            env={**os.environ, **places, "ETH_RPC_URL": self._url, "NO_COLOR": "1", **variables},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )

    def __call__(self, *arguments: str, **variables: str) -> str:
        """Standard output; fails when forge does."""
        finished = self.run(*arguments, **variables)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return finished.stdout

    def broadcast(self, script: str) -> Any:
        """What the last broadcast of a script wrote down: its transactions and receipts."""
        [path] = (self._directory / "BROADCAST" / script).glob("*/run-latest.json")
        return json.loads(path.read_text())


@contextlib.contextmanager
def anvil(*arguments: str) -> Iterator[str]:
    """The URL of an anvil that runs as long as the context."""
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    command = [foundry("anvil"), "--port", str(port), "--silent", *arguments]
    with subprocess.Popen(command) as process:
        try:
            wait_for_rpc(url)
            yield url
        finally:
            process.terminate()


def wait_for_rpc(url: str) -> None:
    """Until anything answers there; fails after 20 s."""
    deadline = time.monotonic() + START_PATIENCE_S
    body: Any = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    while True:
        try:
            requests.post(url, json=body, timeout=5)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, f"nothing answers at {url}"
            time.sleep(0.05)
        else:
            return
