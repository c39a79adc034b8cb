"""How contradicting attestations are found and punished: every attestation on the L1 is read and remembered.

Covered: two roots of one validator for one L2 block and L1 block; L1 reorgs (attestations are signed, so one
of a lost fork counts as well); a validator slashed by somebody else first; attestations that were put on
record through another contract (their signature alone is in the log, so they are left to who sees them).
Not covered: attestations that never came to the L1.
"""

import logging
from dataclasses import dataclass, field

from genesis.types import Address, Hash32
from rollup_bridge.errors import MalformedError, TemporaryError, TransactionError
from rollup_bridge.ports import Clock, L1Block, L1Source, TransactionSender
from rollup_bridge.validator.attestation import (
    ATTESTED_TOPIC,
    SignedAttestation,
    contradict,
    contradiction_calldata,
    read_attest_calldata,
)
from rollup_bridge.validator.staking import StakingReader, topic_address

_LOG = logging.getLogger(__name__)
_AGAIN = 64
"""L1 blocks read again each time, as far as a reorganisation may have changed them."""


@dataclass
class Ledger:
    """Attestations by validator and place; pure."""

    _seen: dict[tuple[Address, int, Hash32], dict[Hash32, SignedAttestation]] = field(default_factory=dict)

    def add(
        self, validator: Address, signed: SignedAttestation
    ) -> tuple[SignedAttestation, SignedAttestation] | None:
        """The two that contradict each other, if this one contradicts one known already."""
        attestation = signed.attestation
        place = self._seen.setdefault((validator, attestation.l2_number, attestation.l1.hash), {})
        place.setdefault(attestation.root, signed)
        others = [other for other in place.values() if contradict(other.attestation, attestation)]
        return (others[0], signed) if others else None


class ContradictionWatch:
    """A service. `start` is the L1 block to read from first; `slashed` counts what this process proved."""

    def __init__(
        self,
        start: int,
        *,
        l1: L1Source,
        staking: StakingReader,
        sender: TransactionSender,
        clock: Clock,
        poll_interval_s: float = 2.0,
    ) -> None:
        self._next = start
        self._first = start
        self._l1 = l1
        self._staking = staking
        self._sender = sender
        self._clock = clock
        self._poll_interval_s = poll_interval_s
        self._ledger = Ledger()
        self._read: dict[int, Hash32] = {}
        self.slashed = 0

    async def run(self) -> None:
        """Read and prove until cancelled."""
        while True:
            try:
                await self.look()
            except (TemporaryError, TransactionError) as error:
                _LOG.warning("the watch for contradictions waits: %s", error)
            await self._clock.sleep(self._poll_interval_s)

    async def look(self) -> None:
        """Everything up to the L1 head, and again what may have been reorganised."""
        number = max(self._first, self._next - _AGAIN)
        while (block := await self._l1.block_by_number(number)) is not None:
            if self._read.get(number) != block.hash:
                for validator, signed in await self._attestations(block):
                    await self._take(validator, signed)
                self._read[number] = block.hash
                self._read.pop(number - 2 * _AGAIN, None)
            number += 1
        self._next = number

    async def _attestations(self, block: L1Block) -> list[tuple[Address, SignedAttestation]]:
        found = []
        for receipt in await self._l1.receipts(block.hash):
            logs = [log for log in receipt.logs if log.address == self._staking.address]
            validators = [topic_address(log.topics[1]) for log in logs if log.topics[:1] == (ATTESTED_TOPIC,)]
            if validators:
                signed = await self._calldata(block, receipt.transaction_hash)
                found += [(validator, signed) for validator in validators if signed is not None]
        return found

    async def _calldata(self, block: L1Block, transaction_hash: Hash32) -> SignedAttestation | None:
        for transaction in await self._l1.transactions(block.hash):
            if transaction.hash == transaction_hash and transaction.to == self._staking.address:
                try:
                    return read_attest_calldata(transaction.data)
                except MalformedError:
                    return None
        return None

    async def _take(self, validator: Address, signed: SignedAttestation) -> None:
        found = self._ledger.add(validator, signed)
        if found is None:
            return
        number = signed.attestation.l2_number
        if await self._staking.was_slashed(validator, number):
            return
        _LOG.error("validator 0x%s contradicts itself at L2 block %d", validator.hex(), number)
        inclusion = await self._sender.send(self._staking.address, contradiction_calldata(*found))
        if not inclusion.succeeded:
            raise TransactionError(f"the contradiction of 0x{validator.hex()} was not taken")
        self.slashed += 1
