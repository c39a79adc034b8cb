"""How a withdrawal is brought from L2 to its money on L1: wait for an output, prove, wait, finalize.

Covered: an output that is not there yet, one that is not ours (stops), a proof under an output that was
replaced (is proven again), a withdrawal that someone else finished.
Not covered: initiating it on L2, which is an ordinary L2 transaction (`withdrawal.initiate_calldata`).
Source: OP Stack specification, withdrawals; `rollup_bridge/contracts/Portal.sol`.
"""

from dataclasses import dataclass
from enum import Enum

from eth_abi.abi import decode

from genesis.types import Address, Hash32
from rollup_bridge.errors import CriticalError, TemporaryError, TransactionError
from rollup_bridge.ports import (
    Clock,
    L1Contracts,
    L1Inclusion,
    L1Source,
    OutputSource,
    TransactionSender,
    WithdrawalProofs,
)
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.withdrawals.withdrawal import (
    Withdrawal,
    finalize_calldata,
    finalized_calldata,
    message_passer_slot,
    prove_calldata,
    proven_calldata,
    withdrawal_hash,
)


class Stage(Enum):
    """Names as in viem's `getWithdrawalStatus`."""

    WAITING_TO_PROVE = "waiting-to-prove"
    READY_TO_PROVE = "ready-to-prove"
    WAITING_TO_FINALIZE = "waiting-to-finalize"
    READY_TO_FINALIZE = "ready-to-finalize"
    FINALIZED = "finalized"


@dataclass(frozen=True, slots=True)
class Proven:
    """What the portal knows of a proven withdrawal; `proven_s` 0 means it was not proven."""

    root: Hash32
    proven_s: int
    output_index: int


class WithdrawalFlow:
    def __init__(
        self,
        portal: Address,
        oracle: Address,
        *,
        l1: L1Source,
        contracts: L1Contracts,
        outputs: OutputSource,
        proofs: WithdrawalProofs,
        sender: TransactionSender,
        clock: Clock,
        poll_interval_s: float = 1.0,
    ) -> None:
        self._portal = portal
        self._oracle = OracleReader(oracle, contracts)
        self._l1 = l1
        self._contracts = contracts
        self._outputs = outputs
        self._proofs = proofs
        self._sender = sender
        self._clock = clock
        self._poll_interval_s = poll_interval_s

    async def stage(self, withdrawal: Withdrawal, l2_number: int) -> Stage:
        """`l2_number` is the L2 block that holds the withdrawal."""
        hash_ = withdrawal_hash(withdrawal)
        if any(await self._contracts.call(self._portal, finalized_calldata(hash_))):
            return Stage.FINALIZED
        if await self._oracle.latest_block_number() < l2_number:
            return Stage.WAITING_TO_PROVE
        proven = await self._proven(hash_)
        if proven.proven_s == 0 or not await self._stands(proven):
            return Stage.READY_TO_PROVE
        return Stage.READY_TO_FINALIZE if await self._mature(proven) else Stage.WAITING_TO_FINALIZE

    async def prove(self, withdrawal: Withdrawal, l2_number: int) -> L1Inclusion:
        """Prove under the first output at or after `l2_number`.

        `TemporaryError` while there is none; `CriticalError` if the output is not that of our chain;
        `TransactionError` if the portal refuses.
        """
        if await self._oracle.latest_block_number() < l2_number:
            raise TemporaryError(f"no output covers L2 block {l2_number} yet")
        index = await self._oracle.output_index_after(l2_number)
        proposal = await self._oracle.output(index)
        parts = await self._outputs.output_parts(proposal.l2_number)
        if output_root(parts) != proposal.root:
            raise CriticalError(f"output {index} on L1 is not the one of our L2 block {proposal.l2_number}")
        slot = message_passer_slot(withdrawal_hash(withdrawal))
        witness = await self._proofs.message_passer_proof(slot, proposal.l2_number)
        if witness.value != 1:
            raise TransactionError(f"the withdrawal is not in L2 block {proposal.l2_number}")
        return await self._send(prove_calldata(withdrawal, index, parts, witness.nodes))

    async def finalize(self, withdrawal: Withdrawal) -> L1Inclusion:
        """`TransactionError` if the portal refuses: too early, not proven, or done already."""
        return await self._send(finalize_calldata(withdrawal))

    async def complete(self, withdrawal: Withdrawal, l2_number: int) -> L1Inclusion | None:
        """Everything that is left to do, waiting as long as it takes. The finalizing transaction, or None if
        somebody else sent it."""
        while True:
            stage = await self.stage(withdrawal, l2_number)
            if stage is Stage.FINALIZED:
                return None
            if stage is Stage.READY_TO_PROVE:
                await self.prove(withdrawal, l2_number)
            elif stage is Stage.READY_TO_FINALIZE:
                return await self.finalize(withdrawal)
            else:
                await self._clock.sleep(self._poll_interval_s)

    async def _proven(self, hash_: Hash32) -> Proven:
        answer = await self._contracts.call(self._portal, proven_calldata(hash_))
        root, proven_s, index = decode(["bytes32", "uint128", "uint128"], answer)
        return Proven(Hash32(root), proven_s, index)

    async def _stands(self, proven: Proven) -> bool:
        try:
            return (await self._oracle.output(proven.output_index)).root == proven.root
        except TransactionError:
            return False  # deleted

    async def _mature(self, proven: Proven) -> bool:
        head = await self._l1.block_by_tag("latest")
        if head is None:
            raise TemporaryError("the L1 has no head")
        proposed_s = (await self._oracle.output(proven.output_index)).proposed_s
        period_s = await self._oracle.finalization_period_s()
        return head.timestamp_s > max(proposed_s, proven.proven_s) + period_s

    async def _send(self, calldata: bytes) -> L1Inclusion:
        inclusion = await self._sender.send(self._portal, calldata)
        if not inclusion.succeeded:
            raise TransactionError(f"L1 transaction 0x{inclusion.transaction_hash.hex()} reverted")
        return inclusion
