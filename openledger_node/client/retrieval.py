"""What a provider signs of the records that it looked up for an answer, and how a customer checks it.

The receipt (EIP-712) binds the paid receipt, the Datanet's version and every cited place with its contributor
and weight, so whoever holds it can show what was used and who is to be credited. Weights are parts per
million and sum to one million. Covered: signing, checking. Not covered: paying contributors by it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from genesis.addresses import DATANET_REGISTRY
from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.shares import PPM
from genesis.types import Address, Hash32
from openledger_node.client.account import Account, recover_signer
from workers.artifacts import canonical_json

DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
DOMAIN_NAME = b"OpenLedger Retrieval"
RETRIEVAL_TYPE = b"Retrieval(bytes32 receiptHash,uint256 datanetId,uint256 version,bytes32 citationsHash)"
BOUND = ("record", "contributor", "start", "end", "weightPpm")
"""What of a citation is signed."""


def weights_ppm(cosines_ppm: Sequence[int]) -> list[int]:
    """Shares in proportion to the positive cosines, equal ones where none is; the first has the remainder."""
    positive = [max(0, cosine) for cosine in cosines_ppm]
    total = sum(positive)
    shares = [value * PPM // total for value in positive] if total else [PPM // len(positive)] * len(positive)
    return [shares[0] + PPM - sum(shares), *shares[1:]]


def retrieval_digest(
    receipt: Hash32, datanet_id: int, version: int, citations: Sequence[Mapping[str, Any]], chain_id: int
) -> Hash32:
    """The 32 bytes a provider signs; `citations` as in an answer's `x_openledger`."""
    bound = [[citation[name] for name in BOUND] for citation in citations]
    domain = keccak256(
        keccak256(DOMAIN_TYPE)
        + keccak256(DOMAIN_NAME)
        + keccak256(b"1")
        + word(chain_id)
        + address_word(DATANET_REGISTRY)
    )
    struct = keccak256(
        keccak256(RETRIEVAL_TYPE)
        + receipt
        + word(datanet_id)
        + word(version)
        + keccak256(canonical_json.encode(bound))
    )
    return keccak256(b"\x19\x01" + domain + struct)


def sign_retrieval(
    receipt: Hash32, retrieval: Mapping[str, Any], key: Account, chain_id: int
) -> dict[str, Any]:
    """`x_openledger.retrieval`: Datanet, version, and the provider's signature over the citations."""
    digest = retrieval_digest(
        receipt, retrieval["datanet"], retrieval["version"], retrieval["citations"], chain_id
    )
    return {
        "datanet": retrieval["datanet"],
        "version": retrieval["version"],
        "signature": f"0x{key.sign_digest(digest).hex()}",
    }


def retrieval_signer(paid: Mapping[str, Any], chain_id: int) -> Address | None:
    """Who signed the retrieval receipt of an answer (its `x_openledger`); None when nobody did."""
    said = paid["retrieval"]
    receipt = Hash32(bytes.fromhex(paid["receipt"]["receiptHash"][2:]))
    digest = retrieval_digest(receipt, said["datanet"], said["version"], paid["citations"], chain_id)
    return recover_signer(digest, bytes.fromhex(said["signature"][2:]))
