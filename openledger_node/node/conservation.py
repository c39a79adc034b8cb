"""Is every unit of OPEN accounted for: what the L1 vault took in against what the L2 holds.

At an origin's last L2 block: accounted deposits - payments on L1 = L2 balances + withdrawals initiated and
not paid + native burned. The message passer keeps what is withdrawn for ever, so with its balance counted
among the L2's the payments stand on both sides, and what is left to compare is
`accounted deposits = sum of all L2 balances + burned`, besides `payments ≤ the message passer's balance`.

Covered: every origin of the safe chain, from the genesis on or the first block whose state is kept.
Not covered: unsafe blocks; whether the vault's token balance covers what it accounts for (the L1 contracts'
own invariant).
Source: protocol, section 1.
"""

import structlog

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.spec import RollupConfig
from genesis.types import L2Number
from openledger_node.chain.chain import Chain
from openledger_node.client.abi import interface_from_signatures
from openledger_node.client.contract import Contract
from openledger_node.client.errors import RemoteError, UnreachableError
from openledger_node.client.ethereum import Ethereum, block_parameter, hex_bytes
from openledger_node.clock import Clock
from openledger_node.evm.node_store import MissingStateError
from openledger_node.node.l2_engine import to_l2_block
from rollup_bridge.derive.references import reference

log = structlog.get_logger(__name__)

POLL_S = 2.0
VAULT = interface_from_signatures(
    "function accountedDeposits() view returns (uint256)", "function payments() view returns (uint256)"
)


class ConservationCheck:
    """A service; `gap_wei` is what the L1 lacks (negative: the L2 lacks), `checked_block` how far it got."""

    def __init__(self, config: RollupConfig, chain: Chain, l1: Ethereum, clock: Clock) -> None:
        self._config = config
        self._chain = chain
        self._l1 = l1
        self._vault = Contract(config.open_vault, VAULT)
        self._clock = clock
        self._next = L2Number(config.l2_genesis.number)
        self.checked_block = L2Number(config.l2_genesis.number)
        self.gap_wei = 0
        self.unbacked_payments_wei = 0
        self._has_vault = False

    def problem(self) -> str | None:
        """For the health check: None while every unit is accounted for."""
        if self.gap_wei:
            return f"{self.gap_wei} wei are not accounted for at L2 block {self.checked_block}"
        if self.unbacked_payments_wei:
            return f"{self.unbacked_payments_wei} wei were paid on the L1 for no withdrawal"
        return None

    async def run(self) -> None:
        """Check until cancelled; a chain whose state was changed by hand is left alone."""
        while True:
            try:
                while not self._chain.detached and await self.check_next():
                    pass
            except (UnreachableError, RemoteError, MissingStateError) as error:
                log.debug("conservation check waits", reason=str(error))
            await self._clock.sleep(POLL_S)

    async def check_next(self) -> bool:
        """Look at the next safe block, compare an origin's last; False when there is none yet."""
        self._next = max(self._next, L2Number(self._chain.oldest_state))
        following = self._chain.header_by_number(self._next + 1)
        if following is None or following.number > self._chain.heads.safe.number:
            return False
        origin = self._origin(self._next)
        if self._origin(self._next + 1) != origin:
            await self._compare(self._next, origin)
        self._next = L2Number(self._next + 1)
        return True

    def _origin(self, number: int) -> int:
        block = self._chain.block_by_number(number)
        assert block is not None, "a safe block is in the store"
        return reference(self._config, to_l2_block(block)).l1_origin.number

    async def _compare(self, number: int, origin: int) -> None:
        if origin <= self._config.l1_genesis.number or not await self._is_deployed(origin):
            return
        accounted = int(await self._l1.read(self._vault, "accountedDeposits", block=origin))
        payments = int(await self._l1.read(self._vault, "payments", block=origin))
        supply = self._chain.supply(number)
        header = self._chain.header_by_number(number)
        passer = self._chain.snapshot(header).account(L2_TO_L1_MESSAGE_PASSER).balance_wei
        self.gap_wei = supply.total_wei + supply.burned_wei - accounted
        self.unbacked_payments_wei = max(0, payments - passer)
        self.checked_block = L2Number(number)
        if (problem := self.problem()) is not None:
            log.error("OPEN is not conserved", problem=problem, l1_origin=origin)

    async def _is_deployed(self, origin: int) -> bool:
        """False in the L1's blocks behind its genesis before the vault's: a slow L1 may take several."""
        if not self._has_vault:
            address, block = hex_bytes(self._config.open_vault), block_parameter(origin)
            self._has_vault = await self._l1.rpc.call("eth_getCode", address, block) != "0x"
        return self._has_vault
