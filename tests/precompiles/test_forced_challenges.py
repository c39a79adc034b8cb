"""Every challenge and answer fits a forced deposit from the L1, so that no sequencer can keep it out.

Sizes are the worst of what the rules allow: 4,096 dimensions, 64 batches in a post, a million contributors,
2^32 rows. Source: protocol, section 3 "Challenges" (at most 120,000 bytes and 16 Mgas).
"""

from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION
from genesis.types import Address, Hash32
from precompiles import gas
from precompiles.table import CONTRACTS
from precompiles.views.attribution import (
    BatchClaim,
    ClaimOrder,
    NodeEvidence,
    RowEvidence,
    SumEvidence,
    SumLeaf,
)
from tests.precompiles.calls import calldata, method

MAXIMUM_BYTES = 120_000
MAXIMUM_GAS = 16_000_000
DIMENSIONS = 4_096
BATCHES = 64
DEPTH = 20
"""Of a tree over a million contributors."""
ROW_DEPTH = 32

HASH = Hash32(b"\x11" * 32)
SOMEBODY = Address(b"\x22" * 20)
CLAIMS = (BatchClaim(1, HASH, HASH, 2**153, HASH, 2**153),) * BATCHES
LEAF = SumLeaf(HASH, 2**121, (HASH,) * DEPTH, (2**150,) * DEPTH)
SUM = SumEvidence(1, 2**90, b"\x33" * 8 * DIMENSIONS, (HASH,) * DEPTH)
QUERY = b"\x44" * 16 * DIMENSIONS
ROW = RowEvidence(1, 1, 1, 7, b"\x55" * DIMENSIONS, (HASH,) * ROW_DEPTH)
NODE = NodeEvidence(1, 1, 1, 1, HASH, 1, HASH, 1, (HASH,) * DEPTH, (1,) * DEPTH)
ORDER = ClaimOrder(1, 1, SOMEBODY, SOMEBODY, 2**40)

PROOF_HASHES = DEPTH + 2 * DEPTH
PRODUCT = (1, HASH, CLAIMS, 0, 1, SOMEBODY, SUM, QUERY, LEAF)
CASES: dict[str, tuple[tuple[Any, ...], tuple[int, ...]]] = {
    "commitChallenge": ((1, HASH), ()),
    "challengeScore": (PRODUCT, (BATCHES, DIMENSIONS, PROOF_HASHES)),
    "challengeDebt": (PRODUCT, (BATCHES, DIMENSIONS, PROOF_HASHES)),
    "challengeAmount": (
        (1, HASH, CLAIMS, 1, SOMEBODY, (LEAF,) * BATCHES, LEAF),
        (BATCHES, BATCHES, BATCHES * DEPTH + 2 * DEPTH),
    ),
    "challengeNode": ((1, HASH, CLAIMS, NODE), (BATCHES, DEPTH)),
    "commitIndexChallenge": ((1, HASH), ()),
    "challengeRow": ((1, HASH, ROW), (DIMENSIONS, ROW_DEPTH)),
    "challengeNorm": ((1, HASH, 1, SOMEBODY, SUM), (DIMENSIONS, DEPTH)),
    "openSumGame": ((1, 1, SOMEBODY, 1, SUM), (DIMENSIONS, DEPTH)),
    "answerSumGame": ((1, (2**255,) * 16), (16,)),
    "chooseSumGame": ((1, (2**255,) * 16, 3), (16,)),
    "proveSumGame": ((1, ROW), (DIMENSIONS, ROW_DEPTH)),
    "endSumGame": ((1,), ()),
    "finalize": ((1,), ()),
    "claimFor": ((ORDER, 1, (HASH,) * DEPTH, (1,) * DEPTH, b"\x66" * 65), (DEPTH,)),
    "settleIndexCase": ((1,), ()),
}


@pytest.mark.parametrize("name", list(CASES))
def test_it_fits_a_forced_deposit(name: str) -> None:
    arguments, counts = CASES[name]
    data = calldata(ATTRIBUTION, name, *arguments)
    assert len(data) <= MAXIMUM_BYTES
    price = CONTRACTS[ATTRIBUTION].prices[method(ATTRIBUTION, name).selector]
    zero = data.count(0)
    intrinsic = 21_000 + 4 * zero + 16 * (len(data) - zero)
    floor = 21_000 + 10 * zero + 40 * (len(data) - zero)
    assert max(intrinsic + price.total((gas.words(data), *counts)), floor) <= MAXIMUM_GAS


def test_no_challenge_is_left_out() -> None:
    names = {each.name for each in CONTRACTS[ATTRIBUTION].methods if each.mutability != "view"}
    prefixes = ("challenge", "commit", "answer", "choose", "prove", "open", "end")
    assert {name for name in names if name.startswith(prefixes)} <= set(CASES)
