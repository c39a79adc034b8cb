"""A node that keeps recent states only, by its command line: from all states to few, and what it answers."""

import subprocess
from pathlib import Path
from typing import Any

import requests

from tests.integration.network import COMMAND, wait_until
from tests.integration.services import ENVIRONMENT, ask, free_port, refusal, service

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
BLOCKS = 80
STATES = 64


def node(datadir: Path, port: str, *more: str) -> list[str]:
    return [
        "ethereum",
        "--dev",
        "--datadir",
        str(datadir),
        "--http.port",
        port,
        "--l1.block-time",
        "60",
        *more,
    ]


def mine(url: str, blocks: int) -> int:
    """The height after so many more blocks."""
    ask(url, "anvil_mine", hex(blocks))
    return int(ask(url, "eth_blockNumber"), 16)


def error_of(url: str, method: str, *parameters: Any) -> dict[str, Any]:
    body: Any = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
    error: dict[str, Any] = requests.post(url, json=body, timeout=30).json()["error"]
    return error


def db(command: str, datadir: Path, *more: str) -> str:
    """What `openledger-node db` prints when all is well."""
    arguments = [str(COMMAND), "db", command, "--datadir", str(datadir), *more]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_from_all_states_to_recent_ones(tmp_path: Path) -> None:
    datadir, port = tmp_path / "node", free_port()
    url = f"http://127.0.0.1:{port}"
    with service(tmp_path / "all.log", *node(datadir, port)):
        wait_until(lambda: ask(url, "eth_chainId"), "a node")
        assert mine(url, BLOCKS) == BLOCKS
        balance = ask(url, "eth_getBalance", ACCOUNT, hex(1))
        assert balance is not None
    recent = ("--state-history", str(STATES))
    assert f"run openledger-node db prune --state-history {STATES}" in refusal(*node(datadir, port, *recent))
    assert "deleted" in db("prune", datadir, *recent)
    with service(tmp_path / "recent.log", *node(datadir, port, *recent)):
        wait_until(lambda: ask(url, "eth_chainId"), "the node again")
        assert mine(url, 10) == BLOCKS + 10
        refused = error_of(url, "eth_getBalance", ACCOUNT, hex(1))
        assert refused["code"] == -32000
        assert refused["message"].startswith("missing trie node ")
        assert ask(url, "eth_getBalance", ACCOUNT, hex(BLOCKS - 20)) == balance
        assert ask(url, "eth_getBlockByNumber", "0x1", False) is not None
    assert "the database is sound" in db("check", datadir, "--full")
    assert f"keeps {STATES} states behind the head" in db("stats", datadir)
    assert "older ones are gone" in refusal(*node(datadir, port, "--state-history", "0"))
