"""The execution-apis test chain under our engine: 45 blocks through every fork from Homestead to Prague."""

from pathlib import Path

from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_genesis import read_genesis
from openledger_node.evm.rlp_codec import split
from openledger_node.storage.keyvalue import MemoryKeyValue


def load_chain(folder: Path) -> Chain:
    """The chain of `genesis.json` and `chain.rlp`, its last block safe and final as in `headfcu.json`."""
    chain = Chain.open_ethereum(read_genesis((folder / "genesis.json").read_text()), MemoryKeyValue())
    for encoded in split((folder / "chain.rlp").read_bytes()):
        chain.import_encoded(encoded)
    chain.set_heads(safe=chain.head.header.hash, finalized=chain.head.header.hash)
    return chain
