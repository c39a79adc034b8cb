"""Challenges of what a provider committed when it settled: a receipt's fee, a query's weight, its norm.

They are challenges of the post that attributes the settlement, committed and proved like the others, but it
is the settlement's provider that is slashed. The post is void without blame; that settlement is never
attributed, and its pool goes to the model's next post.

Covered: fee by tokens and the channel's price, amount in the tree, weight by net fee, norm of a query of up
to 32,768 coordinates. Not covered: tokens by the model's tokenizer and queries by its gradients (a jury's).
Source: protocol, section 3 "Challenges" (a receipt's tokens, price or fee; norm of a query).
"""

from genesis.commitments import MAX_NORM_SQUARED, QUERY_BYTES, unpack_vector, vector_root
from genesis.shares import query_weight, receipt_fee
from genesis.types import Hash32
from precompiles import gas
from precompiles.attribution_evidence import (
    batch_policy,
    challenged_post,
    check_query_leaf,
    check_receipt,
)
from precompiles.attribution_interface import CHALLENGE_FAILED, INVALID_PROOF, Batches
from precompiles.attribution_verdict import convict
from precompiles.checks import MAXIMUM_COUNT, require
from precompiles.host import Host
from precompiles.views import metering, models
from precompiles.views.attribution import Post
from precompiles.views.disputes import QueryLeaf, ReceiptEvidence
from precompiles.views.metering import Settlement

MAXIMUM_QUERY_COORDINATES = 32_768
"""What fits a forced deposit."""


def challenge_receipt(  # noqa: PLR0917 - the method's arguments
    host: Host, post_id: int, salt: Hash32, batches: Batches, batch: int, receipt: ReceiptEvidence
) -> None:
    """Prove that a settled receipt's fee is not its tokens' price, or not what was settled for it."""
    gas.charge(host, gas.ATTRIBUTION["challengeReceipt"], len(batches), len(receipt.siblings))
    posted, settlement = _challenged(host, post_id, salt, batches, batch)
    check_receipt(host, settlement, receipt)
    fee_wei = _fee(host, settlement, receipt)
    if receipt.fee_wei == fee_wei and receipt.amount_wei == fee_wei:
        raise CHALLENGE_FAILED(receipt.amount_wei, fee_wei)
    convict(host, post_id, posted, batches[batch].settlement_id)


def challenge_weight(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    salt: Hash32,
    batches: Batches,
    batch: int,
    leaf: QueryLeaf,
    receipt: ReceiptEvidence,
) -> None:
    """Prove that a query's weight is not its receipt's net fee in units of 10^9 wei."""
    hashes = len(leaf.proof) + len(receipt.siblings)
    gas.charge(host, gas.ATTRIBUTION["challengeWeight"], len(batches), hashes)
    posted, settlement = _challenged(host, post_id, salt, batches, batch)
    check_query_leaf(settlement, leaf)
    require(receipt.number == leaf.number, "number")
    check_receipt(host, settlement, receipt)
    weight = query_weight(receipt.amount_wei, batch_policy(host, batches[batch], "platform_ppm"))
    if weight == leaf.weight:
        raise CHALLENGE_FAILED(leaf.weight, weight)
    convict(host, post_id, posted, batches[batch].settlement_id)


def challenge_query(  # noqa: PLR0917 - the method's arguments
    host: Host, post_id: int, salt: Hash32, batches: Batches, batch: int, leaf: QueryLeaf, query: bytes
) -> None:
    """Prove that a receipt's query is longer than a query may be."""
    counts = (len(batches), len(query) // QUERY_BYTES, len(leaf.proof))
    gas.charge(host, gas.ATTRIBUTION["challengeQuery"], *counts)
    posted, settlement = _challenged(host, post_id, salt, batches, batch)
    check_query_leaf(settlement, leaf)
    dimensions = models.feature_index(host, settlement.feature_index).dimensions
    require(dimensions <= MAXIMUM_QUERY_COORDINATES, "dimensions")
    require(len(query) == dimensions * QUERY_BYTES, "query")
    if vector_root(query, QUERY_BYTES) != leaf.query_root:
        raise INVALID_PROOF(b"query")
    norm_squared = sum(value * value for value in unpack_vector(query, QUERY_BYTES))
    if norm_squared <= MAX_NORM_SQUARED:
        raise CHALLENGE_FAILED(MAX_NORM_SQUARED, norm_squared)
    convict(host, post_id, posted, batches[batch].settlement_id)


def _challenged(
    host: Host, post_id: int, salt: Hash32, batches: Batches, batch: int
) -> tuple[Post, Settlement]:
    posted = challenged_post(host, post_id, salt, batches)
    require(batch < len(batches), "batch")
    return posted, metering.settlement(host, batches[batch].settlement_id)


def _fee(host: Host, settlement: Settlement, receipt: ReceiptEvidence) -> int | None:
    """What the receipt's tokens cost on its channel; None for more tokens than there can be."""
    if max(receipt.tokens_in, receipt.tokens_out) > MAXIMUM_COUNT:
        return None
    channel = metering.channel(host, settlement.channel_id)
    return receipt_fee(
        receipt.tokens_in, receipt.tokens_out, channel.input_price_wei, channel.output_price_wei
    )
