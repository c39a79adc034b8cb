from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from genesis.types import Address, Hash32
from openledger_node.l1.client import STALE_AFTER_S, L1Client
from openledger_node.l1.errors import L1RefusedError, L1UnavailableError
from rollup_bridge.errors import TemporaryError, TransactionError
from tests.l1.server import FakeNode, RpcError, running
from tests.l1.test_decoding import BLOCK
from tests.rollup_bridge.fakes import FakeClock

HASH = Hash32(b"\xab" * 32)
TARGET = Address(b"\x11" * 20)
LOG = {"address": "0x" + "11" * 20, "topics": [], "data": "0x01"}


def receipt(transaction_hash: str, block_hash: str = BLOCK["hash"]) -> dict[str, Any]:
    return {
        "transactionHash": transaction_hash,
        "blockHash": block_hash,
        "blockNumber": "0x10",
        "status": "0x1",
        "gasUsed": "0x1",
        "effectiveGasPrice": "0x1",
        "logs": [LOG],
    }


TRANSACTIONS = ["0x" + "01" * 32, "0x" + "02" * 32]


@asynccontextmanager
async def client(node: FakeNode) -> AsyncIterator[L1Client]:
    async with running(node) as urls, L1Client(urls, FakeClock(), trusted=True) as opened:
        yield opened


def refusing(code: int, message: str) -> Any:
    def answer(params: list[Any]) -> Any:
        raise RpcError(code, message)

    return answer


async def test_blocks_by_number_tag_and_hash() -> None:
    node = FakeNode(
        eth_getBlockByNumber=lambda params: BLOCK if params[0] in ("0x10", "finalized") else None,
        eth_getBlockByHash=lambda params: None,
    )
    async with client(node) as l1:
        block = await l1.block_by_number(16)
        assert block is not None
        assert await l1.block_by_tag("finalized") == block
        assert await l1.block_by_number(17) is None
        assert await l1.block_by_hash(HASH) == block, "known by then"
        assert await l1.block_by_hash(Hash32(b"x" * 32)) is None
    assert node.methods().count("eth_getBlockByHash") == 1


async def test_unknown_said_by_an_error_is_none() -> None:
    node = FakeNode(eth_getBlockByNumber=refusing(-39001, "unknown block"))
    async with client(node) as l1:
        assert await l1.block_by_tag("finalized") is None


async def test_other_errors_are_temporary() -> None:
    node = FakeNode(eth_getBlockByNumber=refusing(-32603, "internal error"))
    async with client(node) as l1:
        with pytest.raises(TemporaryError):
            await l1.block_by_number(1)


async def test_receipts_in_one_request_then_from_memory() -> None:
    node = FakeNode(eth_getBlockReceipts=lambda params: [receipt(h) for h in TRANSACTIONS])
    async with client(node) as l1:
        receipts = await l1.receipts(HASH)
        assert await l1.receipts(HASH) == receipts
    assert [len(each.logs) for each in receipts] == [1, 1]
    assert node.methods() == ["eth_getBlockReceipts"]


async def test_receipts_one_by_one_where_the_method_is_missing() -> None:
    node = FakeNode(
        eth_getBlockByHash=lambda params: {**BLOCK, "transactions": TRANSACTIONS},
        eth_getTransactionReceipt=lambda params: receipt(params[0]),
    )
    async with client(node) as l1:
        receipts = await l1.receipts(HASH)
        await l1.receipts(HASH)
    assert [each.transaction_hash.hex() for each in receipts] == ["01" * 32, "02" * 32]
    assert node.methods().count("eth_getBlockReceipts") == 1


async def test_receipts_of_another_block_are_refused() -> None:
    """A node that reorganised between two requests."""
    node = FakeNode(eth_getBlockReceipts=lambda params: [receipt(TRANSACTIONS[0], "0x" + "ff" * 32)])
    async with client(node) as l1:
        with pytest.raises(L1UnavailableError, match="another block"):
            await l1.receipts(HASH)


@pytest.mark.parametrize("method", ["receipts", "transactions"])
async def test_an_unknown_block_has_no_contents_yet(method: str) -> None:
    node = FakeNode(eth_getBlockReceipts=lambda params: None, eth_getBlockByHash=lambda params: None)
    async with client(node) as l1:
        with pytest.raises(TemporaryError):
            await getattr(l1, method)(HASH)


async def test_a_blocks_transactions_are_asked_for_once() -> None:
    record = {"hash": TRANSACTIONS[0], "from": "0x" + "22" * 20, "to": "0x" + "11" * 20, "input": "0xff"}
    node = FakeNode(eth_getBlockByHash=lambda params: {**BLOCK, "transactions": [{**record, "type": "0x2"}]})
    async with client(node) as l1:
        (transaction,) = await l1.transactions(HASH)
        await l1.transactions(HASH)
    assert (transaction.sender, transaction.to, transaction.data) == (b"\x22" * 20, TARGET, b"\xff")
    assert node.requests == [("eth_getBlockByHash", [BLOCK["hash"], True])]


async def test_calls_and_reverts() -> None:
    node = FakeNode(eth_call=lambda params: "0x2a", eth_estimateGas=refusing(3, "execution reverted"))
    async with client(node) as l1:
        assert await l1.call(TARGET, b"\x01") == b"*"
        with pytest.raises(TransactionError, match="reverted"):
            await l1.estimate_gas(TARGET, TARGET, 0, b"")
    assert node.requests[0] == ("eth_call", [{"to": "0x" + "11" * 20, "data": "0x01"}, "latest"])


