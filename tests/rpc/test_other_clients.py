"""The node as viem, ethers and cast see it: the real programs against a running node."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.rpc.running_node import KEYS, RunningNode, address_of

CLIENTS = Path(__file__).parents[1] / "clients"
CAST = CLIENTS / "node_modules" / ".bin" / "cast"
TOKEN = Path(__file__).parents[2] / "rollup_bridge" / "contracts" / "artifacts" / "OpenToken.json"
KEY = "0x" + KEYS[1].hex()
ALICE = "0x" + address_of(KEYS[1]).hex()
TIMEOUT_S = 120

pytestmark = [
    pytest.mark.npm,
    pytest.mark.skipif(not CAST.exists() or shutil.which("node") is None, reason="npm packages are not here"),
]


def run(*command: str | Path, url: str = "") -> str:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, "ETH_RPC_URL": url, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    # The npm launcher of cast answers 0 even when cast fails, so its errors are part of the answer.
    return (done.stdout + done.stderr).strip()


@pytest.mark.parametrize("script", ["viem_smoke.mjs", "ethers_smoke.mjs"])
def test_javascript_clients(node: RunningNode, script: str) -> None:
    assert run("node", CLIENTS / script, node.url, node.ws_url, KEY, TOKEN) == "ok"


@pytest.fixture
def cast(node: RunningNode) -> Callable[..., str]:
    return lambda *words: run(CAST, *words, url=node.url)


def sent(node: RunningNode, answer: str) -> Any:
    """Mine what `cast send --async` sent, and give its receipt as cast reads it."""
    node.mine()
    return json.loads(run(CAST, "receipt", answer, "--json", url=node.url))


def test_cast(node: RunningNode, cast: Callable[..., str]) -> None:
    sign = ("--private-key", KEY, "--async")
    artefact = json.loads(TOKEN.read_text())
    deployed = sent(
        node,
        cast("send", *sign, "--create", artefact["bytecode"], "constructor(address)", ALICE),
    )
    token = deployed["contractAddress"]
    assert cast("call", token, "symbol()(string)") == '"OPEN"'
    moved = sent(node, cast("send", *sign, token, "transfer(address,uint256)", "0x" + "77" * 20, "3"))
    assert moved["status"] == "0x1"
    assert (
        int(cast("estimate", token, "transfer(address,uint256)", "0x" + "77" * 20, "1", "--from", ALICE))
        > 21_000
    )
    logs = json.loads(
        cast(
            "logs",
            "--json",
            "--address",
            token,
            "--from-block",
            moved["blockNumber"],
            "Transfer(address,address,uint256)",
        )
    )
    assert len(logs) == 1
    block = json.loads(cast("block", "latest", "--full", "--json"))
    assert block["transactions"][0]["hash"] == moved["transactionHash"]
    assert json.loads(cast("tx", moved["transactionHash"], "--json"))["blockNumber"] == moved["blockNumber"]
    assert cast("balance", ALICE).isdigit()
    assert json.loads(cast("proof", token, "0"))["address"].lower() == token.lower()
    assert "0x" in cast("code", token)
    assert cast("rpc", "eth_chainId") == '"0x7a69"'
    assert json.loads(cast("rpc", "txpool_status"))["pending"] == "0x0"


def test_cast_shows_the_reason_of_a_revert(cast: Callable[..., str]) -> None:
    code = "6064601060003960646000fd".ljust(32, "0")
    reason = "08c379a0" + "20".rjust(64, "0") + "04".rjust(64, "0") + b"nope".hex().ljust(64, "0")
    assert "error code 3: execution reverted: nope" in cast("call", "--create", "0x" + code + reason)
