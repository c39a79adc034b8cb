"""The demo's own judgement: a check that fails makes the demo fail."""

from dataclasses import replace

import pytest

from openledger_node.demo.records import (
    Conservation,
    ContributorRow,
    DemoResult,
    DishonestReport,
    FeeParts,
    PoolParts,
    WithdrawalReport,
)
from openledger_node.demo.report import judge


def good() -> DemoResult:
    return DemoResult(
        inferences=60,
        post_id=3,
        contributors=[ContributorRow(0, "clean", "0x00", 300, 300, "5", 1_000_000, "90")],
        copy_of_original=0.02,
        wrong_label_of_clean=-0.3,
        fees=FeeParts("10", "1", "2", "3", "0", "4", "0", sums_to_gross=True),
        pool=PoolParts("100", "0", "90", "10", sums_to_pool=True),
        conservation=Conservation(1, 1, "5", "0", "5", "0", "0", holds=True),
        withdrawal=WithdrawalReport("0x00", "90", "0", "90", arrived=True),
    )


def test_everything_in_order() -> None:
    result = good()
    judge(result)
    assert result.ok
    assert all(result.checks.values())


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("inferences", 49, "bought_at_least_50"),
        ("fees", None, "fee_parts_sum_to_gross"),
        ("pool", PoolParts("100", "0", "90", "9", sums_to_pool=False), "pool_is_paid_or_carried"),
        ("pool", PoolParts("100", "0", "91", "9", sums_to_pool=True), "claims_equal_the_post"),
        ("conservation", None, "every_unit_accounted_for"),
        ("withdrawal", None, "withdrawal_arrived"),
        ("copy_of_original", 0.1, "copy_earns_under_a_tenth"),
        ("wrong_label_of_clean", 0.5, "wrong_labels_score_under_half"),
    ],
)
def test_each_check_can_fail(name: str, value: object, check: str) -> None:
    result = good()
    setattr(result, name, value)
    judge(result)
    assert not result.ok
    assert not result.checks[check]


def test_a_false_post_must_be_slashed_unpaid_and_followed() -> None:
    report = DishonestReport(
        1, "0x", 0, "0x", "1", "2", 2, "0x", "0x", "100", "30", "500", "400", "0", correct_post_id=3
    )
    result = good()
    result.dishonest = report
    judge(result)
    assert result.ok
    for changes in ({"slashed_wei": "0"}, {"paid_from_false_post_wei": "1"}, {"correct_post_id": 1}):
        result.dishonest = replace(report, **changes)
        judge(result)
        assert not result.ok
