"""Datanets: who may contribute and review, what a version proves, when a bond comes back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.addresses import DATANET_REGISTRY
from genesis.commitments import contribution_leaf, merkle_layers, merkle_proof, merkle_root
from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles import datanet_interface as law
from precompiles.checks import INVALID_ARGUMENT
from tests.precompiles.calls import Account, event, number, words
from tests.precompiles.scene import HASH, Scene
from tests.precompiles.world import NativeMachine, TwinMachine


@pytest.fixture(params=[NativeMachine, TwinMachine])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene(machine_type=request.param)


def contribute_arguments(datanet_id: int) -> tuple[int, Hash32, int, int]:
    return datanet_id, HASH, 2, 1_000


def leaves(count: int, seed: int = 0) -> list[Hash32]:
    return [keccak256(bytes((seed, i))) for i in range(count)]


def accepted(scene: Scene, datanet_id: int, sizes: list[int]) -> list[tuple[int, list[Hash32], Hash32]]:
    """Accepted contributions as (id, record leaves, tree leaf)."""
    result = []
    first_record = 0
    for i, size in enumerate(sizes):
        records = leaves(size, i)
        commit_block = scene.machine.moment.block_number
        contribution_id = scene.contribution(datanet_id, scene.contributors[i % 3], records)
        scene.do(scene.owner, DATANET_REGISTRY, "review", contribution_id, True, 1)
        leaf = contribution_leaf(
            contribution_id=contribution_id,
            contributor=scene.contributors[i % 3],
            root=merkle_root(records),
            records=size,
            first_record=first_record,
            commit_block=commit_block,
        )
        result.append((contribution_id, records, leaf))
        first_record += size
    return result


def test_ids_count_from_one(scene: Scene) -> None:
    assert [scene.datanet(), scene.datanet()] == [1, 2]
    owner = int.from_bytes(scene.owner.address, "big")
    expected = [owner, int.from_bytes(HASH, "big"), int.from_bytes(HASH, "big"), 0, 0, 0, 0, 0, 0]
    assert scene.fields(DATANET_REGISTRY, "getDatanet", 2) == expected
    for unknown in (0, 3):
        refused = scene.refuse(scene.owner, DATANET_REGISTRY, "getDatanet", unknown)
        assert refused == law.DATANET_NOT_FOUND(unknown).data


@pytest.mark.parametrize(
    ("position", "value", "name"),
    [
        (0, b"", b"name"),
        (0, b"n" * 2_049, b"name"),
        (1, b"u" * 2_049, b"metadataUri"),
        (4, 3, b"admission"),
        (5, 3, b"usage"),
    ],
)
def test_a_datanet_has_rules(scene: Scene, position: int, value: object, name: bytes) -> None:
    arguments = [b"digits", b"uri", HASH, HASH, 0, 0]
    arguments[position] = value
    refused = scene.refuse(scene.owner, DATANET_REGISTRY, "createDatanet", *arguments)
    assert refused == INVALID_ARGUMENT(name).data


def test_a_contribution_costs_the_bond(scene: Scene) -> None:
    datanet_id = scene.datanet()
    bond = scene.policy.contribution_bond_wei
    arguments = contribute_arguments(datanet_id)
    for value in (0, bond - 1, bond + 1):
        refused = scene.refuse(scene.payer, DATANET_REGISTRY, "contribute", *arguments, value_wei=value)
        assert refused == law.WRONG_BOND(bond, value).data
    scene.do(scene.payer, DATANET_REGISTRY, "contribute", *arguments, value_wei=bond)
    assert scene.machine.balance(DATANET_REGISTRY) == bond


@pytest.mark.parametrize(
    ("position", "value", "name"),
    [
        (1, Hash32(bytes(32)), b"root"),
        (2, 0, b"records"),
        (2, 2**32 + 1, b"records"),
        (3, 0, b"sizeBytes"),
        (3, 2**64 + 1, b"sizeBytes"),
    ],
)
def test_a_contribution_has_rules(scene: Scene, position: int, value: object, name: bytes) -> None:
    arguments = list(contribute_arguments(scene.datanet()))
    arguments[position] = value
    bond = scene.policy.contribution_bond_wei
    refused = scene.refuse(scene.payer, DATANET_REGISTRY, "contribute", *arguments, value_wei=bond)
    assert refused == INVALID_ARGUMENT(name).data


def test_admission(scene: Scene) -> None:
    bond = scene.policy.contribution_bond_wei
    listed = scene.datanet(admission=1)
    curated = scene.datanet(admission=2)

    def attempt(sender: Account, datanet_id: int) -> bytes | None:
        arguments = contribute_arguments(datanet_id)
        outcome = scene.attempt(sender, DATANET_REGISTRY, "contribute", *arguments, value_wei=bond)
        return None if outcome.succeeded else outcome.data

    address = scene.payer.address
    assert attempt(scene.owner, listed) is None
    assert attempt(scene.owner, curated) is None
    assert attempt(scene.payer, listed) == law.NOT_CONTRIBUTOR(address).data
    assert attempt(scene.payer, curated) == law.NOT_CURATOR(address).data
    scene.do(scene.owner, DATANET_REGISTRY, "setContributor", listed, address, True)
    scene.do(scene.owner, DATANET_REGISTRY, "setCurator", curated, address, True)
    assert attempt(scene.payer, listed) is None
    assert attempt(scene.payer, curated) is None
    scene.do(scene.owner, DATANET_REGISTRY, "setContributor", listed, address, False)
    assert attempt(scene.payer, listed) == law.NOT_CONTRIBUTOR(address).data


def test_only_the_owner_rules_a_datanet(scene: Scene) -> None:
    datanet_id = scene.datanet()
    not_owner = law.NOT_OWNER(scene.payer.address).data
    for name, arguments in (
        ("setCurator", (datanet_id, scene.payer.address, True)),
        ("setContributor", (datanet_id, scene.payer.address, True)),
        ("publishVersion", (datanet_id,)),
    ):
        assert scene.refuse(scene.payer, DATANET_REGISTRY, name, *arguments) == not_owner


def test_content_is_revealed_later_and_once(scene: Scene) -> None:
    datanet_id = scene.datanet()
    bond = scene.policy.contribution_bond_wei
    arguments = contribute_arguments(datanet_id)
    outcome = scene.do(scene.payer, DATANET_REGISTRY, "contribute", *arguments, value_wei=bond)
    contribution_id = number(outcome)
    earliest = scene.machine.moment.block_number + scene.policy.reveal_delay_blocks
    refused = scene.refuse(scene.payer, DATANET_REGISTRY, "reveal", contribution_id, b"uri")
    assert refused == law.TOO_EARLY(earliest).data
    refused = scene.refuse(scene.owner, DATANET_REGISTRY, "reveal", contribution_id, b"uri")
    assert refused == law.NOT_CONTRIBUTOR(scene.owner.address).data
    refused = scene.refuse(scene.owner, DATANET_REGISTRY, "review", contribution_id, True, 1)
    assert refused == law.WRONG_STATUS(1).data
    scene.wait(1, scene.policy.reveal_delay_blocks)
    refused = scene.refuse(scene.payer, DATANET_REGISTRY, "reveal", contribution_id, b"")
    assert refused == INVALID_ARGUMENT(b"uri").data
    scene.do(scene.payer, DATANET_REGISTRY, "reveal", contribution_id, b"uri")
    refused = scene.refuse(scene.payer, DATANET_REGISTRY, "reveal", contribution_id, b"uri")
    assert refused == law.WRONG_STATUS(2).data


def test_curators_review_once(scene: Scene) -> None:
    datanet_id = scene.datanet()
    contribution_id = scene.contribution(datanet_id, scene.contributors[0], leaves(2))
    arguments = (contribution_id, True, 10_000)
    refused = scene.refuse(scene.payer, DATANET_REGISTRY, "review", *arguments)
    assert refused == law.NOT_CURATOR(scene.payer.address).data
    scene.do(scene.owner, DATANET_REGISTRY, "setCurator", datanet_id, scene.payer.address, True)
    assert scene.read(DATANET_REGISTRY, "isCurator", datanet_id, scene.payer.address) == 1
    refused = scene.refuse(scene.payer, DATANET_REGISTRY, "review", contribution_id, True, 10_001)
    assert refused == INVALID_ARGUMENT(b"quality").data
    scene.do(scene.payer, DATANET_REGISTRY, "review", *arguments)
    refused = scene.refuse(scene.payer, DATANET_REGISTRY, "review", *arguments)
    assert refused == law.WRONG_STATUS(3).data


@pytest.mark.parametrize("accept", [True, False])
def test_a_bond_returns_after_the_review_once(scene: Scene, accept: bool) -> None:
    contributor = scene.contributors[0]
    before = scene.machine.balance(contributor)
    contribution_id = scene.contribution(scene.datanet(), contributor, leaves(2))
    refused = scene.refuse(contributor, DATANET_REGISTRY, "withdrawBond", contribution_id)
    assert refused == law.WRONG_STATUS(2).data
    scene.do(scene.owner, DATANET_REGISTRY, "review", contribution_id, accept, 5)
    refused = scene.refuse(scene.payer, DATANET_REGISTRY, "withdrawBond", contribution_id)
    assert refused == law.NOT_CONTRIBUTOR(scene.payer.address).data
    scene.do(contributor, DATANET_REGISTRY, "withdrawBond", contribution_id)
    assert scene.machine.balance(contributor) == before
    refused = scene.refuse(contributor, DATANET_REGISTRY, "withdrawBond", contribution_id)
    assert refused == INVALID_ARGUMENT(b"bond").data


def test_a_version_freezes_what_was_accepted(scene: Scene) -> None:
    datanet_id = scene.datanet()
    refused = scene.refuse(scene.owner, DATANET_REGISTRY, "publishVersion", datanet_id)
    assert refused == INVALID_ARGUMENT(b"contributions").data
    first = accepted(scene, datanet_id, [2, 3, 1])
    outcome = scene.do(scene.owner, DATANET_REGISTRY, "publishVersion", datanet_id)
    root = merkle_root([leaf for _, _, leaf in first])
    assert words(outcome) == [1]
    assert outcome.logs[0][1][0] == event(DATANET_REGISTRY, "VersionPublished").topic
    block = scene.machine.moment.block_number
    version = [int.from_bytes(root, "big"), 3, 6, block]
    assert scene.fields(DATANET_REGISTRY, "getVersion", datanet_id, 1) == version
    accepted(scene, datanet_id, [1])
    scene.do(scene.owner, DATANET_REGISTRY, "publishVersion", datanet_id)
    assert scene.fields(DATANET_REGISTRY, "getVersion", datanet_id, 1) == version
    for unknown in (0, 3):
        refused = scene.refuse(scene.owner, DATANET_REGISTRY, "getVersion", datanet_id, unknown)
        assert refused == law.VERSION_NOT_FOUND(datanet_id, unknown).data


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 17))
def test_the_append_only_tree_is_the_padded_tree(count: int) -> None:
    scene = Scene()
    datanet_id = scene.datanet()
    for contributor in scene.contributors:
        scene.machine.fund(contributor, 10**20)
    tree = accepted(scene, datanet_id, [1] * count)
    scene.do(scene.owner, DATANET_REGISTRY, "publishVersion", datanet_id)
    root = merkle_root([leaf for _, _, leaf in tree])
    assert scene.fields(DATANET_REGISTRY, "getVersion", datanet_id, 1)[0] == int.from_bytes(root, "big")


def test_records_are_proved_by_two_paths(scene: Scene) -> None:
    datanet_id = scene.datanet()
    tree = accepted(scene, datanet_id, [2, 3, 1])
    scene.do(scene.owner, DATANET_REGISTRY, "publishVersion", datanet_id)
    contribution_id, records, _ = tree[1]
    path = merkle_proof(merkle_layers([leaf for _, _, leaf in tree]), 1)
    record_path = merkle_proof(merkle_layers(records), 2)
    good = (datanet_id, 1, 1, contribution_id, 2, path, records[2], 2, record_path)

    def verified(*arguments: object) -> int:
        return scene.read(DATANET_REGISTRY, "verifyRecord", *arguments)

    assert verified(*good) == 1
    wrong: dict[int, object] = {2: 0, 4: 3, 5: path[:-1], 6: records[1], 7: 1, 8: [HASH, *record_path[1:]]}
    for position, value in wrong.items():
        changed = [value if i == position else each for i, each in enumerate(good)]
        assert verified(*changed) == 0, position
    inner = merkle_layers(records)[1][1]
    assert verified(*good[:6], inner, 1, record_path[1:]) == 0
    padding = (*good[:6], Hash32(bytes(32)), 3, [records[2], record_path[1]])
    assert verified(*padding) == 0


def test_unknown_contributions(scene: Scene) -> None:
    missing = law.CONTRIBUTION_NOT_FOUND(9).data
    for name, arguments in (
        ("getContribution", (9,)),
        ("reveal", (9, b"uri")),
        ("review", (9, True, 1)),
        ("withdrawBond", (9,)),
    ):
        assert scene.refuse(scene.owner, DATANET_REGISTRY, name, *arguments) == missing
