"""Does a block under construction ever show that something was refused? Valid and invalid ones at random."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.spec import ChainSpec
from genesis.types import Address, Hash32
from openledger_node.chain.chain import Chain
from openledger_node.chain.head_block import HeadBlock
from openledger_node.chain.pool_view import PoolView, pooled
from openledger_node.evm.errors import TransactionError
from openledger_node.storage.keyvalue import MemoryKeyValue
from sequencer.builder.budget import Budget, BuildLimits
from sequencer.builder.build import fill_block
from sequencer.errors import AdmissionError
from sequencer.mempool.ordering import Candidates
from sequencer.mempool.pool import Pool
from sequencer.ports import Included, Rejected
from tests.evm import world
from tests.evm.world import ALICE, BOB, CAROL, ETHEREUM, GWEI, ROLLUP, Wallet

CODED = world.wallet(4)
"""A key whose account has code."""
MOST_GAS = 30_000_000
EMPTY_INITCODE = bytes(49_153)


@dataclass
class Author:
    """Signs what a draw asks for; knows which nonces are used up."""

    spec: ChainSpec
    nonces: dict[Address, int] = field(default_factory=dict)
    included: list[bytes] = field(default_factory=list)

    def sign(self, wallet: Wallet, **fields: Any) -> bytes:
        return wallet.sign(self.spec, **{"nonce": self.nonces.get(wallet.address, 0), **fields})

    def set_code(self, wallet: Wallet) -> bytes:
        """Delegates Carol's account."""
        nonce = self.nonces.get(CAROL.address, 0) + (wallet is CAROL)
        signed = CAROL.account.sign_authorization(
            {"chainId": self.spec.chain_id, "address": "0x" + world.STORE_ADDRESS.hex(), "nonce": nonce}
        )
        return self.sign(wallet, type=4, gas=200_000, authorizationList=[signed])

    def note(self, chain: Chain, raw: bytes) -> None:
        """Nonces as the block has them now."""
        sender = chain.engine.decode_transaction(raw).sender
        self.nonces[sender] = self.nonces.get(sender, 0) + 1
        self.included.append(raw)


Maker = Callable[[Author, Wallet, int], bytes]
VALID: dict[str, Maker] = {
    "transfer": lambda author, wallet, amount: author.sign(wallet, value=amount),
    "store": lambda author, wallet, amount: author.sign(
        wallet, to=world.STORE_ADDRESS, data=world.word(amount), value=0
    ),
    "revert": lambda author, wallet, amount: author.sign(
        wallet, to=world.REVERT_ADDRESS, data=world.word(amount), value=amount
    ),
    "self-destruct": lambda author, wallet, amount: author.sign(
        wallet, to=world.SELFDESTRUCT_ADDRESS, value=amount
    ),
    "create": lambda author, wallet, amount: author.sign(wallet, to=None, data=b"\x30\xff", value=amount),
    "out of gas": lambda author, wallet, _amount: author.sign(wallet, to=world.LOOP_ADDRESS),
    "to the coinbase": lambda author, wallet, amount: author.sign(wallet, to=world.COINBASE, value=amount),
    "to itself": lambda author, wallet, amount: author.sign(wallet, to=wallet.address, value=amount),
    "nothing to nobody": lambda author, wallet, _amount: author.sign(wallet, to=b"\xaa" * 20, value=0),
}
INVALID: dict[str, Maker] = {
    "nonce too low": lambda author, wallet, _: author.sign(
        wallet, nonce=max(author.nonces.get(wallet.address, 0) - 1, 0) if author.included else 9
    ),
    "nonce too high": lambda author, wallet, amount: author.sign(
        wallet, nonce=author.nonces.get(wallet.address, 0) + 1 + amount % 7
    ),
    "too poor": lambda author, wallet, _amount: author.sign(wallet, value=world.FUNDS_WEI),
    "tip above fee": lambda author, wallet, _amount: author.sign(wallet, maxPriorityFeePerGas=11 * GWEI),
    "below the base fee": lambda author, wallet, _amount: author.sign(
        wallet, maxFeePerGas=1, maxPriorityFeePerGas=0
    ),
    "intrinsic gas": lambda author, wallet, _amount: author.sign(wallet, gas=20_999),
    "calldata floor": lambda author, wallet, _amount: author.sign(
        wallet, gas=21_000 + 16 * 100, data=b"\1" * 100
    ),
    "initcode": lambda author, wallet, _amount: author.sign(
        wallet, to=None, data=EMPTY_INITCODE, gas=5_000_000
    ),
    "block gas limit": lambda author, wallet, _amount: author.sign(wallet, gas=MOST_GAS + 1),
    "another chain": lambda _author, wallet, _amount: wallet.sign(replace(ROLLUP, chain_id=1)),
    "cut short": lambda author, wallet, _amount: author.sign(wallet)[:-1],
    "an unknown type": lambda _author, _wallet, _amount: b"\x05\xc0",
    "a deposit": lambda _author, wallet, amount: world.deposit(wallet.address, None, mint_wei=amount),
    "a sender with code": lambda author, _wallet, _amount: author.sign(CODED),
}
Draw = tuple[str, Wallet, int]
DRAWS = st.lists(
    st.tuples(
        st.sampled_from([*VALID, *INVALID, "set code", "past the time limit"]),
        st.sampled_from([ALICE, BOB, CAROL]),
        st.integers(0, 10**18),
    ),
    max_size=14,
)