async def test_a_call_the_node_could_not_make_is_temporary() -> None:
    async with client(FakeNode(eth_call=refusing(-32000, "missing trie node"))) as l1:
        with pytest.raises(TemporaryError):
            await l1.call(TARGET, b"")


async def test_sending_hands_on_the_nodes_words() -> None:
    async with client(FakeNode(eth_sendRawTransaction=refusing(-32000, "nonce too low"))) as l1:
        with pytest.raises(L1RefusedError, match="nonce too low"):
            await l1.send_raw(b"\x02")


async def test_fees_fall_back_where_no_tip_is_suggested() -> None:
    node = FakeNode(eth_getBlockByNumber=lambda params: BLOCK)
    async with client(node) as l1:
        fees = await l1.fees()
    assert (fees.base_fee_wei, fees.tip_wei) == (7, 10**9)


async def test_a_mined_transaction_is_found_with_its_block() -> None:
    found = {TRANSACTIONS[0]: receipt(TRANSACTIONS[0])}
    node = FakeNode(
        eth_getTransactionReceipt=lambda params: found.get(params[0]),
        eth_blockNumber=lambda params: "0x11",
        eth_getTransactionCount=lambda params: "0x3",
        eth_chainId=lambda params: "0x7a69",
    )
    async with client(node) as l1:
        inclusion = await l1.inclusion(Hash32(b"\x01" * 32))
        assert inclusion is not None
        assert inclusion.block.number == 16
        assert await l1.inclusion(Hash32(b"\x09" * 32)) is None
        assert await l1.head_number() == 17
        assert await l1.next_nonce(TARGET, "latest") == 3
        assert await l1.chain_id() == 31337


async def test_no_more_than_the_last_blocks_are_kept() -> None:
    def block(params: list[Any]) -> dict[str, Any]:
        return {**BLOCK, "number": params[0], "hash": "0x" + params[0][2:].rjust(64, "0")}

    first = {**BLOCK, "hash": "0x" + "1".rjust(64, "0")}
    node = FakeNode(eth_getBlockByNumber=block, eth_getBlockByHash=lambda params: first)
    async with client(node) as l1:
        for number in range(300):
            await l1.block_by_number(number)
        await l1.block_by_hash(Hash32((299).to_bytes(32, "big")))
        await l1.block_by_hash(Hash32((1).to_bytes(32, "big")))
    assert node.methods().count("eth_getBlockByHash") == 1


async def test_a_node_that_skips_blocks_is_passed_over() -> None:
    skipping = FakeNode(eth_getBlockByNumber=lambda params: BLOCK)
    right = FakeNode(eth_getBlockByNumber=lambda params: {**BLOCK, "number": params[0]})
    async with running(skipping, right) as urls, L1Client(urls, FakeClock(), trusted=True) as l1:
        block = await l1.block_by_number(15)
        assert block is not None
        assert block.number == 15


async def test_a_node_whose_head_is_old_is_passed_over_for_one_whose_head_moves() -> None:
    def up_to(height: int) -> FakeNode:
        def block(params: list[Any]) -> Any:
            return {**BLOCK, "number": params[0]} if int(params[0], 16) <= height else None

        return FakeNode(eth_getBlockByNumber=block)

    clock = FakeClock(int(BLOCK["timestamp"], 16))
    stuck, moving = up_to(16), up_to(17)
    async with running(stuck, moving) as urls, L1Client(urls, clock, trusted=True) as l1:
        assert await l1.block_by_number(16) is not None
        assert await l1.block_by_number(17) is None, "a young head: the next block is yet to come"
        clock.time_s += STALE_AFTER_S + 1
        assert await l1.block_by_number(17) is None
        assert await l1.block_by_number(17) is not None, "the other node was asked"
        assert await l1.block_by_number(18) is None


async def test_a_node_that_lacks_a_block_below_its_head_is_no_head() -> None:
    def node(*missing: int) -> FakeNode:
        def block(params: list[Any]) -> Any:
            number = 20 if params[0] == "latest" else int(params[0], 16)
            return None if number in missing or number > 20 else {**BLOCK, "number": hex(number)}

        return FakeNode(eth_getBlockByNumber=block)

    async with running(node(15), node()) as urls, L1Client(urls, FakeClock(), trusted=True) as l1:
        await l1.block_by_tag("latest")
        with pytest.raises(TemporaryError, match="lacks block 15 below its head 20"):
            await l1.block_by_number(15)
        assert await l1.block_by_number(15) is not None, "the next node is asked"
        assert await l1.block_by_number(21) is None, "at the head one waits"


async def test_a_head_that_went_back_is_waited_at() -> None:
    heights = [20, 14]
    node = FakeNode(
        eth_getBlockByNumber=lambda params: (
            {**BLOCK, "number": hex(heights[0])} if params[0] == "latest" else None
        )
    )
    async with client(node) as l1:
        await l1.block_by_tag("latest")
        heights.pop(0)
        assert await l1.block_by_number(15) is None


async def test_a_node_that_gives_another_block_for_a_hash_is_never_believed() -> None:
    node = FakeNode(eth_getBlockByHash=lambda params: BLOCK)
    async with client(node) as l1:
        with pytest.raises(TemporaryError, match="another block"):
            await l1.block_by_hash(Hash32(b"x" * 32))
