"""Who signs L1 transactions: a key in memory.

Covered: EIP-1559 and EIP-4844 transactions; no key in logs or in `repr`. Not covered: remote signers.
"""

import asyncio
from typing import Any

from eth_account import Account

from genesis.types import Address, Hash32
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