def open_chain(spec: ChainSpec) -> Chain:
    alloc = world.allocation()
    alloc[CODED.address] = replace(alloc[CODED.address], code=b"\x60\x00")
    return Chain.open(spec, MemoryKeyValue(), alloc, world.GENESIS_TIME_S)


def fingerprint(block: HeadBlock) -> tuple[object, ...]:
    """Everything of the block that a transaction could have changed."""
    execution = block._execution
    accounts = execution._accounts
    return (
        accounts.root_now(),
        accounts.record(),
        tuple(accounts.logs),
        tuple(accounts.warm_entries()),
        accounts.refund,
        frozenset(accounts.destroyed),
        accounts.balance_change_wei(),
        block.gas_remaining,
        len(execution._receipts),
        execution._minted_wei,
    )


def past_the_time_limit(block: HeadBlock, raw: bytes) -> Rejected:
    try:
        block._execution.add(raw, time_limit_s=0.0)
    except TransactionError as error:
        return Rejected(error.cause, error.permanent)
    raise AssertionError("a loop ended in no time")


def attempt(block: HeadBlock, author: Author, name: str, wallet: Wallet, amount: int) -> tuple[bytes, Any]:
    if name == "past the time limit":
        raw = author.sign(wallet, to=world.LOOP_ADDRESS, gas=1_000_000, value=0)
        return raw, past_the_time_limit(block, raw)
    make = (VALID | INVALID).get(name)
    raw = author.set_code(wallet) if make is None else make(author, wallet, amount)
    return raw, block.try_transaction(raw)


@settings(max_examples=60, deadline=None)
@given(spec=st.sampled_from([ROLLUP, ETHEREUM]), blocks=st.lists(DRAWS, min_size=1, max_size=3))
def test_what_is_refused_leaves_no_trace(spec: ChainSpec, blocks: list[list[Draw]]) -> None:
    """The state is the same to the bit after a refusal, and the sealed block is the one that a chain which
    never saw the refused ones makes. Sealing executes every block again from its parent."""
    chain, clean = open_chain(spec), open_chain(spec)
    author = Author(spec)
    for draws in blocks:
        author.included.clear()
        block = chain.open_block(world.inputs(chain))
        assert isinstance(block, HeadBlock)
        for name, wallet, amount in draws:
            before = fingerprint(block)
            raw, answer = attempt(block, author, name, wallet, amount)
            if isinstance(answer, Included):
                assert name not in INVALID or name == "nonce too low"
                author.note(chain, raw)
                if name == "set code":
                    author.nonces[CAROL.address] = block._execution._accounts.get_nonce(CAROL.address)
            else:
                assert name not in VALID or "insufficient funds" in answer.reason
                assert fingerprint(block) == before
        assert block.seal() == clean.import_block(world.inputs(clean, *author.included)).header.hash


@settings(max_examples=25, deadline=None)
@given(draws=DRAWS, gas_limit=st.sampled_from([100_000, 400_000, MOST_GAS]))
def test_a_block_filled_from_the_pool_is_what_a_follower_makes(draws: list[Draw], gas_limit: int) -> None:
    """Whatever grows stale in the pool: the builder drops it or leaves it there, and the block is sound."""
    chain, clean = open_chain(ROLLUP), open_chain(ROLLUP)
    pool, author = Pool(PoolView(chain)), Author(ROLLUP)
    for name, wallet, amount in draws:
        if name in ("past the time limit", "set code"):
            continue
        raw = (VALID | INVALID)[name](author, wallet, amount)
        try:
            pool.add(pooled(chain.engine.decode_transaction(raw), ROLLUP), 0.0)
        except (AdmissionError, TransactionError):
            continue
        author.note(chain, raw)
    # Half of the pool is in a block that came from elsewhere: it is stale now, and the pool was not told.
    elsewhere = author.included[: len(author.included) // 2]
    for grown in (chain, clean):
        try_all = grown.open_block(world.inputs(grown))
        for raw in elsewhere:
            try_all.try_transaction(raw)
        try_all.seal()
    block = chain.open_block(world.inputs(chain, gas_limit=gas_limit))
    candidates = Candidates(pool.ready(), block.base_fee_wei)
    filled = fill_block(block, candidates, Budget(BuildLimits(fill_time_s=60.0), lambda: 0.0))
    raws = [item.raw for item in filled.included]
    sealed: Hash32 = block.seal()
    assert sealed == clean.import_block(world.inputs(clean, *raws, gas_limit=gas_limit)).header.hash
    assert {refusal.transaction.raw for refusal in filled.dropped}.isdisjoint(raws)
