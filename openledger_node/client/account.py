"""Who signs: a private key, its address, digests and fee-market transactions.

Covered: ECDSA with low s over given digests, EIP-1559 transactions, the dev mnemonic's accounts.
Not covered: keystores and remote signers (`l1/`), key storage: a key lives in memory only.
"""

from dataclasses import dataclass
from functools import cache

from eth_account import Account as EthAccount
from eth_keys.datatypes import PrivateKey, Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from genesis.networks import DEV_MNEMONIC
from genesis.types import Address, Hash32
from openledger_node.errors import UserError

MNEMONIC_ACCOUNTS = 2**31
"""Keys that are not hardened, of one parent. Source: BIP-32."""
SECP256K1_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0


@dataclass(frozen=True, slots=True)
class TransactionFields:
    """An EIP-1559 transaction before it is signed; `to` None creates a contract."""

    chain_id: int
    nonce: int
    to: Address | None
    value_wei: int
    data: bytes
    gas: int
    max_fee_wei: int
    max_priority_fee_wei: int


class Account:
    """One key. Its `repr` never shows it."""

    def __init__(self, private_key: bytes) -> None:
        self._key = PrivateKey(private_key)
        self.address = Address(self._key.public_key.to_canonical_address())

    def __repr__(self) -> str:
        return f"Account(0x{self.address.hex()})"

    def sign_digest(self, digest: Hash32) -> bytes:
        """65 bytes `r ‖ s ‖ v`, v in {27, 28}, low s: what precompiles recover."""
        signature = self._key.sign_msg_hash(digest).to_bytes()
        return signature[:64] + bytes([signature[64] + 27])

    def sign_transaction(self, fields: TransactionFields) -> bytes:
        """The raw type-2 transaction."""
        signed = EthAccount.sign_transaction(
            {
                "type": 2,
                "chainId": fields.chain_id,
                "nonce": fields.nonce,
                "to": fields.to if fields.to is not None else b"",
                "value": fields.value_wei,
                "data": fields.data,
                "gas": fields.gas,
                "maxFeePerGas": fields.max_fee_wei,
                "maxPriorityFeePerGas": fields.max_priority_fee_wei,
            },
            self._key.to_bytes(),
        )
        return bytes(signed.raw_transaction)


def recover_signer(digest: Hash32, signature: bytes) -> Address | None:
    """Who signed `digest`, by the precompiles' rule (65 bytes, v in {27, 28}, low s), or None."""
    if len(signature) != 65 or signature[64] not in {27, 28}:
        return None
    if int.from_bytes(signature[32:64], "big") > SECP256K1_HALF_ORDER:
        return None
    compact = signature[:64] + bytes([signature[64] - 27])
    try:
        recovered = Signature(compact).recover_public_key_from_msg_hash(digest)
    except (ValidationError, BadSignature):
        return None
    return Address(recovered.to_canonical_address())


@cache
def dev_private_key(index: int, mnemonic: str = DEV_MNEMONIC) -> bytes:
    """Private key `index` of a mnemonic at m/44'/60'/0'/0/index. Raises UserError beyond its last one."""
    if not 0 <= index < MNEMONIC_ACCOUNTS:
        raise UserError(f"a mnemonic has no account {index}", "count from 0 to 2^31 - 1")
    EthAccount.enable_unaudited_hdwallet_features()
    derived = EthAccount.from_mnemonic(mnemonic, account_path=f"m/44'/60'/0'/0/{index}")
    return bytes(derived.key)


@cache
def dev_account(index: int, mnemonic: str = DEV_MNEMONIC) -> Account:
    """Account `index` of a mnemonic."""
    return Account(dev_private_key(index, mnemonic))
