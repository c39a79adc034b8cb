"""What jurors recompute: right rows as committed, wrong ones alike for all jurors; rigged preconditioners."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from genesis.commitments import QUERY_BYTES, pack_vector
from tests.workers.conftest import Chain
from tests.workers.jobs.test_spot_check import SEED, republished, rows_of
from tests.workers.text_chain import TextChain
from workers.artifacts.store import ArtifactId
from workers.artifacts.tensors import Array, decode_tensors, encode_tensors
from workers.attribution.index import publish_index, read_index, read_rows
from workers.attribution.queries import read_queries
from workers.datasets.records import decode_jsonl, encode_jsonl
from workers.errors import InvalidInputError
from workers.jobs.feature_index import feature_index
from workers.jobs.jury import jury_query, jury_row, preconditioner
from workers.jobs.spot_check import spot_check
from workers.jobs.table import run_job
from workers.protocol import (
    DatasetVersion,
    FeatureIndexRequest,
    JuryQueryRequest,
    JuryQueryResult,
    JuryRowRequest,
    JuryRowResult,
    PreconditionerRequest,
    ReceiptInput,
    SpotCheckRequest,
)
from workers.protocol.codec import from_json, to_json

PLACE = 7
SAMPLE = 100


def asked(chain: Chain, index: ArtifactId, place: int = PLACE) -> JuryRowRequest:
    return JuryRowRequest(index, (chain.version,), place)


def test_of_a_right_row_the_committed_values_are_told(chain: Chain) -> None:
    rows = rows_of(chain)
    found = jury_row(chain.store, asked(chain, chain.index.index))
    assert found.is_right
    assert found.row == rows.mantissas[PLACE].tobytes()


def test_of_a_wrong_row_every_juror_tells_the_same_values(chain: Chain) -> None:
    rows = rows_of(chain)
    right = rows.mantissas[PLACE].tobytes()
    rows.mantissas[PLACE, 5] += 3
    answer = run_job(chain.store, "jury_row", to_json(asked(chain, republished(chain, rows))))
    found = from_json(JuryRowResult, answer)
    assert (found.is_right, found.row, found.beyond) == (False, right, 1)


def test_values_are_told_in_the_committed_exponent(chain: Chain) -> None:
    rows = rows_of(chain)
    right = rows.mantissas[PLACE].astype(int)
    rows = replace(rows, exponents=rows.exponents + np.uint8(1))
    found = jury_row(chain.store, asked(chain, republished(chain, rows)))
    told = np.frombuffer(found.row, np.int8)
    assert not found.is_right
    assert np.abs(told - right / 2).max() <= 0.75


def test_a_row_that_is_not_there_is_refused(chain: Chain) -> None:
    with pytest.raises(InvalidInputError, match="no row"):
        jury_row(chain.store, asked(chain, chain.index.index, 10**6))


def with_other_file(chain: Chain) -> DatasetVersion:
    """The version as the chain has it, where a contribution's first record is another than was trained on."""
    first, *others = chain.version.contributions
    records = decode_jsonl(chain.store.get(first.artifact))
    records[PLACE] = replace(records[PLACE], label=(records[PLACE].label + 1) % 10)
    other = replace(first, artifact=chain.store.put(encode_jsonl(records)))
    return replace(chain.version, contributions=(other, *others))


def test_rows_are_those_of_the_chains_records_not_of_the_manifests(chain: Chain) -> None:
    """A model owner may train on other files than were contributed: the rows are nobody's then."""
    version = with_other_file(chain)
    row = replace(asked(chain, chain.index.index), datasets=(version,))
    assert not jury_row(chain.store, row).is_right
    checked = SpotCheckRequest(chain.index.index, SEED, 2_000, datasets=(version,))
    assert spot_check(chain.store, checked).wrong == (PLACE,)
    whole = PreconditionerRequest(chain.index.index, (version,))
    assert not preconditioner(chain.store, whole).is_right


# --- Queries ----------------------------------------------------------------------------------------------


def committed_query(chain: Chain, place: int, off_by: int = 0) -> JuryQueryRequest:
    """One of the committed queries, wrong by so much at a coordinate."""
    vector = [int(value) for value in read_queries(chain.store, chain.queries.queries).vectors[place]]
    vector[5] += off_by
    return JuryQueryRequest(chain.index.index, chain.receipts[place], pack_vector(vector, QUERY_BYTES))


def test_every_query_of_an_honest_provider_is_right(chain: Chain) -> None:
    for place in range(len(chain.receipts)):
        request = committed_query(chain, place)
        found = jury_query(chain.store, request)
        assert (found.is_right, found.query, found.beyond) == (True, request.committed, 0)


