"""Where Attribution keeps posts, commitments and verdicts, and how others read them."""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.addresses import ATTRIBUTION
from genesis.types import Address, Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import field_slot, load_address, load_struct, mapping_slot
from precompiles.views import disputes, metering

POST_COUNT_SLOT = 0
POSTS_SLOT = 1
POST_OF_SETTLEMENT_SLOT = 2
CARRY_SLOT = 3
CLAIMED_SLOT = 4
EARNINGS_SLOT = 5
SLASHED_SLOT = 6
REWARD_SLOT = 7
LIABILITY_SLOT = 8
CASES_SLOT = 9
COMMITMENTS_SLOT = 10
DUST_SLOT = 11
ROLLOVERS_SLOT = 12
TAKEN_SLOT = 13
INDEX_CHALLENGERS_SLOT = 14
OPEN_DISPUTES_SLOT = 15
GAME_COUNT_SLOT = 16
GAMES_SLOT = 17
VALIDATOR_SLASHED_SLOT = 27
RECENT_POOLS_SLOT = 31
FINAL_POSTS_SLOT = 32
FINAL_POOLS_SLOT = 33

INDEX_KEY = 2**255
"""Added to a feature index's id where posts and indexes share a mapping."""

VOID_SETTLEMENT = 2**256 - 1
"""In place of a post: the settlement's receipts or queries were proved wrong, and its pool went on."""

INDEX_CONTESTED = 1
INDEX_VOID = 2

ANSWER = 1
CHOICE = 2
PROOF = 3
"""Whose turn it is in a sum game: the signer's to answer, the challenger's to choose, anybody's to prove."""

PENDING = 1
FINAL = 2
VOID = 3
SIGNER_FIELD = 2
STATUS_FIELD = 9


@dataclass(frozen=True, slots=True)
class BatchClaim:
    """What a post says about one settled batch."""

    settlement_id: int
    query_root: Hash32
    scores_root: Hash32
    score_sum: int
    debts_root: Hash32
    debt_sum: int


@dataclass(frozen=True, slots=True)
class Post:
    """The payout of settled batches under one root; amounts in wei."""

    model_id: int
    feature_index: int
    signer: Address
    batches_hash: Hash32
    amounts_root: Hash32
    amount_sum_wei: int
    pool_wei: int
    carry_in_wei: int
    contestable_until_s: int
    status: int
    challenger: Address


@dataclass(frozen=True, slots=True)
class SumEvidence:
    """A contributor's committed sum with its path."""

    records: int
    norm_squared: int
    vector: bytes
    proof: Sequence[Hash32]


@dataclass(frozen=True, slots=True)
class SumLeaf:
    """A leaf of a Merkle-sum tree as it was posted, with its path."""

    key: Hash32
    amount: int
    siblings: Sequence[Hash32]
    sibling_sums: Sequence[int]


@dataclass(frozen=True, slots=True)
class NodeEvidence:
    """An inner node of a posted Merkle-sum tree: what stands under it, and its path.

    `tree` is 0 for the amounts, `2·b + 1` for the scores of batch `b` and `2·b + 2` for its debts; `level`
    counts from the leaves; `sum` is what the node's parent (or the post) says it sums to.
    """

    tree: int
    level: int
    position: int
    sum: int
    left: Hash32
    left_sum: int
    right: Hash32
    right_sum: int
    siblings: Sequence[Hash32]
    sibling_sums: Sequence[int]


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """A committed feature row: its leaf's fields, the int8 coordinates, and the path to the rows' root."""

    index: int
    canonical_index: int
    contributor_index: int
    exponent: int
    row: bytes
    proof: Sequence[Hash32]


@dataclass(frozen=True, slots=True)
class SumGame:
    """A dispute over one coordinate of a contributor's sum, or of a batch query: rows, or the settlement's
    receipts, `first` to `first + count - 1` are said to add `claimed` (modulo 2^256). `turn` 0 is over;
    `partials` is the hash of the last answer. `index_id` or `post_id` is 0."""

    index_id: int
    contributor_index: int
    coordinate: int
    challenger: Address
    first: int
    count: int
    claimed: int
    partials: Hash32
    turn: int
    until_s: int
    bond_wei: int
    post_id: int
    settlement_id: int


@dataclass(frozen=True, slots=True)
class ClaimOrder:
    """A contributor's word that the amount of one post goes to `recipient`, until `deadline_s`."""

    post_id: int
    contributor_index: int
    contributor: Address
    recipient: Address
    deadline_s: int


