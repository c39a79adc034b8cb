"""A transaction signed with a key that the node holds.

Source: EIP-155, EIP-2718.
"""

from dataclasses import replace

from coincurve import PrivateKey

from genesis.keccak import keccak256
from openledger_node.evm.records import Transaction
from openledger_node.evm.transactions import LEGACY
from openledger_node.evm.unsigned import PROTECTED_V, encoded, signed_message


def signed(transaction: Transaction, private_key: bytes) -> Transaction:
    """The transaction with its signature, `raw` and `hash`; its sender is the key's by assumption."""
    digest = keccak256(signed_message(transaction))
    signature = PrivateKey(private_key).sign_recoverable(digest, hasher=None)
    y_parity = signature[64]
    return encoded(
        replace(
            transaction,
            v=PROTECTED_V + 2 * (transaction.chain_id or 0) + y_parity
            if transaction.type == LEGACY
            else y_parity,
            r=int.from_bytes(signature[:32], "big"),
            s=int.from_bytes(signature[32:64], "big"),
        )
    )
