"""Records that were kept from training earn nothing, and whoever pays them is found out."""

from dataclasses import replace

import numpy as np
import pytest

from tests.workers.jobs.test_spot_check import SEED
from tests.workers.text_chain import RECIPE, TextChain
from workers.attribution.index import Rows, publish_index, read_index, read_rows
from workers.jobs.feature_index import feature_index
from workers.jobs.finetune import finetune
from workers.jobs.spans import spans
from workers.jobs.spot_check import spot_check
from workers.protocol import (
    NO_ARTIFACT,
    FeatureIndexRequest,
    FeatureIndexResult,
    FinetuneResult,
    SpansRequest,
    SpotCheckRequest,
)

EVERY = 6


@pytest.fixture(scope="module")
def trained(text_chain: TextChain) -> FinetuneResult:
    recipe = replace(RECIPE, epochs=1, holdout_every=EVERY)
    return finetune(text_chain.store, replace(text_chain.request, recipe=recipe, holdout=NO_ARTIFACT))


@pytest.fixture(scope="module")
def index(text_chain: TextChain, trained: FinetuneResult) -> FeatureIndexResult:
    return feature_index(text_chain.store, FeatureIndexRequest(trained.manifest, 256))


def rows_of(text_chain: TextChain, index: FeatureIndexResult) -> Rows:
    return read_rows(text_chain.store, read_index(text_chain.store, index.index).rows)


def test_the_rows_of_held_out_records_are_zero(
    text_chain: TextChain, trained: FinetuneResult, index: FeatureIndexResult
) -> None:
    rows = rows_of(text_chain, index)
    empty = ~rows.mantissas.any(axis=1)
    assert empty.sum() == trained.held_out_records == trained.canonical_records // EVERY
    assert (np.flatnonzero(rows.canonical_mask)[EVERY - 1 :: EVERY] == np.flatnonzero(empty)).all()
    assert (rows.exponents[empty] == 0).all()


def test_a_spot_check_expects_zero_there(text_chain: TextChain, index: FeatureIndexResult) -> None:
    store, rows = text_chain.store, rows_of(text_chain, index)
    assert spot_check(store, SpotCheckRequest(index.index, SEED, 500)).wrong == ()
    held_out = int(np.flatnonzero(~rows.mantissas.any(axis=1))[0])
    mantissas = rows.mantissas.copy()
    mantissas[held_out, 0] = 1
    document = read_index(store, index.index)
    named = {
        "manifest": document.manifest,
        "preconditioner": document.preconditioner,
        "numeric_profile": document.numeric_profile,
    }
    forged = publish_index(store, named, replace(rows, mantissas=mantissas), document.sums)
    assert spot_check(store, SpotCheckRequest(forged, SEED, 500)).wrong == (held_out,)


def test_passages_of_held_out_records_are_nobodys(text_chain: TextChain, trained: FinetuneResult) -> None:
    records = [record for part in text_chain.parts.parts for record in part]
    held_out, learnt = (records[row].turns()[1][:80] for row in (EVERY - 1, 0))
    found = spans(text_chain.store, SpansRequest(trained.manifest, (held_out, learnt), 60))
    assert {span.response for span in found.spans} == {1}