@dataclass(frozen=True, slots=True)
class Case:
    """What a post's challenges need to know, beside the post itself.

    `amounts_tree` is the id that the leaves of the amounts tree carry; `commitments` counts the challenges
    committed, which also numbers them; `bonds_wei` are the bonds of those not yet used; `reward_wei` waits
    for its challenger until no earlier commitment can be revealed; `slashed_wei` is what the verdict took.
    """

    policy_version: int
    amounts_tree: Hash32
    commitments: int
    reveals_until_s: int
    bonds_wei: int
    challenger_number: int
    reward_wei: int
    slashed_wei: int


@dataclass(frozen=True, slots=True)
class Commitment:
    """One committed challenge; `number` counts from 1 in its post, `used` is 1 once it was proved."""

    hash: Hash32
    bond_wei: int
    reveal_until_s: int
    number: int
    used: int


BATCH_CLAIM = Struct(
    "BatchClaim",
    BatchClaim,
    "uint256 settlementId, bytes32 queryRoot, bytes32 scoresRoot, uint256 scoreSum, bytes32 debtsRoot, "
    "uint256 debtSum",
)
POST = Struct(
    "Post",
    Post,
    "uint256 modelId, uint256 featureIndex, address signer, bytes32 batchesHash, bytes32 amountsRoot, "
    "uint256 amountSum, uint256 pool, uint256 carryIn, uint256 contestableUntil, uint256 status, "
    "address challenger",
)
SUM_EVIDENCE = Struct(
    "SumEvidence", SumEvidence, "uint256 records, uint256 normSquared, bytes vector, bytes32[] proof"
)
SUM_LEAF = Struct(
    "SumLeaf", SumLeaf, "bytes32 key, uint256 amount, bytes32[] siblings, uint256[] siblingSums"
)
NODE_EVIDENCE = Struct(
    "NodeEvidence",
    NodeEvidence,
    "uint256 tree, uint256 level, uint256 position, uint256 sum, bytes32 left, uint256 leftSum, "
    "bytes32 right, uint256 rightSum, bytes32[] siblings, uint256[] siblingSums",
)
ROW_EVIDENCE = Struct(
    "RowEvidence",
    RowEvidence,
    "uint256 index, uint256 canonicalIndex, uint256 contributorIndex, uint256 exponent, bytes row, "
    "bytes32[] proof",
)
SUM_GAME = Struct(
    "SumGame",
    SumGame,
    "uint256 indexId, uint256 contributorIndex, uint256 coordinate, address challenger, uint256 first, "
    "uint256 count, uint256 claimed, bytes32 partials, uint256 turn, uint256 until, uint256 bond, "
    "uint256 postId, uint256 settlementId",
)
CLAIM_ORDER = Struct(
    "ClaimOrder",
    ClaimOrder,
    "uint256 postId, uint256 contributorIndex, address contributor, address recipient, uint256 deadline",
)
CASE = Struct(
    "Case",
    Case,
    "uint256 policyVersion, bytes32 amountsTree, uint256 commitments, uint256 revealsUntil, uint256 bonds, "
    "uint256 challengerNumber, uint256 reward, uint256 slashed",
)
COMMITMENT = Struct(
    "Commitment",
    Commitment,
    "bytes32 hash, uint256 bond, uint256 revealUntil, uint256 number, uint256 used",
)


def post_slot(post_id: int) -> int:
    """Base slot of a post."""
    return mapping_slot(POSTS_SLOT, post_id)


def post_of_settlement_slot(settlement_id: int) -> int:
    """Slot of a settlement's newest post, 0 when there is none."""
    return mapping_slot(POST_OF_SETTLEMENT_SLOT, settlement_id)


def post_of_settlement(host: Host, settlement_id: int) -> int:
    """A settlement's post, 0 when there is none that stands, `VOID_SETTLEMENT` when there cannot be one."""
    newest = host.load(ATTRIBUTION, post_of_settlement_slot(settlement_id))
    is_post = newest not in (0, VOID_SETTLEMENT)
    is_void = is_post and post_status(host, newest) == VOID
    return 0 if is_void else newest


def post_status(host: Host, post_id: int) -> int:
    """`PENDING`, `FINAL` or `VOID`."""
    return host.load(ATTRIBUTION, field_slot(post_slot(post_id), STATUS_FIELD))


