"""Who signs L1 transactions: a key in memory, from a raw key or an encrypted keystore file.

Covered: keystore version 3 files with a password file; no key in logs or in `repr`.
Not covered: remote signers.
Source: Web3 Secret Storage (keystore v3); EIP-1559 and EIP-4844 for what is signed.
"""

import asyncio
from pathlib import Path
from typing import Any

import orjson
from eth_account import Account

from genesis.types import Address, Hash32
from openledger_node.errors import StartError
from openledger_node.l1.blobs import commitment_of, network_form, versioned_hash
from rollup_bridge.ports import SignedTransaction, UnsignedTransaction


class LocalSigner:
    """Implements `rollup_bridge.ports.Signer`."""

    def __init__(self, private_key: bytes) -> None:
        self._account = Account.from_key(private_key)
        self._address = Address(bytes.fromhex(self._account.address.removeprefix("0x")))

    @property
    def address(self) -> Address:
        return self._address

    async def sign(self, transaction: UnsignedTransaction) -> SignedTransaction:
        """With blobs, off the event loop: their proofs take a while."""
        if transaction.blobs:
            return await asyncio.to_thread(self._sign_with_blobs, transaction)
        signed = self._account.sign_transaction({"type": 2, **_fields(transaction)})
        return SignedTransaction(Hash32(bytes(signed.hash)), bytes(signed.raw_transaction))

    def _sign_with_blobs(self, transaction: UnsignedTransaction) -> SignedTransaction:
        hashes = [versioned_hash(commitment_of(blob)) for blob in transaction.blobs]
        signed = self._account.sign_transaction(
            {
                "type": 3,
                **_fields(transaction),
                "maxFeePerBlobGas": transaction.max_blob_fee_wei,
                "blobVersionedHashes": hashes,
            }
        )
        canonical = bytes(signed.raw_transaction)
        raw = network_form(canonical, transaction.blobs, cell_proofs=transaction.cell_proofs)
        return SignedTransaction(Hash32(bytes(signed.hash)), raw)

    def __repr__(self) -> str:
        return f"LocalSigner(0x{self._address.hex()})"


def _fields(transaction: UnsignedTransaction) -> dict[str, Any]:
    return {
        "chainId": transaction.chain_id,
        "nonce": transaction.nonce,
        "to": transaction.to,
        "value": transaction.value_wei,
        "data": transaction.data,
        "gas": transaction.gas,
        "maxFeePerGas": transaction.max_fee_wei,
        "maxPriorityFeePerGas": transaction.max_priority_fee_wei,
    }


def keystore_signer(keystore: Path, password_file: Path) -> LocalSigner:
    """`StartError` if a file cannot be read or the password does not fit. Takes about a second."""
    try:
        document = orjson.loads(keystore.read_bytes())
        password = password_file.read_text().rstrip("\r\n")
    except (OSError, orjson.JSONDecodeError) as error:
        raise StartError(f"keystore {keystore} cannot be read", str(error)) from error
    try:
        return LocalSigner(bytes(Account.decrypt(document, password)))
    except (KeyError, TypeError, ValueError, NotImplementedError) as error:
        raise StartError(
            f"keystore {keystore} cannot be decrypted", f"check the password in {password_file}"
        ) from error
