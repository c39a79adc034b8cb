"""Sketches recomputed on chain: alike on both machines, and as the workers compute them."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles import attribution_interface as interface
from precompiles.attribution_sketches import vector_sketch
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.evidence import Row
from tests.precompiles.record_scene import RecordScene
from tests.precompiles.world import NativeMachine, TwinMachine
from workers.datasets.records import Record, encode_record
from workers.datasets.sketch import sketch_of

FEATURES = bytes([0, 255, 17, 200, 3])
CONTENT = encode_record(Record(FEATURES, 7))
SKETCH = sketch_of(FEATURES)
WRONG = SKETCH[:-1] + bytes([SKETCH[-1] ^ 1])
ROWS = [Row(0, i, 0, (100 - i, 7)) for i in range(3)]


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


def scene_of(machine_type: Any, sketch: bytes, content: bytes = CONTENT, canonical: int = 0) -> RecordScene:
    rows = [replace(ROWS[0], canonical=canonical), *ROWS[1:]]
    return RecordScene(machine_type, ((sketch, SKETCH, SKETCH),), (0,), rows, Hash32(keccak256(content)))


def test_a_kept_record_with_a_sketch_of_something_else_voids_the_index(machine_type: Any) -> None:
    for wrong in (WRONG, SKETCH + b"\0", SKETCH[1:]):
        scene = scene_of(machine_type, wrong)
        assert scene.convicts("challengeSketch", scene.record(0, 0), CONTENT) is None


def test_a_right_sketch_stands(machine_type: Any) -> None:
    scene = scene_of(machine_type, SKETCH)
    failed = interface.CHALLENGE_FAILED(0, 0).data
    assert scene.convicts("challengeSketch", scene.record(0, 0), CONTENT) == failed


def test_another_content_and_a_dropped_record_prove_nothing(machine_type: Any) -> None:
    scene = scene_of(machine_type, WRONG)
    other = encode_record(Record(FEATURES, 8))
    refused = scene.convicts("challengeSketch", scene.record(0, 0), other)
    assert refused == interface.INVALID_PROOF(b"content").data
    scene = scene_of(machine_type, WRONG, canonical=1)
    refused = scene.convicts("challengeSketch", scene.record(0, 0), CONTENT)
    assert refused == INVALID_ARGUMENT(b"canonicalIndex").data


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], b"x" + CONTENT[1:], CONTENT + b"\0"])
def test_what_is_no_vector_record_is_not_judged(machine_type: Any, content: bytes) -> None:
    scene = scene_of(machine_type, WRONG, content)
    refused = scene.convicts("challengeSketch", scene.record(0, 0), content)
    assert refused == INVALID_ARGUMENT(b"content").data


@given(st.binary(min_size=1, max_size=300))
def test_the_rule_is_the_workers(features: bytes) -> None:
    assert vector_sketch(features) == sketch_of(features)
