"""The L1 contracts on anvil, deposited into and withdrawn from by viem's OP Stack extension."""

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from genesis.addresses import MULTICALL3
from genesis.contracts.artifact import read_artifact
from genesis.predeploys import preinstalls
from genesis.types import Address
from rollup_bridge.deploy import ARTIFACTS, plan_deployment, predict_deployment
from tests.contracts.abi import Abi
from tests.contracts.rollup import SUBMISSION_INTERVAL, output_with, parameters, withdrawal

CLIENTS = Path(__file__).parents[1] / "clients"
# The first account of anvil's public mnemonic.
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
DEPLOYER = Address(bytes.fromhex("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))
FINALIZATION_PERIOD_S = 2
TIMEOUT_S = 30

pytestmark = pytest.mark.npm

Rpc = Callable[..., Any]


def hex_of(data: bytes) -> str:
    return "0x" + data.hex()


def call_json_rpc(url: str, method: str, *params: Any) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        answer = json.load(reply)
    assert "error" not in answer, answer
    return answer["result"]


@pytest.fixture
def anvil() -> Iterator[str]:
    """The URL of a running anvil."""
    if shutil.which("node") is None or not (CLIENTS / "node_modules").is_dir():
        pytest.skip("npm packages are not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(CLIENTS / "node_modules/.bin/anvil"), "--port", str(port), "--silent"]
    with subprocess.Popen(command) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_for(url)
            yield url
        finally:
            process.terminate()


def wait_for(url: str) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            call_json_rpc(url, "eth_chainId")
        except OSError:
            assert time.monotonic() < deadline, "anvil did not start"
            time.sleep(0.05)
        else:
            return


def send(url: str, to: Address | None, data: bytes, gas: int = 1_000_000) -> None:
    transaction = {"from": hex_of(DEPLOYER), "data": hex_of(data), "gas": hex(gas)}
    if to is not None:
        transaction["to"] = hex_of(to)
    transaction_hash = call_json_rpc(url, "eth_sendTransaction", transaction)
    deadline = time.monotonic() + TIMEOUT_S
    while (receipt := call_json_rpc(url, "eth_getTransactionReceipt", transaction_hash)) is None:
        assert time.monotonic() < deadline, "not mined"
        time.sleep(0.01)
    assert receipt["status"] == "0x1", receipt


def test_viem_deposits_proves_and_finalizes(anvil: str) -> None:
    genesis_time_s = int(call_json_rpc(anvil, "eth_getBlockByNumber", "latest", False)["timestamp"], 16) - 100
    chosen = parameters(
        deployer=DEPLOYER,
        proposer=DEPLOYER,
        initial_validators=(DEPLOYER,),
        l2_genesis_time_s=genesis_time_s,
        finalization_period_s=FINALIZATION_PERIOD_S,
    )
    call_json_rpc(anvil, "anvil_setCode", hex_of(MULTICALL3), hex_of(preinstalls()[MULTICALL3].code))
    for transaction in plan_deployment(chosen):
        send(anvil, transaction.to, transaction.data, transaction.gas_limit)
    at = predict_deployment(chosen)
    leaving = withdrawal(target=DEPLOYER)
    output = output_with(leaving)
    names = ("version", "stateRoot", "messagePasserStorageRoot", "latestBlockhash")

    def viem(step: str) -> Any:
        request = {
            "step": step,
            "url": anvil,
            "key": KEY,
            "portal": hex_of(at.portal),
            "oracle": hex_of(at.output_oracle),
            "l2BlockNumber": SUBMISSION_INTERVAL,
            "outputIndex": 0,
            "outputRootProof": dict(zip(names, map(hex_of, output.proof), strict=True)),
            "withdrawalProof": [hex_of(node) for node in output.nodes(leaving)],
            "withdrawal": {
                "nonce": hex(leaving.nonce),
                "sender": hex_of(leaving.sender),
                "target": hex_of(leaving.target),
                "value": hex(leaving.value),
                "gasLimit": hex(leaving.gas_limit),
                "data": hex_of(leaving.data),
                "withdrawalHash": hex_of(leaving.hash()),
            },
        }
        finished = subprocess.run(
            ["node", str(CLIENTS / "op_stack_withdrawal.mjs")],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return json.loads(finished.stdout)

    assert viem("deposit") == "success"
    assert viem("status") == "waiting-to-prove"

    oracle = Abi(read_artifact(ARTIFACTS, "OutputOracle").abi)
    proposal = oracle.call_data("proposeL2Output", output.root, SUBMISSION_INTERVAL, bytes(32), 0)
    send(anvil, at.output_oracle, proposal)
    assert viem("output") == {"index": 0, "root": hex_of(output.root)}
    assert viem("status") == "ready-to-prove"
    assert viem("prove") == "success"
    assert viem("timeToFinalize") == FINALIZATION_PERIOD_S
    time.sleep(FINALIZATION_PERIOD_S + 1)
    call_json_rpc(anvil, "evm_mine")
    assert viem("status") == "ready-to-finalize"
    assert viem("finalize") == "success"
    assert viem("status") == "finalized"
