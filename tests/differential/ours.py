"""Our engine's answer to a case: a real block, built transaction by transaction."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

from genesis.account import GenesisAccount
from genesis.forks import Fork, ForkSchedule
from genesis.spec import ChainSpec, FeeParameters
from genesis.types import ZERO_HASH, Address, Hash32
from openledger_node.chain.genesis import genesis_block
from openledger_node.evm.blocks import sealed
from openledger_node.evm.engine import Engine
from openledger_node.evm.errors import TransactionError
from openledger_node.evm.records import BlockInputs, Header, Log
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.differential import case as cases
from tests.differential.case import Answer, Case, Included
from tests.differential.generate import TransactionMaker, allocation

_FEES = FeeParameters(2, 8, minimum_base_fee_wei=0, initial_base_fee_wei=cases.BASE_FEE_WEI)
_SPEC = ChainSpec(cases.CHAIN_ID, is_rollup=False, block_gas_limit=cases.GAS_LIMIT, fees=_FEES)


class _Block:
    """A block on a state; the first block half full, so that the base fee stays."""

    def __init__(self, fork: Fork, accounts: dict[Address, GenesisAccount]) -> None:
        store = MemoryKeyValue()
        schedule = ForkSchedule(((0, fork),))
        genesis = genesis_block(_SPEC, accounts, cases.TIMESTAMP_S - 12, schedule)
        store.write(genesis.state_writes)
        self._parent = sealed(replace(genesis.block.header, gas_used=cases.GAS_LIMIT // 2))
        self._engine = Engine(_SPEC, store, self, {}, schedule)
        self._execution = self._engine.begin_block(self._parent, _inputs())
        self.results: list[Included | None] = []
        self.refusals: list[str] = []

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return None

    def nonce_of(self, address: Address) -> int:
        """As the transactions so far have left it."""
        return self._execution._accounts.get_nonce(address)

    def add(self, raw: bytes) -> None:
        try:
            receipt = self._execution.add(raw)
        except TransactionError as error:
            self.results.append(None)
            self.refusals.append(error.cause)
        else:
            logs = tuple(_log(log) for log in receipt.logs)
            self.results.append(Included(receipt.succeeded, receipt.gas_used, logs))

    def answer(self) -> Answer:
        header = self._execution.seal().block.header
        return Answer(tuple(self.results), header.state_root.hex(), tuple(self.refusals))


def _inputs() -> BlockInputs:
    return BlockInputs(
        timestamp_s=cases.TIMESTAMP_S,
        prev_randao=Hash32(cases.PREV_RANDAO),
        fee_recipient=cases.COINBASE,
        gas_limit=cases.GAS_LIMIT,
        parent_beacon_block_root=ZERO_HASH,
    )


def _log(log: Log) -> tuple[str, tuple[str, ...], str]:
    return log.address.hex(), tuple(topic.hex() for topic in log.topics), log.data.hex()


def run(case: Case) -> Answer:
    block = _Block(case.fork, case.accounts)
    for raw in case.transactions:
        block.add(raw)
    return block.answer()


def make(
    seed: int, count: int, maker: Callable[..., TransactionMaker] = TransactionMaker
) -> tuple[Case, Answer]:
    """The case of a seed, with so many transactions, and our answer."""
    random = Random(seed)
    fork = random.choice(cases.FORKS)
    accounts = allocation(random, fork)
    block = _Block(fork, accounts)
    draw = maker(random, fork, block.nonce_of).draw
    transactions: list[bytes] = []
    for _ in range(count):
        transactions.append(draw())
        block.add(transactions[-1])
    return Case(seed, fork, accounts, tuple(transactions)), block.answer()


def shortened(case: Case, transactions: Sequence[bytes]) -> Case:
    return replace(case, transactions=tuple(transactions))
