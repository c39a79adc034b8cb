"""What only a development chain allows: mine now, turn time, go back, change accounts.

Time never moves but by blocks: on a chain with a fixed block time, going forward means mining the blocks.
Everything that changes state outside of blocks makes the chain `detached`: batching and proposing stop.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.chain.steering import Steering
from openledger_node.evm.records import AccountOverride
from openledger_node.rpc.errors import InvalidParamsError, ServerError
from sequencer.loop import SequencerLoop
from sequencer.ports import SteerableClock

log = structlog.get_logger(__name__)

Place = tuple[Hash32, Hash32]
"""A block and the state on top of it, which may be other than the block's own."""

MAXIMUM_MINED_BLOCKS = 10_000
LAST_TIME_S = 2**40
"""Far enough for any test, and near enough that no block's time ever overflows."""
LEAST_GAS_LIMIT = 5_000
"""Source: Yellow Paper, section 4.4.4."""
LEAST_ROLLUP_GAS_LIMIT = 5_000_000
"""Every block of a rollup has room for the deposits it must take."""
MOST_GAS_LIMIT = 2**63 - 1
_STATE_NAME = b"openledger-state:"


@dataclass(frozen=True, slots=True)
class Faucet:
    """Who pays for `openledger_fundAddress`: an ordinary account, in wei."""

    private_key: bytes
    default_wei: int = 100 * 10**18
    maximum_wei: int = 10_000 * 10**18


