"""Attribution (01): payouts of settled batches under one root, and wrong ones proved wrong.

Here is the table of its methods; each is in one of the modules `attribution_…`. Those of drawn juries are in
`attribution_jury_table`.
"""

from genesis.addresses import ATTRIBUTION
from precompiles import attribution_interface as interface
from precompiles import attribution_jury_table as juries
from precompiles import gas
from precompiles.attribution_challenges import (
    challenge_amount,
    challenge_debt,
    challenge_node,
    challenge_score,
    commit_challenge,
    withdraw_bond,
)
from precompiles.attribution_claims import (
    claim,
    claim_for,
    claimable,
    dust_of,
    preview,
    withdraw_dust,
)
from precompiles.attribution_demands import (
    answer_demand,
    demand_of_index,
    demand_of_post,
    expire_demand,
    get_demand,
)
from precompiles.attribution_games import answer_sum_game, choose_sum_game, end_sum_game, get_sum_game
from precompiles.attribution_indexes import (
    challenge_norm,
    challenge_row,
    commit_index_challenge,
    index_status,
    settle_index_case,
)
from precompiles.attribution_interface import STRUCTS
from precompiles.attribution_parents import challenge_owner
from precompiles.attribution_posts import finalize, post
from precompiles.attribution_query_games import open_query_game, prove_query_game
from precompiles.attribution_readings import (
    carry_of,
    earnings_of,
    exposure_of,
    get_post,
    is_claimed,
    open_liability_of,
    post_of_settlement,
    reward_of,
    slashed_of,
)
from precompiles.attribution_receipts import challenge_query, challenge_receipt, challenge_weight
from precompiles.attribution_records import challenge_count, challenge_duplicate
from precompiles.attribution_sketches import challenge_sketch
from precompiles.attribution_spans import (
    challenge_answer_span,
    challenge_explanations,
    challenge_span,
    commit_span_challenge,
)
from precompiles.attribution_sum_games import open_sum_game, open_wide_sum_game, prove_sum_game
from precompiles.attribution_tallies import (
    challenge_wide_norm,
    challenge_wide_score,
    get_tally,
    tally_products,
)
from precompiles.checks import INVALID_ARGUMENT
from precompiles.contract import Contract, Method

