"""Whom a row is credited with: its record's contributor or a drawn parent's, alike on both machines."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from genesis.addresses import ATTRIBUTION, DATANET_REGISTRY, MODEL_REGISTRY
from genesis.commitments import record_leaf
from genesis.parents import MAXIMUM_PARENTS, ParentRecord, drawn_parent
from genesis.spec import DEV_L2_CHAIN_ID
from genesis.types import Hash32
from precompiles import attribution_interface as interface
from precompiles import datanet_interface
from precompiles.checks import INVALID_ARGUMENT
from precompiles.views.juries import RowLeaf
from precompiles.views.l1_block import RING_LENGTH
from tests.precompiles.calls import number, words
from tests.precompiles.evidence import Row, index_of_rows
from tests.precompiles.index_scene import IndexScene
from tests.precompiles.record_scene import RecordScene
from tests.precompiles.scene import HASH
from tests.precompiles.world import L1_BLOCK_TIME_S, MachineType, NativeMachine, TwinMachine

SKETCHES = ((bytes([100, 5]), bytes([2, 90])), (bytes([101, 5]), bytes([90, 90])), (bytes([3, 250]),))
"""Contribution 1 is of contributor 0, with rows 0 and 1; 2 of contributor 1, whose first record, row 2, is a
near copy of row 0; contribution 3 holds the derived record, row 4, of contributor 2."""
CANONICAL = (0, 1, 0, 3, 4)
DERIVED = (2, 0)
FIRST, SECOND = ParentRecord(1, 1).word, ParentRecord(2, 1).word
NO_ROW = RowLeaf(0, 0, 0, 0, Hash32(bytes(32)), ())


@pytest.fixture(params=[NativeMachine, TwinMachine])
def machine_type(request: pytest.FixtureRequest) -> Any:
    return request.param


ALL = (0, 1, 2)


def rows_of(owners: Sequence[int], canonical: Sequence[int]) -> list[Row]:
    return [
        Row(owner, place, 0, (100 + i, 7))
        for i, (owner, place) in enumerate(zip(owners, canonical, strict=True))
    ]


class ParentScene(RecordScene):
    """The derived record lists `parents`; a model of the contributions `accepted`, whose last row it is."""

    def __init__(
        self,
        machine_type: MachineType,
        parents: Sequence[Hash32],
        content: Hash32 = HASH,
        accepted: Sequence[int] = ALL,
    ) -> None:
        self.listed = tuple(parents)
        self.owners = [given for given in accepted for _ in SKETCHES[given]]
        self.canonical = CANONICAL if accepted == ALL else range(len(self.owners))
        rows = rows_of(self.owners, self.canonical)
        super().__init__(machine_type, SKETCHES, accepted, rows, content, {DERIVED: self.listed})

    def draw(self) -> Hash32:
        """Keep the derived contribution's randomness."""
        self.wait(L1_BLOCK_TIME_S * self.policy.jury_delay_blocks)
        outcome = self.do(self.stranger, DATANET_REGISTRY, "drawParents", self.given[2].id)
        assert outcome.data is not None
        return Hash32(outcome.data)

    def credit(self, creditor: int) -> None:
        """Commit an index that credits the derived record's row so."""
        owners = (*self.owners[:-1], creditor)
        self.commit_rows(index_of_rows(self.contributors, rows_of(owners, self.canonical)))

    def owner_challenge(self, parent: int | None = None) -> tuple[Any, ...]:
        """Arguments of `challengeOwner` for the derived record's row, with a parent's row."""
        record = self.record(len(self.order) - 1, 0)
        shown = NO_ROW if parent is None else self.row_leaf(parent)
        return (record, self.listed, shown, *self.credited(record.contributor_index))

    def outcome(self, creditor: int, parent: int | None = None) -> bytes | None:
        """What becomes of an index that credits so: None if it is void."""
        self.wait(60)
        self.credit(creditor)
        return self.convicts("challengeOwner", *self.owner_challenge(parent))


