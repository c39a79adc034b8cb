"""What the records that a settlement's answers used are to get, by Datanet version and contributor.

Provider and customer compute it from the same citations, so that one can ask and the other check: a receipt's
part is its fee's share of what the policy lets retrieved records have, split by the citations' weights. What
division leaves over stays in the model's pool.

Covered: parts, trees, proofs. Not covered: signatures (`client.vouchers`), what the chain allows
(`gateway.retrieval_pay`). Source: `docs/decisions/0014`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import (
    KIND_RETRIEVAL,
    SumNode,
    address_word,
    sum_leaf,
    sum_proof,
    sum_tree_id,
    sum_tree_layers,
)
from genesis.policy import Policy
from genesis.shares import PPM, SplitRule, split_fee
from genesis.typed_data import RetrievalShare
from genesis.types import Address, Hash32

MOST_SHARES = 16
"""Datanet versions that one settlement can pay; those with the most are taken."""


@dataclass(frozen=True, slots=True)
class Cited:
    """Whose records of one Datanet version an answer used; weights are parts per million."""

    datanet_id: int
    version: int
    weights: tuple[tuple[Address, int], ...]

    @classmethod
    def of(cls, paid: Mapping[str, Any]) -> "Cited | None":
        """What an answer's `x_openledger` cites; None when nothing."""
        if not paid.get("citations"):
            return None
        said = paid["retrieval"]
        weights = tuple(
            (Address(bytes.fromhex(each["contributor"][2:])), int(each["weightPpm"]))
            for each in paid["citations"]
        )
        return cls(int(said["datanet"]), int(said["version"]), weights)


@dataclass(frozen=True, slots=True)
class Bought:
    """One receipt: its fee, and what its answer cited."""

    fee_wei: int
    cited: Cited | None


@dataclass(frozen=True, slots=True)
class Span:
    """The receipts of a channel that are settled together."""

    chain_id: int
    channel_id: Hash32
    first_receipt: int
    receipt_count: int


@dataclass(frozen=True, slots=True)
class SharedLeaves:
    """What each contributor of a Datanet version gets, ascending by address."""

    datanet_id: int
    version: int
    leaves: tuple[tuple[Address, int], ...]

    @property
    def amount_wei(self) -> int:
        return sum(amount_wei for _, amount_wei in self.leaves)

    def layers(self, span: Span) -> list[list[SumNode]]:
        """The Merkle-sum tree over the leaves."""
        tree_id = sum_tree_id(
            KIND_RETRIEVAL,
            span.chain_id,
            INFERENCE_METERING,
            int.from_bytes(span.channel_id, "big"),
            span.first_receipt,
            span.receipt_count,
            self.datanet_id,
            self.version,
        )
        leaves = enumerate(self.leaves)
        return sum_tree_layers([sum_leaf(tree_id, i, address_word(who), wei) for i, (who, wei) in leaves])

    def share(self, span: Span) -> RetrievalShare:
        """What is signed of it, and settled."""
        root = self.layers(span)[-1][0]
        return RetrievalShare(self.datanet_id, self.version, len(self.leaves), root.hash, root.sum)

    def path(self, span: Span, place: int) -> tuple[list[Hash32], list[int]]:
        """Siblings and their sums of one leaf, as `claimRetrieval` takes them."""
        siblings = sum_proof(self.layers(span), place)
        return [each.hash for each in siblings], [each.sum for each in siblings]


def retrieval_limit_wei(gross_wei: int, policy: Policy, has_parent: bool) -> int:
    """The most that retrieved records can get of receipts that cost so much together."""
    rule = SplitRule(policy.platform_ppm, policy.provider_ppm, policy.owner_ppm, policy.stakers_ppm)
    pool_wei = split_fee(gross_wei, rule).contributors_wei
    if has_parent:
        pool_wei -= pool_wei * policy.parent_share_ppm // PPM
    return pool_wei * policy.retrieval_ppm // PPM


def shared_leaves(
    bought: Sequence[Bought], limit_wei: int, allowed: Collection[int]
) -> tuple[SharedLeaves, ...]:
    """What is due for the receipts settled together to records of the Datanets that are `allowed`."""
    gross_wei = sum(each.fee_wei for each in bought)
    due_wei: dict[tuple[int, int], dict[Address, int]] = defaultdict(lambda: defaultdict(int))
    for each in bought:
        if each.cited is None or each.cited.datanet_id not in allowed or not each.fee_wei:
            continue
        part_wei = limit_wei * each.fee_wei // gross_wei
        for contributor, weight_ppm in each.cited.weights:
            key = (each.cited.datanet_id, each.cited.version)
            due_wei[key][contributor] += part_wei * weight_ppm // PPM
    found = [SharedLeaves(*key, tuple(sorted(_positive(amounts)))) for key, amounts in due_wei.items()]
    found = sorted((each for each in found if each.leaves), key=lambda each: -each.amount_wei)
    return tuple(sorted(found[:MOST_SHARES], key=lambda each: (each.datanet_id, each.version)))


def _positive(amounts: Mapping[Address, int]) -> list[tuple[Address, int]]:
    return [(contributor, amount_wei) for contributor, amount_wei in amounts.items() if amount_wei]
