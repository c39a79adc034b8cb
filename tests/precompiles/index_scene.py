"""A feature index with rows behind it, contested before it can be used."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from genesis.addresses import ATTRIBUTION, MODEL_REGISTRY
from genesis.commitments import SUM_BYTES, address_word, pack_vector, unpack_vector, word
from genesis.keccak import keccak256
from genesis.policy import Policy
from genesis.types import Hash32
from precompiles.views.attribution import INDEX_KEY
from tests.precompiles.calls import UNIT, Account, number
from tests.precompiles.evidence import Index, Row, index_of_rows
from tests.precompiles.scene import HASH, SCENE_POLICY, Scene
from tests.precompiles.world import MachineType

INDEX_POLICY = replace(SCENE_POLICY, index_window_s=20, challenge_reveal_s=10, demand_window_s=10)


class IndexScene(Scene):
    """A model of the owner, who has a provider's stake, and one index of `rows` right after its commit."""

    def __init__(
        self,
        machine_type: MachineType,
        rows: Sequence[Row],
        policy: Policy = INDEX_POLICY,
    ) -> None:
        super().__init__(policy, machine_type)
        self.stake(self.owner)
        arguments = (HASH, 0, HASH, (), (), b"uri")
        self.model_id = number(self.do(self.owner, MODEL_REGISTRY, "registerModel", *arguments))
        self.do(self.owner, MODEL_REGISTRY, "setPrice", self.model_id, UNIT, UNIT)
        self.index = index_of_rows(self.contributors, rows)

    def commit_rows(self, index: Index | None = None) -> int:
        """Commit the index, or a forged one."""
        self.index = index or self.index
        roots = (self.index.rows_root, self.index.sums_root, HASH, HASH)
        sizes = (len(self.index.rows), len(self.contributors), self.index.dimensions)
        arguments = (self.model_id, *roots, *sizes, b"")
        self.index_id = number(self.do(self.owner, MODEL_REGISTRY, "commitFeatureIndex", *arguments))
        return self.index_id

    def with_sum(self, contributor: int, coordinate: int, by: int) -> Index:
        """The index with one coordinate of one sum off, its norm following."""
        vectors = list(self.index.vectors)
        values = list(unpack_vector(vectors[contributor], SUM_BYTES))
        values[coordinate] += by
        vectors[contributor] = pack_vector(values, SUM_BYTES)
        norms = list(self.index.norms)
        norms[contributor] = sum(value * value for value in values)
        return replace(self.index, vectors=tuple(vectors), norms=tuple(norms))

    def commit_to(self, challenger: Account | None = None, salt: Hash32 = HASH) -> None:
        """Commit a challenge of the index."""
        sender = (challenger or self.validator).address
        commitment = keccak256(word(INDEX_KEY + self.index_id) + address_word(sender) + salt)
        bond_wei = self.policy.challenge_bond_wei
        arguments = (self.index_id, commitment)
        self.do(sender, ATTRIBUTION, "commitIndexChallenge", *arguments, value_wei=bond_wei)

    def norm_challenge(self, contributor: int) -> tuple[Any, ...]:
        evidence = self.index.evidence(contributor)
        return (self.index_id, HASH, contributor, self.contributors[contributor], evidence)

    def status(self) -> int:
        return self.read(ATTRIBUTION, "indexStatus", self.index_id)

    # --- Sum games ----------------------------------------------------------------------------------------

    def dispute(self, contributor: int, coordinate: int) -> int:
        evidence = self.index.evidence(contributor)
        arguments = (self.index_id, contributor, self.contributors[contributor], coordinate, evidence)
        bond_wei = self.policy.challenge_bond_wei
        outcome = self.do(self.validator, ATTRIBUTION, "openSumGame", *arguments, value_wei=bond_wei)
        return number(outcome)

    def game(self, game_id: int) -> list[int]:
        return self.fields(ATTRIBUTION, "getSumGame", game_id)

    def parts(self, game_id: int) -> list[tuple[int, int]]:
        """First row and number of rows of each part of the range in dispute."""
        first, count = self.game(game_id)[4:6]
        ways = min(16, count)
        ends = [count * i // ways for i in range(ways + 1)]
        return [(first + a, b - a) for a, b in pairwise(ends)]

    def true_partials(self, game_id: int) -> list[int]:
        _, contributor, coordinate = self.game(game_id)[:3]
        sums = [self.index.part(contributor, coordinate, *part) for part in self.parts(game_id)]
        return [value % 2**256 for value in sums]
