"""When a validator collects what its attestations earned, and for which outputs.

Covered: collected together, so that one transaction pays for many outputs; outputs that are not final yet are
looked at again; a restart looks `LOOK_BACK` outputs back; an empty fund loses nothing, its outputs are asked
for again. Not covered: what an output pays (`AttestationRewards.sol`).
Source: `rollup_bridge/contracts/AttestationRewards.sol`.
"""

import logging
from collections.abc import Sequence

from eth_abi.abi import decode, encode

from genesis.types import Address
from rollup_bridge.errors import TemporaryError, TransactionError
from rollup_bridge.ports import Clock, L1Contracts, TransactionSender
from rollup_bridge.proposer.oracle import OracleReader, selector

_LOG = logging.getLogger(__name__)
_CLAIM = selector("claim(address,uint256[])")
_OWED = selector("owed(address,uint256,uint256)")
LOOK_BACK = 256
"""Outputs before the newest that are looked at: eleven days of a network's."""
TOGETHER = 24
"""Outputs that are collected in one transaction, at least: a day of a network's."""
AT_MOST = 100
"""Outputs in one transaction: about 5 million gas."""


def claim_calldata(validator: Address, outputs: Sequence[int]) -> bytes:
    return _CLAIM + encode(["address", "uint256[]"], [validator, list(outputs)])


class RewardsReader:
    """Reads at the L1 head."""

    def __init__(self, rewards: Address, contracts: L1Contracts) -> None:
        self.address = rewards
        self._contracts = contracts

    async def owed_wei(self, validator: Address, first: int, count: int) -> tuple[int, ...]:
        """What each output from `first` on owes now; fewer than `count` at the end of the list."""
        arguments = encode(["address", "uint256", "uint256"], [validator, first, count])
        (amounts,) = decode(["uint256[]"], await self._contracts.call(self.address, _OWED + arguments))
        return tuple(amounts)


class RewardCollector:
    """A service. `collected_wei` is what this process brought into the validator's pool."""

    def __init__(
        self,
        validator: Address,
        *,
        rewards: RewardsReader,
        oracle: OracleReader,
        sender: TransactionSender,
        clock: Clock,
        poll_interval_s: float = 60.0,
    ) -> None:
        self._validator = validator
        self._rewards = rewards
        self._oracle = oracle
        self._sender = sender
        self._clock = clock
        self._poll_interval_s = poll_interval_s
        self._first = 0
        self.collected_wei = 0

    async def run(self) -> None:
        """Collect until cancelled."""
        while True:
            try:
                await self.collect()
            except (TemporaryError, TransactionError) as error:
                _LOG.warning("rewards wait: %s", error)
            await self._clock.sleep(self._poll_interval_s)

    async def collect(self) -> bool:
        """Ask for what is owed, if it is for enough outputs to be worth a transaction."""
        owed_wei = await self._owed_wei()
        outputs = sorted(owed_wei)[:AT_MOST]
        if len(outputs) < TOGETHER:
            return False
        inclusion = await self._sender.send(self._rewards.address, claim_calldata(self._validator, outputs))
        if not inclusion.succeeded:
            raise TransactionError("the claim of rewards reverted; is the fund empty?")
        self._first = outputs[-1] + 1
        amount_wei = sum(owed_wei[output] for output in outputs)
        self.collected_wei += amount_wei
        _LOG.info("collected %d wei for %d attestations", amount_wei, len(outputs))
        return True

    async def _owed_wei(self) -> dict[int, int]:
        """Output to what it owes, where it owes anything. Those before one that was paid are final: what they
        do not owe by then they never will."""
        try:
            newest = await self._oracle.newest_index()
        except TransactionError:
            return {}
        first = max(self._first, newest + 1 - LOOK_BACK)
        amounts = await self._rewards.owed_wei(self._validator, first, LOOK_BACK)
        return {first + place: amount for place, amount in enumerate(amounts) if amount > 0}
