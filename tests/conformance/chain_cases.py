"""How a `blockchain_test` case is run: import blocks, good and bad, and compare the head.

Withdrawals, blobs and requests to the consensus layer are in these tests, so the chain is plain Ethereum.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from genesis.forks import Fork, ForkSchedule
from genesis.spec import ChainSpec, FeeParameters
from genesis.types import Hash32
from openledger_node.chain.genesis import materialise
from openledger_node.evm.blocks import decode_block
from openledger_node.evm.engine import Engine
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.records import Header
from openledger_node.evm.rlp_codec import RlpError
from openledger_node.storage.keyvalue import MemoryKeyValue
from tests.conformance.state_cases import allocation, raw

SCHEDULES = {
    "Cancun": ForkSchedule(((0, Fork.CANCUN),)),
    "Prague": ForkSchedule(((0, Fork.PRAGUE),)),
    "CancunToPragueAtTime15k": ForkSchedule(((0, Fork.CANCUN), (15_000, Fork.PRAGUE))),
}
# Tests begin at base fees below mainnet's least one.
_FEES = FeeParameters(elasticity=2, denominator=8, minimum_base_fee_wei=0, initial_base_fee_wei=7)
_SPEC = ChainSpec(chain_id=1, is_rollup=False, block_gas_limit=0, fees=_FEES, has_execution_requests=True)


class _Headers:
    def __init__(self, first: Header) -> None:
        self.known = {first.hash: first}

    def header_by_hash(self, block_hash: Hash32) -> Header | None:
        return self.known.get(block_hash)


@dataclass(frozen=True)
class ChainCase:
    name: str
    fixture: dict[str, Any]
    schedule: ForkSchedule

    def failure(self) -> str | None:
        """Why the case fails, or None."""
        store = MemoryKeyValue()
        genesis = decode_block(raw(self.fixture["genesisRLP"])).header
        root, writes = materialise(allocation(self.fixture["pre"]))
        if root != genesis.state_root:
            return "genesis state root differs"
        store.write(writes)
        headers = _Headers(genesis)
        engine = Engine(_SPEC, store, headers, {}, self.schedule)
        head = genesis
        for index, block in enumerate(self.fixture["blocks"]):
            refusal, header = self._import(engine, store, headers, block)
            if (refusal is not None) != ("expectException" in block):
                return f"block {index}: {refusal or 'a bad block was accepted'}"
            # Of branches of one length the first seen is the head, as in the tests' own client.
            if header is not None and header.number > head.number:
                head = header
        if head.hash != raw(self.fixture["lastblockhash"]):
            last = headers.known.get(Hash32(raw(self.fixture["lastblockhash"])))
            if last is None or last.number != head.number:
                return "the head differs"
        return None

    def _import(
        self, engine: Engine, store: MemoryKeyValue, headers: _Headers, block: dict[str, Any]
    ) -> tuple[str | None, Header | None]:
        try:
            decoded = decode_block(raw(block["rlp"]))
            parent = headers.known.get(decoded.header.parent_hash)
            if parent is None:
                return "the parent is not known", None
            executed = engine.verify_block(parent, decoded)
        except (RlpError, InvalidBlockError) as error:
            return str(error), None
        store.write(executed.state_writes)
        headers.known[decoded.header.hash] = decoded.header
        return None, decoded.header


def chain_cases(fixtures: dict[str, Any]) -> Iterator[ChainCase]:
    """Cases of one file whose fork this engine has."""
    for name, fixture in fixtures.items():
        schedule = SCHEDULES.get(fixture["network"])
        if schedule is not None:
            yield ChainCase(name, fixture, schedule)
