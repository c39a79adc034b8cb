"""What one suspects of a post or an index, and whether a challenge would prove it: pure, one place at a time.

Each function names a method of `IAttribution` with its evidence, or raises `UserError` saying that what is
suspected is right. The validator finds faults by itself (`check`, `index_check`, `record_check`); here a
person names the place.

Covered: every challenge that one transaction proves, and which sum a game is about. Not covered: games
over batch queries (`query_games`), cases before juries (`cases`), signed passages (`passages`).
Source: protocol, section 3 "Challenges".
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from genesis.addresses import INFERENCE_METERING
from genesis.commitments import (
    EMPTY_SUM_NODE,
    KIND_RECEIPTS,
    MAX_NORM_SQUARED,
    QUERY_BYTES,
    pack_vector,
    receipt_hash,
    sum_leaf,
    sum_proof,
    sum_tree_id,
    sum_tree_layers,
    tree_depth,
)
from genesis.shares import query_weight, receipt_fee
from genesis.types import Hash32
from openledger_node.errors import UserError
from openledger_node.validator.arguments import index_challenge
from openledger_node.validator.index_check import (
    IndexInputs,
    WrongNorm,
    WrongSum,
    partial_sums,
    row_evidence,
    rows_layers,
)
from openledger_node.validator.leaves import sum_evidence
from openledger_node.validator.query_games import query_evidence
from openledger_node.validator.record_check import committed_evidence, is_similar_to, owner_fault
from openledger_node.validator.records import Batch, PostInputs
from openledger_node.validator.sources import Sources
from precompiles.attribution_sketches import is_judged
from precompiles.views.disputes import ReceiptEvidence
from precompiles.views.metering import Channel
from workers.attribution.numerics import exact_norms_squared
from workers.datasets.kinds import content_of, sketch_of_record
from workers.integers import broken_rows


@dataclass(frozen=True, slots=True)
class Proof:
    """A method of `IAttribution`, what it takes after subject and salt, and what it shows, for people; with
    the verdict, where that says what is to be tallied first."""

    method: str
    evidence: tuple[Any, ...]
    shown: Mapping[str, Any]
    verdict: WrongNorm | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt by its contents or their hashes, as a customer or provider has them."""

    channel_id: Hash32
    number: int
    prompt_hash: Hash32
    output_hash: Hash32
    tokens_in: int
    tokens_out: int
    fee_wei: int

    @property
    def hash(self) -> Hash32:
        return receipt_hash(
            channel_id=self.channel_id,
            number=self.number,
            prompt_hash=self.prompt_hash,
            output_hash=self.output_hash,
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            fee_wei=self.fee_wei,
        )


# --- Of a post --------------------------------------------------------------------------------------------


def wrong_receipt(inputs: PostInputs, receipt: Receipt, channel: Channel) -> Proof:
    """A settled receipt whose fee is not its tokens' price, or not what was settled for it."""
    number, batch = _batch_of(inputs, receipt)
    evidence = _receipt_evidence(inputs.chain_id, batch, receipt)
    price_wei = receipt_fee(
        receipt.tokens_in, receipt.tokens_out, channel.input_price_wei, channel.output_price_wei
    )
    if evidence.fee_wei == evidence.amount_wei == price_wei:
        raise _right(f"receipt {receipt.number} costs what its tokens cost")
    shown = {"posted": evidence.amount_wei, "fee": evidence.fee_wei, "computed": price_wei}
    return Proof("challengeReceipt", (number, _values(evidence)), shown)


def wrong_weight(inputs: PostInputs, receipt: Receipt) -> Proof:
    """A query whose weight is not its receipt's net fee in units of 10^9 wei."""
    number, batch = _batch_of(inputs, receipt)
    evidence = _receipt_evidence(inputs.chain_id, batch, receipt)
    leaf = query_evidence(batch, receipt.number - batch.settlement.first_receipt)
    weight = query_weight(evidence.amount_wei, batch.policy.platform_ppm)
    if leaf.weight == weight:
        raise _right(f"the query of receipt {receipt.number} has its weight")
    shown = {"posted": leaf.weight, "computed": weight}
    return Proof("challengeWeight", (number, _values(leaf), _values(evidence)), shown)


