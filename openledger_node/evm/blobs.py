"""What travels beside a blob transaction on its way to a block: blobs, commitments and proofs.

Covered: the network form, counts, versioned hashes, the proofs. Not covered: cell proofs (Osaka), keeping
blobs once their transaction is in a block.
Source: EIP-4844, "Networking".
"""

from dataclasses import dataclass

from openledger_node.evm.blob_proofs import BLOB_BYTES, is_proven, versioned_hash
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.records import Transaction
from openledger_node.evm.rlp_codec import Item, RlpError, decode_list, encode, to_fixed, to_list
from openledger_node.evm.transactions import BLOB

_POINT_BYTES = 48
_NETWORK_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One of each per blob, in the order of the transaction's hashes: 131,072, 48 and 48 bytes."""

    blobs: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    proofs: tuple[bytes, ...]


def split_network_form(raw: bytes) -> tuple[bytes, Sidecar | None]:
    """The transaction's canonical encoding, and what travels beside it. Raises `TransactionError`."""
    if raw[:1] != bytes((BLOB,)):
        return raw, None
    try:
        fields = decode_list(raw[1:])
        if not fields or isinstance(fields[0], bytes):
            return raw, None
        if len(fields) != _NETWORK_FIELDS:
            raise RlpError(f"rlp: expected {_NETWORK_FIELDS} sidecar fields, got {len(fields)}")
        transaction, blobs, commitments, proofs = (to_list(field) for field in fields)
        sidecar = Sidecar(
            _fixed(blobs, BLOB_BYTES), _fixed(commitments, _POINT_BYTES), _fixed(proofs, _POINT_BYTES)
        )
    except RlpError as error:
        raise TransactionError(str(error)) from None
    return raw[:1] + encode(transaction), sidecar


def _fixed(items: list[Item], size: int) -> tuple[bytes, ...]:
    return tuple(to_fixed(item, size) for item in items)


def check_sidecar(transaction: Transaction, sidecar: Sidecar | None) -> None:
    """Whether a blob transaction comes with its blobs. Raises `TransactionError`."""
    if sidecar is None:
        raise TransactionError("missing sidecar in blob transaction")
    count = len(transaction.blob_hashes)
    counts = (len(sidecar.blobs), len(sidecar.commitments), len(sidecar.proofs))
    if counts != (count, count, count):
        raise TransactionError(f"invalid number of blobs, commitments and proofs {counts}, want {count}")
    for index, commitment in enumerate(sidecar.commitments):
        if versioned_hash(commitment) != transaction.blob_hashes[index]:
            raise TransactionError(f"blob {index}: commitment does not match the versioned hash")
    for index, blob in enumerate(sidecar.blobs):
        if not is_proven(blob, sidecar.commitments[index], sidecar.proofs[index]):
            raise TransactionError(f"invalid blob {index}: the proof does not verify")