def test_of_a_wrong_query_every_juror_tells_the_right_one(chain: Chain) -> None:
    request = committed_query(chain, PLACE, off_by=2)
    found = from_json(JuryQueryResult, run_job(chain.store, "jury_query", to_json(request)))
    assert (found.is_right, found.beyond) == (False, 1)
    assert found.query == committed_query(chain, PLACE).committed


def test_the_query_of_another_answer_is_wrong(chain: Chain) -> None:
    request = replace(committed_query(chain, PLACE), receipt=chain.receipts[PLACE + 1])
    assert not jury_query(chain.store, request).is_right


def test_an_input_that_nobody_can_be_asked_proves_nothing(chain: Chain) -> None:
    """A customer may have made it up."""
    request = replace(committed_query(chain, PLACE), receipt=ReceiptInput(PLACE, 0, (1, 2, 3)))
    found = jury_query(chain.store, request)
    assert (found.is_right, found.query) == (True, request.committed)


def test_a_query_of_another_width_is_refused(chain: Chain) -> None:
    request = committed_query(chain, PLACE)
    with pytest.raises(InvalidInputError, match="coordinates"):
        jury_query(chain.store, replace(request, committed=request.committed[:-2]))


# --- Preconditioners --------------------------------------------------------------------------------------


def rigged(chain: Chain, change: Callable[[dict[str, Array]], None]) -> ArtifactId:
    """The index under a changed preconditioner."""
    index = read_index(chain.store, chain.index.index)
    tensors = {
        name: array.copy() for name, array in decode_tensors(chain.store.get(index.preconditioner)).items()
    }
    change(tensors)
    named = {
        "manifest": index.manifest,
        "preconditioner": chain.store.put(encode_tensors(tensors)),
        "numeric_profile": index.numeric_profile,
    }
    return publish_index(chain.store, named, read_rows(chain.store, index.rows), index.sums)


def test_an_honest_preconditioner_passes_by_its_sample_and_whole(chain: Chain) -> None:
    request = PreconditionerRequest(chain.index.index, (chain.version,), SEED, SAMPLE)
    found = preconditioner(chain.store, request)
    assert (found.is_right, found.sampled, found.residual) == (True, SAMPLE, -1.0)
    whole = preconditioner(chain.store, replace(request, sample=0))
    assert whole.is_right
    assert 0 <= whole.residual < 1e-9


def scale_eigenvalues(tensors: dict[str, Array]) -> None:
    name = next(name for name in sorted(tensors) if name.endswith("eigenvalues"))
    tensors[name][:4] /= 8


def shorten_rows(tensors: dict[str, Array]) -> None:
    tensors["row_length"] /= 2


@pytest.mark.parametrize("change", [scale_eigenvalues, shorten_rows])
def test_a_rigged_preconditioner_is_suspect_and_convicted(
    chain: Chain, change: Callable[[dict[str, Array]], None]
) -> None:
    request = PreconditionerRequest(rigged(chain, change), (chain.version,), SEED, SAMPLE)
    found = preconditioner(chain.store, request)
    assert (found.is_right, found.sampled) == (False, SAMPLE)
    assert found.residual > 0.1


def test_a_small_change_is_convicted_by_the_whole(chain: Chain) -> None:
    def nudge(tensors: dict[str, Array]) -> None:
        tensors["row_length"] *= 1.01

    index = rigged(chain, nudge)
    assert preconditioner(chain.store, PreconditionerRequest(index, (chain.version,), SEED, SAMPLE)).is_right
    assert not preconditioner(chain.store, PreconditionerRequest(index, (chain.version,))).is_right


def test_adapters_have_their_jury_too(text_chain: TextChain) -> None:
    """The text branch of rows, spot checks and preconditioners."""
    store = text_chain.store
    made = feature_index(store, FeatureIndexRequest(text_chain.trained.manifest, 64))
    index = read_index(store, made.index)
    rows = read_rows(store, index.rows)
    version = (text_chain.version,)
    found = jury_row(store, JuryRowRequest(made.index, version, 3))
    assert (found.is_right, found.row) == (True, rows.mantissas[3].tobytes())
    assert preconditioner(store, PreconditionerRequest(made.index, version)).is_right
    assert spot_check(store, SpotCheckRequest(made.index, SEED, 40, datasets=version)).wrong == ()
    mantissas = rows.mantissas.copy()
    mantissas[3] = np.roll(mantissas[3], 1)
    named = {
        "manifest": index.manifest,
        "preconditioner": index.preconditioner,
        "numeric_profile": index.numeric_profile,
    }
    forged = publish_index(store, named, replace(rows, mantissas=mantissas), index.sums)
    assert spot_check(store, SpotCheckRequest(forged, SEED, 500, datasets=version)).wrong == (3,)
    assert not jury_row(store, JuryRowRequest(forged, version, 3)).is_right
