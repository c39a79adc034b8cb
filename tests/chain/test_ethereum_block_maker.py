import pytest

from genesis.account import GenesisAccount
from genesis.networks import dev_l1_spec
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_block_maker import EthereumBlockMaker
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.sequencer.fakes import InlineLane, ManualClock

START_S = 1_000
BLOCK_TIME_S = 2
MINER = Address(b"\xcc" * 20)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START_S)


@pytest.fixture
def chain() -> Chain:
    alloc = {Address(b"\x01" * 20): GenesisAccount(balance_wei=1)}
    return Chain.open(dev_l1_spec(), MemoryKeyValue(), alloc, START_S)


@pytest.fixture
def maker(chain: Chain, clock: ManualClock) -> EthereumBlockMaker:
    dice = iter([b"\x01" * 32, b"\x02" * 32])
    return EthereumBlockMaker(
        chain,
        InlineLane(),
        clock,
        block_time_s=BLOCK_TIME_S,
        fee_recipient=MINER,
        random=lambda: next(dice),
    )


async def test_no_block_before_its_time(maker: EthereumBlockMaker, clock: ManualClock) -> None:
    assert await maker.open_block() is None
    clock.advance_s(BLOCK_TIME_S)
    assert await maker.open_block() is not None


async def test_a_late_block_carries_the_time_it_is_built_at(
    chain: Chain, maker: EthereumBlockMaker, clock: ManualClock
) -> None:
    for seconds, expected in ((BLOCK_TIME_S, START_S + 2), (100, START_S + 102)):
        clock.advance_s(seconds)
        block = await maker.open_block()
        assert block is not None
        block.seal()
        assert chain.head.header.timestamp_s == expected
    assert chain.head.header.prev_randao == b"\x02" * 32
    assert chain.head.header.coinbase == MINER
    assert chain.head.header.gas_limit == chain.genesis.header.gas_limit
    assert maker.next_due_s() == START_S + 104
