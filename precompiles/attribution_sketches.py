"""Challenges of a record's sketch: recomputed from its content, where the rule is exact integers.

A sketch decides which records are duplicates, so a wrong one lets a copy earn, or a stranger's record be
dropped. Whoever signs an index answers for the sketches of the records it keeps: a kept record whose sketch
is not its content's voids it. Who publishes a version checks them too (`workers.datasets`).

Covered: labelled vectors of up to 49,152 features. Not covered: texts, whose words are read by Unicode's
tables (`workers.datasets.minhash`); records that are dropped.
Source: protocol, section 3 "Datanet" (the sketch is computed by rule); `workers.datasets.sketch`.
"""

from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles.attribution_indexes import challenged_index, convict_index
from precompiles.attribution_interface import CHALLENGE_FAILED, INVALID_PROOF
from precompiles.attribution_records import charge_records, check_records_row, hashes_of, place_of
from precompiles.checks import require
from precompiles.host import Host
from precompiles.views.disputes import RecordEvidence

MAGIC = b"OLVC\x01"
COUNT_BYTES = 4
LABEL_BYTES = 4
MAXIMUM_FEATURES = 49_152


def challenge_sketch(
    host: Host, index_id: int, salt: Hash32, evidence: RecordEvidence, content: bytes
) -> None:
    """Prove with a kept record's content that its sketch is another one's."""
    sizes = len(evidence.sketch) + len(content)
    charge_records(host, "challengeSketch", index_id, sizes, hashes_of(evidence))
    index = challenged_index(host, index_id, salt)
    place = place_of(host, index, evidence)
    check_records_row(index, place, evidence)
    require(evidence.canonical_index == place.index, "canonicalIndex")
    if keccak256(content) != evidence.content_hash:
        raise INVALID_PROOF(b"content")
    if vector_sketch(_features(content)) == evidence.sketch:
        raise CHALLENGE_FAILED(place.index, place.index)
    convict_index(host, index_id, index)


def vector_sketch(features: bytes) -> bytes:
    """`floor((n·x_i - Σx + n) / 2n)`, which is always in [-127, 127], one int8 each."""
    count, total = len(features), sum(features)
    centred = ((count * value - total + count) // (2 * count) for value in features)
    return bytes(value % 256 for value in centred)


def _features(content: bytes) -> bytes:
    """The features of a vector record's canonical bytes: magic, count, features, label."""
    head = len(MAGIC) + COUNT_BYTES
    count = len(content) - head - LABEL_BYTES
    require(0 < count <= MAXIMUM_FEATURES, "content")
    require(content[:head] == MAGIC + count.to_bytes(COUNT_BYTES, "big"), "content")
    return content[head : head + count]
