from sequencer.builder.budget import Budget, BuildLimits
from sequencer.builder.build import fill_block
from sequencer.mempool.ordering import Candidates
from sequencer.mempool.pool import Pool
from sequencer.ports import PooledTransaction, Rejected
from tests.sequencer.fakes import ALICE, BOB, CAROL, FakeBlock, FakeState, address, transaction

LIMITS = BuildLimits(fill_time_s=1.0)


def candidates(*items: PooledTransaction) -> Candidates:
    pool = Pool(FakeState())
    for item in items:
        pool.add(item, 0.0)
    return Candidates(pool.ready(), 0)


def test_includes_everything_that_fits() -> None:
    items = [transaction(ALICE, 0), transaction(ALICE, 1), transaction(BOB)]
    block = FakeBlock()
    filled = fill_block(block, candidates(*items), Budget(LIMITS, lambda: 0.0))
    assert set(filled.included) == set(items)
    assert filled.dropped == ()


def test_permanent_rejections_are_reported_and_temporary_kept() -> None:
    bad, wait, good = transaction(ALICE), transaction(BOB), transaction(CAROL)
    block = FakeBlock(
        answers={bad.raw: Rejected("never", permanent=True), wait.raw: Rejected("later", permanent=False)}
    )
    filled = fill_block(block, candidates(bad, wait, good), Budget(LIMITS, lambda: 0.0))
    assert filled.included == (good,)
    assert [refusal.transaction for refusal in filled.dropped] == [bad]


def test_nothing_of_an_account_is_tried_after_its_rejection() -> None:
    first, second = transaction(ALICE, 0), transaction(ALICE, 1)
    block = FakeBlock(answers={first.raw: Rejected("later", permanent=False)})
    fill_block(block, candidates(first, second), Budget(LIMITS, lambda: 0.0))
    assert block.tried == [first.raw]


def test_a_transaction_too_big_for_the_rest_does_not_end_the_block() -> None:
    big, small = transaction(ALICE, tip=9, gas=90_000), transaction(BOB, tip=1)
    block = FakeBlock(gas_limit=50_000)
    filled = fill_block(block, candidates(big, small), Budget(LIMITS, lambda: 0.0))
    assert filled.included == (small,)


def test_many_misses_in_a_row_end_the_block() -> None:
    big = [transaction(address(number), tip=9, gas=90_000) for number in range(1, 6)]
    small = transaction(BOB, nonce=0, tip=1)
    limits = BuildLimits(fill_time_s=1.0, full_after_misses=3)
    block = FakeBlock(gas_limit=50_000)
    filled = fill_block(block, candidates(*big[2:], small), Budget(limits, lambda: 0.0))
    assert filled.included == ()


def test_the_clock_ends_the_block() -> None:
    ticks = iter([0.0, 0.4, 0.8, 1.2])
    items = [transaction(address(number)) for number in range(1, 9)]
    filled = fill_block(FakeBlock(), candidates(*items), Budget(LIMITS, lambda: next(ticks)))
    assert len(filled.included) == 2
