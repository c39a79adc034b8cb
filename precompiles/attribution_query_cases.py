"""Bringing a receipt's query before a drawn jury: whoever has the input and the output shows them to all.

A jury can only recompute what it sees. So the challenger, in practice the payer, gives up the privacy of one
answer: its transaction holds the salted input and output, which must be what the receipt hashes. The
committed query, which is public, is shown before in parts, since it may not fit one transaction. What jurors
need besides are the index's and the model's documents, which the index's signer owes and the provider does
not.

So a wrong query costs the settlement's provider, as in `attribution_receipts`: the post is void without blame
and the settlement never attributed. Documents that are not available cost the index's signer, as in an audit.
Neither has a seat.

Covered: queries of any width; answers that fit a forced deposit beside their proofs. Not covered: outputs
that are not the model's; what a provider holds back of the settlement (`attribution_demands`).
Source: protocol, section 3 "Challenges" (a row or query feature is wrong).
"""

from dataclasses import replace

from genesis.addresses import ATTRIBUTION
from genesis.commitments import CHUNK_COORDINATES, QUERY_BYTES
from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles import gas
from precompiles.attribution_evidence import challenged_post, check_query_leaf, check_receipt, chunks_root
from precompiles.attribution_interface import (
    ANSWER_SHOWN,
    INVALID_PROOF,
    QUERY_SHOWN,
    WRONG_STATUS,
    Batches,
)
from precompiles.attribution_jury_cases import blank_case, open_committed
from precompiles.attribution_tallies import MAXIMUM_CHUNKS, Chunks, check_pieces
from precompiles.attribution_verdict import guilty_of, post_challenger_ppm
from precompiles.checks import require
from precompiles.host import Host
from precompiles.views import attribution as view
from precompiles.views import juries, metering, models
from precompiles.views.attribution import Post
from precompiles.views.disputes import QueryLeaf, ReceiptEvidence
from precompiles.views.juries import JuryCase, ShownAnswer


def show_query(host: Host, chunks: Chunks, part: bytes) -> None:
    """Show the next coordinates of a query to jurors, by anybody: whole chunks, or all that are left."""
    gas.charge(host, gas.ATTRIBUTION["showQuery"], len(chunks), gas.words(part))
    require(0 < len(chunks) <= MAXIMUM_CHUNKS, "chunks")
    require(len(part) > 0 and len(part) % QUERY_BYTES == 0, "part")
    root = chunks_root(chunks)
    slot = juries.shown_slot(root)
    first, count = host.load(ATTRIBUTION, slot), len(part) // QUERY_BYTES
    place, rest = divmod(first, CHUNK_COORDINATES)
    end = place - (-count // CHUNK_COORDINATES)
    is_whole = count % CHUNK_COORDINATES == 0
    require(rest == 0 and end <= len(chunks) and (is_whole or end == len(chunks)), "part")
    check_pieces(chunks, place, part, QUERY_BYTES, b"part")
    host.store(slot, first + count)
    QUERY_SHOWN.emit(host, root, first, part)


def shown_of(host: Host, query_root: Hash32) -> int:
    """How many coordinates of a query were shown."""
    gas.charge(host, gas.ATTRIBUTION["shownOf"])
    return host.load(ATTRIBUTION, juries.shown_slot(query_root))


def open_query_case(  # noqa: PLR0917 - the method's arguments
    host: Host,
    post_id: int,
    salt: Hash32,
    batches: Batches,
    batch: int,
    leaf: QueryLeaf,
    receipt: ReceiptEvidence,
    shown: ShownAnswer,
) -> int:
    """Say that a receipt's committed query, which was shown, is not that of its inference, and show that."""
    words, hashes = gas.words(shown.prompt) + gas.words(shown.output), len(leaf.proof) + len(receipt.siblings)
    gas.charge(host, gas.ATTRIBUTION["openQueryCase"], len(batches), hashes, words)
    posted = challenged_post(host, post_id, salt, batches)
    if posted.status != view.PENDING:
        raise WRONG_STATUS(posted.status)
    require(batch < len(batches), "batch")
    settlement_id = batches[batch].settlement_id
    settlement = metering.settlement(host, settlement_id)
    check_query_leaf(settlement, leaf)
    require(receipt.number == leaf.number, "number")
    check_receipt(host, settlement, receipt)
    _check_shown(receipt, shown)
    index = models.feature_index(host, settlement.feature_index)
    if host.load(ATTRIBUTION, juries.shown_slot(leaf.query_root)) != index.dimensions:
        raise INVALID_PROOF(b"query")
    asked = replace(
        _of_post(host, post_id, posted),
        position=leaf.number,
        content=leaf.query_root,
        settlement_id=settlement_id,
        accused=guilty_of(host, posted, settlement_id),
        keeper=index.signer,
    )
    case_id = open_committed(host, asked)
    ANSWER_SHOWN.emit(host, case_id, shown.prompt, shown.output)
    return case_id


def _check_shown(receipt: ReceiptEvidence, shown: ShownAnswer) -> None:
    """What is shown is what the receipt hashes."""
    if keccak256(shown.prompt) != receipt.prompt_hash:
        raise INVALID_PROOF(b"prompt")
    if keccak256(shown.output) != receipt.output_hash:
        raise INVALID_PROOF(b"output")


def _of_post(host: Host, post_id: int, posted: Post) -> JuryCase:
    file = view.case(host, post_id)
    own = view.commitment(host, post_id, host.caller)
    return replace(
        blank_case(host, post_id, juries.QUERY, own),
        policy_version=file.policy_version,
        share_ppm=post_challenger_ppm(host, posted, file, own),
    )
