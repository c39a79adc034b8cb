"""How one step of a block is run with nothing but a witness, and how that witness is made.

The witness is `debug_executionWitness`'s (trie nodes, codes, headers), of one step, with the block's inputs
and the state before it. Nodes of the tries of transactions and receipts are among the nodes, so that a
transaction is shown to be the block's by the same means as an account is shown to be the state's.

Covered: everything is checked against the hashes that the claim before and the inputs' hash commit to; a
witness that lacks something leads nowhere. Not covered: whether the inputs are those of the L1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from genesis.keccak import keccak256
from genesis.types import Hash32
from openledger_node.evm.block_building import Rules
from openledger_node.evm.block_steps import (
    Opening,
    Sealed,
    StepError,
    StepState,
    begin,
    opening_of,
    run_transaction,
    seal,
)
from openledger_node.evm.blocks import decode_header
from openledger_node.evm.node_store import MissingStateError, NodeStore, OverlayNodes
from openledger_node.evm.records import Block, Header
from openledger_node.evm.rlp_codec import (
    Item,
    RlpError,
    decode_list,
    encode,
    to_bytes,
    to_fixed,
    to_list,
    to_uint,
    uint,
)
from openledger_node.evm.trie import EMPTY_ROOT, Trie
from openledger_node.evm.witness import RecordingHeaders, RecordingNodes
from openledger_node.storage import keys
from openledger_node.storage.keyvalue import MemoryKeyValue

StepResult = StepState | Sealed


@dataclass(frozen=True, slots=True)
class StepWitness:
    """`headers` begin with the parent; `before` is None for step 0, which stands on the parent."""

    opening: Opening
    before: StepState | None
    nodes: tuple[bytes, ...]
    codes: tuple[bytes, ...]
    headers: tuple[Header, ...]

    def encode(self) -> bytes:
        """RLP."""
        before = self.before
        stands = (
            [] if before is None else [before.state_root, uint(before.cumulative_gas), before.receipts_root]
        )
        headers: list[Item] = [header.rlp for header in self.headers]
        return encode([self.opening.items, stands, list(self.nodes), list(self.codes), headers])

    @classmethod
    def decode(cls, encoded: bytes) -> "StepWitness":
        """Raises `StepError` for whatever is no witness."""
        try:
            opening, before, nodes, codes, headers = (to_list(item) for item in _five(decode_list(encoded)))
            return cls(
                Opening.decode(opening),
                _state(before),
                tuple(to_bytes(node) for node in nodes),
                tuple(to_bytes(code) for code in codes),
                tuple(decode_header(to_bytes(header)) for header in headers),
            )
        except RlpError as error:
            raise StepError(str(error)) from None


def run_step(rules: Rules, witness: StepWitness, number: int) -> StepResult:
    """What step `number` makes of the state before it, by the witness alone. Raises `StepError`.

    The caller compares `witness.opening.hash` and `witness.before.claim` (for step 0 the parent's output)
    with what the two sides agreed on.
    """
    if not witness.headers or witness.headers[0].hash != witness.opening.parent_hash:
        raise StepError("the witness does not begin with the parent's header")
    own = replace(rules, nodes=_witness_nodes(witness), headers=_Headers(witness.headers))
    try:
        return _run(own, witness.headers[0], witness.opening, witness.before, number)[0]
    except MissingStateError as error:
        raise StepError(error.cause) from None
    except (LookupError, ValueError, TypeError) as error:
        raise StepError(f"a node of the witness is malformed: {error}") from None


class BlockSteps:
    """A block of a node's own chain, run step by step: the claims between, and a witness for each."""

    def __init__(self, rules: Rules, parent: Header, block: Block) -> None:
        self._rules = rules
        self._parent = parent
        self.opening = opening_of(parent, block)
        self._nodes = OverlayNodes(rules.nodes)
        raws = [transaction.raw for transaction in block.transactions]
        self._nodes.add((keys.node(name), node) for name, node in _ordered_nodes(raws).items())
        self.states = tuple(self._states())

    def witness(self, number: int) -> StepWitness:
        """What step `number` reads."""
        nodes = RecordingNodes(self._nodes)
        headers = RecordingHeaders(self._rules.headers, self._parent)
        rules = replace(self._rules, nodes=nodes, headers=headers)
        before = None if number == 0 else self.states[number - 1]
        _run(rules, self._parent, self.opening, before, number)
        return StepWitness(
            self.opening,
            before,
            tuple(nodes.read_nodes.values()),
            tuple(nodes.read_codes.values()),
            tuple(headers.read.values()),
        )

    def _states(self) -> Iterator[StepState]:
        rules = replace(self._rules, nodes=self._nodes)
        state: StepState | None = None
        for number in range(self.opening.transaction_count + 1):
            result, writes = _run(rules, self._parent, self.opening, state, number)
            assert isinstance(result, StepState)
            self._nodes.add(writes)
            state = result
            yield state


def _run(
    rules: Rules, parent: Header, opening: Opening, before: StepState | None, number: int
) -> tuple[StepResult, Sequence[tuple[bytes, bytes]]]:
    if number == 0:
        return begin(rules, parent, opening)
    if before is None:
        raise StepError("the state before the step is missing")
    if number <= opening.transaction_count:
        return run_transaction(rules, parent, opening, before, number)
    if number == opening.transaction_count + 1:
        return seal(rules, parent, opening, before), ()
    raise StepError(f"the block has no step {number}")


class _Headers:
    def __init__(self, headers: Sequence[Header]) -> None:
        self._known = {header.hash: header for header in headers}

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        found = self._known.get(block_hash)
        if found is None:
            raise MissingStateError(f"missing header {block_hash.hex()}")
        return found


def _witness_nodes(witness: StepWitness) -> NodeStore:
    store = MemoryKeyValue()
    store.write([(keys.node(keccak256(node)), node) for node in witness.nodes])
    store.write([(keys.code(keccak256(code)), code) for code in witness.codes])
    return NodeStore(store)


def _ordered_nodes(values: Sequence[bytes]) -> Mapping[bytes, bytes]:
    """Every node of the trie that maps RLP of each index to its value."""
    nodes: dict[bytes, bytes] = {}
    trie = Trie(EMPTY_ROOT, nodes.__getitem__)
    for index, value in enumerate(values):
        trie.set(encode(uint(index)), value)
    trie.commit(nodes)
    return nodes


def _state(items: list[Item]) -> StepState | None:
    if not items:
        return None
    if len(items) != 3:
        raise RlpError("rlp: expected three fields of a state between steps")
    root, receipts_root = (Hash32(to_fixed(items[i], 32)) for i in (0, 2))
    return StepState(root, to_uint(items[1], 64), receipts_root)


def _five(items: list[Item]) -> list[Item]:
    if len(items) != 5:
        raise RlpError(f"rlp: expected five fields of a witness, got {len(items)}")
    return items
