"""How blobs are named and proven: commitments, versioned hashes, and what travels beside a blob transaction.

Covered: proofs by blob (before Osaka) and by cell (since). The trusted setup is Ethereum's, as eth-account
ships it.
Source: EIP-4844; EIP-7594, "Networking" for the form with cell proofs.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import ckzg
import rlp

from genesis.types import Hash32

_VERSION = b"\x01"
_CELL_PROOFS_FORM = 1


@lru_cache(maxsize=1)
def _setup() -> Any:
    path = files("eth_account") / "typed_transactions" / "blob_transactions" / "kzg_trusted_setup.txt"
    return ckzg.load_trusted_setup(str(path), 0)


def commitment_of(blob: bytes) -> bytes:
    """48 bytes; `ValueError` for what is no blob: a wrong size, or a field element beyond the modulus."""
    try:
        return bytes(ckzg.blob_to_kzg_commitment(blob, _setup()))
    except RuntimeError as error:
        raise ValueError("not a blob") from error


def versioned_hash(commitment: bytes) -> Hash32:
    return Hash32(_VERSION + sha256(commitment).digest()[1:])


def network_form(signed: bytes, blobs: Sequence[bytes], *, cell_proofs: bool) -> bytes:
    """A signed blob transaction with all that a node wants to see before it takes it into its pool."""
    commitments = [commitment_of(blob) for blob in blobs]
    if cell_proofs:
        proofs = [proof for blob in blobs for proof in ckzg.compute_cells_and_kzg_proofs(blob, _setup())[1]]
    else:
        proofs = [
            ckzg.compute_blob_kzg_proof(blob, commitment, _setup())
            for blob, commitment in zip(blobs, commitments, strict=True)
        ]
    form = [_CELL_PROOFS_FORM] if cell_proofs else []
    body: bytes = rlp.encode([rlp.decode(signed[1:]), *form, list(blobs), commitments, proofs])
    return signed[:1] + body
