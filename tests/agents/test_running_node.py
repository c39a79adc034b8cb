"""The commands of the agents page, and x402's client, against a `dev` node in processes of its own.

The node's language model server is scripted, so that what the model says is known.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from x402.http.clients.requests import wrapRequestsWithPayment
from x402.http.utils import decode_payment_response_header

from genesis.addresses import PERMIT2
from genesis.spec import OPEN_UNIT
from genesis.types import Address
from openledger_node.client.account import dev_account
from openledger_node.client.economy import DATANETS, MODELS, ROLE_PROVIDER, STAKING
from openledger_node.client.ethereum import Ethereum
from openledger_node.client.gateway import GatewayClient
from openledger_node.client.predeploys import AGENTS
from openledger_node.client.rpc import HttpRpc
from openledger_node.client.sender import Sender
from openledger_node.clock import SystemClock
from tests.agents.evm_node import CHAIN_ID
from tests.cli.pages import OURS, Shell
from tests.gateway import test_x402 as x402
from tests.gateway.conftest import made
from tests.gateway.text_server import ANSWER, ScriptedServer
from tests.integration.network import DevNode
from tests.jobs.economy import BUILDER, CUSTOMER, OWNER, Trained
from workers.artifacts import canonical_json

__all__ = ["made"]
DOCS = Path(__file__).parents[2] / "docs"
FRIEND = "0x" + "f0" * 20
OPERATOR = "openledger-development"
MODEL_ID = 1


@dataclass
class Running:
    """The node, its server of models, and a reader's shell."""

    node: DevNode
    server: ScriptedServer
    shell: Shell
    rpc: HttpRpc

    async def command(self, line: str) -> dict[str, Any]:
        """One of our commands, which must succeed; its JSON."""
        code, output, errors = await asyncio.to_thread(self.shell._run, f"{OURS}{line} --json")
        assert code == 0, output + errors
        return dict(json.loads(output))


async def sell_a_model(node: DevNode, rpc: HttpRpc, trained: Trained) -> None:
    """Model 1: a language model under the classifier's index, its files on the node."""
    gateway = GatewayClient(node.url("gateway"), token=OPERATOR)
    for data in trained.files.values():
        await gateway.put_artifact(data)
    config = await gateway.put_artifact(b"{}")
    folder = await gateway.put_artifact(
        canonical_json.encode({"format": "openledger-folder/1", "files": {"config.json": config}})
    )
    await gateway.close()
    owner, builder = (Sender(Ethereum(rpc), dev_account(who)) for who in (OWNER, BUILDER))
    await owner.transact(
        DATANETS, "createDatanet", "Digits", "sha256:00", bytes(32), b"cc0".ljust(32, b"\0"), 0, 0
    )
    index, rows = trained.index, trained.index.rows
    await owner.transact(DATANETS, "contribute", 1, b"\x01" * 32, rows, 1, value_wei=OPEN_UNIT)
    await asyncio.sleep(4)
    await owner.transact(DATANETS, "reveal", 1, "sha256:00")
    await owner.transact(DATANETS, "review", 1, True, 10_000)
    await owner.transact(DATANETS, "publishVersion", 1)
    manifest = bytes.fromhex(trained.model.manifest)
    uri = f"sha256:{trained.model.manifest}"
    await builder.transact(MODELS, "registerModel", bytes.fromhex(folder), 0, manifest, [1], [1], uri)
    await builder.transact(MODELS, "setPrice", MODEL_ID, x402.INPUT_PRICE_WEI, x402.OUTPUT_PRICE_WEI)
    roots = (index.rows_root, index.sums_root, index.preconditioner_hash, index.numeric_profile)
    counts = (index.rows, index.contributors, index.dimensions)
    await builder.transact(STAKING, "stake", ROLE_PROVIDER, value_wei=1_000 * OPEN_UNIT)
    await builder.transact(MODELS, "commitFeatureIndex", MODEL_ID, *roots, *counts, f"sha256:{index.index}")
    await asyncio.sleep(10)


@pytest.fixture
async def running(tmp_path: Path, made: Trained) -> AsyncIterator[Running]:
    server = ScriptedServer(context_tokens=16_384)
    await server.start()
    node = DevNode(tmp_path / "dev", "--gateway.text-url", server.url)
    folder = tmp_path / "reader"
    folder.mkdir()
    try:
        await asyncio.to_thread(node.start)
        environment = {
            "OPENLEDGER_RPC": node.url("rpc"),
            "OPENLEDGER_GATEWAY": node.url("gateway"),
            "OPENLEDGER_OPERATOR_TOKEN": OPERATOR,
            "XDG_STATE_HOME": str(folder / "state"),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "OMP_NUM_THREADS": "1",
        }
        async with HttpRpc(node.url("rpc")) as rpc:
            await sell_a_model(node, rpc, made)
            yield Running(node, server, Shell(folder, environment), rpc)
    finally:
        await asyncio.to_thread(node.close)
        await server.stop()


