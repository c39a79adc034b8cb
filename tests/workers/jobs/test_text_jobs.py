"""Index, queries, attribution and spans of an adapter: the same jobs as for classifiers, on text."""

import numpy as np
import pytest

from genesis.commitments import QUERY_BYTES, pack_vector
from genesis.types import Address
from tests.workers.text_chain import TextChain
from workers.attribution.index import read_rows, verify_index
from workers.attribution.queries import read_queries
from workers.errors import InvalidInputError
from workers.jobs.attribution import attribution
from workers.jobs.feature_index import feature_index
from workers.jobs.jury import jury_query
from workers.jobs.queries import queries
from workers.jobs.spans import spans
from workers.protocol import (
    AttributionRequest,
    BigInt,
    FeatureIndexRequest,
    FeatureIndexResult,
    JuryQueryRequest,
    QueriesRequest,
    QueriesResult,
    ReceiptInput,
    SettledBatch,
    SpansRequest,
)
from workers.text.examples import example_of
from workers.text.loading import load_base

SUBJECTS = 5


@pytest.fixture(scope="module")
def index(text_chain: TextChain) -> FeatureIndexResult:
    return feature_index(text_chain.store, FeatureIndexRequest(text_chain.trained.manifest))


@pytest.fixture(scope="module")
def receipts(text_chain: TextChain) -> tuple[ReceiptInput, ...]:
    """What people paid for: every contributed record itself, in order."""
    tokenizer = load_base(text_chain.store, text_chain.base).tokenizer
    records = [record for part in text_chain.parts.parts for record in part]
    examples = [example_of(record, tokenizer, 128) for record in records]
    return tuple(
        ReceiptInput(number, 10**6, each.tokens[: each.answer], each.tokens[each.answer :])
        for number, each in enumerate(examples)
    )


@pytest.fixture(scope="module")
def asked(
    text_chain: TextChain, index: FeatureIndexResult, receipts: tuple[ReceiptInput, ...]
) -> QueriesResult:
    return queries(text_chain.store, QueriesRequest(index.index, receipts))


def test_all_coordinates_of_all_factors_count(text_chain: TextChain, index: FeatureIndexResult) -> None:
    assert index.dimensions == text_chain.trained.trained_parameters
    assert (index.rows, index.contributors) == (60, SUBJECTS)
    found = verify_index(text_chain.store, index.index)
    assert found.manifest == text_chain.trained.manifest


def test_an_answer_that_is_a_record_is_owed_to_it(
    text_chain: TextChain, index: FeatureIndexResult, asked: QueriesResult
) -> None:
    rows = read_rows(text_chain.store, verify_index(text_chain.store, index.index).rows)
    vectors = read_queries(text_chain.store, asked.queries).vectors.astype(np.int64)
    scores = vectors @ rows.integers().T
    own = rows.canonical_mask
    assert (scores.argmax(axis=1) == np.arange(len(scores)))[own].mean() > 0.9


def test_jurors_recompute_a_query_from_prompt_and_answer(
    text_chain: TextChain,
    index: FeatureIndexResult,
    receipts: tuple[ReceiptInput, ...],
    asked: QueriesResult,
) -> None:
    vectors = read_queries(text_chain.store, asked.queries).vectors
    right, other = (pack_vector(vectors[place].tolist(), QUERY_BYTES) for place in (3, 4))
    assert jury_query(text_chain.store, JuryQueryRequest(index.index, receipts[3], right)).is_right
    found = jury_query(text_chain.store, JuryQueryRequest(index.index, receipts[3], other))
    assert (found.is_right, found.query) == (False, right)


def test_posts_are_made_as_for_classifiers(
    text_chain: TextChain, index: FeatureIndexResult, asked: QueriesResult
) -> None:
    batch = SettledBatch(1, BigInt(10**18), asked.queries)
    request = AttributionRequest(index.index, 31338, 1, Address(b"\x09" * 20), (batch,), 0, 1_000_000)
    found = attribution(text_chain.store, request)
    amounts = [row.amount_wei for row in found.contributors]
    assert sum(amounts) == found.amount_sum <= 10**18
    assert min(amounts) > 0


def test_the_same_receipts_give_the_same_queries(
    text_chain: TextChain,
    index: FeatureIndexResult,
    receipts: tuple[ReceiptInput, ...],
    asked: QueriesResult,
) -> None:
    assert queries(text_chain.store, QueriesRequest(index.index, receipts)) == asked


@pytest.mark.parametrize("receipt", [ReceiptInput(0, 1, (1, 2), ()), ReceiptInput(0, 1, (1, 99_999), (3,))])
def test_receipts_that_no_answer_can_have_are_refused(
    text_chain: TextChain, index: FeatureIndexResult, receipt: ReceiptInput
) -> None:
    with pytest.raises(InvalidInputError):
        queries(text_chain.store, QueriesRequest(index.index, (receipt,)))


def test_passages_are_found_with_their_owner(text_chain: TextChain) -> None:
    record = text_chain.parts.parts[2][3]
    passage = record.turns()[1][:60]
    response = f"Ünlike others: {passage} - and more"
    found = spans(text_chain.store, SpansRequest(text_chain.trained.manifest, ("nothing", response), 24))
    assert [span.response for span in found.spans] == [1]
    span = found.spans[0]
    assert passage in response[span.start : span.end]
    assert (span.record, span.contributor) == (2 * 12 + 3, Address(bytes([3]) * 20))
    said = response[span.start : span.end].encode()
    assert record.plain().encode()[span.offset : span.offset + len(said)] == said


def test_a_passage_of_a_few_bytes_is_refused(text_chain: TextChain) -> None:
    with pytest.raises(InvalidInputError):
        spans(text_chain.store, SpansRequest(text_chain.trained.manifest, ("x",), 2))
