import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.types import Address, Hash32
from workers.artifacts.store import ArtifactId
from workers.errors import InvalidInputError
from workers.protocol import (
    REQUEST_TYPES,
    RESULT_TYPES,
    AttributionRequest,
    BatchClaim,
    BigInt,
    PredictResult,
    SettledBatch,
    TrainingRecipe,
)
from workers.protocol.codec import from_json, to_json

REQUEST = AttributionRequest(
    index=ArtifactId("ab" * 32),
    chain_id=31338,
    feature_index_id=1,
    poster=Address(bytes(20)),
    batches=(SettledBatch(1, BigInt(10**30), ArtifactId("cd" * 32)),),
    significance_ppm=4_000_000,
    maximum_share_ppm=1_000_000,
)


def test_bytes_are_hex_and_large_integers_strings() -> None:
    assert to_json(REQUEST)["poster"] == "0x" + "00" * 20
    assert to_json(REQUEST)["batches"] == [
        {"settlement_id": 1, "pool_wei": "1" + "0" * 30, "queries": "cd" * 32}
    ]


@given(st.integers(), st.integers(0, 2**40), st.binary(min_size=32, max_size=32))
def test_round_trip(big: int, number: int, hash32: bytes) -> None:
    root = Hash32(hash32)
    claim = BatchClaim(number, root, root, BigInt(big), root, BigInt(-big))
    assert from_json(BatchClaim, json.loads(json.dumps(to_json(claim)))) == claim


def test_nested_tuples_and_floats() -> None:
    result = PredictResult((1,), ((0.25, 0.75),))
    assert from_json(PredictResult, to_json(result)) == result
    recipe = {**to_json(TrainingRecipe()), "learning_rate": 1}
    assert from_json(TrainingRecipe, recipe).learning_rate == 1.0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chain_id", "1"),
        ("chain_id", True),
        ("chain_id", 1.0),
        ("poster", "zz"),
        ("poster", "0xzz"),
        ("batches", {}),
        ("batches", [1]),
        ("batches", [{"settlement_id": 1, "pool_wei": 5, "queries": ""}]),
        ("batches", [{"settlement_id": 1, "pool_wei": "5x", "queries": ""}]),
        ("unknown", 1),
    ],
)
def test_wrong_fields_are_named(field: str, value: object) -> None:
    with pytest.raises(InvalidInputError, match="AttributionRequest"):
        from_json(AttributionRequest, {**to_json(REQUEST), field: value})


def test_missing_fields_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        from_json(AttributionRequest, {})


def test_every_kind_has_both_records() -> None:
    assert set(REQUEST_TYPES) == set(RESULT_TYPES)
