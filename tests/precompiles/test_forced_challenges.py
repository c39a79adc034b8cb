"""Every challenge and answer fits a forced deposit from the L1, so that no sequencer can keep it out.

Sizes are the worst of what the rules allow: 4,096 dimensions at once or 65,536 by chunks and rows, 64 batches
in a post, a million contributors, 2^32 rows and receipts.
Each is really sent once in `tests/economy/test_forced_…`; here are sizes and prices.
Source: protocol, section 3 "Challenges" (at most 120,000 bytes and 16 Mgas).
"""

from dataclasses import replace
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION
from genesis.parents import MAXIMUM_PARENTS
from genesis.typed_data import Explanation, Span
from genesis.types import Address, Hash32
from precompiles import gas
from precompiles.attribution_spans import MAXIMUM_SPANS
from precompiles.minhash import FUNCTIONS
from precompiles.record_texts import MAXIMUM_TEXT_BYTES
from precompiles.table import CONTRACTS
from precompiles.views.attribution import (
    BatchClaim,
    ClaimOrder,
    NodeEvidence,
    RowEvidence,
    SumEvidence,
    SumLeaf,
)
from precompiles.views.disputes import (
    DemandPath,
    QueryLeaf,
    ReceiptEvidence,
    RecordEvidence,
    VectorChunk,
    WideSum,
)
from precompiles.views.juries import RowLeaf, ShownAnswer
from tests.precompiles.calls import calldata, method

MAXIMUM_BYTES = 120_000
MAXIMUM_GAS = 16_000_000
DIMENSIONS = 4_096
ROW_COORDINATES = 65_536
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
ROW = RowEvidence(1, 1, 1, 7, b"\x55" * ROW_COORDINATES, (HASH,) * ROW_DEPTH)
NODE = NodeEvidence(1, 1, 1, 1, HASH, 1, HASH, 1, (HASH,) * DEPTH, (1,) * DEPTH)
ORDER = ClaimOrder(1, 1, SOMEBODY, SOMEBODY, 2**40)

CHUNKS = 64
WIDE = WideSum(1, 2**90, HASH, (HASH,) * DEPTH)
LEAF_OF_QUERY = QueryLeaf(1, 2**59, HASH, (HASH,) * ROW_DEPTH)
RECEIPT = ReceiptEvidence(1, HASH, HASH, 9, 9, 2**90, 2**90, (HASH,) * ROW_DEPTH, (2**90,) * ROW_DEPTH)
PATH = DemandPath(4, 2**31, 63, (b"\x66" * 129,) * ROW_DEPTH + (b"\x66" * 65,) * 8)


def chunk(coordinate_bytes: int) -> VectorChunk:
    """A chunk of the widest vector."""
    return VectorChunk((HASH,) * CHUNKS, b"\x88" * 1_024 * coordinate_bytes)


