"""Everything the methods stand on: one record, filled by the house, read by the tables."""

from dataclasses import dataclass, field

from openledger_node.chain.chain import Chain
from openledger_node.rpc.accounts import UnlockedAccounts
from openledger_node.rpc.dev import DevControls
from openledger_node.rpc.feeds import Feeds
from openledger_node.rpc.heads import Heads
from openledger_node.rpc.pool_service import PoolService
from openledger_node.rpc.ports import EconomyDoor, RollupPort
from sequencer.fee_oracle import TipBounds

ROLLUP_TIPS = TipBounds(minimum_wei=10**6)
"""0.001 gwei: small against the base fee, and enough to order transactions by."""
ETHEREUM_TIPS = TipBounds(minimum_wei=10**9)


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one read may cost: EVM gas and seconds of a call, seconds of a block's trace, blocks and results
    of a log query."""

    call_gas: int = 50_000_000
    call_time_s: float = 5.0
    trace_time_s: float = 15.0
    read_time_s: float = 10.0
    """Of blocks that are looked through, for logs or tips."""
    receipt_time_s: float = 20.0
    """How long a request may wait for its transaction's receipt."""
    log_blocks: int = 10_000
    log_results: int = 10_000
    history_blocks: int = 1_024
    proof_slots: int = 1_024


@dataclass(frozen=True)
class RpcContext:
    """`rollup` and `economy` are absent on a plain L1; `dev` and unlocked accounts outside of `dev`."""

    chain: Chain
    pool: PoolService
    feeds: Feeds
    client_version: str
    limits: ReadLimits = field(default_factory=ReadLimits)
    tips: TipBounds = ROLLUP_TIPS
    accounts: UnlockedAccounts = field(default_factory=lambda: UnlockedAccounts([]))
    rollup: RollupPort | None = None
    economy: EconomyDoor | None = None
    dev: DevControls | None = None
    testing: bool = False
    """Whether clients may have blocks built to order."""

    @property
    def heads(self) -> Heads:
        return Heads(self.chain)
