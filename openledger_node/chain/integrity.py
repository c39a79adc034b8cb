"""Is what the store says true: links, roots and indexes, compared with the blocks and nodes themselves.

Covered: the heads; each canonical header from the head to the genesis; bodies, receipts and indexes against
the header's roots; the state of the head, node by node; the counts and journals of a pruned store.
Not covered: whether blocks follow the rules (a node that derives them again tells), what no root commits to
(prices and L1 fees of receipts), older states of an unpruned store, blocks that are not canonical.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.chain.block_store import BlockStore
from openledger_node.chain.heads import stored_heads
from openledger_node.chain.node_counts import stored_places
from openledger_node.chain.state_history import kept_states, oldest_state
from openledger_node.chain.state_journal import created_places, decode_journal, replaced_places
from openledger_node.chain.state_pruning import count_places
from openledger_node.errors import StartError
from openledger_node.evm.account_leaf import EMPTY_CODE_HASH, decode_account, read_account
from openledger_node.evm.blocks import encode_withdrawal
from openledger_node.evm.impersonation import is_impersonated
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.receipts import encode_receipt, join_blooms
from openledger_node.evm.records import Block, Header, Transaction
from openledger_node.evm.state_difference import state_difference
from openledger_node.evm.transactions import decode_transaction
from openledger_node.evm.trie import EMPTY_ROOT, Trie, ordered_root
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import KeyValue
from openledger_node.storage.migrations import SCHEMA

MOST_PROBLEMS = 20
"""A step is given up after so many: the store is lost."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """What was looked at, how many of them, and what is wrong."""

    subject: str
    checked: int
    problems: tuple[str, ...]


Finding = str | None
"""What is wrong with one thing, None if nothing."""


def check_store(store: KeyValue, *, sample: int | None, random: Random) -> Iterator[StepReport]:
    """Check step by step; with `sample`, bodies and state only at so many places, the newest among them.

    Raises `StartError` if there is no chain to check.
    """
    identity = store.get(keys.IDENTITY)
    schema = int.from_bytes(store.get(keys.SCHEMA) or b"", "big")
    if identity is None or schema > SCHEMA:
        found = f"schema {schema}" if identity else "no chain"
        raise StartError(f"the database holds {found}, not one this program can check", "correct --datadir")
    check = _Check(store, Hash32(identity[:32]), int.from_bytes(identity[32:], "big"))
    yield _report("heads and the genesis block", check.heads())
    yield _report("headers linked from the head to the genesis", check.links())
    yield _report("blocks with their roots, receipts and indexes", check.contents(sample, random))
    yield _report("entries beyond the head or of other blocks", check.strays(full=sample is None))
    if sample is None:
        yield _report("stored nodes and codes against their hashes", check.hashes())
        yield _report("nodes and codes of the head's state", check.whole_state())
        if kept_states(store) is not None and store.get(keys.DETACHED) is None:
            yield _report("nodes of all kept states with their counts", check.counts())
    else:
        yield _report("paths of the head's state", check.sampled_state(sample, random))


def _report(subject: str, findings: Iterator[Finding]) -> StepReport:
    checked, problems = 0, []
    try:
        for finding in findings:
            checked += 1
            if finding is not None:
                problems.append(finding)
            if len(problems) == MOST_PROBLEMS:
                problems.append("and perhaps more")
                break
    except Exception as error:  # noqa: BLE001 - bytes that are not what was written make decoders raise anything
        problems.append(f"cannot go on: {error!r}")
    return StepReport(subject, checked, tuple(problems))


class _Check:
    """The steps; each yields once for each thing it looked at."""

    def __init__(self, store: KeyValue, genesis_hash: Hash32, chain_id: int) -> None:
        self._store = store
        self._blocks = BlockStore(store, chain_id)
        self._heads = stored_heads(store, self._blocks)
        self._genesis_hash = genesis_hash
        self._chain_id = chain_id

    def heads(self) -> Iterator[Finding]:
        heads = (self._heads.finalized, self._heads.safe, self._heads.unsafe)
        for name, head in zip(("finalized", "safe", "unsafe"), heads, strict=True):
            is_canonical = self._blocks.canonical_hash(head.number) == head.hash
            yield None if is_canonical else f"the {name} head {head.number} is not canonical"
        is_genesis = self._blocks.canonical_hash(0) == self._genesis_hash
        yield None if is_genesis else "the chain does not begin with its genesis block"
        numbers = [head.number for head in heads]
        yield None if numbers == sorted(numbers) else "the heads are not in order"

    def links(self) -> Iterator[Finding]:
        expected = self._heads.unsafe.hash
        for number in range(self._heads.unsafe.number, -1, -1):
            header = self._blocks.header_by_hash(expected)
            if header is None:
                yield f"header {number} (0x{expected.hex()}) is missing"
                return
            yield self._wrong_link(header, expected, number)
            expected = header.parent_hash

    def _wrong_link(self, header: Header, expected: Hash32, number: int) -> Finding:
        if header.hash != expected:
            return f"header {number} hashes to 0x{header.hash.hex()}, not 0x{expected.hex()}"
        if header.number != number:
            return f"header 0x{expected.hex()} has number {header.number}, not {number}"
        if self._blocks.canonical_hash(number) != expected:
            return f"the index names another block {number}"
        if self._store.get(keys.by_number(keys.BLOOM, number)) != header.bloom:
            return f"the bloom index differs at block {number}"
        return None

    def contents(self, sample: int | None, random: Random) -> Iterator[Finding]:
        top = self._heads.unsafe.number
        if sample is None or sample > top:
            numbers = list(range(top + 1))
        else:
            newest = range(top + 1 - sample // 2, top + 1)
            numbers = [*random.sample(range(newest.start), sample - len(newest)), *newest]
        for number in numbers:
            yield self._wrong_content(number)

    def _wrong_content(self, number: int) -> Finding:
        block_hash = self._blocks.canonical_hash(number)
        try:
            block = None if block_hash is None else self._blocks.block_by_hash(block_hash)
            if block is None:
                return f"block {number} is not whole"
            wrong = [*_wrong_roots(block), *self._wrong_indexes(block)]
        except Exception as error:  # noqa: BLE001 - as above
            return f"block {number} cannot be read: {error!r}"
        return f"block {number}: {', '.join(wrong)}" if wrong else None

    def _wrong_indexes(self, block: Block) -> Iterator[str]:
        for index, transaction in enumerate(block.transactions):
            if self._blocks.transaction_place(transaction.hash) != (block.header.hash, index):
                yield f"the index does not lead to transaction {index}"
            if not is_impersonated(transaction) and self._signer(transaction) != transaction.sender:
                yield f"transaction {index} was signed by somebody else"
        before = self._blocks.minted_and_burned(block.header.parent_hash) if block.header.number else (0, 0)
        change = block.supply_change
        totals = (before[0] + change.minted_wei, before[1] + change.burned_wei)
        if self._blocks.minted_and_burned(block.header.hash) != totals:
            yield "the supply does not add up"

    def _signer(self, transaction: Transaction) -> Address:
        return decode_transaction(transaction.raw, self._chain_id).sender

    def strays(self, *, full: bool) -> Iterator[Finding]:
        beyond = (self._heads.unsafe.number + 1).to_bytes(8, "big")
        for prefix in (keys.CANONICAL, keys.BLOOM):
            for key, _ in self._store.scan(prefix, beyond):
                yield f"the index has a block {int.from_bytes(key[1:], 'big')} beyond the head"
        if full:
            for key, place in self._store.scan(keys.TRANSACTION):
                header = self._blocks.header_by_hash(Hash32(place[:32]))
                known = header is not None and self._blocks.canonical_hash(header.number) == header.hash
                yield None if known else f"transaction 0x{key[1:].hex()} is indexed in no canonical block"

    def hashes(self) -> Iterator[Finding]:
        for prefix in (keys.NODE, keys.CODE):
            for key, value in self._store.scan(prefix):
                yield None if keccak256(value) == key[1:] else f"0x{key[1:].hex()} holds something else"

    def whole_state(self) -> Iterator[Finding]:
        codes: set[Hash32] = set()

        def note_code(leaf: bytes) -> None:
            codes.add(decode_account(leaf).code_hash)

        nodes = state_difference(NodeStore(self._store).node, EMPTY_ROOT, self._state_root(), note_code)
        for _ in nodes:
            yield None
        for code_hash in codes - {EMPTY_CODE_HASH}:
            missing = self._store.get(keys.code(code_hash)) is None
            yield f"code 0x{code_hash.hex()} is missing" if missing else None

    def sampled_state(self, sample: int, random: Random) -> Iterator[Finding]:
        """Random paths, and the newest senders' accounts, who certainly have one."""
        root = self._state_root()
        for _ in range(sample):
            Trie(root, self._verified_node).get(random.randbytes(32))
            yield None
        head = self._blocks.block_by_hash(self._heads.unsafe.hash)
        for transaction in islice(head.transactions if head else (), sample):
            missing = read_account(NodeStore(self._store), root, transaction.sender) is None
            yield f"the head's state has no account 0x{transaction.sender.hex()}" if missing else None

    def counts(self) -> Iterator[Finding]:
        headers = (self._header(n) for n in range(oldest_state(self._store), self._heads.unsafe.number + 1))
        states = [(header.number, header.state_root) for header in headers]
        places, journals = count_places(self._store, states)
        for node_hash, count in places.items():
            stored = stored_places(self._store, node_hash)
            enough = stored >= count
            yield None if enough else f"node 0x{node_hash.hex()} is counted {stored} times, not {count}"
        for key, journal in journals:
            found = self._store.get(key)
            holds = found is not None and _journal_holds(decode_journal(found), decode_journal(journal))
            yield None if holds else f"the journal of block {int.from_bytes(key[1:], 'big')} is wrong"

    def _state_root(self) -> Hash32:
        patched = self._store.get(keys.by_hash(keys.PATCHED_ROOT, self._heads.unsafe.hash))
        return self._header(self._heads.unsafe.number).state_root if patched is None else Hash32(patched)

    def _header(self, number: int) -> Header:
        block_hash = self._blocks.canonical_hash(number)
        header = None if block_hash is None else self._blocks.header_by_hash(block_hash)
        if header is None:
            raise KeyError(f"block {number}")
        return header

    def _verified_node(self, node_hash: bytes) -> bytes:
        node = self._store.get(keys.node(node_hash))
        if node is None or keccak256(node) != node_hash:
            fault = "is missing" if node is None else "is damaged"
            raise KeyError(f"state node 0x{node_hash.hex()} {fault}")
        return node


