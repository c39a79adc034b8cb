"""Accounts whose keys the node holds and uses on request: the published development accounts, nobody else's.

Covered: transactions, messages (EIP-191), typed data (EIP-712).
Not covered: locking, passwords, keystores. A node on a real network runs with none of these accounts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from eth_abi.exceptions import EncodingError
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils.exceptions import ValidationError

from genesis.types import Address
from openledger_node.evm.records import Transaction
from openledger_node.evm.signing import signed
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from openledger_node.rpc.typed_data import check_array_lengths

MOST_WORDS = 200
"""Characters of a library's message that are passed on."""
_MALFORMED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    EncodingError,
    ValidationError,
)
"""What eth-account raises for typed data that is none."""


class UnlockedAccounts:
    def __init__(self, private_keys: Iterable[bytes]) -> None:
        signers: list[LocalAccount] = [Account.from_key(key) for key in private_keys]
        self._signers = {Address(bytes.fromhex(signer.address[2:])): signer for signer in signers}

    def addresses(self) -> list[Address]:
        return list(self._signers)

    def sign_transaction(self, transaction: Transaction) -> bytes:
        """The raw transaction, signed by its sender. Raises ServerError for an account the node does not
        hold."""
        return signed(transaction, bytes(self._signer(transaction.sender).key)).raw

    def sign_message(self, sender: Address, message: bytes) -> bytes:
        """65 bytes r, s, v (27 or 28) over the message with Ethereum's prefix."""
        return bytes(self._signer(sender).sign_message(encode_defunct(message)).signature)

    def sign_typed_data(self, sender: Address, typed_data: Mapping[str, Any]) -> bytes:
        signer = self._signer(sender)
        try:
            check_array_lengths(typed_data["types"], typed_data["primaryType"], typed_data["message"])
            message = encode_typed_data(full_message=dict(typed_data))
        except _MALFORMED as error:
            raise InvalidParamsError(f"typed data does not encode: {str(error)[:MOST_WORDS]}") from error
        return bytes(signer.sign_message(message).signature)

    def _signer(self, sender: Address) -> LocalAccount:
        if sender not in self._signers:
            raise ServerError("unknown account")
        return self._signers[sender]
