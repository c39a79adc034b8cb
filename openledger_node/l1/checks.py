"""Whether what an L1 node says of a block is what the block's hash commits to.

Covered: header fields against the hash, transactions and receipts (so every log) against the header's roots,
senders against signatures. Types 0 to 4; with a later type among them a block's transactions cannot be
encoded again, so that they are taken as they are, and its receipts still are checked.
Not covered: whether the block is on the chain that consensus chose. Derivation checks that blocks follow each
other; which fork is right only the L1's own nodes know.
Source: Ethereum yellow paper, 4.3; EIP-1559, 4895, 4844, 4788, 7685 for the fields that came later.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from genesis.keccak import keccak256
from openledger_node.evm.rlp_codec import Item, encode, uint
from openledger_node.evm.trie import ordered_root
from openledger_node.l1.decoding import member, octets, quantity
from openledger_node.l1.errors import L1UnavailableError
from openledger_node.l1.raw_transaction import RawL1Transaction, decode_l1_transaction
from rollup_bridge.errors import MalformedError

LAST_KNOWN_TYPE = 4


def _number(value: Any) -> bytes:
    return uint(quantity(value))


_BYTES, _NUMBER = octets, _number
_HEADER = (
    ("parentHash", _BYTES),
    ("sha3Uncles", _BYTES),
    ("miner", _BYTES),
    ("stateRoot", _BYTES),
    ("transactionsRoot", _BYTES),
    ("receiptsRoot", _BYTES),
    ("logsBloom", _BYTES),
    ("difficulty", _NUMBER),
    ("number", _NUMBER),
    ("gasLimit", _NUMBER),
    ("gasUsed", _NUMBER),
    ("timestamp", _NUMBER),
    ("extraData", _BYTES),
    ("mixHash", _BYTES),
    ("nonce", _BYTES),
)
_LATER = (
    ("baseFeePerGas", _NUMBER),
    ("withdrawalsRoot", _BYTES),
    ("blobGasUsed", _NUMBER),
    ("excessBlobGas", _NUMBER),
    ("parentBeaconBlockRoot", _BYTES),
    ("requestsHash", _BYTES),
)


def check_header(record: Any) -> bytes:
    """The header's RLP; raises `L1UnavailableError` unless it hashes to the block's hash."""
    items: list[Item] = [read(member(record, name)) for name, read in _HEADER]
    for name, read in _LATER:
        if record.get(name) is None:
            break
        items.append(read(record[name]))
    header = encode(items)
    if keccak256(header) != octets(member(record, "hash")):
        raise L1UnavailableError(
            "the L1 gave a header that does not have its hash",
            "use another node; for an L1 of a fork this version does not know, --l1.trust",
        )
    return header


def check_receipts(records: Sequence[Any], receipts_root: bytes) -> None:
    """Raises `L1UnavailableError` unless these are all receipts of the block, logs and all."""
    if ordered_root(_receipt(record) for record in records) != receipts_root:
        raise L1UnavailableError("the L1 gave receipts that are not the block's")


def checked_transactions(
    records: Sequence[Any], transactions_root: bytes, *, is_development: bool = False
) -> list[RawL1Transaction] | None:
    """The transactions as they were signed; None where they cannot be checked: a type is not known, or on an
    L1 for development there are blobs (anvil 1.7 hashes them into the root).

    Raises `L1UnavailableError` unless these are all transactions of the block.
    """
    if any(quantity(record.get("type") or "0x0") > LAST_KNOWN_TYPE for record in records):
        return None
    raws = [_transaction(record) for record in records]
    if ordered_root(raws) != transactions_root:
        if is_development and any("blobVersionedHashes" in record for record in records):
            return None
        raise L1UnavailableError("the L1 gave transactions that are not the block's")
    try:
        return [decode_l1_transaction(raw) for raw in raws]
    except MalformedError:
        return None  # an L1 for development may take transactions that nobody signed


def _receipt(record: Any) -> bytes:
    logs: list[Item] = [
        [octets(member(log, "address")), [octets(topic) for topic in log["topics"]], octets(log["data"])]
        for log in member(record, "logs")
    ]
    status = record.get("status")
    outcome = octets(member(record, "root")) if status is None else uint(quantity(status))
    gas = uint(quantity(member(record, "cumulativeGasUsed")))
    body = encode([outcome, gas, octets(member(record, "logsBloom")), logs])
    kind = quantity(record.get("type") or "0x0")
    return bytes([kind]) + body if kind else body


def _transaction(record: Mapping[str, Any]) -> bytes:
    kind = quantity(record.get("type") or "0x0")
    numbers = {name: uint(quantity(member(record, name))) for name in ("nonce", "gas", "value", "r", "s")}
    to = b"" if record.get("to") is None else octets(record["to"])
    call: list[Item] = [numbers["gas"], to, numbers["value"], octets(member(record, "input"))]
    signature: list[Item] = [numbers["r"], numbers["s"]]
    if kind == 0:
        price, v = (uint(quantity(member(record, name))) for name in ("gasPrice", "v"))
        return encode([numbers["nonce"], price, *call, v, *signature])
    chain_id = uint(quantity(member(record, "chainId")))
    names = ("gasPrice",) if kind == 1 else ("maxPriorityFeePerGas", "maxFeePerGas")
    prices: list[Item] = [uint(quantity(member(record, name))) for name in names]
    parity = record["yParity"] if "yParity" in record else member(record, "v")
    items = [chain_id, numbers["nonce"], *prices, *call, _access_list(record), *_own(record, kind)]
    return bytes([kind]) + encode([*items, uint(quantity(parity)), *signature])


def _access_list(record: Mapping[str, Any]) -> list[Item]:
    return [
        [octets(member(entry, "address")), [octets(key) for key in member(entry, "storageKeys")]]
        for entry in record.get("accessList") or ()
    ]


def _own(record: Mapping[str, Any], kind: int) -> list[Item]:
    """The fields of types 3 and 4 that no other type has."""
    if kind == 3:
        hashes: list[Item] = [octets(each) for each in member(record, "blobVersionedHashes")]
        return [uint(quantity(member(record, "maxFeePerBlobGas"))), hashes]
    if kind == 4:
        return [[_authorization(entry) for entry in member(record, "authorizationList")]]
    return []


def _authorization(entry: Any) -> list[Item]:
    parity = entry["yParity"] if "yParity" in entry else member(entry, "v")
    return [
        uint(quantity(member(entry, "chainId"))),
        octets(member(entry, "address")),
        uint(quantity(member(entry, "nonce"))),
        uint(quantity(parity)),
        uint(quantity(member(entry, "r"))),
        uint(quantity(member(entry, "s"))),
    ]
