"""How long windows have to be for disputes over wide vectors; a validator says so where they are not."""

from dataclasses import replace

import pytest
from structlog.testing import CapturingLogger

from genesis.commitments import BATCH_QUERY_BYTES, SUM_BYTES
from genesis.networks import L2_BLOCK_GAS_LIMIT
from genesis.policy import DEFAULT_POLICY, DEV_POLICY
from openledger_node.validator import windows
from openledger_node.validator.windows import Pace, short_windows, warn_of_short_windows
from precompiles.scores import MAXIMUM_DIMENSIONS_ON_CHAIN
from tests.jobs.economy import Economy

DEV_PACE = Pace(0, 1, L2_BLOCK_GAS_LIMIT)
WIDEST = 65_536


def test_the_widest_tally_fills_three_blocks_at_most() -> None:
    assert DEV_PACE.dispute_s(WIDEST * (SUM_BYTES + BATCH_QUERY_BYTES)) == 3 + 2
    assert replace(DEV_PACE, block_s=2).dispute_s(1) == 2 * (1 + 2)


def test_windows_of_real_networks_are_long_enough() -> None:
    assert short_windows(DEFAULT_POLICY, WIDEST, replace(DEV_PACE, block_s=2)) == ""


def test_those_of_a_development_network_are_for_narrow_indexes() -> None:
    assert short_windows(DEV_POLICY, MAXIMUM_DIMENSIONS_ON_CHAIN, DEV_PACE) == ""
    assert short_windows(DEV_POLICY, WIDEST, DEV_PACE) == (
        "index_window_s + challenge_reveal_s = 13, post_window_s + challenge_reveal_s = 13; "
        "at least 25 is safe"
    )
    longer = replace(DEV_POLICY, post_window_s=20)
    assert short_windows(longer, WIDEST, DEV_PACE).startswith("index_window_s + challenge_reveal_s = 13;")
    assert short_windows(replace(longer, index_window_s=20), WIDEST, DEV_PACE) == ""


@pytest.mark.parametrize(("dimensions", "warned"), [(128, []), (WIDEST, ["warning"])])
async def test_the_validator_warns_of_wide_indexes(
    economy: Economy, monkeypatch: pytest.MonkeyPatch, dimensions: int, warned: list[str]
) -> None:
    heard = CapturingLogger()
    monkeypatch.setattr(windows, "log", heard)
    await warn_of_short_windows(economy.reader, 1, dimensions)
    assert [call.method_name for call in heard.calls] == warned
