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
from workers.datasets.minhash import text_sketch
from workers.datasets.records import Record, encode_record
from workers.datasets.sketch import sketch_of
from workers.datasets.text import MAGIC, text_record

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


# --- Texts ------------------------------------------------------------------------------------------------


def text_content(fields: dict[str, Any]) -> tuple[bytes, bytes]:
    """A text record's canonical bytes and its sketch by the workers' rule."""
    record = text_record(fields)
    return MAGIC + record.content, text_sketch(record.plain())


SAID = "A copy\tof  my_words\nin TWO lines \x1f of the very same words, of course"
TURN = {"role": "user", "content": 'He said "why\\not"?'}
TEXTS: list[dict[str, Any]] = [
    {"text": "."},
    {"text": SAID},
    {"instruction": "Explain it", "input": "the 1st", "output": SAID, "system": "S", "history": [["q", "a"]]},
    {"instruction": "Explain it", "output": SAID},
    {"messages": [TURN, {"role": "assistant", "content": SAID}]},
    {"prompt": [TURN, TURN], "chosen": "yes of course yes", "rejected": "no"},
]


@pytest.mark.parametrize("fields", TEXTS, ids=str)
def test_a_kept_text_with_another_sketch_voids_the_index(machine_type: Any, fields: dict[str, Any]) -> None:
    content, sketch = text_content(fields)
    scene = scene_of(machine_type, sketch, content)
    failed = interface.CHALLENGE_FAILED(0, 0).data
    assert scene.convicts("challengeSketch", scene.record(0, 0), content) == failed
    wrong = sketch[:9] + bytes([256 - sketch[9]]) + sketch[10:]
    scene = scene_of(machine_type, wrong, content)
    assert scene.convicts("challengeSketch", scene.record(0, 0), content) is None


def test_a_text_beyond_ascii_is_not_judged(machine_type: Any) -> None:
    content, sketch = text_content({"text": "four é"})
    scene = scene_of(machine_type, sketch, content)
    refused = scene.convicts("challengeSketch", scene.record(0, 0), content)
    assert refused == interface.UNSUPPORTED_TEXT(5).data


@pytest.mark.parametrize("cut", [b'"}', b"}", b"a"])
def test_what_is_no_text_record_is_not_judged(machine_type: Any, cut: bytes) -> None:
    content, sketch = text_content({"text": SAID})
    content = content[: -len(cut)] if content.endswith(cut) else content + cut
    scene = scene_of(machine_type, sketch, content)
    refused = scene.convicts("challengeSketch", scene.record(0, 0), content)
    assert refused == INVALID_ARGUMENT(b"content").data


@given(st.binary(min_size=1, max_size=300))
def test_the_rule_is_the_workers(features: bytes) -> None:
    assert vector_sketch(features) == sketch_of(features)
