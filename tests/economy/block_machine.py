"""The L2 of two chains as the random user base sees it: reads of the next block, calls as transactions."""

from genesis.addresses import L1_BLOCK
from genesis.policy import Policy
from genesis.types import Address
from openledger_node.evm.records import AccountOverride, Block, BlockOverride, CallRequest, Receipt
from precompiles.views import l1_block
from tests.economy.two_chains import GAS, TwoChains, receipt_of
from tests.precompiles.calls import Account
from tests.precompiles.world import Call, MemoryHost, Moment, NativeMachine, Outcome

SPARE_GAS = 500_000
"""On top of what a deposit needs: the portal burns gas on the L1 for what it may use on the L2."""


class BlockMachine:
    """Implements `tests.precompiles.world.Machine`, whose `call` only reads here; `send` is the transaction.

    Who has no key acts through a deposit.
    """

    def __init__(self, chains: TwoChains, people: list[Account], policy: Policy) -> None:
        self.policy = policy
        self.chains = chains
        self._keys = {each.address: each for each in people}

    @property
    def moment(self) -> Moment:
        """The next block's."""
        return Moment(self.chains.chain.head.header.number + 1, self.chains.now_s + 1)

    @moment.setter
    def moment(self, moment: Moment) -> None:
        """Blocks pass until a second before."""
        self.chains.pass_time(max(0, moment.timestamp_s - self.chains.now_s - 1))

    def balance(self, address: Address) -> int:
        return self.chains.balance(address)

    def call(self, call: Call) -> Outcome:
        return self._answer(call, self.chains.chain.head, self.moment, {})

    def _answer(self, call: Call, parent: Block, moment: Moment, l1_words: dict[int, int]) -> Outcome:
        """What a call returns on a block's state, L1Block told these words since."""
        request = CallRequest(call.sender, call.target, GAS, call.value_wei, call.data)
        override = BlockOverride(number=moment.block_number, timestamp_s=moment.timestamp_s)
        told = {L1_BLOCK: AccountOverride(storage_changes=l1_words)}
        result = self.chains.chain.snapshot(parent.header).call(request, told, override)
        logs = tuple((log.address, log.topics, log.data) for log in result.logs)
        return Outcome(result.error is None, result.output, logs, result.gas_used)

    def send(self, call: Call, *, forced: bool) -> Outcome:
        """A transaction, alone in its block or forced by the L1; what it returned is asked again of the block
        before."""
        signer = self._keys.get(call.sender)
        if signer is None or forced:
            receipt, block = self._force(call)
        else:
            name = self.chains.submit(signer, call.target, call.data, call.value_wei)
            block = self.chains.build()
            receipt = receipt_of(block, name)
        parent = self.chains.chain.block_by_hash(block.header.parent_hash)
        assert parent is not None
        moment = Moment(block.header.number, block.header.timestamp_s)
        said = self._answer(call, parent, moment, self._l1_words(block))
        assert said.succeeded == receipt.succeeded, call
        return said

    def _l1_words(self, block: Block) -> dict[int, int]:
        """What a block's first deposit told of the L1: its origin, and that origin's randomness."""
        state = self.chains.chain.snapshot(block.header)
        number = state.storage_at(L1_BLOCK, l1_block.NUMBER_SLOT)
        ring_slot = l1_block.RING_SLOT + number % 2**64 % l1_block.RING_LENGTH
        return {l1_block.NUMBER_SLOT: number, ring_slot: state.storage_at(L1_BLOCK, ring_slot)}

    def _force(self, call: Call) -> tuple[Receipt, Block]:
        gas = self.call(call).gas_used * 5 // 4 + SPARE_GAS
        receipt = self.chains.force(call.sender, call.target, call.data, call.value_wei, gas=gas)
        head = self.chains.chain.head
        while receipt not in head.receipts:
            found = self.chains.chain.block_by_hash(head.header.parent_hash)
            assert found is not None
            head = found
        return receipt, head

    def fund(self, address: Address, amount_wei: int) -> None:
        raise NotImplementedError("money comes by deposits here")

    def storage(self, address: Address) -> dict[int, int]:
        raise NotImplementedError("a chain does not list its storage")


class StateHost(MemoryHost):
    """Where the views read the L2's head."""

    def __init__(self, machine: BlockMachine, policy: Policy, reader: Address) -> None:
        super().__init__(NativeMachine(policy), Call(reader, reader, b""), 0)
        self._blocks = machine

    @property
    def block_number(self) -> int:
        return self._blocks.moment.block_number

    @property
    def timestamp_s(self) -> int:
        return self._blocks.moment.timestamp_s

    def load(self, address: Address, slot: int) -> int:
        return self._blocks.chains.chain.snapshot().storage_at(address, slot)

    def balance(self, address: Address) -> int:
        return self._blocks.balance(address)