CONTRACT = Contract(
    name="Attribution",
    address=ATTRIBUTION,
    prices=gas.ATTRIBUTION,
    methods=(
        Method(
            "function post(uint256 featureIndex, BatchClaim[] batches, uint256 carryIn, "
            "bytes32 amountsRoot, uint256 amountSum, string uri) returns (uint256 postId)",
            post,
            STRUCTS,
        ),
        Method("function commitChallenge(uint256 postId, bytes32 commitment) payable", commit_challenge),
        Method(
            "function challengeScore(uint256 postId, bytes32 salt, BatchClaim[] batches, uint256 batch, "
            "uint256 contributorIndex, address contributor, SumEvidence sum, bytes query, SumLeaf score)",
            challenge_score,
            STRUCTS,
        ),
        Method(
            "function challengeAmount(uint256 postId, bytes32 salt, BatchClaim[] batches, "
            "uint256 contributorIndex, address contributor, SumLeaf[] scores, SumLeaf amount)",
            challenge_amount,
            STRUCTS,
        ),
        Method(
            "function challengeDebt(uint256 postId, bytes32 salt, BatchClaim[] batches, uint256 batch, "
            "uint256 contributorIndex, address contributor, SumEvidence sum, bytes query, SumLeaf debt)",
            challenge_debt,
            STRUCTS,
        ),
        Method(
            "function challengeNode(uint256 postId, bytes32 salt, BatchClaim[] batches, NodeEvidence node)",
            challenge_node,
            STRUCTS,
        ),
        Method(
            "function commitIndexChallenge(uint256 indexId, bytes32 commitment) payable",
            commit_index_challenge,
        ),
        Method(
            "function challengeRow(uint256 indexId, bytes32 salt, RowEvidence row)", challenge_row, STRUCTS
        ),
        Method(
            "function challengeNorm(uint256 indexId, bytes32 salt, uint256 contributorIndex, "
            "address contributor, SumEvidence sum)",
            challenge_norm,
            STRUCTS,
        ),
        Method("function challengeCount(uint256 indexId, bytes32 salt)", challenge_count),
        Method(
            "function challengeOwner(uint256 indexId, bytes32 salt, RecordEvidence record, "
            "bytes32[] parents, RowLeaf parent, address credited, WideSum sum)",
            challenge_owner,
            STRUCTS,
        ),
        Method(
            "function challengeDuplicate(uint256 indexId, bytes32 salt, RecordEvidence record, "
            "RecordEvidence other)",
            challenge_duplicate,
            STRUCTS,
        ),
        Method(
            "function challengeSketch(uint256 indexId, bytes32 salt, RecordEvidence record, bytes content)",
            challenge_sketch,
            STRUCTS,
        ),
        Method("function commitSpanChallenge(bytes32 commitment)", commit_span_challenge),
        Method(
            "function challengeSpan(bytes32 salt, Explanation explanation, Span[] spans, bytes signature, "
            "uint256 span, RecordEvidence record, bytes content)",
            challenge_span,
            STRUCTS,
        ),
        Method(
            "function challengeAnswerSpan(bytes32 salt, Explanation explanation, Span[] spans, "
            "bytes signature, uint256 span, bytes output)",
            challenge_answer_span,
            STRUCTS,
        ),
        Method(
            "function challengeExplanations(bytes32 salt, Explanation explanation, Span[] spans, "
            "bytes signature, Explanation other, Span[] otherSpans, bytes otherSignature)",
            challenge_explanations,
            STRUCTS,
        ),
        Method("function settleIndexCase(uint256 indexId)", settle_index_case),
        Method("function indexStatus(uint256 indexId) view returns (uint256)", index_status),
        Method(
            "function openSumGame(uint256 indexId, uint256 contributorIndex, address contributor, "
            "uint256 coordinate, SumEvidence sum) payable returns (uint256 gameId)",
            open_sum_game,
            STRUCTS,
        ),
        Method(
            "function openWideSumGame(uint256 indexId, uint256 contributorIndex, address contributor, "
            "uint256 coordinate, WideSum sum, VectorChunk chunk) payable returns (uint256 gameId)",
            open_wide_sum_game,
            STRUCTS,
        ),
        Method("function answerSumGame(uint256 gameId, uint256[] partials)", answer_sum_game),
        Method("function chooseSumGame(uint256 gameId, uint256[] partials, uint256 choice)", choose_sum_game),
        Method("function proveSumGame(uint256 gameId, RowEvidence row)", prove_sum_game, STRUCTS),
        Method("function endSumGame(uint256 gameId)", end_sum_game),
        Method(
            "function openQueryGame(uint256 postId, BatchClaim[] batches, uint256 batch, uint256 coordinate, "
            "VectorChunk chunk) payable returns (uint256 gameId)",
            open_query_game,
            STRUCTS,
        ),
        Method(
            "function proveQueryGame(uint256 gameId, QueryLeaf leaf, VectorChunk chunk)",
            prove_query_game,
            STRUCTS,
        ),
        Method(
            "function challengeReceipt(uint256 postId, bytes32 salt, BatchClaim[] batches, uint256 batch, "
            "ReceiptEvidence receipt)",
            challenge_receipt,
            STRUCTS,
        ),
        Method(
            "function challengeWeight(uint256 postId, bytes32 salt, BatchClaim[] batches, uint256 batch, "
            "QueryLeaf leaf, ReceiptEvidence receipt)",
            challenge_weight,
            STRUCTS,
        ),
        Method(
            "function challengeQuery(uint256 postId, bytes32 salt, BatchClaim[] batches, uint256 batch, "
            "QueryLeaf leaf, bytes query)",
            challenge_query,
            STRUCTS,
        ),
        Method(
            "function tallyProducts(bytes32[] vectorChunks, bytes32[] queryChunks, bytes vector, "
            "bytes query)",
            tally_products,
        ),
        Method(
            "function challengeWideScore(uint256 postId, bytes32 salt, BatchClaim[] batches, uint256 batch, "
            "uint256 contributorIndex, address contributor, WideSum sum, SumLeaf score, bool isDebt)",
            challenge_wide_score,
            STRUCTS,
        ),
        Method(
            "function challengeWideNorm(uint256 indexId, bytes32 salt, uint256 contributorIndex, "
            "address contributor, WideSum sum)",
            challenge_wide_norm,
            STRUCTS,
        ),
        Method(
            "function getTally(bytes32 vectorRoot, bytes32 queryRoot) view returns (Tally)",
            get_tally,
            STRUCTS,
        ),
        Method(
            "function demandOfIndex(uint256 indexId, DemandPath path) payable returns (uint256 demandId)",
            demand_of_index,
            STRUCTS,
        ),
        Method(
            "function demandOfPost(uint256 postId, BatchClaim[] batches, DemandPath path) payable "
            "returns (uint256 demandId)",
            demand_of_post,
            STRUCTS,
        ),
        Method("function answerDemand(uint256 demandId, bytes content)", answer_demand),
        Method("function expireDemand(uint256 demandId)", expire_demand),
        Method("function getDemand(uint256 demandId) view returns (Demand)", get_demand, STRUCTS),
        Method("function getSumGame(uint256 gameId) view returns (SumGame)", get_sum_game, STRUCTS),
        Method("function finalize(uint256 postId)", finalize),
        Method(
            "function claim(uint256 postId, uint256 contributorIndex, address contributor, uint256 amount, "
            "bytes32[] siblings, uint256[] siblingSums, address recipient)",
            claim,
        ),
        Method(
            "function claimFor(ClaimOrder order, uint256 amount, bytes32[] siblings, uint256[] siblingSums, "
            "bytes signature)",
            claim_for,
            STRUCTS,
        ),
        Method("function withdrawDust(address recipient) returns (uint256 amount)", withdraw_dust),
        Method("function withdrawBond(uint256 postId)", withdraw_bond),
        Method("function getPost(uint256 postId) view returns (Post)", get_post, STRUCTS),
        Method(
            "function postOfSettlement(uint256 settlementId) view returns (uint256 postId)",
            post_of_settlement,
        ),
        Method("function carryOf(uint256 modelId) view returns (uint256)", carry_of),
        Method(
            "function isClaimed(uint256 postId, uint256 contributorIndex) view returns (bool)", is_claimed
        ),
        Method(
            "function claimable(uint256 postId, uint256 contributorIndex, address contributor, "
            "uint256 amount, bytes32[] siblings, uint256[] siblingSums) view returns (uint256)",
            claimable,
        ),
        Method(
            "function preview(uint256 pool, uint256 score, uint256 scoreSum, uint256 policyVersion) view "
            "returns (uint256)",
            preview,
        ),
        Method("function dustOf(address contributor) view returns (uint256)", dust_of),
        Method("function earningsOf(address contributor) view returns (uint256)", earnings_of),
        Method("function slashedOf(address account) view returns (uint256)", slashed_of),
        Method("function rewardOf(address account) view returns (uint256)", reward_of),
        Method("function openLiabilityOf(address account) view returns (uint256)", open_liability_of),
        Method("function exposureOf(address account) view returns (uint256)", exposure_of),
        *juries.METHODS,
    ),
    events=(
        interface.ATTRIBUTION_POSTED,
        interface.CHALLENGE_COMMITTED,
        interface.CHALLENGE_PROVED,
        interface.POST_VOIDED,
        interface.POST_FINALIZED,
        interface.CLAIMED,
        interface.BOND_RETURNED,
        interface.DUST_HELD,
        interface.DUST_PAID,
        interface.POOL_RELEASED,
        interface.INDEX_CHALLENGE_COMMITTED,
        interface.INDEX_VOIDED,
        interface.INDEX_CHALLENGE_PROVED,
        interface.INDEX_CASE_SETTLED,
        interface.SUM_GAME_OPENED,
        interface.SUM_GAME_ANSWERED,
        interface.SUM_GAME_CHOSEN,
        interface.SUM_GAME_ENDED,
        interface.QUERY_GAME_OPENED,
        interface.DEMANDED,
        interface.DEMAND_ANSWERED,
        interface.DEMAND_EXPIRED,
        interface.TALLIED,
        interface.SPAN_CHALLENGE_COMMITTED,
        interface.EXPLANATION_PROVED_FALSE,
        *juries.EVENTS,
    ),
    errors=(
        interface.POST_NOT_FOUND,
        INVALID_ARGUMENT,
        interface.ALREADY_ATTRIBUTED,
        interface.SIGNER_NOT_STAKED,
        interface.LIABILITY_ABOVE_STAKE,
        interface.CARRY_CHANGED,
        interface.FEATURE_INDEX_NOT_USABLE,
        interface.NOT_DUE_YET,
        interface.AMOUNT_ABOVE_POOL,
        interface.WRONG_STATUS,
        interface.WINDOW_OPEN,
        interface.WINDOW_CLOSED,
        interface.PENDING_CHALLENGE,
        interface.WRONG_BOND,
        interface.COMMITMENT_NOT_FOUND,
        interface.INVALID_PROOF,
        interface.CHALLENGE_FAILED,
        interface.ALREADY_CLAIMED,
        interface.ORDER_EXPIRED,
        interface.INVALID_SIGNATURE,
        interface.NOTHING_TO_CLAIM,
        interface.NOT_PARTY,
        interface.GAME_NOT_FOUND,
        interface.DEMAND_NOT_FOUND,
        interface.UNSUPPORTED_TEXT,
        interface.ALREADY_PROVED,
        *juries.ERRORS,
    ),
)
