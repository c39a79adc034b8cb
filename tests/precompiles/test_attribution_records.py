"""Records behind an index: their number and their duplicates, alike on both machines."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import ATTRIBUTION
from genesis.shares import PPM
from precompiles import attribution_interface as interface
from precompiles.attribution_records import similar
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.evidence import Row
from tests.precompiles.record_scene import RecordScene
from tests.precompiles.world import NativeMachine, TwinMachine

A, B, NEAR_A, ZERO = bytes([100, 5, 3]), bytes([2, 90, 256 - 80]), bytes([101, 5, 3]), bytes(3)
SKETCHES = ((A, B), (NEAR_A, ZERO))
"""The first contribution is the earlier one; the second holds a near copy of its first record."""


def rows_of(canonical: Sequence[int], owners: Sequence[int]) -> list[Row]:
    return [
        Row(owner, place, 0, (100 + i, 7))
        for i, (place, owner) in enumerate(zip(canonical, owners, strict=True))
    ]


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


IN_ORDER, SWAPPED = (0, 1), (1, 0)
OWNERS = {IN_ORDER: (0, 0, 1, 1), SWAPPED: (1, 1, 0, 0)}
RIGHT = {IN_ORDER: (0, 1, 0, 3), SWAPPED: (2, 1, 2, 3)}
"""Accepted the other way round, the near copy is row 0 and its original, row 2, stays canonical."""
COPY = {IN_ORDER: ((1, 0), (0, 0)), SWAPPED: ((0, 0), (1, 0))}
"""The copy and its original: which accepted contribution, which record."""


@pytest.mark.parametrize("accepted", [IN_ORDER, SWAPPED])
def test_a_right_index_stands(machine_type: Any, accepted: tuple[int, int]) -> None:
    scene = RecordScene(machine_type, SKETCHES, accepted, rows_of(RIGHT[accepted], OWNERS[accepted]))
    copy, original = (scene.record(*each) for each in COPY[accepted])
    failed = interface.CHALLENGE_FAILED(copy.canonical_index, copy.canonical_index).data
    assert scene.convicts("challengeDuplicate", copy, original) == failed


@pytest.mark.parametrize("accepted", [IN_ORDER, SWAPPED])
def test_a_duplicate_that_was_kept_voids_the_index(machine_type: Any, accepted: tuple[int, int]) -> None:
    scene = RecordScene(machine_type, SKETCHES, accepted, rows_of(range(4), OWNERS[accepted]))
    copy, original = (scene.record(*each) for each in COPY[accepted])
    assert scene.convicts("challengeDuplicate", copy, original) is None


def test_the_original_cannot_be_said_to_be_the_copy(machine_type: Any) -> None:
    scene = RecordScene(machine_type, SKETCHES, SWAPPED, rows_of(range(4), OWNERS[SWAPPED]))
    copy, original = (scene.record(*each) for each in COPY[SWAPPED])
    failed = interface.CHALLENGE_FAILED(2, 2).data
    assert scene.convicts("challengeDuplicate", original, copy) == failed


@pytest.mark.parametrize(
    ("canonical", "dropped", "reason"),
    [
        ((0, 0, 0, 3), (0, 1), "not similar"),
        ((2, 1, 2, 3), (0, 0), "not earlier"),
        ((0, 1, 0, 0), (1, 1), "a zero sketch is like zero ones only"),
    ],
)
def test_a_record_that_was_dropped_voids_the_index(
    machine_type: Any, canonical: tuple[int, ...], dropped: tuple[int, int], reason: str
) -> None:
    scene = RecordScene(machine_type, SKETCHES, IN_ORDER, rows_of(canonical, OWNERS[IN_ORDER]))
    record = scene.record(*dropped)
    other = scene.record(*divmod(record.canonical_index, 2))
    assert scene.convicts("challengeDuplicate", record, other) is None, reason


def test_dropped_for_one_that_is_not_canonical_itself(machine_type: Any) -> None:
    sketches = ((A, A), (A, B))
    scene = RecordScene(machine_type, sketches, IN_ORDER, rows_of((0, 0, 1, 3), OWNERS[IN_ORDER]))
    assert scene.convicts("challengeDuplicate", scene.record(1, 0), scene.record(0, 1)) is None


@pytest.mark.parametrize(("rows", "is_void"), [(3, True), (4, False), (5, True)])
def test_rows_are_as_many_as_records(machine_type: Any, rows: int, is_void: bool) -> None:
    canonical, owners = range(rows), (0, 0, 1, 1, 1)[:rows]
    scene = RecordScene(machine_type, SKETCHES, IN_ORDER, rows_of(canonical, owners))
    failed = None if is_void else interface.CHALLENGE_FAILED(4, 4).data
    assert scene.convicts("challengeCount") == failed


def test_what_is_not_shown_convicts_nobody(machine_type: Any) -> None:
    scene = RecordScene(machine_type, SKETCHES, IN_ORDER, rows_of(range(4), OWNERS[IN_ORDER]))
    copy, original = scene.record(1, 0), scene.record(0, 0)
    bad_record = interface.INVALID_PROOF(b"record").data
    scene.commit_to(scene.stranger)
    forged: list[tuple[dict[str, Any], bytes]] = [
        ({"sketch": A}, bad_record),
        ({"contribution_id": 99}, bad_record),
        ({"contribution_id": original.contribution_id}, bad_record),
        ({"first_record": 0}, bad_record),
        ({"record_index": 1}, bad_record),
        ({"position": 2}, bad_record),
        ({"contribution_proof": ()}, bad_record),
        ({"source": 1}, INVALID_ARGUMENT(b"source").data),
        ({"canonical_index": 0}, interface.INVALID_PROOF(b"row").data),
        ({"row_proof": copy.row_proof[1:]}, interface.INVALID_PROOF(b"row").data),
    ]
    scene.commit_to()
    name = "challengeDuplicate"
    for changes, expected in forged:
        arguments = (scene.index_id, b"\x11" * 32, replace(copy, **changes), original)

        assert scene.refuse(scene.validator, ATTRIBUTION, name, *arguments) == expected, changes


def test_a_record_beside_the_one_it_was_dropped_for_decides_nothing(machine_type: Any) -> None:
    scene = RecordScene(machine_type, SKETCHES, IN_ORDER, rows_of(RIGHT[IN_ORDER], OWNERS[IN_ORDER]))
    refused = scene.convicts("challengeDuplicate", scene.record(1, 0), scene.record(0, 1))
    assert refused == INVALID_ARGUMENT(b"other").data


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(-127, 127), st.integers(-127, 127)), min_size=1, max_size=8))
def test_similar_is_the_cosine(pairs: list[tuple[int, int]]) -> None:
    a, b = (bytes(pair[i] % 256 for pair in pairs) for i in (0, 1))
    dot = sum(x * y for x, y in pairs)
    norms = sum(x * x for x, _ in pairs) * sum(y * y for _, y in pairs)
    if norms == 0:
        assert similar(a, b, 990_000) == (not any(a) and not any(b))
    else:
        exact = dot >= 0 and dot * dot * PPM * PPM >= 990_000**2 * norms
        assert similar(a, b, 990_000) == similar(b, a, 990_000) == exact
    assert not similar(a, b + b"\1", 1)
