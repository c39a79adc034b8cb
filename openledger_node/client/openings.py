"""What opens a receipt: the salted input and output that it hashes, as a customer keeps and jurors read them.

Formats: `docs/gateway.md`, "Hashes". Covered: classifiers, language models and encoders. Not covered: whether
the output is the model's.
"""

from dataclasses import dataclass
from typing import Any, Self

from genesis.commitments import receipt_hash
from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.client.receipt_tree import salted
from workers.artifacts import canonical_json
from workers.errors import InvalidInputError
from workers.protocol import ReceiptInput

SALT_BYTES = 32
LARGEST = 2**31 - 1
"""Of a classifier's inputs, and far above any vocabulary."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One receipt's counts and what its two hashes are over, salts included."""

    tokens_in: int
    tokens_out: int
    prompt: bytes
    output: bytes

    @classmethod
    def of(cls, receipt: Any, prompt: Any, output: Any) -> Self:
        """From the `receipt` of an answer's `x_openledger`, and what was asked and answered."""
        salts = (bytes.fromhex(receipt[name].removeprefix("0x")) for name in ("promptSalt", "outputSalt"))
        opened = (salted(salt, content) for salt, content in zip(salts, (prompt, output), strict=True))
        return cls(receipt["tokensIn"], receipt["tokensOut"], *opened)

    def hash(self, channel_id: Hash32, number: int, fee_wei: int) -> Hash32:
        """The receipt that this opens, if its fee is that."""
        return receipt_hash(
            channel_id=channel_id,
            number=number,
            prompt_hash=keccak256(self.prompt),
            output_hash=keccak256(self.output),
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            fee_wei=fee_wei,
        )


def receipt_input(number: int, prompt: bytes, output: bytes) -> ReceiptInput:
    """What the model was asked and what it answered; raises InvalidInputError for what is no opening."""
    asked, answered = (canonical_json.decode(data[SALT_BYTES:]) for data in (prompt, output))
    if not isinstance(answered, dict):
        raise InvalidInputError(f"receipt {number} has no output")
    return ReceiptInput(number, 0, _tokens(asked), _tokens(answered.get("tokens", [])))


def _tokens(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list) or any(type(each) is not int or abs(each) > LARGEST for each in value):
        raise InvalidInputError("neither numbers nor token ids")
    return tuple(value)
