"""What a validator signs about an output root, how it is put on the L1, and when two of them contradict.

Pure. Source: `rollup_bridge/contracts/ValidatorStaking.sol`; EIP-712.
"""

from dataclasses import dataclass

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError

from genesis.keccak import keccak256
from genesis.spec import BlockId
from genesis.types import Address, Hash32
from rollup_bridge.errors import MalformedError

_FIELDS = ["uint256", "bytes32", "uint256", "bytes32"]
_TUPLE = f"({','.join(_FIELDS)})"
_TYPE = b"Attestation(uint256 l2BlockNumber,bytes32 outputRoot,uint256 l1BlockNumber,bytes32 l1BlockHash)"
_DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_ATTEST = keccak256(f"attest({_TUPLE},bytes)".encode())[:4]
_CONTRADICTION = keccak256(f"proveContradiction({_TUPLE},bytes,{_TUPLE},bytes)".encode())[:4]
ATTESTED_TOPIC = keccak256(b"Attested(address,uint256,bytes32,bytes)")


@dataclass(frozen=True, slots=True)
class Attestation:
    """After L2 block `l2_number`, derived from the L1 up to block `l1`, the output root is `root`."""

    l2_number: int
    root: Hash32
    l1: BlockId

    @property
    def fields(self) -> tuple[int, Hash32, int, Hash32]:
        return (self.l2_number, self.root, self.l1.number, self.l1.hash)


@dataclass(frozen=True, slots=True)
class SignedAttestation:
    """`signature` is r ‖ s ‖ v."""

    attestation: Attestation
    signature: bytes


def attestation_digest(l1_chain_id: int, staking: Address, attestation: Attestation) -> Hash32:
    """What is signed. The domain names the L1 and the staking contract, and with it the rollup."""
    domain = encode(
        ["bytes32", "bytes32", "bytes32", "uint256", "address"],
        [
            keccak256(_DOMAIN_TYPE),
            keccak256(b"OpenLedger ValidatorStaking"),
            keccak256(b"1"),
            l1_chain_id,
            staking,
        ],
    )
    struct = encode(["bytes32", *_FIELDS], [keccak256(_TYPE), *attestation.fields])
    return keccak256(b"\x19\x01" + keccak256(domain) + keccak256(struct))


def contradict(first: Attestation, second: Attestation) -> bool:
    """Two roots for one L2 block, derived from one L1 block."""
    same_place = (first.l2_number, first.l1.hash) == (second.l2_number, second.l1.hash)
    return same_place and first.root != second.root


def attest_calldata(signed: SignedAttestation) -> bytes:
    """A call of ValidatorStaking that records an attestation."""
    return _ATTEST + encode([_TUPLE, "bytes"], [signed.attestation.fields, signed.signature])


def read_attest_calldata(data: bytes) -> SignedAttestation:
    """The inverse of `attest_calldata`; `MalformedError` for any other call."""
    if data[:4] != _ATTEST:
        raise MalformedError("not a call of attest")
    try:
        (number, root, l1_number, l1_hash), signature = decode([_TUPLE, "bytes"], data[4:])
    except DecodingError as error:
        raise MalformedError(f"attest cannot be decoded: {error}") from error
    attestation = Attestation(number, Hash32(root), BlockId(Hash32(l1_hash), l1_number))
    return SignedAttestation(attestation, signature)


def contradiction_calldata(first: SignedAttestation, second: SignedAttestation) -> bytes:
    return _CONTRADICTION + encode(
        [_TUPLE, "bytes", _TUPLE, "bytes"],
        [first.attestation.fields, first.signature, second.attestation.fields, second.signature],
    )