@cache
def content_for(parents: tuple[Hash32, ...], wanted: Hash32 | None, accepted: tuple[int, ...]) -> Hash32:
    """A record's content hash for which the draw among its parents is `wanted`."""
    scene = ParentScene(NativeMachine, parents, accepted=accepted)
    randomness = scene.draw()
    for salt in range(10_000):
        content = Hash32(salt.to_bytes(32, "big"))
        leaf = record_leaf(
            chain_id=DEV_L2_CHAIN_ID,
            datanet_id=scene.datanet_id,
            index=0,
            content_hash=content,
            sketch=SKETCHES[2][0],
            contributor=scene.contributors[2],
            parents=parents,
        )
        if drawn_parent(randomness, leaf, parents) == wanted:
            return content
    raise AssertionError("never drawn")


def scene_drawing(
    machine_type: MachineType,
    parents: Sequence[Hash32],
    wanted: Hash32 | None,
    accepted: tuple[int, ...] = ALL,
) -> ParentScene:
    """The derived record's draw is made, and is `wanted`."""
    listed = tuple(parents)
    scene = ParentScene(machine_type, listed, content_for(listed, wanted, accepted), accepted)
    assert drawn_parent(scene.draw(), scene.given[2].leaves[0], listed) == wanted
    return scene


class TwoDatanets(RecordScene):
    """The derived record is in a second Datanet; the model is of that, or of both."""

    def __init__(self, machine_type: MachineType, content: Hash32, is_of_both: bool) -> None:
        owners = (0, 0, 1, 1)
        super().__init__(machine_type, SKETCHES[:2], (0, 1), rows_of(owners, CANONICAL[:4]), content)
        first, self.datanet_id = self.datanet_id, self.datanet()
        sketches = (SKETCHES[2][0], bytes([9, 1]), bytes([1, 9]))
        derived = self._give(self.contributors[2], sketches, [(SECOND,), (), ()])
        self.do(self.owner, DATANET_REGISTRY, "review", derived.id, True, 1)
        self.do(self.owner, DATANET_REGISTRY, "publishVersion", self.datanet_id)
        self.wait(L1_BLOCK_TIME_S * self.policy.jury_delay_blocks)
        drawn = self.do(self.stranger, DATANET_REGISTRY, "drawParents", derived.id)
        assert drawn.data is not None
        self.is_drawn = drawn_parent(Hash32(drawn.data), derived.leaves[0], (SECOND,)) == SECOND
        self.order = [derived]
        sources = [first, self.datanet_id] if is_of_both else [self.datanet_id]
        arguments = (HASH, 0, HASH, sources, [1] * len(sources), b"")
        self.model_id = number(self.do(self.owner, MODEL_REGISTRY, "registerModel", *arguments))
        self.owners, self.source = (owners if is_of_both else ()), len(sources) - 1

    def outcome(self, creditor: int) -> bytes | None:
        """What becomes of an index that credits the derived record's row so."""
        self.wait(60)
        place = len(self.owners)
        canonical = (*CANONICAL[:place], place, place + 1, place + 2)
        owners = (*self.owners, creditor, 2, 2)
        self.commit_rows(index_of_rows(self.contributors, rows_of(owners, canonical)))
        row = self.row_leaf(place)
        record = replace(
            self.record(0, 0),
            source=self.source,
            canonical_index=place,
            contributor_index=creditor,
            row_root=row.row_root,
            row_proof=row.proof,
        )
        shown = self.row_leaf(3) if place else NO_ROW
        return self.convicts("challengeOwner", record, (SECOND,), shown, *self.credited(creditor))


def failed(creditor: int) -> bytes:
    return interface.CHALLENGE_FAILED(creditor, creditor).data


@pytest.mark.parametrize(("creditor", "is_void"), [(2, False), (0, True), (1, True)])
def test_a_record_without_parents_is_its_contributors(
    machine_type: Any, creditor: int, is_void: bool
) -> None:
    scene = ParentScene(machine_type, ())
    assert scene.outcome(creditor) == (None if is_void else failed(creditor))


