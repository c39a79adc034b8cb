"""Single services in processes of their own: an L1, a verifier; and commands that must be refused."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.integration.network import COMMAND, wait_until

STOP_S = 10.0
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def ask(url: str, method: str, *parameters: Any) -> Any:
    """A JSON-RPC result; None while nobody answers."""
    body: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
    try:
        return requests.post(url, json=body, timeout=30).json().get("result")
    except requests.ConnectionError:
        return None


@contextmanager
def service(log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """`openledger-node ARGUMENTS`, interrupted at the end: it must leave with 0 and without a trace."""
    with log.open("wb") as output:
        process = subprocess.Popen([str(COMMAND), *arguments], stdout=output, stderr=output, env=ENVIRONMENT)
    try:
        yield process
        process.send_signal(signal.SIGINT)
        assert process.wait(STOP_S) == 0, log.read_text()[-3_000:]
        assert "Traceback" not in log.read_text()
    finally:
        process.kill()
        process.wait(STOP_S)


@contextmanager
def ethereum(directory: Path, *more: str) -> Iterator[str]:
    """An L1 by itself; yields its URL once it answers."""
    port = free_port()
    directory.mkdir(parents=True, exist_ok=True)
    arguments = ["ethereum", "--dev", "--datadir", str(directory), "--http.port", port]
    with service(directory / "l1.log", *arguments, *more):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: ask(url, "eth_chainId"), "an L1")
        yield url


def refusal(*arguments: str, patience_s: float = 60.0) -> str:
    """The last line of a command that must exit with 1, without a trace."""
    done = subprocess.run(
        [str(COMMAND), *arguments],
        capture_output=True,
        text=True,
        timeout=patience_s,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    last = done.stderr.rstrip().rpartition("\n")[2]
    assert last.startswith("error: "), done.stderr
    return last
