"""Challenges of a record's sketch: recomputed from its content, vectors in integers, ASCII texts by MinHash.

A sketch decides which records are duplicates, so a wrong one lets a copy earn, or a stranger's record be
dropped. Whoever signs an index answers for the sketches of the records it keeps: a kept record whose sketch
is not its content's voids it. Who publishes a version checks them too (`workers.datasets`).

Covered: labelled vectors of up to 49,152 features; texts in ASCII of up to 65,536 bytes of content and 24,576
shingles. Not covered: other texts, whose words are read by Unicode's tables, which a contract cannot have:
they revert with `UnsupportedText` at the first other byte; records that are dropped.
Source: protocol, section 3 "Datanet" (the sketch is computed by rule); `workers.datasets.sketch`, `.minhash`.
"""

from genesis.keccak import keccak256
from genesis.types import Hash32
from precompiles import gas
from precompiles.attribution_indexes import challenged_index, convict_index
from precompiles.attribution_interface import CHALLENGE_FAILED, INVALID_PROOF
from precompiles.attribution_records import charge_records, check_records_row, hashes_of, place_of
from precompiles.checks import require
from precompiles.contract import PrecompileRevertError
from precompiles.host import Host
from precompiles.minhash import ascii_words, shingle_count, sketch_of_words
from precompiles.record_texts import is_text, plain_text
from precompiles.views.disputes import RecordEvidence

MAGIC = b"OLVC\x01"
COUNT_BYTES = 4
LABEL_BYTES = 4
MAXIMUM_FEATURES = 49_152
MAXIMUM_SHINGLES = 24_576
"""What fits a forced deposit's gas."""


def challenge_sketch(
    host: Host, index_id: int, salt: Hash32, evidence: RecordEvidence, content: bytes
) -> None:
    """Prove with a kept record's content that its sketch is another one's."""
    sizes = len(evidence.sketch) + len(content)
    charge_records(host, "challengeSketch", index_id, sizes, hashes_of(evidence), 0)
    index = challenged_index(host, index_id, salt)
    place = place_of(host, index, evidence)
    check_records_row(index, place, evidence)
    require(evidence.canonical_index == place.index, "canonicalIndex")
    if keccak256(content) != evidence.content_hash:
        raise INVALID_PROOF(b"content")
    if _sketch_of(host, content) == evidence.sketch:
        raise CHALLENGE_FAILED(place.index, place.index)
    convict_index(host, index_id, index)


def is_judged(content: bytes) -> bool:
    """Whether a challenge about this content would be decided at all."""
    try:
        if is_text(content):
            return shingle_count(ascii_words(plain_text(content))) <= MAXIMUM_SHINGLES
        return bool(_features(content))
    except PrecompileRevertError:
        return False


def _sketch_of(host: Host, content: bytes) -> bytes:
    """By the content's kind; a text's shingles are paid for before they are hashed."""
    if not is_text(content):
        return vector_sketch(_features(content))
    words = ascii_words(plain_text(content))
    count = shingle_count(words)
    require(count <= MAXIMUM_SHINGLES, "content")
    host.charge_gas(gas.SHINGLE * count, "shingles")
    return sketch_of_words(words)


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
