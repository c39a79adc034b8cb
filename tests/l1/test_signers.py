from dataclasses import replace

import pytest
import rlp
from eth_account import Account

from genesis.keccak import keccak256
from genesis.types import Address
from openledger_node.l1.blobs import commitment_of, versioned_hash
from openledger_node.l1.raw_transaction import decode_l1_transaction
from openledger_node.l1.signers import LocalSigner
from rollup_bridge.codec.blob import encode_blob
from rollup_bridge.ports import UnsignedTransaction

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
ADDRESS = "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
TRANSACTION = UnsignedTransaction(31337, 7, Address(b"\x11" * 20), 5, b"data", 50_000, 10**10, 10**9)


async def test_what_is_signed_recovers_to_the_signer() -> None:
    signer = LocalSigner(KEY)
    signed = await signer.sign(TRANSACTION)
    assert signer.address.hex() == ADDRESS
    assert Account.recover_transaction(signed.raw).lower() == "0x" + ADDRESS
    assert signed.hash == keccak256(signed.raw)
    assert signed.raw[0] == 2


@pytest.mark.parametrize("cell_proofs", [False, True])
async def test_blobs_travel_beside_what_is_signed(cell_proofs: bool) -> None:
    signer, blob = LocalSigner(KEY), encode_blob(b"batch")
    unsigned = replace(TRANSACTION, blobs=(blob,), max_blob_fee_wei=3, cell_proofs=cell_proofs)
    signed = await signer.sign(unsigned)
    fields = rlp.decode(signed.raw[1:])
    assert [len(field) for field in fields[-3:]] == [1, 1, 128 if cell_proofs else 1]
    assert fields[1 if not cell_proofs else 2] == [blob]
    canonical = signed.raw[:1] + rlp.encode(fields[0])
    assert signed.hash == keccak256(canonical)
    decoded = decode_l1_transaction(canonical if cell_proofs else signed.raw)
    assert (decoded.sender.hex(), decoded.type, decoded.nonce) == (ADDRESS, 3, 7)
    assert decoded.blob_hashes == (versioned_hash(commitment_of(blob)),)


def test_the_key_does_not_show() -> None:
    assert KEY.hex() not in repr(LocalSigner(KEY))
