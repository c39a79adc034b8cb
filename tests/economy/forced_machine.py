"""The L2 without a sequencer: every call is a deposit in the L1's portal, and a verifier derives the rest.

Nobody posts batches and the sequencing window is one L1 block, so that derivation makes each L2 block by
itself from the L1's deposits: what arrives here arrives against any sequencer.
Covered: portal, deposits, derivation and execution as in a node. Not covered: how an L1's node is asked.
"""

import asyncio
from dataclasses import replace

from genesis.policy import Policy
from genesis.spec import OPEN_UNIT
from genesis.types import Address, Wei
from openledger_node.chain.chain import Chain
from openledger_node.evm.records import Block, BlockOverride, CallRequest, CallResult
from openledger_node.node.l2_engine import ChainEngine
from openledger_node.node.lane import ExecutionLane
from openledger_node.storage.keyvalue import MemoryKeyValue
from precompiles.table import CONTRACTS
from rollup_bridge.derive.driver import DerivationDriver, Progress
from tests.economy.network import EmbeddedSource, found_network
from tests.precompiles.calls import Account
from tests.precompiles.world import L1_BLOCK_TIME_S, Call, Moment, Outcome
from tests.rollup_bridge.fakes import FakeClock

MAXIMUM_BYTES = 120_000
MAXIMUM_GAS = 16_000_000
"""What the protocol promises of every challenge and answer (section 3)."""
FUNDED = 40
"""Accounts 1 to 40 have OPEN from the beginning."""
FUNDS_WEI = 1_000_000 * OPEN_UNIT
PATIENCE = 5
"""A call takes two seconds here and none on the other machines, so windows are so much longer."""
WINDOWS = (
    "index_window_s",
    "post_window_s",
    "challenge_reveal_s",
    "close_delay_s",
    "demand_window_s",
    "request_window_s",
    "jury_commit_s",
    "jury_reveal_s",
)


class ForcedMachine:
    """Implements `tests.precompiles.world.Machine`; `sent` names the methods that succeeded."""

    def __init__(self, policy: Policy) -> None:
        self.policy = replace(policy, **{name: PATIENCE * getattr(policy, name) for name in WINDOWS})
        balances = {Account(i).address: Wei(FUNDS_WEI) for i in range(1, FUNDED + 1)}
        network = found_network(balances, self.policy, sequencing_window=1)
        self.l1, self._portal = network.machine, network.l1.portal
        self.chain = Chain.open(
            network.spec, MemoryKeyValue(), network.genesis.accounts, network.genesis.timestamp_s
        )
        self.sent: set[str] = set()
        self._lane = ExecutionLane()
        engine = ChainEngine(self.chain, self._lane)
        self._driver = DerivationDriver(network.config, EmbeddedSource(self.l1), engine, FakeClock())
        self._derive()

    def close(self) -> None:
        self._lane.close()

    def _derive(self) -> None:
        """Everything that the L1 has: all but its newest block, whose window is open."""
        asyncio.run(self._derive_all())

    async def _derive_all(self) -> None:
        while await self._driver.step() is not Progress.IDLE:
            pass

    # --- Time ---------------------------------------------------------------------------------------------

    @property
    def moment(self) -> Moment:
        """When the next deposit executes: after the L2 block of the L1's newest block."""
        head = self.chain.head.header
        return Moment(head.number + 2, head.timestamp_s + 2)

    @moment.setter
    def moment(self, moment: Moment) -> None:
        blocks = moment.block_number - self.moment.block_number
        seconds = max(blocks, moment.timestamp_s - self.moment.timestamp_s)
        while seconds > 0:
            self.l1.advance(step := min(seconds, L1_BLOCK_TIME_S))
            seconds -= step
        self._derive()

    # --- Machine ------------------------------------------------------------------------------------------

    def balance(self, address: Address) -> int:
        return self.chain.snapshot().account(address).balance_wei

    def fund(self, address: Address, amount_wei: int) -> None:
        """Accounts were funded by the genesis."""
        assert self.balance(address) >= amount_wei

    def storage(self, address: Address) -> dict[int, int]:
        raise NotImplementedError("a chain does not list its storage")

    def call(self, call: Call) -> Outcome:
        """A view is asked of the next block's state; everything else goes through the L1."""
        contract = CONTRACTS[call.target]
        method = next(each for each in contract.methods if each.selector == call.data[:4])
        moment = self.moment
        said = self._ask(call, self.chain.head, moment)
        if method.mutability == "view":
            return Outcome(said.error is None, said.output)
        self._deposit(call, said.gas_used)
        block = self._arrived(moment)
        receipt = block.receipts[1]
        said = self._ask(call, self._parent(block), moment)
        assert receipt.succeeded == (said.error is None), (method.name, said)
        if receipt.succeeded:
            self.sent.add(f"{contract.name}.{method.name}")
        logs = tuple((log.address, log.topics, log.data) for log in receipt.logs)
        return Outcome(receipt.succeeded, said.output, logs, receipt.gas_used)

    def _ask(self, call: Call, parent: Block, moment: Moment) -> CallResult:
        request = CallRequest(call.sender, call.target, MAXIMUM_GAS, call.value_wei, call.data)
        block = BlockOverride(number=moment.block_number, timestamp_s=moment.timestamp_s)
        return self.chain.snapshot(parent.header).call(request, block=block)

    def _deposit(self, call: Call, gas_used: int) -> None:
        """One L1 transaction with what the call needs, and the L1 block that ends its window."""
        gas = max(gas_used * 11 // 10 + 100_000, self._portal.read("minimumGasLimit", len(call.data)))
        assert len(call.data) <= MAXIMUM_BYTES
        assert gas <= MAXIMUM_GAS
        arguments = (call.target, 0, call.value_wei, gas, False, call.data)
        self._portal.send(call.sender, "depositERC20Transaction", *arguments)
        self.l1.advance(1)
        self._derive()

    def _arrived(self, moment: Moment) -> Block:
        """The block of the deposit, which is the one that was expected and holds nothing else."""
        block = self.chain.head
        assert (block.header.number, block.header.timestamp_s) == (moment.block_number, moment.timestamp_s)
        assert len(block.receipts) == 2
        return block

    def _parent(self, block: Block) -> Block:
        parent = self.chain.block_by_hash(block.header.parent_hash)
        assert parent is not None
        return parent