RECORD = RecordEvidence(
    63,
    2**20,
    2**20,
    2**31,
    (HASH,) * DEPTH,
    2**20,
    HASH,
    b"\x55" * 49_152,
    HASH,
    (HASH,) * DEPTH,
    2**31,
    2**20,
    7,
    HASH,
    (HASH,) * ROW_DEPTH,
)
SHOWN = ShownAnswer(b"\x77" * 50_000, b"\x78" * 50_000)
"""Some 15,000 tokens of input and output."""
SHOWN_PART = b"\x44" * 51 * 2_048
"""Half of the widest query and more."""
EXPLANATION = Explanation(HASH, 2**31, 2**20, HASH)
SPANS = (Span(2**15, 2**15 + 99, 2**31, 2**15, HASH),) * MAXIMUM_SPANS
SIGNATURE = b"\x66" * 65
TEXT = b"\x55" * MAXIMUM_TEXT_BYTES
TEXT_RECORD = replace(RECORD, sketch=b"\x55" * FUNCTIONS)
ROW_LEAF = RowLeaf(2**31, 2**31, 2**20, 7, HASH, (HASH,) * ROW_DEPTH)
RECORD_HASHES = 2 * DEPTH + ROW_DEPTH
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
    "challengeRow": ((1, HASH, ROW), (ROW_COORDINATES, ROW_DEPTH)),
    "challengeNorm": ((1, HASH, 1, SOMEBODY, SUM), (DIMENSIONS, DEPTH)),
    "openSumGame": ((1, 1, SOMEBODY, 1, SUM), (DIMENSIONS, DEPTH)),
    "answerSumGame": ((1, (2**255,) * 16), (16,)),
    "chooseSumGame": ((1, (2**255,) * 16, 3), (16,)),
    "proveSumGame": ((1, ROW), (ROW_COORDINATES, ROW_DEPTH)),
    "endSumGame": ((1,), ()),
    "openWideSumGame": ((1, 1, SOMEBODY, 1, WIDE, chunk(8)), (1_024, DEPTH + 2 * CHUNKS)),
    "openQueryGame": ((1, CLAIMS, 0, 1, chunk(16)), (BATCHES, 1_024, 2 * CHUNKS)),
    "proveQueryGame": ((1, LEAF_OF_QUERY, chunk(2)), (1_024, ROW_DEPTH + 2 * CHUNKS)),
    "challengeReceipt": ((1, HASH, CLAIMS, 0, RECEIPT), (BATCHES, ROW_DEPTH)),
    "challengeWeight": ((1, HASH, CLAIMS, 0, LEAF_OF_QUERY, RECEIPT), (BATCHES, 2 * ROW_DEPTH)),
    "challengeQuery": (
        (1, HASH, CLAIMS, 0, LEAF_OF_QUERY, b"\x44" * 65_536),
        (BATCHES, 32_768, ROW_DEPTH),
    ),
    "tallyProducts": (((HASH,) * CHUNKS, (HASH,) * CHUNKS, SUM.vector, QUERY), (4_096, 2 * CHUNKS)),
    "challengeWideScore": (
        (1, HASH, CLAIMS, 0, 1, SOMEBODY, WIDE, LEAF, True),
        (BATCHES, DEPTH + 2 * DEPTH),
    ),
    "challengeWideNorm": ((1, HASH, 1, SOMEBODY, WIDE), (DEPTH,)),
    "demandOfIndex": ((1, PATH), (len(PATH.opened),)),
    "demandOfPost": ((1, CLAIMS, PATH), (BATCHES, len(PATH.opened))),
    "answerDemand": ((1, b"\x77" * 16_385), (513,)),
    "expireDemand": ((1,), ()),
    "finalize": ((1,), ()),
    "claimFor": ((ORDER, 1, (HASH,) * DEPTH, (1,) * DEPTH, b"\x66" * 65), (DEPTH,)),
    "settleIndexCase": ((1,), ()),
    "challengeCount": ((1, HASH), (64,)),
    "challengeOwner": (
        (1, HASH, RECORD, (HASH,) * MAXIMUM_PARENTS, ROW_LEAF, SOMEBODY, WIDE),
        (64, 49_152, RECORD_HASHES + DEPTH + ROW_DEPTH, MAXIMUM_PARENTS),
    ),
    "challengeSketch": (
        (1, HASH, RECORD, b"\x55" * 49_165),
        (64, 49_152 + 49_165, RECORD_HASHES),
    ),
    "commitSpanChallenge": ((HASH,), ()),
    "challengeSpan": (
        (HASH, EXPLANATION, SPANS, SIGNATURE, 63, TEXT_RECORD, TEXT),
        (64, len(TEXT_RECORD.sketch) + len(TEXT), RECORD_HASHES, MAXIMUM_SPANS),
    ),
    "challengeAnswerSpan": (
        (HASH, EXPLANATION, SPANS, SIGNATURE, 63, TEXT),
        (len(TEXT), MAXIMUM_SPANS),
    ),
    "challengeExplanations": (
        (HASH, EXPLANATION, SPANS, SIGNATURE, EXPLANATION, SPANS, SIGNATURE),
        (2 * MAXIMUM_SPANS,),
    ),
    "openRowCase": ((1, HASH, ROW_LEAF), (ROW_DEPTH,)),
    "openPreconditionerCase": ((1, HASH), ()),
    "openQueryCase": (
        (1, HASH, CLAIMS, 0, LEAF_OF_QUERY, RECEIPT, SHOWN),
        (BATCHES, 2 * ROW_DEPTH, gas.words(SHOWN.prompt) + gas.words(SHOWN.output)),
    ),
    "showQuery": (((HASH,) * CHUNKS, SHOWN_PART), (CHUNKS, gas.words(SHOWN_PART))),
    "openAudit": ((1, 1, SOMEBODY, LEAF, WIDE), (3 * DEPTH,)),
    "releaseSettlement": ((1,), ()),
    "drawJury": ((1,), ()),
    "commitVerdict": ((1, HASH), ()),
    "revealVerdict": ((1, 2, b"\x99" * 32, HASH), ()),
    "closeJuryCase": ((1,), ()),
    "claimJurorPay": ((1,), ()),
    "punishAbsence": ((1, 1, SOMEBODY), ()),
    "challengeDuplicate": ((1, HASH, RECORD, RECORD), (64, 2 * 49_152, 2 * RECORD_HASHES)),
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
    assert names - set(CASES) == {"post", "claim", "withdrawDust", "withdrawBond", "fundAudits"}