def _journal_holds(found: Counter[bytes], walked: Counter[bytes]) -> bool:
    """Whether it names what was created, and gives up nothing else than was replaced; storage of a destroyed
    account may be left out."""
    replaced, most = replaced_places(found), replaced_places(walked)
    gives_up_more = any(places > most.get(node, 0) for node, places in replaced.items())
    return created_places(found) == created_places(walked) and not gives_up_more


def _wrong_roots(block: Block) -> Iterator[str]:
    header, receipts = block.header, block.receipts
    if ordered_root(transaction.raw for transaction in block.transactions) != header.transactions_root:
        yield "the transactions root differs"
    if len(receipts) != len(block.transactions):
        yield f"{len(receipts)} receipts for {len(block.transactions)} transactions"
        return
    typed = zip(block.transactions, receipts, strict=True)
    encoded = (encode_receipt(transaction.type, receipt) for transaction, receipt in typed)
    rules: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("the receipts root differs", lambda: ordered_root(encoded) == header.receipts_root),
        ("the bloom differs", lambda: join_blooms(receipt.bloom for receipt in receipts) == header.bloom),
        ("gas used differs", lambda: sum(receipt.gas_used for receipt in receipts) == header.gas_used),
        ("the withdrawals root differs", lambda: _withdrawals_root(block) == header.withdrawals_root),
    )
    yield from (name for name, holds in rules if not holds())


def _withdrawals_root(block: Block) -> Hash32:
    if not block.header.withdrawals_root:
        return Hash32(b"")
    return ordered_root(encode_withdrawal(withdrawal) for withdrawal in block.withdrawals)