@pytest.mark.parametrize(
    ("wanted", "parent", "owner"),
    [(None, None, 2), (FIRST, 1, 0), (SECOND, 3, 1)],
    ids=["own", "first", "second"],
)
def test_a_derived_record_is_whose_was_drawn(
    machine_type: Any, wanted: Hash32 | None, parent: int | None, owner: int
) -> None:
    scene = scene_drawing(machine_type, (FIRST, SECOND), wanted)
    for creditor in (0, 1, 2):
        assert scene.outcome(creditor, parent) == (failed(owner) if creditor == owner else None)


DO_NOT_COUNT: Mapping[str, Hash32] = {
    "a duplicate of another": ParentRecord(2, 0).word,
    "beyond its contribution": ParentRecord(1, 2).word,
    "of no contribution": ParentRecord(9, 0).word,
    "its own contribution": ParentRecord(3, 0).word,
    "no record's number": Hash32(b"\xff" * 32),
}


@pytest.mark.parametrize("named", DO_NOT_COUNT.values(), ids=DO_NOT_COUNT)
def test_a_parent_that_does_not_count_has_no_part(machine_type: Any, named: Hash32) -> None:
    scene = scene_drawing(machine_type, (named,), named)
    copy = 2 if named == DO_NOT_COUNT["a duplicate of another"] else None
    assert scene.outcome(2, copy) == failed(2)
    assert scene.outcome(1, copy) is None


def test_a_copy_cannot_be_shown_as_canonical(machine_type: Any) -> None:
    copy = DO_NOT_COUNT["a duplicate of another"]
    scene = scene_drawing(machine_type, (copy,), copy)
    scene.credit(2)
    record, parents, shown, *credited = scene.owner_challenge(2)
    forged = replace(shown, canonical_index=2)
    refused = scene.convicts("challengeOwner", record, parents, forged, *credited)
    assert refused == interface.INVALID_PROOF(b"row").data


@pytest.mark.parametrize("is_accepted_later", [False, True])
def test_a_parent_outside_of_the_version_has_no_part(machine_type: Any, is_accepted_later: bool) -> None:
    scene = scene_drawing(machine_type, (SECOND,), SECOND, (0, 2))
    if is_accepted_later:
        scene.do(scene.owner, DATANET_REGISTRY, "review", scene.given[1].id, True, 1)
        scene.do(scene.owner, DATANET_REGISTRY, "publishVersion", scene.datanet_id)
    assert scene.outcome(2) == failed(2)
    assert scene.outcome(1) is None


@pytest.mark.parametrize("is_of_both", [False, True])
def test_a_parent_in_another_datanet_counts_if_the_model_is_of_it_too(
    machine_type: Any, is_of_both: bool
) -> None:
    contents = (Hash32(bytes([salt]) * 32) for salt in range(64))
    scene = next(
        scene for each in contents if (scene := TwoDatanets(machine_type, each, is_of_both)).is_drawn
    )
    owner = 1 if is_of_both else 2
    for creditor in (1, 2):
        assert scene.outcome(creditor) == (failed(owner) if creditor == owner else None)


def test_who_leaves_a_parent_out_convicts_nobody(machine_type: Any) -> None:
    scene = scene_drawing(machine_type, (FIRST, SECOND), SECOND)
    scene.credit(1)
    record, _, shown, *credited = scene.owner_challenge(3)
    scene.commit_to()
    bad_list = interface.INVALID_PROOF(b"parents").data
    too_many = INVALID_ARGUMENT(b"parents").data
    wrong: list[tuple[tuple[Hash32, ...], RowLeaf, bytes]] = [
        ((), shown, bad_list),
        ((FIRST,), shown, bad_list),
        ((SECOND, FIRST), shown, bad_list),
        ((FIRST, SECOND, SECOND), shown, bad_list),
        ((FIRST,) * (MAXIMUM_PARENTS + 1), shown, too_many),
        ((FIRST, SECOND), scene.row_leaf(1), INVALID_ARGUMENT(b"parent").data),
        ((FIRST, SECOND), NO_ROW, INVALID_ARGUMENT(b"parent").data),
        ((FIRST, SECOND), replace(shown, canonical_index=0), interface.INVALID_PROOF(b"row").data),
        ((FIRST, SECOND), replace(shown, proof=shown.proof[1:]), interface.INVALID_PROOF(b"row").data),
    ]
    for parents, parent, expected in wrong:
        arguments = (scene.index_id, HASH, record, parents, parent, *credited)
        assert scene.refuse(scene.validator, ATTRIBUTION, "challengeOwner", *arguments) == expected
    assert scene.status() == 1


