"""What a random user base remembers, and the small draws that all its members share."""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from genesis.addresses import (
    ATTRIBUTION,
    INFERENCE_METERING,
    POLICY,
    PRECOMPILES,
    TREASURY,
)
from genesis.policy import DEV_POLICY, Policy
from genesis.types import Address, Hash32
from precompiles.table import CONTRACTS
from tests.precompiles.batches import Batch, Receipt
from tests.precompiles.calls import Account, call, number, words
from tests.precompiles.evidence import (
    Index,
    Posted,
    Tree,
)
from tests.precompiles.world import Call, Machine, Outcome

TEST_POLICY = replace(
    DEV_POLICY,
    reveal_delay_blocks=1,
    index_window_s=2,
    post_window_s=12,
    post_delay_s=4,
    challenge_reveal_s=10,
    close_delay_s=6,
    unbonding_s=60,
    jury_commit_s=4,
    jury_reveal_s=4,
    jury_delay_blocks=1,
    audit_ppm=500_000,
    demand_window_s=10,
    rollover_limit=2,
    request_window_s=2,
    maximum_share_ppm=700_000,
    significance_ppm=10_000,
)
ODD_WORDS = (0, 1, 31, 32, 2**64 - 1, 2**64, 2**128, 2**160, 2**255 - 1, 2**255, 2**256 - 32, 2**256 - 1)

Learn = Callable[[Outcome], None]
Chosen = tuple[int, Address, Hash32, Posted]
"""A post, a challenger, its salt, and what is behind the post's roots."""


@dataclass
class Channel:
    """What the parties of a channel know."""

    id: Hash32
    payer: Account
    provider: Account
    key: Account
    index_id: int
    prices: tuple[int, int]
    receipts: tuple[Receipt, ...] = ()


@dataclass
class Contribution:
    """What a contributor knows."""

    id: int
    datanet_id: int
    owner: Account
    leaves: list[Hash32]
    commit_block: int
    position: int = 0
    first_record: int = 0


def nothing(_: Outcome) -> None:
    """Nothing to learn."""


class Memory:
    """State of the user base; `learn` is told what the last call brought about."""

    def __init__(self, seed: int, machine: Machine, policy: Policy = TEST_POLICY) -> None:
        self.random = random.Random(seed)
        self.machine = machine
        self.policy = policy
        self.accounts = [Account(i) for i in range(1, 7)]
        self.datanets: dict[int, Account] = {}
        self.contributions: dict[int, Contribution] = {}
        self.accepted: dict[int, list[Contribution]] = {}
        self.versions: list[tuple[int, int, int]] = []
        self.models: dict[int, Account] = {}
        self.indexes: dict[int, Index] = {}
        self.index_of_model: dict[int, int] = {}
        self.channels: list[Channel] = []
        self.settlements: dict[int, Channel] = {}
        self.batches: dict[int, Batch] = {}
        self.consents: dict[int, set[int]] = {}
        self.retrievals: dict[int, tuple[int, int, Tree]] = {}
        self.demands: list[tuple[int, bytes]] = []
        self.tallies: list[tuple[bytes, bytes]] = []
        self.index_salts: dict[tuple[int, Address], Hash32] = {}
        self.games: list[int] = []
        self.partials: dict[int, list[int]] = {}
        self.jury_cases: list[int] = []
        self.jury_votes: dict[tuple[int, int, Address], tuple[int, bytes, Hash32]] = {}
        self.requests: dict[int, tuple[Account, Account]] = {}
        self.posts: dict[int, Posted] = {}
        self.contested: list[Any] = []
        self.salts: dict[tuple[int, Address], Hash32] = {}
        self.proved: set[tuple[int, Address]] = set()
        self._challenging = (0, TREASURY)
        self._learn: Learn = nothing
        self._follow_up: list[Callable[[], Call]] = []

    def learn(self, outcome: Outcome) -> None:
        """Remember what the last call brought about."""
        if outcome.succeeded:
            self._learn(outcome)

    def _account(self) -> Account:
        return self.random.choice(self.accounts)

    def _hash(self) -> Hash32:
        return Hash32(self.random.randbytes(32))

    def _text(self) -> bytes:
        return b"sha256:" + b"x" * self.random.choice((0, 24, 25, 26, 64))

    def _some(self, known: Any, otherwise: int = 1) -> int:
        """A known id, rarely an unknown one."""
        if not known or self.random.random() < 0.03:
            return self.random.choice((0, otherwise, 99, 2**256 - 1))
        return int(self.random.choice(list(known)[-4:]))

    def _read(self, name: str, *arguments: Any) -> int:
        return number(self.machine.call(call(TREASURY, ATTRIBUTION, name, *arguments)))

    def _settlement_word(self, settlement_id: int, field: int) -> int:
        reading = call(TREASURY, INFERENCE_METERING, "getSettlement", settlement_id)
        return words(self.machine.call(reading))[field]

    def _version_parameter(self, name: str) -> int:
        version = number(self.machine.call(call(TREASURY, POLICY, "currentVersion")))
        values = words(self.machine.call(call(TREASURY, POLICY, "getParameters", version)))
        return values[list(Policy.__dataclass_fields__).index(name)]

    def _garbage(self) -> Call:
        target = self.random.choice(PRECOMPILES)
        found = self.random.choice(CONTRACTS[target].methods)
        size = self.random.choice((0, 3, 32, 64, 320, 640))
        head = self.random.choice((found.selector, found.selector, b"", b"\1\2\3\4"))
        value = self.random.choice((0, 0, 1))
        return Call(self._account().address, target, head + self.random.randbytes(size), value)
