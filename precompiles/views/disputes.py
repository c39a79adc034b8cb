"""Where Attribution keeps demands and tallies, and what disputes of batches and wide vectors are shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from genesis.addresses import ATTRIBUTION
from genesis.types import Address, Hash32
from precompiles.abi import Struct
from precompiles.host import Host
from precompiles.slots import load_struct, mapping_slot

EXTENSIONS_SLOT = 18
DEMAND_COUNT_SLOT = 19
DEMANDS_SLOT = 20
TALLIES_SLOT = 21


@dataclass(frozen=True, slots=True)
class VectorChunk:
    """1,024 coordinates of a committed vector: the hashes of all its chunks, and this chunk's bytes."""

    chunks: Sequence[Hash32]
    chunk: bytes


@dataclass(frozen=True, slots=True)
class WideSum:
    """A contributor's committed sum by the root of its vector, with its path."""

    records: int
    norm_squared: int
    vector_root: Hash32
    proof: Sequence[Hash32]


@dataclass(frozen=True, slots=True)
class QueryLeaf:
    """One receipt's committed query by the root of its vector, with its path to a settlement's queries."""

    number: int
    weight: int
    query_root: Hash32
    proof: Sequence[Hash32]


@dataclass(frozen=True, slots=True)
class ReceiptEvidence:
    """One receipt as it is hashed, the amount its leaf carries, and its path to a settlement's receipts."""

    number: int
    prompt_hash: Hash32
    output_hash: Hash32
    tokens_in: int
    tokens_out: int
    fee_wei: int
    amount_wei: int
    siblings: Sequence[Hash32]
    sibling_sums: Sequence[int]


@dataclass(frozen=True, slots=True)
class RecordEvidence:
    """A record of a model's source with its way to the published version, and its row's leaf and path."""

    source: int
    position: int
    contribution_id: int
    first_record: int
    contribution_proof: Sequence[Hash32]
    record_index: int
    content_hash: Hash32
    sketch: bytes
    parents_hash: Hash32
    record_proof: Sequence[Hash32]
    canonical_index: int
    contributor_index: int
    exponent: int
    row_root: Hash32
    row_proof: Sequence[Hash32]


@dataclass(frozen=True, slots=True)
class DemandPath:
    """Which hash of which committed tree is to be opened: what was opened already, from the root down.

    `tree` of an index: 0 rows, 1 sums. Of a post: 0 amounts; for batch b, 5b + 1 scores, 5b + 2 debts, 5b + 3
    the batch query, 5b + 4 the receipts' queries, 5b + 5 the receipts. `position` is the leaf's, `chunk` the
    place of 1,024 coordinates in the vector under it.
    """

    tree: int
    position: int
    chunk: int
    opened: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Demand:
    """Content that somebody must show: of which case, by whom, what it hashes to, how long it is and how it
    begins. `fee_wei` 0 says that it is over."""

    key: int
    settlement_id: int
    respondent: Address
    demander: Address
    content_hash: Hash32
    size_bytes: int
    head_bytes: int
    head_hash: Hash32
    until_s: int
    fee_wei: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Products of two committed vectors over the chunks counted so far; `product` modulo 2^256. A query
    beyond its width has the least norm that is too much, and product 0."""

    chunks: int
    coordinates: int
    product: int
    vector_norm_squared: int
    query_norm_squared: int


VECTOR_CHUNK = Struct("VectorChunk", VectorChunk, "bytes32[] chunks, bytes chunk")
WIDE_SUM = Struct(
    "WideSum", WideSum, "uint256 records, uint256 normSquared, bytes32 vectorRoot, bytes32[] proof"
)
QUERY_LEAF = Struct(
    "QueryLeaf", QueryLeaf, "uint256 number, uint256 weight, bytes32 queryRoot, bytes32[] proof"
)
RECEIPT_EVIDENCE = Struct(
    "ReceiptEvidence",
    ReceiptEvidence,
    "uint256 number, bytes32 promptHash, bytes32 outputHash, uint256 tokensIn, uint256 tokensOut, "
    "uint256 fee, uint256 amount, bytes32[] siblings, uint256[] siblingSums",
)
RECORD_EVIDENCE = Struct(
    "RecordEvidence",
    RecordEvidence,
    "uint256 source, uint256 position, uint256 contributionId, uint256 firstRecord, "
    "bytes32[] contributionProof, uint256 recordIndex, bytes32 contentHash, bytes sketch, "
    "bytes32 parentsHash, bytes32[] recordProof, uint256 canonicalIndex, uint256 contributorIndex, "
    "uint256 exponent, bytes32 rowRoot, bytes32[] rowProof",
)
DEMAND_PATH = Struct(
    "DemandPath", DemandPath, "uint256 tree, uint256 position, uint256 chunk, bytes[] opened"
)
DEMAND = Struct(
    "Demand",
    Demand,
    "uint256 key, uint256 settlementId, address respondent, address demander, bytes32 contentHash, "
    "uint256 size, uint256 headSize, bytes32 headHash, uint256 until, uint256 fee",
)
TALLY = Struct(
    "Tally",
    Tally,
    "uint256 chunks, uint256 coordinates, uint256 product, uint256 vectorNormSquared, "
    "uint256 queryNormSquared",
)


def extension_slot(key: int) -> int:
    """Slot of the time until which an answered demand keeps a post or an index open to challenges."""
    return mapping_slot(EXTENSIONS_SLOT, key)


def extension(host: Host, key: int) -> int:
    """The time until which an answered demand keeps a post or an index open to challenges."""
    return host.load(ATTRIBUTION, extension_slot(key))


def demand_slot(demand_id: int) -> int:
    """Base slot of a demand."""
    return mapping_slot(DEMANDS_SLOT, demand_id)


def demand(host: Host, demand_id: int) -> Demand:
    """A demand; zeros when it does not exist."""
    return load_struct(host, ATTRIBUTION, demand_slot(demand_id), DEMAND)


def demand_exists(host: Host, demand_id: int) -> bool:
    """Ids count from 1."""
    return 0 < demand_id <= host.load(ATTRIBUTION, DEMAND_COUNT_SLOT)


def tally_slot(vector_root: Hash32, query_root: Hash32) -> int:
    """Base slot of a tally."""
    return mapping_slot(TALLIES_SLOT, vector_root, query_root)


def tally(host: Host, vector_root: Hash32, query_root: Hash32) -> Tally:
    """The tally of two vectors; zeros when nobody began it."""
    return load_struct(host, ATTRIBUTION, tally_slot(vector_root, query_root), TALLY)
