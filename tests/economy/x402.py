"""A payment of x402's scheme `upto`, signed as its clients do: what Permit2 makes of it."""

from dataclasses import dataclass

from genesis.addresses import OP_WETH9, X402_UPTO_PROXY
from genesis.commitments import address_word, word
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from tests.precompiles.calls import Account

_TOKEN_TYPE = b"TokenPermissions(address token,uint256 amount)"
_WITNESS_TYPE = b"Witness(address to,address facilitator,uint256 validAfter)"
_PERMIT_TYPE = (
    b"PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,"
    b"Witness witness)" + _TOKEN_TYPE + _WITNESS_TYPE
)


@dataclass(frozen=True, slots=True)
class UptoPayment:
    """At most so much WOPEN to a receiver, which is the facilitator too."""

    receiver: Address
    most_wei: int
    nonce: int
    deadline_s: int

    def permit(self) -> tuple[tuple[Address, int], int, int]:
        """As `collect` takes it."""
        return (OP_WETH9, self.most_wei), self.nonce, self.deadline_s

    def signed(self, payer: Account, domain: Hash32) -> bytes:
        """The payer's signature under Permit2's domain."""
        permitted = keccak256(keccak256(_TOKEN_TYPE) + address_word(OP_WETH9) + word(self.most_wei))
        parties = 2 * address_word(self.receiver)
        witness = keccak256(keccak256(_WITNESS_TYPE) + parties + word(0))
        said = permitted + address_word(X402_UPTO_PROXY) + word(self.nonce) + word(self.deadline_s) + witness
        return payer.sign(keccak256(b"\x19\x01" + domain + keccak256(keccak256(_PERMIT_TYPE) + said)))