def test_a_list_beyond_the_bound_is_refused_even_if_it_is_the_records(machine_type: Any) -> None:
    scene = ParentScene(machine_type, [ParentRecord(1, i).word for i in range(MAXIMUM_PARENTS + 1)])
    assert scene.outcome(0) == INVALID_ARGUMENT(b"parents").data


@pytest.mark.parametrize("creditor", [0, 1, 2])
def test_before_the_draw_no_credit_is_right(machine_type: Any, creditor: int) -> None:
    scene = ParentScene(machine_type, (FIRST, SECOND))
    assert scene.outcome(creditor) is None


def test_parents_of_parents_have_no_part(machine_type: Any) -> None:
    """The parent's row may be anybody's: the derived one is its contributor's."""
    scene = scene_drawing(machine_type, (SECOND,), SECOND)
    scene.owners = [0, 0, 1, 0, 2]
    scene.credit(1)
    assert scene.convicts("challengeOwner", *scene.owner_challenge(3)) == failed(1)


# --- The draw's randomness --------------------------------------------------------------------------------


def acceptance(scene: IndexScene, contribution_id: int) -> list[int]:
    return scene.fields(DATANET_REGISTRY, "getAcceptance", contribution_id)


def test_the_randomness_is_kept_once_its_block_is_there(machine_type: Any) -> None:
    scene = ParentScene(machine_type, (FIRST,))
    derived = scene.given[2].id
    position, first_record, origin, randomness = acceptance(scene, derived)
    assert (position, first_record, randomness) == (2, 4, 0)
    refused = scene.refuse(scene.stranger, DATANET_REGISTRY, "drawParents", derived)
    assert refused == datanet_interface.NOT_DUE_YET(origin).data
    found = scene.draw()
    assert any(found)
    assert acceptance(scene, derived) == [2, 4, origin, int.from_bytes(found, "big")]
    scene.wait(L1_BLOCK_TIME_S * RING_LENGTH)
    again = scene.do(scene.owner, DATANET_REGISTRY, "drawParents", derived)
    assert (again.data, again.logs) == (found, ())


def test_randomness_that_nobody_kept_in_time_is_drawn_again(machine_type: Any) -> None:
    scene = ParentScene(machine_type, (FIRST,))
    derived = scene.given[2].id
    origin = acceptance(scene, derived)[2]
    scene.wait(L1_BLOCK_TIME_S * (RING_LENGTH + 2))
    lost = scene.do(scene.stranger, DATANET_REGISTRY, "drawParents", derived)
    assert words(lost) == [0]
    awaited = acceptance(scene, derived)[2]
    assert awaited > origin + RING_LENGTH
    assert any(scene.draw())


def test_only_accepted_contributions_are_drawn_for(machine_type: Any) -> None:
    scene = IndexScene(machine_type, [Row(0, 0, 0, (100, 7))])
    waiting = scene.contribution(scene.datanet(), scene.contributors[0], [HASH])
    for name in ("drawParents", "getAcceptance"):
        assert (
            scene.refuse(scene.stranger, DATANET_REGISTRY, name, waiting)
            == datanet_interface.WRONG_STATUS(2).data
        )
        assert (
            scene.refuse(scene.stranger, DATANET_REGISTRY, name, 99)
            == datanet_interface.CONTRIBUTION_NOT_FOUND(99).data
        )
