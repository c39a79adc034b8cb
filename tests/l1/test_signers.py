from dataclasses import replace
from pathlib import Path

import orjson
import pytest
import rlp
from eth_account import Account

from genesis.keccak import keccak256
from genesis.types import Address
from openledger_node.errors import StartError
from openledger_node.l1.blobs import commitment_of, versioned_hash
from openledger_node.l1.raw_transaction import decode_l1_transaction
from openledger_node.l1.signers import LocalSigner, keystore_signer
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


def test_a_keystore_file_opens_with_its_password(tmp_path: Path) -> None:
    keystore, password = tmp_path / "key.json", tmp_path / "password"
    document = Account.encrypt(KEY, "s3cret", kdf="pbkdf2", iterations=2)
    keystore.write_bytes(orjson.dumps(dict(document)))
    password.write_text("s3cret\n")
    assert keystore_signer(keystore, password).address.hex() == ADDRESS
    password.write_text("wrong")
    with pytest.raises(StartError, match="decrypted"):
        keystore_signer(keystore, password)


@pytest.mark.parametrize("content", [None, b"no json", b"{}", b'{"version":1}', b"[]"])
def test_what_is_no_keystore_is_refused_with_one_line(tmp_path: Path, content: bytes | None) -> None:
    keystore, password = tmp_path / "key.json", tmp_path / "password"
    password.write_text("x")
    if content is not None:
        keystore.write_bytes(content)
    with pytest.raises(StartError, match=r"key\.json"):
        keystore_signer(keystore, password)
