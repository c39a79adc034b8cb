"""What a withdrawal is, how it is named, and what proves and finalizes it on L1. Pure.

Identity is the hash of its fields alone; the bytes of a proof are never part of it.
Source: OP Stack specification, withdrawals; `rollup_bridge/contracts/Portal.sol`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from rollup_bridge.errors import MalformedError
from rollup_bridge.ports import OutputParts
from rollup_bridge.proposer.output_root import VERSION_0

_FIELDS = ["uint256", "address", "address", "uint256", "uint256", "bytes"]
_TUPLE = f"({','.join(_FIELDS)})"
_OUTPUT_PROOF = "(bytes32,bytes32,bytes32,bytes32)"
_PROVE = keccak256(f"proveWithdrawalTransaction({_TUPLE},uint256,{_OUTPUT_PROOF},bytes[])".encode())[:4]
_FINALIZE = keccak256(f"finalizeWithdrawalTransaction({_TUPLE})".encode())[:4]
_INITIATE = keccak256(b"initiateWithdrawal(address,uint256,bytes)")[:4]
MESSAGE_PASSED_TOPIC = keccak256(b"MessagePassed(uint256,address,address,uint256,uint256,bytes,bytes32)")
_SENT_MESSAGES_SLOT = 0


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A message from L2 to L1; `value_wei` is paid in OPEN on L1."""

    nonce: int
    sender: Address
    target: Address
    value_wei: int
    gas_limit: int
    data: bytes

    @property
    def fields(self) -> tuple[int, Address, Address, int, int, bytes]:
        return (self.nonce, self.sender, self.target, self.value_wei, self.gas_limit, self.data)


def withdrawal_hash(withdrawal: Withdrawal) -> Hash32:
    return keccak256(encode(_FIELDS, withdrawal.fields))


def message_passer_slot(hash_: Hash32) -> Hash32:
    """The storage slot of `sentMessages[hash]`; its value is 1 once the withdrawal was initiated."""
    return keccak256(hash_ + _SENT_MESSAGES_SLOT.to_bytes(32, "big"))


def read_message_passed(address: Address, topics: Sequence[bytes], data: bytes) -> Withdrawal | None:
    """The withdrawal of a MessagePassed event, or None for any other log.

    `MalformedError` if the event does not name the hash of its own fields.
    """
    if address != L2_TO_L1_MESSAGE_PASSER or len(topics) != 4 or topics[0] != MESSAGE_PASSED_TOPIC:
        return None
    try:
        value_wei, gas_limit, payload, named = decode(["uint256", "uint256", "bytes", "bytes32"], data)
    except DecodingError as error:
        raise MalformedError(f"MessagePassed cannot be decoded: {error}") from error
    withdrawal = Withdrawal(
        nonce=int.from_bytes(topics[1], "big"),
        sender=Address(topics[2][12:]),
        target=Address(topics[3][12:]),
        value_wei=value_wei,
        gas_limit=gas_limit,
        data=payload,
    )
    if withdrawal_hash(withdrawal) != named:
        raise MalformedError("MessagePassed names another hash than that of its fields")
    return withdrawal


def initiate_calldata(target: Address, gas_limit: int, data: bytes = b"") -> bytes:
    """Call of the message passer on L2, with the amount as value."""
    return _INITIATE + encode(["address", "uint256", "bytes"], [target, gas_limit, data])


def prove_calldata(
    withdrawal: Withdrawal, output_index: int, parts: OutputParts, proof: Sequence[bytes]
) -> bytes:
    """Call of the portal: `parts` make up the output root at `output_index`, `proof` is the trie path of the
    withdrawal's slot below the message passer's storage root."""
    output_proof = (VERSION_0, parts.state_root, parts.message_passer_storage_root, parts.block_hash)
    return _PROVE + encode(
        [_TUPLE, "uint256", _OUTPUT_PROOF, "bytes[]"],
        [withdrawal.fields, output_index, output_proof, list(proof)],
    )


def finalize_calldata(withdrawal: Withdrawal) -> bytes:
    return _FINALIZE + encode([_TUPLE], [withdrawal.fields])
