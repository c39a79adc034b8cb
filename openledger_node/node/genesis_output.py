"""What the output root of an L2's genesis block is: where the first dispute's agreed ground lies."""

from genesis.addresses import L2_TO_L1_MESSAGE_PASSER
from genesis.spec import ChainSpec
from genesis.types import Hash32
from openledger_node.chain.chain import Chain
from openledger_node.node.network_files import GenesisFile
from openledger_node.storage.keyvalue import MemoryKeyValue
from rollup_bridge.ports import OutputParts
from rollup_bridge.proposer.output_root import output_root


def genesis_output_root(spec: ChainSpec, genesis: GenesisFile) -> Hash32:
    """Makes the genesis state in memory to find it."""
    chain = Chain.open(spec, MemoryKeyValue(), genesis.accounts, genesis.timestamp_s)
    header = chain.genesis.header
    passer = chain.snapshot(header).prove(L2_TO_L1_MESSAGE_PASSER, ())
    return output_root(OutputParts(0, header.state_root, passer.storage_root, header.hash))
