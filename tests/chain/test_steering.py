"""What a development chain decides about its blocks, and for how long it holds."""

import pytest

from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.evm.records import BlockInputs, Header
from tests.chain.test_ethereum_block_maker import MINER, START_S, chain  # noqa: F401 - a fixture

OTHER = Address(b"\x02" * 20)
RANDOM, STEERED = Hash32(b"\x07" * 32), Hash32(b"\x08" * 32)
FEE_WEI, GAS_LIMIT = 7, 12_345_678


def mined(on: Chain) -> Header:
    """The header of an empty block on the head."""
    parent = on.head.header
    inputs = BlockInputs(
        timestamp_s=parent.timestamp_s + 1,
        prev_randao=RANDOM,
        fee_recipient=MINER,
        gas_limit=parent.gas_limit,
        parent_beacon_block_root=Hash32(bytes(32)),
    )
    on.open_block(inputs).seal()
    return on.head.header


@pytest.mark.usefixtures("chain")
def test_nothing_is_steered_unless_asked(chain: Chain) -> None:  # noqa: F811 - the fixture
    header = mined(chain)
    assert (header.coinbase, header.prev_randao) == (MINER, RANDOM)
    assert chain.base_fee_after(header) == chain.snapshot(header).next_base_fee_wei()
    assert header.timestamp_s == START_S + 1


def test_base_fee_and_prev_randao_hold_for_one_block(chain: Chain) -> None:  # noqa: F811 - the fixture
    parent = chain.head.header
    chain.steering.set_next_base_fee(parent.hash, FEE_WEI)
    chain.steering.set_next_prev_randao(parent.hash, STEERED)
    assert chain.base_fee_after(parent) == FEE_WEI
    first, second = mined(chain), mined(chain)
    assert (first.base_fee_wei, first.prev_randao) == (FEE_WEI, STEERED)
    assert (second.base_fee_wei, second.prev_randao) == (chain.snapshot(first).next_base_fee_wei(), RANDOM)


def test_recipient_and_gas_limit_stay(chain: Chain) -> None:  # noqa: F811 - the fixture
    chain.steering.fee_recipient, chain.steering.gas_limit = OTHER, GAS_LIMIT
    for header in (mined(chain), mined(chain)):
        assert (header.coinbase, header.gas_limit) == (OTHER, GAS_LIMIT)
    chain.steering.clear()
    assert mined(chain).coinbase == MINER
