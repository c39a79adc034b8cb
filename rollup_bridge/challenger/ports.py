"""What the dispute game needs to know of its own chain: the claims, and a way to run one step.

All of it is the node's own derivation; nothing comes from the other side but the witness of a replay.
"""

from dataclasses import dataclass
from typing import Protocol

from genesis.types import Hash32


@dataclass(frozen=True, slots=True)
class BlockOpening:
    """What a block is made of, as one hash, and the claim after its inputs. Source: `IStepVerifier.sol`."""

    inputs_hash: Hash32
    transaction_count: int
    claim: Hash32


@dataclass(frozen=True, slots=True)
class Step:
    """One disputed step, as the verifier is told of it. Source: `IStepVerifier.sol`."""

    l2_number: int
    l1_head: Hash32
    inputs_hash: Hash32
    transaction_count: int
    number: int
    claim_before: Hash32
    claim_after: Hash32
    witness_hash: Hash32


class Claims(Protocol):
    """Every method raises `TemporaryError` for blocks above the safe head."""

    async def output_root(self, number: int) -> Hash32:
        """The output root after an L2 block."""
        ...

    async def opening(self, number: int) -> BlockOpening:
        """What the block is made of."""
        ...

    async def step_claim(self, number: int, step: int) -> Hash32:
        """The claim after step `step`, from 0 to the count of transactions."""
        ...

    async def step_witness(self, number: int, step: int) -> bytes:
        """What the step reads, encoded."""
        ...

    async def replay(self, step: Step, witness: bytes) -> Hash32:
        """The claim (at the end of a block: the output root) that the step leads to; zero if the witness, or
        what both sides agreed on, leads nowhere."""
        ...
