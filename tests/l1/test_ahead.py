"""Reading ahead: contents are there when their turn comes; what counts is what the L1 says then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from genesis.types import Hash32
from openledger_node.l1.ahead import ReadAhead
from openledger_node.l1.client import L1Client
from rollup_bridge.errors import TemporaryError
from tests.l1.server import FakeNode, RpcError, running
from tests.l1.test_decoding import BLOCK
from tests.rollup_bridge.fakes import FakeClock

MOST = 4


def hash_of(number: int, branch: int = 0) -> str:
    return f"0x{branch:032x}{number:032x}"


class Chain(FakeNode):
    """Empty blocks up to `height`; `branch` makes other hashes."""

    def __init__(self, height: int) -> None:
        super().__init__(
            eth_getBlockByNumber=lambda params: self._block(int(params[0], 16)),
            eth_getBlockByHash=lambda params: self._block(int(params[0], 16) % 2**128, whole=True),
            eth_getBlockReceipts=lambda params: [],
        )
        self.height, self.branch, self.broken = height, 0, False

    def _block(self, number: int, *, whole: bool = False) -> Any:
        if self.broken:
            raise RpcError(-32603, "no")
        if number > self.height:
            return None
        fields = {"number": hex(number), "hash": hash_of(number, self.branch)}
        return {**BLOCK, **fields, **({"transactions": []} if whole else {})}

    def asked(self, method: str) -> int:
        return self.methods().count(method)


@asynccontextmanager
async def reading(chain: Chain) -> AsyncIterator[ReadAhead]:
    async with (
        running(chain) as urls,
        L1Client(urls, FakeClock(), trusted=True) as l1,
        ReadAhead(l1, MOST) as ahead,
    ):
        yield ahead


async def settled(chain: Chain) -> None:
    """Until nothing more is asked."""
    asked = -1
    while asked != len(chain.requests):
        asked = len(chain.requests)
        await asyncio.sleep(0.3)


async def test_the_next_blocks_are_fetched_while_one_is_worked_on() -> None:
    chain = Chain(100)
    async with reading(chain) as ahead:
        for number in (10, 11):
            assert await ahead.block_by_number(number) is not None
        await settled(chain)
        assert chain.asked("eth_getBlockReceipts") == MOST
        before = len(chain.requests)
        block = await ahead.block_by_number(12)
        assert block is not None
        assert (await ahead.receipts(block.hash), await ahead.transactions(block.hash)) == ((), ())
        own = [
            method
            for method, params in chain.requests[before:]
            if hex(12) in params or block.hash.hex() in params
        ]
        assert own == ["eth_getBlockByNumber"], "the height is asked again, the contents are there"


async def test_at_the_head_nothing_is_asked_in_vain_for_long() -> None:
    chain = Chain(12)
    async with reading(chain) as ahead:
        for number in (11, 12):
            assert await ahead.block_by_number(number) is not None
        await settled(chain)
        for _ in range(50):
            assert await ahead.block_by_number(13) is None
        assert chain.asked("eth_getBlockByNumber") <= 2 + MOST + 50
        chain.height = 20
        for number in range(13, 21):
            assert await ahead.block_by_number(number) is not None


async def test_a_reorg_of_what_was_read_ahead_is_seen() -> None:
    chain = Chain(100)
    async with reading(chain) as ahead:
        for number in (10, 11):
            await ahead.block_by_number(number)
        await settled(chain)
        chain.branch = 1
        block = await ahead.block_by_number(12)
        assert block is not None
        assert block.hash == Hash32(bytes.fromhex(hash_of(12, 1)[2:]))


async def test_a_fault_while_reading_ahead_is_raised_when_its_turn_comes() -> None:
    chain = Chain(100)
    async with reading(chain) as ahead:
        for number in (10, 11):
            await ahead.block_by_number(number)
        chain.broken = True
        await settled(chain)
        with pytest.raises(TemporaryError):
            await ahead.block_by_number(14)
        chain.broken = False
        assert await ahead.block_by_number(12) is not None
