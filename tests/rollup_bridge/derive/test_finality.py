from hypothesis import given
from hypothesis import strategies as st

from genesis.spec import BlockId
from genesis.types import Hash32
from rollup_bridge.derive.finality import Finality
from tests.rollup_bridge.fakes import FakeL1

L1 = FakeL1()
for _ in range(30):
    L1.extend()


def block(number: int) -> BlockId:
    return BlockId(Hash32(number.to_bytes(32, "big")), number)


def test_a_block_is_final_with_the_l1_block_it_was_derived_from() -> None:
    finality = Finality(block(0))
    finality.record(block(3), L1.chain[5])
    finality.record(block(4), L1.chain[5])
    finality.record(block(9), L1.chain[7])
    assert finality.update(L1.chain[4]) == block(0)
    assert finality.update(L1.chain[5]) == block(4)
    assert finality.update(L1.chain[6]) == block(4)
    assert finality.update(L1.chain[9]) == block(9)


@given(st.lists(st.integers(0, 30), max_size=20), st.lists(st.integers(0, 30), max_size=20))
def test_it_never_goes_back_nor_ahead_of_the_l1(derived: list[int], finalized: list[int]) -> None:
    finality = Finality(block(0))
    for number, l1_number in enumerate(sorted(derived)):
        finality.record(block(number), L1.chain[l1_number])
    last = 0
    for l1_number in finalized:
        number = finality.update(L1.chain[l1_number]).number
        assert number >= last
        assert number == last or sorted(derived)[number] <= l1_number
        last = number


def test_forgotten_blocks_do_not_become_final() -> None:
    finality = Finality(block(0))
    finality.record(block(3), L1.chain[5])
    finality.forget()
    assert finality.update(L1.chain[9]) == block(0)
