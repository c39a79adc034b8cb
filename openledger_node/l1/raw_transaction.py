"""What a raw L1 transaction says, whatever L1 it is for; the blobs too where it carries them.

Source: EIP-2718 and the types above it; EIP-4844 for the form with blobs.
"""

from dataclasses import dataclass

from genesis.types import Address, Hash32
from openledger_node.evm.blobs import split_network_form
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.rlp_codec import RlpError, decode_list, to_uint
from openledger_node.evm.transactions import decode_transaction
from rollup_bridge.errors import MalformedError

_FIRST_LEGACY_BYTE = 0xC0
_V = 6


@dataclass(frozen=True, slots=True)
class RawL1Transaction:
    """`sender` is recovered; `blobs` are empty where only the hashes are there."""

    hash: Hash32
    type: int
    sender: Address
    to: Address | None
    nonce: int
    data: bytes
    blob_hashes: tuple[Hash32, ...]
    blobs: tuple[bytes, ...]


def decode_l1_transaction(raw: bytes) -> RawL1Transaction:
    """Raises `MalformedError`."""
    try:
        canonical, sidecar = split_network_form(raw)
        found = decode_transaction(canonical, _chain_id(canonical))
    except (TransactionError, RlpError) as error:
        raise MalformedError(str(error)) from None
    return RawL1Transaction(
        hash=found.hash,
        type=found.type,
        sender=found.sender,
        to=found.to,
        nonce=found.nonce,
        data=found.data,
        blob_hashes=found.blob_hashes,
        blobs=sidecar.blobs if sidecar else (),
    )


def _chain_id(raw: bytes) -> int:
    """The chain a transaction names; 0 for one that names none."""
    legacy = raw[:1] >= bytes([_FIRST_LEGACY_BYTE])
    fields = decode_list(raw if legacy else raw[1:])
    if legacy:
        v = to_uint(fields[_V]) if len(fields) > _V else 0
        return max(0, (v - 35) // 2)
    return to_uint(fields[0]) if fields else 0
