"""Which key of the chain store holds what: every prefix, with the byte layout of key and value.

| prefix | key after the prefix           | value                                                        |
| ------ | ------------------------------ | ------------------------------------------------------------ |
| `M`    | name (ASCII)                   | schema version, chain identity, heads: see below             |
| `n`    | node hash (32)                 | RLP of a state or storage trie node                          |
| `c`    | code hash (32)                 | contract code                                                |
| `h`    | block hash (32)                | RLP of the header                                            |
| `b`    | block hash (32)                | RLP of the body, layout in `chain/codec.py`                  |
| `r`    | block hash (32)                | RLP of the receipts, layout in `chain/codec.py`              |
| `s`    | block hash (32)                | minted, burned, and both since genesis (32 bytes each)       |
| `i`    | number (8, big-endian)         | hash of the canonical block (32)                             |
| `l`    | number (8, big-endian)         | logs bloom of the canonical block (256)                      |
| `p`    | block hash (32)                | state root (32) a dev method put in place of the header's    |
| `t`    | transaction hash (32)          | hash of the canonical block (32), index (4, big-endian)      |
| `k`    | node hash (32)                 | pruned only: places that name the node (4), if more than one |
| `d`    | number (8, big-endian)         | pruned only: places the block created (4), their node hashes |
|        |                                | (32 each), then those of places it replaced                  |

Metadata: `schema` (4, big-endian), `identity` (genesis hash 32, chain id 32), `unsafe`, `safe`, `finalized`
(block hash 32 each), `detached` (empty) once a dev method changed state outside of blocks; `history` (8) in a
pruned store: how many states behind the head it keeps, and `oldest-state` (8): the first block that has one.
"""

META = b"M"
NODE = b"n"
CODE = b"c"
HEADER = b"h"
BODY = b"b"
RECEIPTS = b"r"
SUPPLY = b"s"
CANONICAL = b"i"
BLOOM = b"l"
PATCHED_ROOT = b"p"
TRANSACTION = b"t"
REFERENCES = b"k"
JOURNAL = b"d"

SCHEMA = META + b"schema"
IDENTITY = META + b"identity"
UNSAFE = META + b"unsafe"
SAFE = META + b"safe"
FINALIZED = META + b"finalized"
DETACHED = META + b"detached"
HISTORY = META + b"history"
OLDEST_STATE = META + b"oldest-state"


def node(node_hash: bytes) -> bytes:
    return NODE + node_hash


def code(code_hash: bytes) -> bytes:
    return CODE + code_hash


def references(node_hash: bytes) -> bytes:
    return REFERENCES + node_hash


def by_hash(prefix: bytes, block_hash: bytes) -> bytes:
    return prefix + block_hash


def by_number(prefix: bytes, number: int) -> bytes:
    return prefix + number.to_bytes(8, "big")


def transaction(transaction_hash: bytes) -> bytes:
    return TRANSACTION + transaction_hash
