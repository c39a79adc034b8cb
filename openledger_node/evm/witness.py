"""What a block's execution reads of state and ancestors: enough to execute it again with nothing else.

Covered: trie nodes, codes and headers, each once, those that only the new state root needs as well.
Source: geth, `debug_executionWitness`.
"""

import time
from dataclasses import dataclass, replace

from genesis.types import Hash32
from openledger_node.evm.ancestors import HeaderSource
from openledger_node.evm.block_building import BlockExecution, inputs_of
from openledger_node.evm.calls import CallSite
from openledger_node.evm.errors import CallTimeoutError, TransactionError
from openledger_node.evm.node_store import NodeStore
from openledger_node.evm.records import Block, Header
from openledger_node.evm.trie_nodes import DecodedNodes

_DECODED_NODES = 50_000


@dataclass(frozen=True, slots=True)
class Witness:
    """In order of first use; `headers` begin with the parent."""

    nodes: tuple[bytes, ...]
    codes: tuple[bytes, ...]
    headers: tuple[Header, ...]


class RecordingNodes(NodeStore):
    def __init__(self, base: NodeStore) -> None:
        self.decoded = DecodedNodes(_DECODED_NODES)
        self.read_nodes: dict[bytes, bytes] = {}
        self.read_codes: dict[bytes, bytes] = {}

        def node(node_hash: bytes) -> bytes:
            return self.read_nodes.setdefault(node_hash, base.node(node_hash))

        def code(code_hash: bytes) -> bytes:
            return self.read_codes.setdefault(code_hash, base.code(code_hash))

        self.node, self.code = node, code


class RecordingHeaders:
    def __init__(self, base: HeaderSource, parent: Header) -> None:
        self._base = base
        self.read: dict[Hash32, Header] = {parent.hash: parent}

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        found = self._base.header_by_hash(block_hash)
        if found is not None:
            self.read.setdefault(block_hash, found)
        return found


def witness_of(site: CallSite, block: Block, time_limit_s: float) -> Witness:
    """Execute `block` on the state and header of `site`, its parent's. Raises `CallTimeoutError` past the
    limit, `InvalidBlockError` for a block that is not valid there."""
    nodes = RecordingNodes(site.rules.nodes)
    headers = RecordingHeaders(site.rules.headers, site.header)
    rules = replace(site.rules, nodes=nodes, headers=headers)
    give_up_s = time.monotonic() + time_limit_s
    raws = tuple(transaction.raw for transaction in block.transactions)
    inputs = inputs_of(block.header, raws, block.withdrawals, block.ommers)
    execution = BlockExecution.open(rules, site.header, site.state_root, inputs)
    for raw in raws:
        try:
            execution.add(raw, time_limit_s=max(give_up_s - time.monotonic(), 0.0))
        except TransactionError as error:
            raise CallTimeoutError(error.cause) from None
    execution.seal()
    return Witness(
        tuple(nodes.read_nodes.values()), tuple(nodes.read_codes.values()), tuple(headers.read.values())
    )