def long_query(inputs: PostInputs, number: int, place: int) -> Proof:
    """A receipt's query that is longer than a query may be; `place` counts within the settlement."""
    batch = inputs.batches[_within(number, len(inputs.batches), "batch")]
    query = batch.queries[_within(place, len(batch.queries), "receipt of the batch")]
    norm_squared = sum(value * value for value in query.vector)
    if norm_squared <= MAX_NORM_SQUARED:
        raise _right(f"the query of receipt {query.number} is not too long")
    packed = pack_vector(query.vector, QUERY_BYTES)
    shown = {"posted": norm_squared, "most": MAX_NORM_SQUARED}
    return Proof("challengeQuery", (number, _values(query_evidence(batch, place)), packed), shown)


def _batch_of(inputs: PostInputs, receipt: Receipt) -> tuple[int, Batch]:
    for number, batch in enumerate(inputs.batches):
        settled = batch.settlement
        place = receipt.number - settled.first_receipt
        if settled.channel_id == receipt.channel_id and 0 <= place < settled.receipts:
            return number, batch
    raise UserError(
        f"post {inputs.post_id} does not attribute receipt {receipt.number} of that channel",
        "see `infer settlement` for the post that does",
    )


def _receipt_evidence(chain_id: int, batch: Batch, receipt: Receipt) -> ReceiptEvidence:
    """The receipt with its way to the settlement's receipts, as published."""
    tree_id = sum_tree_id(
        KIND_RECEIPTS, chain_id, INFERENCE_METERING, int.from_bytes(receipt.channel_id, "big")
    )
    leaves = [
        sum_leaf(tree_id, place, each.receipt_hash, each.fee_wei) for place, each in enumerate(batch.receipts)
    ]
    published = batch.receipts[receipt.number]
    if published.receipt_hash != receipt.hash:
        raise UserError(
            f"receipt {receipt.number} was settled with other contents than these",
            "give the receipt as it came with the answer",
        )
    padding = (1 << tree_depth(len(leaves))) - len(leaves)
    siblings = sum_proof(sum_tree_layers([*leaves, *[EMPTY_SUM_NODE] * padding]), receipt.number)
    return ReceiptEvidence(
        receipt.number,
        receipt.prompt_hash,
        receipt.output_hash,
        receipt.tokens_in,
        receipt.tokens_out,
        receipt.fee_wei,
        published.fee_wei,
        tuple(each.hash for each in siblings),
        tuple(each.sum for each in siblings),
    )


# --- Of an index ------------------------------------------------------------------------------------------


def wrong_count(inputs: IndexInputs) -> Proof:
    """Not one row for each record of the model's sources."""
    if inputs.index.rows == inputs.source_records:
        raise _right("there is one row for each record")
    shown = {"posted": inputs.index.rows, "computed": inputs.source_records}
    return Proof("challengeCount", (), shown)


def broken_row(inputs: IndexInputs, place: int) -> Proof:
    """A row out of its rules: range, least exponent, norm, canonical record, contributor."""
    rows = inputs.rows
    _within(place, len(rows.mantissas), "row")
    some = slice(place, place + 1)
    is_broken = bool(broken_rows(rows.mantissas[some], rows.exponents[some])[0])
    is_lost = rows.canonical[place] >= len(rows.mantissas) or rows.owners[place] >= len(inputs.sums)
    if not (is_broken or is_lost):
        raise _right(f"row {place} keeps its rules")
    evidence = row_evidence(rows, rows_layers(rows), place)
    return Proof("challengeRow", (_values(evidence),), {"row": place})


