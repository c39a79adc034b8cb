"""The native precompiles in real blocks, for tests that are written for the other two machines."""

from itertools import count

from genesis.account import GenesisAccount
from genesis.addresses import PRECOMPILE_STUB_CODE, PRECOMPILES
from genesis.policy import Policy
from genesis.types import Address
from openledger_node.chain.chain import Chain
from openledger_node.evm.records import BlockOverride, CallRequest
from openledger_node.storage.keyvalue import MemoryKeyValue
from precompiles.genesis_storage import initial_storage
from tests.evm import world
from tests.precompiles.world import START_TIME_S, TIMELOCK, Call, Moment, Outcome

GAS = 20_000_000


class BlockMachine:
    """Implements `Machine`: every call is a forced deposit in a block of its own, and time needs blocks."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        alloc = world.allocation()
        storage = initial_storage(policy, TIMELOCK)
        for address in PRECOMPILES:
            words = storage.get(address, {})
            alloc[address] = GenesisAccount(nonce=1, code=PRECOMPILE_STUB_CODE, storage=words)
        self.chain = Chain.open(world.ROLLUP, MemoryKeyValue(), alloc, START_TIME_S - 1)
        self._sources = count(1)
        self._next_s = START_TIME_S

    @property
    def moment(self) -> Moment:
        """The next block's."""
        return Moment(self.chain.head.header.number + 1, self._next_s)

    @moment.setter
    def moment(self, moment: Moment) -> None:
        while self.chain.head.header.number + 1 < moment.block_number:
            self._mine()
        self._next_s = max(self._next_s, moment.timestamp_s)

    def _mine(self, *deposits: bytes) -> None:
        self.chain.import_block(world.inputs(self.chain, *deposits, timestamp_s=self._next_s))
        self._next_s += 1

    def balance(self, address: Address) -> int:
        return self.chain.snapshot().account(address).balance_wei

    def fund(self, address: Address, amount_wei: int) -> None:
        self._mine(world.deposit(address, address, mint_wei=amount_wei, source=next(self._sources)))

    def storage(self, address: Address) -> dict[int, int]:
        raise NotImplementedError("a chain does not list its storage")

    def call(self, call: Call) -> Outcome:
        """The deposit's status, and the return data of the same call right before it."""
        request = CallRequest(call.sender, call.target, GAS, call.value_wei, call.data)
        moment = self.moment
        override = BlockOverride(number=moment.block_number, timestamp_s=moment.timestamp_s)
        said = self.chain.snapshot().call(request, block=override)
        deposit = world.deposit(
            call.sender,
            call.target,
            value_wei=call.value_wei,
            gas=GAS,
            data=call.data,
            source=next(self._sources),
        )
        self._mine(deposit)
        receipt = self.chain.head.receipts[0]
        assert receipt.succeeded == (said.error is None)
        logs = tuple((log.address, log.topics, log.data) for log in receipt.logs)
        return Outcome(receipt.succeeded, said.output, logs, receipt.gas_used)
