"""When a validator signs an output root: its stake stands, it is no juror now, and L2 block and L1 are final.

Covered: its own derivation decides the root, never the proposal; a signature is in the slashing-protection
record before anybody sees it, and the record refuses a second root; one attestation per output, found again
on the L1 after a restart; the epoch's seed, recorded if nobody did; outputs that differ (said loudly: they
are for the dispute game).
Not covered: playing that game (`rollup_bridge/challenger`), which asks for attestations by `attest_to`.
Source: `docs/rollup.md`, validators.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from genesis.types import Address, Hash32
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import Clock, OutputSource, StatusSource, SyncStatus, TransactionSender
from rollup_bridge.proposer.oracle import OracleReader
from rollup_bridge.proposer.output_root import output_root
from rollup_bridge.validator.attestation import (
    Attestation,
    SignedAttestation,
    attest_calldata,
    attestation_digest,
)
from rollup_bridge.validator.staking import StakingReader, record_seed_calldata

_LOG = logging.getLogger(__name__)


class SigningRecord(Protocol):
    """The slashing-protection record: what was ever signed with a key. Survives a crash at any moment."""

    async def sign(
        self, attestation: Attestation, digest: Hash32, sign: Callable[[Hash32], bytes]
    ) -> SignedAttestation:
        """The signature, on record before it is returned. `CriticalError` for a second root of one L2 block
        and L1 block, and when the record turns out not to be the newest."""
        ...


@dataclass(frozen=True, slots=True)
class Statistics:
    """`differing` are outputs on the L1 that are not ours; `last_l2_number` is the newest attested."""

    attested: int = 0
    failures: int = 0
    differing: int = 0
    last_l2_number: int = 0
    seeds: int = 0
    fees_wei: int = 0


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs, for which contract on which L1. `sign` gives r ‖ s ‖ v over a digest."""

    account: Address
    l1_chain_id: int
    sign: Callable[[Hash32], bytes]


