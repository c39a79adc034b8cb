"""Events, errors and shared readings of the Attribution precompile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genesis.commitments import SumNode, sum_node, tree_depth
from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles.abi import TWO_256, Struct, encode, parse_type
from precompiles.contract import Error, Event
from precompiles.host import Host
from precompiles.views import attribution as view
from precompiles.views import disputes, juries, spans
from precompiles.views.attribution import BatchClaim, Post
from precompiles.views.models import FeatureIndex

ATTRIBUTION_POSTED = Event(
    "event AttributionPosted(uint256 indexed postId, uint256 indexed modelId, address indexed signer, "
    "uint256 featureIndex, bytes32 amountsRoot, uint256 amountSum, uint256 pool, uint256 contestableUntil, "
    "BatchClaim[] batches, string uri)",
    {"BatchClaim": view.BATCH_CLAIM},
)
CHALLENGE_COMMITTED = Event(
    "event ChallengeCommitted(uint256 indexed postId, address indexed challenger, bytes32 commitment)"
)
CHALLENGE_PROVED = Event(
    "event ChallengeProved(uint256 indexed postId, address indexed challenger, "
    "address indexed challengerOfRecord)"
)
POST_VOIDED = Event(
    "event PostVoided(uint256 indexed postId, address indexed challenger, address indexed signer, "
    "uint256 slashed, uint256 reward)"
)
POST_FINALIZED = Event(
    "event PostFinalized(uint256 indexed postId, uint256 indexed modelId, uint256 paid, uint256 carryOut)"
)
CLAIMED = Event(
    "event Claimed(uint256 indexed postId, uint256 indexed contributorIndex, address indexed contributor, "
    "address recipient, uint256 amount)"
)
BOND_RETURNED = Event(
    "event BondReturned(uint256 indexed postId, address indexed challenger, uint256 amount)"
)
DUST_HELD = Event("event DustHeld(address indexed contributor, uint256 amount, uint256 held)")
DUST_PAID = Event("event DustPaid(address indexed contributor, address indexed recipient, uint256 amount)")
POOL_RELEASED = Event("event PoolReleased(uint256 indexed modelId, uint256 amount)")
INDEX_CHALLENGE_COMMITTED = Event(
    "event IndexChallengeCommitted(uint256 indexed indexId, address indexed challenger, bytes32 commitment)"
)
INDEX_VOIDED = Event(
    "event IndexVoided(uint256 indexed indexId, address indexed challenger, address indexed signer, "
    "uint256 slashed, uint256 reward)"
)
INDEX_CHALLENGE_PROVED = Event(
    "event IndexChallengeProved(uint256 indexed indexId, address indexed challenger, "
    "address indexed challengerOfRecord)"
)
INDEX_CASE_SETTLED = Event(
    "event IndexCaseSettled(uint256 indexed indexId, address indexed account, uint256 returned, uint256 lost)"
)
SUM_GAME_OPENED = Event(
    "event SumGameOpened(uint256 indexed gameId, uint256 indexed indexId, address indexed challenger, "
    "uint256 contributorIndex, uint256 coordinate, uint256 until)"
)
SUM_GAME_ANSWERED = Event("event SumGameAnswered(uint256 indexed gameId, uint256[] partials, uint256 until)")
SUM_GAME_CHOSEN = Event(
    "event SumGameChosen(uint256 indexed gameId, uint256 first, uint256 count, uint256 claimed, "
    "uint256 until)"
)
QUERY_GAME_OPENED = Event(
    "event QueryGameOpened(uint256 indexed gameId, uint256 indexed postId, address indexed challenger, "
    "uint256 settlementId, uint256 coordinate, uint256 until)"
)
DEMANDED = Event(
    "event Demanded(uint256 indexed demandId, uint256 indexed key, address indexed respondent, "
    "bytes32 contentHash, uint256 size, uint256 until)"
)
DEMAND_ANSWERED = Event(
    "event DemandAnswered(uint256 indexed demandId, address indexed answerer, bytes content)"
)
DEMAND_EXPIRED = Event("event DemandExpired(uint256 indexed demandId, address indexed respondent)")
TALLIED = Event(
    "event Tallied(bytes32 indexed vectorRoot, bytes32 indexed queryRoot, uint256 chunks, "
    "uint256 coordinates)"
)
JURY_CASE_OPENED = Event(
    "event JuryCaseOpened(uint256 indexed caseId, uint256 indexed key, address indexed challenger, "
    "uint256 subject, uint256 position, bytes32 content, uint256 origin)"
)
ANSWER_SHOWN = Event("event AnswerShown(uint256 indexed caseId, bytes prompt, bytes output)")
QUERY_SHOWN = Event("event QueryShown(bytes32 indexed queryRoot, uint256 first, bytes part)")
JURY_DRAWN = Event(
    "event JuryDrawn(uint256 indexed caseId, uint256 round, bytes32 seed, uint256 size, "
    "uint256 commitUntil, uint256 revealUntil)"
)
JURY_REDRAWN = Event("event JuryRedrawn(uint256 indexed caseId, uint256 round, uint256 origin)")
VERDICT_COMMITTED = Event(
    "event VerdictCommitted(uint256 indexed caseId, address indexed juror, uint256 round, uint256 seats)"
)
VERDICT_REVEALED = Event(
    "event VerdictRevealed(uint256 indexed caseId, address indexed juror, uint256 verdict, bytes values)"
)
JURY_CASE_CLOSED = Event("event JuryCaseClosed(uint256 indexed caseId, uint256 outcome, uint256 payPerSeat)")
JUROR_PAID = Event("event JurorPaid(uint256 indexed caseId, address indexed juror, uint256 amount)")
ABSENCE_PUNISHED = Event(
    "event AbsencePunished(uint256 indexed caseId, address indexed juror, uint256 round, uint256 slashed, "
    "uint256 reward)"
)
SPAN_CHALLENGE_COMMITTED = Event(
    "event SpanChallengeCommitted(address indexed challenger, bytes32 indexed commitment)"
)
EXPLANATION_PROVED_FALSE = Event(
    "event ExplanationProvedFalse(bytes32 indexed channelId, uint256 indexed number, "
    "address indexed provider, address challenger, uint256 slashed, uint256 reward)"
)
SETTLEMENT_RELEASED = Event(
    "event SettlementReleased(uint256 indexed settlementId, uint256 indexed modelId, uint256 pool)"
)
SUM_GAME_ENDED = Event("event SumGameEnded(uint256 indexed gameId, address indexed winner)")

POST_NOT_FOUND = Error("error PostNotFound(uint256 postId)")
ALREADY_ATTRIBUTED = Error("error AlreadyAttributed(uint256 settlementId)")
SIGNER_NOT_STAKED = Error("error SignerNotStaked(address signer)")
LIABILITY_ABOVE_STAKE = Error("error LiabilityAboveStake(uint256 liability, uint256 limit)")
CARRY_CHANGED = Error("error CarryChanged(uint256 expected, uint256 actual)")
FEATURE_INDEX_NOT_USABLE = Error("error FeatureIndexNotUsable(uint256 indexId)")
NOT_DUE_YET = Error("error NotDueYet(uint256 earliest)")
AMOUNT_ABOVE_POOL = Error("error AmountAbovePool(uint256 amount, uint256 pool)")
WRONG_STATUS = Error("error WrongStatus(uint256 status)")
WINDOW_OPEN = Error("error WindowOpen(uint256 until)")
WINDOW_CLOSED = Error("error WindowClosed(uint256 until)")
PENDING_CHALLENGE = Error("error PendingChallenge(uint256 postId)")
WRONG_BOND = Error("error WrongBond(uint256 required, uint256 given)")
COMMITMENT_NOT_FOUND = Error("error CommitmentNotFound()")
INVALID_PROOF = Error("error InvalidProof(string what)")
CHALLENGE_FAILED = Error("error ChallengeFailed(uint256 claimed, uint256 computed)")
ALREADY_CLAIMED = Error("error AlreadyClaimed(uint256 postId, uint256 contributorIndex)")
ORDER_EXPIRED = Error("error OrderExpired(uint256 deadline)")
INVALID_SIGNATURE = Error("error InvalidSignature()")
NOTHING_TO_CLAIM = Error("error NothingToClaim()")
NOT_PARTY = Error("error NotParty(address caller)")
GAME_NOT_FOUND = Error("error GameNotFound(uint256 gameId)")
JURY_CASE_NOT_FOUND = Error("error JuryCaseNotFound(uint256 caseId)")
JURY_NOT_DRAWN = Error("error JuryNotDrawn(uint256 caseId, uint256 round)")
NOT_AUDITED = Error("error NotAudited(uint256 postId)")
NO_JURORS = Error("error NoJurors()")
ALREADY_PROVED = Error("error AlreadyProved(bytes32 channelId, uint256 number)")
UNSUPPORTED_TEXT = Error("error UnsupportedText(uint256 offset)")
DEMAND_NOT_FOUND = Error("error DemandNotFound(uint256 demandId)")

MAXIMUM_BATCHES = 64
Batches = Sequence[BatchClaim]
STRUCTS: dict[str, Struct[Any]] = {
    "BatchClaim": view.BATCH_CLAIM,
    "Post": view.POST,
    "SumEvidence": view.SUM_EVIDENCE,
    "SumLeaf": view.SUM_LEAF,
    "NodeEvidence": view.NODE_EVIDENCE,
    "ClaimOrder": view.CLAIM_ORDER,
    "RowEvidence": view.ROW_EVIDENCE,
    "SumGame": view.SUM_GAME,
    "VectorChunk": disputes.VECTOR_CHUNK,
    "WideSum": disputes.WIDE_SUM,
    "QueryLeaf": disputes.QUERY_LEAF,
    "ReceiptEvidence": disputes.RECEIPT_EVIDENCE,
    "RecordEvidence": disputes.RECORD_EVIDENCE,
    "DemandPath": disputes.DEMAND_PATH,
    "Demand": disputes.DEMAND,
    "Tally": disputes.TALLY,
    "Span": spans.SPAN,
    "Explanation": spans.EXPLANATION,
    "RowLeaf": juries.ROW_LEAF,
    "ShownAnswer": juries.SHOWN_ANSWER,
    "JuryCase": juries.JURY_CASE,
    "JuryDraw": juries.JURY_DRAW,
    "Juror": juries.JUROR,
}
_BATCHES_TYPE = parse_type("BatchClaim[]", STRUCTS)


def batches_hash(batches: Batches) -> Hash32:
    """`keccak256(abi.encode(batches))`."""
    return keccak256(encode([_BATCHES_TYPE], [batches]))


def existing_post(host: Host, post_id: int) -> Post:
    """The post, or a revert."""
    if not view.post_exists(host, post_id):
        raise POST_NOT_FOUND(post_id)
    return view.post(host, post_id)


@dataclass(frozen=True, slots=True)
class SumTree:
    """A posted Merkle-sum tree: the id its leaves carry, how many leaves it has, its root and total."""

    id: Hash32
    leaves: int
    root: SumNode

    def contains(
        self, node: SumNode, position: int, siblings: Sequence[Hash32], sibling_sums: Sequence[int]
    ) -> bool:
        """True iff `node` is what the tree has at `position`; a sum beyond 256 bits never is."""
        return sum_root(node, position, self.leaves, siblings, sibling_sums) == self.root


def sum_root(
    node: SumNode, position: int, leaves: int, siblings: Sequence[Hash32], sibling_sums: Sequence[int]
) -> SumNode | None:
    """The root that a whole path gives in a tree of so many leaves; None if it is none or passes 2^256."""
    depth = tree_depth(leaves)
    if len(siblings) != depth or len(sibling_sums) != depth:
        return None
    for level, sibling in enumerate(map(SumNode, siblings, sibling_sums)):
        node = sum_node(sibling, node) if (position >> level) & 1 else sum_node(node, sibling)
        if node.sum >= TWO_256:
            return None
    return node


def amounts_tree(host: Host, post_id: int, posted: Post, index: FeatureIndex) -> SumTree:
    """The post's tree of amounts."""
    root = SumNode(posted.amounts_root, posted.amount_sum_wei)
    return SumTree(view.case(host, post_id).amounts_tree, index.contributors, root)
