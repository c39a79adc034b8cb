"""When an output root is proposed: as soon as the oracle's next block is safe (or final, by setting).

Covered: only derived blocks are proposed, each under the L1 block it was derived from, so a reorg voids the
proposal; restart (the oracle knows what comes next); a staked validator that steps in when the proposer is
silent, and steps back when it is not; nothing is proposed on top of an output that differs from ours.
Not covered: whether the state is right. Verifiers and disputes decide that.
Source: OP Stack specification, proposals.
"""

import logging
from dataclasses import dataclass, replace

from genesis.types import Address
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import (
    Clock,
    L1Contracts,
    L1Inclusion,
    OutputSource,
    StatusSource,
    SyncStatus,
    TransactionSender,
)
from rollup_bridge.proposer.oracle import OracleReader, propose_calldata
from rollup_bridge.proposer.output_root import output_root

_LOG = logging.getLogger(__name__)
_BLOCKHASH_REACH = 200
"""L1 contracts see the hashes of 256 blocks; the rest is time to be mined."""


@dataclass(frozen=True, slots=True)
class ProposerSettings:
    """`proposal_gas` is fixed, because an estimate cannot see the hash of the head it runs on."""

    only_finalized: bool = False
    poll_interval_s: float = 2.0
    max_backoff_s: float = 60.0
    proposal_gas: int = 500_000


@dataclass(frozen=True, slots=True)
class Statistics:
    proposed: int = 0
    failures: int = 0
    last_l2_number: int = 0
    fees_wei: int = 0


class Proposer:
    def __init__(
        self,
        oracle: Address,
        settings: ProposerSettings,
        *,
        status: StatusSource,
        outputs: OutputSource,
        contracts: L1Contracts,
        sender: TransactionSender,
        clock: Clock,
    ) -> None:
        self._oracle = oracle
        self._settings = settings
        self._status = status
        self._outputs = outputs
        self._reader = OracleReader(oracle, contracts)
        self._sender = sender
        self._clock = clock
        self._statistics = Statistics()

    async def run(self) -> None:
        """Propose until cancelled."""
        backoff_s = self._settings.poll_interval_s
        while True:
            try:
                proposed = await self.propose_next()
                backoff_s = 0 if proposed is not None else self._settings.poll_interval_s
            except (TemporaryError, TransactionError) as error:
                _LOG.warning("proposer waits: %s", error)
                self._count(failures=1)
                backoff_s = min(
                    max(backoff_s, self._settings.poll_interval_s) * 2, self._settings.max_backoff_s
                )
            await self._clock.sleep(backoff_s)

    async def propose_next(self) -> L1Inclusion | None:
        """The next proposal, if it is due; `TransactionError` if it was not accepted."""
        number = await self._reader.next_block_number()
        status = await self._status.sync_status()
        head = status.finalized_l2 if self._settings.only_finalized else status.safe_l2
        if head.number < number or not await self._reader.may_propose(self._sender.address):
            return None
        _check_reach(status)
        await self._check_ground()
        root = output_root(await self._outputs.output_parts(number))
        inclusion = await self._sender.send(
            self._oracle,
            propose_calldata(root, number, status.current_l1.id),
            gas=self._settings.proposal_gas,
        )
        if not inclusion.succeeded:
            raise TransactionError(f"the proposal for L2 block {number} reverted")
        _LOG.info("output of L2 block %d proposed: 0x%s", number, root.hex())
        self._count(proposed=1, fees_wei=inclusion.fee_wei)
        self._statistics = replace(self._statistics, last_l2_number=number)
        return inclusion

    async def _check_ground(self) -> None:
        """A dispute about an output stands on the one before: nothing is put on top of one that differs."""
        try:
            before = await self._reader.output(await self._reader.newest_index())
            own = output_root(await self._outputs.output_parts(before.l2_number))
        except (TransactionError, TemporaryError):
            return  # there is none yet, or it is so old that its state is gone
        if own != before.root:
            raise TemporaryError(
                f"the output of L2 block {before.l2_number} is not ours: it has to fall first"
            )

    def statistics(self) -> Statistics:
        return self._statistics

    def _count(self, *, proposed: int = 0, failures: int = 0, fees_wei: int = 0) -> None:
        before = self._statistics
        self._statistics = replace(
            before,
            proposed=before.proposed + proposed,
            failures=before.failures + failures,
            fees_wei=before.fees_wei + fees_wei,
        )


def _check_reach(status: SyncStatus) -> None:
    if status.head_l1.number - status.current_l1.number > _BLOCKHASH_REACH:
        raise TemporaryError("derivation is too far behind the L1 head to propose")