class Attester:
    """`header_rlp` gives an L1 block's header as its hash commits to it."""

    def __init__(
        self,
        identity: Identity,
        *,
        oracle: OracleReader,
        staking: StakingReader,
        status: StatusSource,
        outputs: OutputSource,
        record: SigningRecord,
        sender: TransactionSender,
        header_rlp: Callable[[int], Awaitable[bytes]],
        clock: Clock,
        poll_interval_s: float = 2.0,
    ) -> None:
        self._identity = identity
        self._oracle = oracle
        self._staking = staking
        self._status = status
        self._outputs = outputs
        self._record = record
        self._sender = sender
        self._header_rlp = header_rlp
        self._clock = clock
        self._poll_interval_s = poll_interval_s
        self._differed: set[int] = set()
        self._statistics = Statistics()
        self.idle_because: str | None = None
        """Why nothing is signed; None while attestations are being made."""
        self.problem: str | None = None
        """The same for the health check: a juror that does not attest is well."""

    async def run(self) -> None:
        """Attest until cancelled."""
        while True:
            try:
                while await self.attest_next():
                    pass
            except (TemporaryError, TransactionError) as error:
                _LOG.warning("attester waits: %s", error)
                self._count(failures=1)
            await self._clock.sleep(self._poll_interval_s)

    def statistics(self) -> Statistics:
        return self._statistics

    async def attest_next(self) -> bool:
        """Attest to the newest output that is due; False if there is none, or it is not for us to do."""
        status = await self._status.sync_status()
        if not await self._may_attest(status):
            return False
        due = await self._due(status)
        if due is None or await self._staking.has_attested(due.l2_number, due.root, self._identity.account):
            return False
        await self._post(due)
        return True

    async def attest_to(self, l2_number: int) -> bool:
        """Our word on the output root of one L2 block, on record; False where we may not give it (now): the
        block is not final, our stake or our seat among the jurors forbids it, or it did not arrive."""
        status = await self._status.sync_status()
        if status.finalized_l2.number < l2_number or not await self._may_attest(status):
            return False
        root = output_root(await self._outputs.output_parts(l2_number))
        try:
            await self._post(Attestation(l2_number, root, status.finalized_l1.id))
        except TransactionError as error:
            _LOG.warning("attestation for L2 block %d not taken: %s", l2_number, error)
            return False
        return True

    async def _may_attest(self, status: SyncStatus) -> bool:
        if not await self._staking.is_validator(self._identity.account):
            self.problem = "the stake in ValidatorStaking does not reach the minimum"
            return self._idle(self.problem)
        self.problem = None
        epoch = status.head_l1.number // await self._staking.epoch_blocks()
        if not await self._staking.has_seed(epoch):
            await self._record_seed(epoch)
        if await self._staking.is_juror(self._identity.account, epoch):
            return self._idle(f"it judges in epoch {epoch}, and jurors do not attest")
        self.idle_because = None
        return True

    async def _due(self, status: SyncStatus) -> Attestation | None:
        """What is to be said of the newest output whose L2 block is final; None if there is none yet. Those
        before it need no word of their own: a state holds all that was before it."""
        final = status.finalized_l2
        try:
            output = await self._oracle.output(await self._newest_index(final.number))
        except TransactionError:
            return None
        if output.l2_number > final.number:
            return None
        root = output_root(await self._outputs.output_parts(output.l2_number))
        if root != output.root and output.l2_number not in self._differed:
            self._differed.add(output.l2_number)
            self._differ(output.l2_number, output.root, root)
        return Attestation(output.l2_number, root, status.finalized_l1.id)

    async def _newest_index(self, l2_number: int) -> int:
        """Index of the newest output at or before an L2 block, or of the first; reverts if there is none."""
        try:
            following = await self._oracle.output_index_after(l2_number + 1)
        except TransactionError:
            return await self._oracle.newest_index()
        return max(0, following - 1)

    async def _post(self, attestation: Attestation) -> None:
        digest = attestation_digest(self._identity.l1_chain_id, self._staking.address, attestation)
        signed = await self._record.sign(attestation, digest, self._identity.sign)
        inclusion = await self._sender.send(self._staking.address, attest_calldata(signed))
        if not inclusion.succeeded:
            raise TransactionError(f"the attestation for L2 block {attestation.l2_number} reverted")
        _LOG.info("attested to L2 block %d: 0x%s", attestation.l2_number, attestation.root.hex())
        self._count(attested=1, fees_wei=inclusion.fee_wei)
        self._statistics = replace(self._statistics, last_l2_number=attestation.l2_number)

    async def _record_seed(self, epoch: int) -> None:
        header = await self._header_rlp(epoch * await self._staking.epoch_blocks())
        inclusion = await self._sender.send(self._staking.address, record_seed_calldata(header))
        if not inclusion.succeeded and not await self._staking.has_seed(epoch):
            raise TransactionError(f"the seed of epoch {epoch} was not taken")
        self._count(seeds=1, fees_wei=inclusion.fee_wei)

    def _idle(self, reason: str) -> bool:
        if reason != self.idle_because:
            _LOG.warning("not attesting: %s", reason)
        self.idle_because = reason
        return False

    def _differ(self, l2_number: int, proposed: Hash32, own: Hash32) -> None:
        _LOG.error("output of L2 block %d is 0x%s, ours 0x%s", l2_number, proposed.hex(), own.hex())
        self._count(differing=1)

    def _count(
        self, *, attested: int = 0, failures: int = 0, differing: int = 0, seeds: int = 0, fees_wei: int = 0
    ) -> None:
        before = self._statistics
        self._statistics = replace(
            before,
            attested=before.attested + attested,
            failures=before.failures + failures,
            differing=before.differing + differing,
            seeds=before.seeds + seeds,
            fees_wei=before.fees_wei + fees_wei,
        )