def definition() -> dict[str, Any]:
    """The page's own example, for this model and friend."""
    block = re.search(r"```json\n(.*?)```", (DOCS / "agents.md").read_text(), re.DOTALL)
    assert block is not None
    document: dict[str, Any] = json.loads(block[1].replace("0x4200…0006", "0x" + "42" + "0" * 37 + "6"))
    document["model"] = f"model-{MODEL_ID}"
    document["budget"]["answer_wei"] = str(20 * OPEN_UNIT)
    document["schedule"] = {"every_s": 1, "runs": 1}
    document["tools"][0]["target"] = FRIEND
    return document


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_the_pages_commands_and_x402s_client_work_on_a_running_node(running: Running) -> None:
    await _agent(running)
    await _single_payments(running)


async def _agent(running: Running) -> None:
    """Launch, fund a channel, dry run, run, audit, stop: as the page shows."""
    (running.shell.folder / "treasurer.json").write_text(json.dumps(definition()))
    launched = await running.command(
        f"agent launch treasurer.json --model {MODEL_ID} --key-out agent.key --funds 20 --account 0"
    )
    agent = int(launched["agentId"])
    ethereum = Ethereum(running.rpc)
    wallet = Address(await ethereum.read(AGENTS, "accountOf", agent))
    channels = []
    for _ in range(2):
        opened = await running.command(
            f"infer open-channel {MODEL_ID} 40 --voucher-key {launched['keyAddress']} --account 0"
        )
        channels.append(opened["channelId"])
    wish = {"tool": "pay", "arguments": {"value_wei": str(OPEN_UNIT)}, "reason": "the friend is owed"}
    lines = [json.dumps(line) for line in (wish, {"done": "paid"})]
    run = f"agent run {agent} treasurer.json --key agent.key --channel"
    running.server.lines = list(lines)
    await running.command(f"{run} {channels[0]} --dry-run --trail dry.jsonl")
    friend = Address(bytes.fromhex(FRIEND[2:]))
    assert await ethereum.balance_wei(friend) == 0
    running.server.lines = list(lines)
    await running.command(f"{run} {channels[1]} --trail agent-audit.jsonl")
    assert await ethereum.balance_wei(friend) == OPEN_UNIT
    assert await ethereum.balance_wei(wallet) == 19 * OPEN_UNIT
    audited = await running.command("agent audit agent-audit.jsonl")
    events = [entry["event"] for entry in audited["entries"]]
    assert (events[0], events[-1]) == ("run", "ended")
    assert events.index("intended") < events.index("done")
    await running.command(f"agent stop {agent} --account 0")
    stopped = await running.command(f"agent limits {agent}")
    assert int(str(stopped["key"]), 16) == 0


async def _single_payments(running: Running) -> None:
    """x402's client pays for what it used, in the middle of an hour of chain time."""
    ethereum = Ethereum(running.rpc)
    customer = Sender(ethereum, dev_account(CUSTOMER), SystemClock())
    await customer.transact(x402.WOPEN, "deposit", value_wei=x402.PURSE_WEI)
    await customer.transact(x402.WOPEN, "approve", PERMIT2, 2**256 - 1)
    controls = json.loads(json.dumps(x402.CONTROLS).replace(str(CHAIN_ID), "31338"))
    session = wrapRequestsWithPayment(requests.Session(), x402.payer(controls))
    body: Any = {"model": f"model-{MODEL_ID}", "messages": x402.MESSAGES, "max_tokens": 200}
    url = f"{running.node.url('gateway')}{x402.PATH}"
    for number in range(2):
        answer = await asyncio.to_thread(session.post, url, json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        paid = answer.json()["x_openledger"]
        assert paid["receipt"]["number"] == number
        assert paid["x402"]["amount"] == str(x402.fee_wei(len(ANSWER)))
        settled = decode_payment_response_header(answer.headers["PAYMENT-RESPONSE"])
        mined = await running.rpc.call("eth_getTransactionReceipt", settled.transaction)
        assert mined["status"] == "0x1"
    bought = await running.command(
        f'infer once {MODEL_ID} "Who jumps?" --max-tokens 200 --most 2 --account 5'
    )
    once = bought["x_openledger"]
    assert bought["choices"][0]["message"]["content"] == ANSWER
    assert once["x402"]["amount"] == once["fee"] == str(x402.fee_wei(len(ANSWER)))
    purse = await ethereum.read(x402.WOPEN, "balanceOf", customer.address)
    assert purse == x402.PURSE_WEI - 2 * x402.fee_wei(len(ANSWER))
