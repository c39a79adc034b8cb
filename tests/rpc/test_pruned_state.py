"""What a pruned node answers about states it has no longer: geth's words, and all else as ever."""

import json
from typing import Any

import pytest

from openledger_node.chain.chain import Chain
from openledger_node.clock import SystemClock
from openledger_node.rpc.context import ETHEREUM_TIPS, RpcContext
from openledger_node.rpc.dispatch import Dispatcher, RpcLimits
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.methods import build_methods
from openledger_node.rpc.pool_service import PoolService
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.evm import world
from tests.evm.world import ALICE, ETHEREUM

STATES, BLOCKS = 3, 8
ACCOUNT = "0x" + ALICE.address.hex()
CALL = {"from": ACCOUNT, "to": ACCOUNT}


@pytest.fixture
def node() -> Dispatcher:
    chain = Chain.open(
        ETHEREUM, MemoryKeyValue(), world.allocation(), world.GENESIS_TIME_S, state_history=STATES
    )
    for nonce in range(BLOCKS):
        chain.import_block(
            world.inputs(chain, ALICE.sign(ETHEREUM, nonce=nonce, to=bytes((nonce + 1,)) * 20))
        )
        chain.set_heads(finalized=chain.head.header.hash)
    feeds = Feeds()
    pool = PoolService(chain, SystemClock(), feeds)
    context = RpcContext(chain=chain, pool=pool, feeds=feeds, client_version="test", tips=ETHEREUM_TIPS)
    return Dispatcher(build_methods(context), RpcLimits())


async def _ask(node: Dispatcher, method: str, *parameters: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)}
    answer = await node.answer(json.dumps(body).encode())
    assert answer is not None
    decoded: dict[str, Any] = json.loads(answer)
    return decoded


@pytest.mark.parametrize(
    ("method", "before"),
    [
        ("eth_getBalance", [ACCOUNT]),
        ("eth_getTransactionCount", [ACCOUNT]),
        ("eth_getCode", [ACCOUNT]),
        ("eth_getStorageAt", [ACCOUNT, "0x0"]),
        ("eth_getProof", [ACCOUNT, []]),
        ("eth_call", [CALL]),
        ("eth_estimateGas", [CALL]),
        ("eth_createAccessList", [CALL]),
        ("debug_traceCall", [CALL]),
        ("debug_traceBlockByNumber", []),
    ],
)
async def test_of_an_old_block(node: Dispatcher, method: str, before: list[Any]) -> None:
    error = (await _ask(node, method, *before, "0x2"))["error"]
    assert error["code"] == -32000
    assert error["message"].startswith("missing trie node ")
    assert "is pruned, this node keeps those from block 5 on; ask one that keeps all" in error["message"]
    for kept in (hex(BLOCKS), hex(BLOCKS - STATES + 1), "latest", "finalized"):
        assert "result" in await _ask(node, method, *before, kept)


async def test_blocks_and_receipts_are_all_there(node: Dispatcher) -> None:
    for number in range(BLOCKS + 1):
        block = (await _ask(node, "eth_getBlockByNumber", hex(number), True))["result"]
        receipts = (await _ask(node, "eth_getBlockReceipts", hex(number)))["result"]
        assert len(receipts) == len(block["transactions"]) == min(number, 1)
    assert (await _ask(node, "eth_feeHistory", hex(BLOCKS), "latest", [50]))["result"]["oldestBlock"] == "0x1"
    assert (await _ask(node, "eth_getLogs", {"fromBlock": "0x0"}))["result"] == []


async def test_capabilities(node: Dispatcher) -> None:
    found = (await _ask(node, "eth_capabilities"))["result"]
    window = {"type": "window", "retentionBlocks": hex(STATES)}
    assert found["state"] == {
        "disabled": False,
        "oldestBlock": hex(BLOCKS - STATES),
        "deleteStrategy": window,
    }
    assert found["stateproofs"] == found["state"]
    assert found["receipts"]["oldestBlock"] == "0x0"