class DevControls:
    """`fixed_block_time_s` is the rollup's; None on a chain whose blocks may be any time apart."""

    def __init__(
        self,
        chain: Chain,
        loop: SequencerLoop,
        clock: SteerableClock,
        *,
        fixed_block_time_s: int | None,
        faucet: Faucet | None = None,
    ) -> None:
        self._chain = chain
        self._loop = loop
        self._clock = clock
        self._fixed_block_time_s = fixed_block_time_s
        self.faucet = faucet
        self._snapshots: dict[int, Place] = {}
        self._next_snapshot = 1
        self._impersonated: set[Address] = set()
        self._impersonates_all = False
        if chain.detached:
            chain.engine.allow_impersonation()

    async def mine(self, blocks: int, interval_s: int | None = None) -> None:
        """Mine `blocks` now, `interval_s` apart. Raises ServerError when the chain cannot build one."""
        if blocks > MAXIMUM_MINED_BLOCKS:
            raise InvalidParamsError(f"at most {MAXIMUM_MINED_BLOCKS} blocks at once")
        if interval_s is not None and self._fixed_block_time_s not in {None, interval_s}:
            raise InvalidParamsError(f"every block advances time by exactly {self._fixed_block_time_s} s")
        for index in range(blocks):
            if index and interval_s and self._fixed_block_time_s is None:
                self._advance(interval_s)
            if await self._loop.mine_now(self._clock) is None:
                raise ServerError("no block can be built now: the chain waits for its L1")
            await asyncio.sleep(0)

    async def increase_time(self, seconds: int) -> None:
        """Move the chain's time forward; with a fixed block time by mining the blocks in between."""
        block_time_s = self._fixed_block_time_s
        if block_time_s is None:
            self._advance(seconds)
            return
        if seconds % block_time_s:
            raise InvalidParamsError(
                f"every block advances time by exactly {block_time_s} s: ask for a multiple of it"
            )
        if seconds // block_time_s > MAXIMUM_MINED_BLOCKS:
            raise InvalidParamsError(
                f"every block advances time by exactly {block_time_s} s: "
                f"at most {MAXIMUM_MINED_BLOCKS * block_time_s} s at once"
            )
        await self.mine(seconds // block_time_s)

    async def set_next_timestamp(self, timestamp_s: int) -> None:
        """Have the next block carry this time; with a fixed block time by mining the blocks before it."""
        head_s = self._chain.head.header.timestamp_s
        if timestamp_s <= head_s:
            raise InvalidParamsError(f"timestamp {timestamp_s} is not after the head's {head_s}")
        block_time_s = self._fixed_block_time_s
        if block_time_s is None:
            ahead_s = timestamp_s - self._clock.now_s()
            if ahead_s < 0:
                raise InvalidParamsError(
                    f"the chain's clock is past {timestamp_s} and is only turned forward"
                )
            self._advance(ahead_s)
            return
        await self.increase_time(timestamp_s - head_s - block_time_s)

    def _advance(self, seconds: float) -> None:
        if self._clock.now_s() + seconds > LAST_TIME_S:
            raise InvalidParamsError(f"time can be turned to {LAST_TIME_S} at most")
        self._clock.advance_s(seconds)

    def check_interval(self, seconds: int) -> None:
        """Raises unless blocks are so far apart anyway."""
        if seconds != self._fixed_block_time_s:
            raise InvalidParamsError(f"the time between blocks is the chain's own, not {seconds} s")

    async def set_interval_mining(self, *, enabled: bool) -> None:
        if enabled:
            self._loop.resume()
        else:
            await self._loop.pause()

    def is_mining(self) -> bool:
        return not self._loop.statistics().paused

    # -- what else follows from the rules

    async def set_next_base_fee(self, base_fee_wei: int) -> None:
        """Of the next block only."""
        await self._steer("base fee", lambda steering, head: steering.set_next_base_fee(head, base_fee_wei))

    async def set_next_prev_randao(self, prev_randao: Hash32) -> None:
        """Of the next block only."""
        await self._steer(
            "prevRandao", lambda steering, head: steering.set_next_prev_randao(head, prev_randao)
        )

    async def set_fee_recipient(self, recipient: Address) -> None:
        def steer(steering: Steering, _head: Hash32) -> None:
            steering.fee_recipient = recipient

        await self._steer("coinbase", steer)

    async def set_gas_limit(self, gas_limit: int) -> None:
        least = LEAST_ROLLUP_GAS_LIMIT if self._chain.spec.is_rollup else LEAST_GAS_LIMIT
        if not least <= gas_limit <= MOST_GAS_LIMIT:
            raise InvalidParamsError(f"a gas limit between {least} and {MOST_GAS_LIMIT} is expected")

        def steer(steering: Steering, _head: Hash32) -> None:
            steering.gas_limit = gas_limit

        await self._steer("gas limit", steer)

    async def _steer(self, cause: str, change: Callable[[Steering, Hash32], None]) -> None:
        """A block that no derivation allows cuts a rollup off its L1."""

        def work() -> None:
            if self._chain.spec.is_rollup:
                self._chain.patch_state({})
            change(self._chain.steering, self._chain.heads.unsafe.hash)

        await self._outside_of_blocks(cause, work)

    # -- outside of blocks

    def snapshot(self) -> int:
        """Remember the head; returns the id `revert` takes."""
        number = self._next_snapshot
        self._next_snapshot += 1
        state = self._chain.snapshot()
        self._snapshots[number] = (state.header.hash, state.state_root)
        return number

    async def revert(self, number: int) -> bool:
        """Go back to a snapshot's head; it and later ones are used up. False for an unknown id."""
        place = self._snapshots.get(number)
        if place is None:
            return False
        self._snapshots = {key: value for key, value in self._snapshots.items() if key < number}
        await self._go_back("evm_revert", place)
        return True

    async def reset(self) -> None:
        """Start anew from genesis. Raises ServerError on a chain that belongs to an L1."""
        if self._chain.spec.is_rollup:
            raise ServerError(
                "not supported: the chain belongs to an L1 and cannot start anew: "
                "take evm_snapshot and evm_revert, or start `dev` again"
            )
        genesis = self._chain.genesis.header
        self._chain.steering.clear()
        self._snapshots.clear()
        self._impersonated.clear()
        self._impersonates_all = False
        await self._go_back("reset", (genesis.hash, genesis.state_root))

    async def _go_back(self, what: str, place: Place) -> None:
        block_hash, state_root = place

        def go_back() -> None:
            self._chain.patch_state({})
            self._chain.rewind_to(block_hash)
            self._chain.restore_state(state_root)

        await self._outside_of_blocks(what, go_back)

    def dump(self) -> bytes:
        """What `load` takes to come back to this state; it names a state in this node's store."""
        state = self._chain.snapshot()
        return _STATE_NAME + state.header.hash + state.state_root

    async def load(self, name: bytes) -> bool:
        """Go back to a dumped state. Raises ServerError for one that this chain has not."""
        place = name[len(_STATE_NAME) :]
        block_hash, state_root = Hash32(place[:32]), Hash32(place[32:])
        if not name.startswith(_STATE_NAME) or not self._chain.has_state(block_hash, state_root):
            raise ServerError("this state is not of this chain, or came after what it was reverted to")
        await self._go_back("loadState", (block_hash, state_root))
        return True

    # -- accounts without a key

    def acts_as(self, address: Address) -> bool:
        return self._impersonates_all or address in self._impersonated

    async def impersonate(self, address: Address) -> None:
        """Take transactions of this account without a signature."""
        await self.detach("impersonation")
        self._impersonated.add(address)

    async def impersonate_all(self, *, enabled: bool) -> None:
        if enabled:
            await self.detach("impersonation")
        self._impersonates_all = enabled

    def stop_impersonating(self, address: Address) -> None:
        self._impersonated.discard(address)

    async def detach(self, cause: str) -> None:
        """Cut the chain off its L1, so that blocks may hold what no derivation allows."""
        await self._outside_of_blocks(cause, lambda: self._chain.patch_state({}))
        self._chain.engine.allow_impersonation()

    async def override(self, address: Address, change: AccountOverride) -> None:
        await self._outside_of_blocks("account override", lambda: self._chain.patch_state({address: change}))

    async def _outside_of_blocks(self, what: str, work: Callable[[], None]) -> None:
        if self._chain.spec.is_rollup and not self._chain.detached:
            log.warning("the chain is detached from its L1: batching and proposing stop", cause=what)
        await self._loop.between_blocks(work)