def post_signer(host: Host, post_id: int) -> Address:
    """Who made a post."""
    return load_address(host, ATTRIBUTION, field_slot(post_slot(post_id), SIGNER_FIELD))


def carry_slot(model_id: int) -> int:
    """Slot of what a model's next post gets on top."""
    return mapping_slot(CARRY_SLOT, model_id)


def taken_slot(model_id: int) -> int:
    """Slot of how much of what adapters passed to a model its posts have taken."""
    return mapping_slot(TAKEN_SLOT, model_id)


def kept(host: Host, model_id: int) -> int:
    """What a model's posts left over, in wei."""
    return host.load(ATTRIBUTION, carry_slot(model_id))


def passed(host: Host, model_id: int) -> int:
    """What adapters passed to a model's pool and no post has taken yet, in wei."""
    return metering.passed_to(host, model_id) - host.load(ATTRIBUTION, taken_slot(model_id))


def claimed_slot(post_id: int, contributor_index: int) -> int:
    """Slot that is 1 once a contributor was paid."""
    return mapping_slot(CLAIMED_SLOT, post_id, contributor_index)


def account_slot(slot: int, account: Address) -> int:
    """Slot of an account in one of the mappings by address."""
    return mapping_slot(slot, account)


def rollovers_slot(model_id: int) -> int:
    """Slot of how many posts of a model in a row paid nobody."""
    return mapping_slot(ROLLOVERS_SLOT, model_id)


def case_slot(post_id: int) -> int:
    """Base slot of a post's case."""
    return mapping_slot(CASES_SLOT, post_id)


def commitment_slot(post_id: int, challenger: Address) -> int:
    """Base slot of a challenger's commitment."""
    return mapping_slot(COMMITMENTS_SLOT, post_id, challenger)


def game_slot(game_id: int) -> int:
    """Base slot of a sum game."""
    return mapping_slot(GAMES_SLOT, game_id)


def index_status(host: Host, index_id: int) -> int:
    """0 for an index nobody contests, `INDEX_CONTESTED` while somebody may, `INDEX_VOID` once it was proved
    wrong."""
    if index_id >= INDEX_KEY:
        return 0
    found = case(host, INDEX_KEY + index_id)
    if found.challenger_number != 0:
        return INDEX_VOID
    contested_until_s = max(found.reveals_until_s, disputes.extension(host, INDEX_KEY + index_id))
    is_open = open_disputes(host, INDEX_KEY + index_id) != 0
    return INDEX_CONTESTED if is_open or host.timestamp_s <= contested_until_s else 0


def open_disputes(host: Host, key: int) -> int:
    """Games and demands of a post or an index that are not over."""
    return host.load(ATTRIBUTION, open_disputes_slot(key))


def open_disputes_slot(key: int) -> int:
    """Slot of how many games and demands of a post or an index are not over."""
    return mapping_slot(OPEN_DISPUTES_SLOT, key)


def post_exists(host: Host, post_id: int) -> bool:
    """Ids count from 1."""
    return 0 < post_id <= host.load(ATTRIBUTION, POST_COUNT_SLOT)


def post(host: Host, post_id: int) -> Post:
    """A post; zeros when it does not exist."""
    return load_struct(host, ATTRIBUTION, post_slot(post_id), POST)


def case(host: Host, post_id: int) -> Case:
    """A post's case."""
    return load_struct(host, ATTRIBUTION, case_slot(post_id), CASE)


def commitment(host: Host, post_id: int, challenger: Address) -> Commitment:
    """A challenger's commitment; zeros when there is none."""
    return load_struct(host, ATTRIBUTION, commitment_slot(post_id, challenger), COMMITMENT)


def slashed_of(host: Host, account: Address) -> int:
    """Wei taken from an account's provider stake by verdicts, ever."""
    return host.load(ATTRIBUTION, account_slot(SLASHED_SLOT, account))


def validator_slashed_of(host: Host, account: Address) -> int:
    """Wei taken from an account's validator stake for missed jury duty, ever."""
    return host.load(ATTRIBUTION, account_slot(VALIDATOR_SLASHED_SLOT, account))


def reward_of(host: Host, account: Address) -> int:
    """Wei that verdicts gave an account from slashed stake, ever."""
    return host.load(ATTRIBUTION, account_slot(REWARD_SLOT, account))


def open_liability_of(host: Host, account: Address) -> int:
    """Pools of unfinalized posts that an account's stake answers for."""
    return host.load(ATTRIBUTION, account_slot(LIABILITY_SLOT, account))