def wrong_norm(inputs: IndexInputs, contributor: int) -> Proof:
    """A contributor's squared norm that is not its sum's."""
    sums = inputs.sums
    found = sums[_within(contributor, len(sums), "contributor")]
    norm = exact_norms_squared(inputs.vectors[contributor : contributor + 1])[0]
    if norm == found.norm_squared:
        raise _right(f"the norm of contributor {contributor} is its sum's")
    verdict = WrongNorm(contributor, found.contributor, sum_evidence(sums, contributor), norm)
    return Proof(*index_challenge(verdict), {"posted": found.norm_squared, "computed": norm}, verdict)


def wrong_sum(inputs: IndexInputs, contributor: int, coordinate: int) -> WrongSum:
    """What a game over a coordinate of a contributor's sum is about."""
    sums, rows = inputs.sums, inputs.rows
    found = sums[_within(contributor, len(sums), "contributor")]
    _within(coordinate, inputs.index.dimensions, "coordinate")
    computed = sum(partial_sums(rows, contributor, coordinate, 0, len(rows.mantissas)))
    if int(inputs.vectors[contributor, coordinate]) == computed:
        raise _right(f"coordinate {coordinate} of contributor {contributor}'s sum is its rows'")
    return WrongSum(contributor, found.contributor, coordinate, sum_evidence(sums, contributor), computed)


def wrong_owner(inputs: IndexInputs, sources: Sources, place: int) -> Proof:
    """A row that is credited to somebody else than its record's contributor."""
    _within(place, len(inputs.rows.owners), "row")
    derived = {each.row: each for each in sources.derived()}
    fault = owner_fault(inputs, sources, place, derived.get(place))
    if fault is None:
        raise _right(f"row {place} is credited to whose it is")
    shown = {"row": place, "credited": fault.credited, "contributor": sources.owners[place]}
    return Proof(*index_challenge(fault), shown)


def wrong_duplicate(
    inputs: IndexInputs, sources: Sources, place: int, other: int, similarity_ppm: int
) -> Proof:
    """A record wrongly kept beside an earlier similar one, or wrongly dropped for `other`."""
    canonical = inputs.rows.canonical
    for each in (place, other):
        _within(each, len(canonical), "row")
    rank = np.argsort(np.asarray(sources.order))
    is_kept = int(canonical[place]) == place
    is_duplicate = (
        int(canonical[other]) == other
        and bool(rank[other] < rank[place])
        and is_similar_to(sources, place, other, similarity_ppm)
    )
    if not is_kept and int(canonical[place]) != other:
        raise UserError(f"row {place} was dropped for row {int(canonical[place])}", "name that one")
    if is_kept != is_duplicate:
        raise _right(f"row {place} is rightly {'kept' if is_kept else 'dropped'} beside row {other}")
    evidence = tuple(_values(committed_evidence(inputs, sources, each)) for each in (place, other))
    return Proof("challengeDuplicate", evidence, {"row": place, "other": other, "kept": is_kept})


def wrong_sketch(inputs: IndexInputs, sources: Sources, place: int) -> Proof:
    """A kept record whose leaf binds another sketch than its content's."""
    _within(place, len(inputs.rows.canonical), "row")
    contribution = sources.locate(place)[2]
    index = place - contribution.first_row
    record = contribution.records[index]
    if contribution.sketch_at(index) == sketch_of_record(record):
        raise _right(f"record {place} has its content's sketch")
    if int(inputs.rows.canonical[place]) != place:
        raise UserError(f"record {place} was dropped, and earns nothing", "name a record that is kept")
    content = content_of(record)
    if not is_judged(content):
        raise UserError(f"the content of record {place} is not judged on chain", "see docs/economy.md")
    evidence = (_values(committed_evidence(inputs, sources, place)), content)
    return Proof("challengeSketch", evidence, {"row": place})


# --- Shared -----------------------------------------------------------------------------------------------


def _values(evidence: Any) -> tuple[Any, ...]:
    """A struct's fields in order."""
    return tuple(asdict(evidence).values())


def _within(place: int, count: int, what: str) -> int:
    if not 0 <= place < count:
        raise UserError(f"there is no {what} {place}: they count from 0 to {count - 1}", "name another")
    return place


def _right(what: str) -> UserError:
    return UserError(what, "do not challenge it: a challenge that fails costs its bond")
