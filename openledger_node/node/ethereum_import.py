"""A plain Ethereum chain from files: geth's genesis file, and RLP blocks one after the other.

Covered: blocks that are there already are passed over, so that a restart with the same files works.
Not covered: running anything (`ethereum`).
"""

from collections.abc import Callable
from pathlib import Path

from openledger_node.chain.chain import Chain
from openledger_node.chain.ethereum_genesis import EthereumGenesis, GenesisFileError, read_genesis
from openledger_node.errors import StartError
from openledger_node.evm.blocks import decode_block
from openledger_node.evm.errors import InvalidBlockError
from openledger_node.evm.rlp_codec import RlpError, split


def load_genesis(file: Path) -> EthereumGenesis:
    """Raises StartError."""
    try:
        return read_genesis(file.read_text())
    except OSError as error:
        raise StartError(f"cannot read {file}: {error.strerror}", "check --genesis") from None
    except (GenesisFileError, UnicodeDecodeError) as error:
        raise StartError(f"{file}: {error}", "give a genesis file in geth's format") from None


def read_blocks(file: Path) -> bytes:
    """Raises StartError."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise StartError(f"cannot read {file}: {error.strerror}", "check --import") from None


def import_blocks(chain: Chain, encoded: bytes, is_stopping: Callable[[], bool] = lambda: False) -> int:
    """Add every block and call the last one final; returns how many were new. Raises StartError.

    Ends early, between two blocks, once `is_stopping` says so.
    """
    added = 0
    try:
        for block in split(encoded):
            if is_stopping():
                return added
            header = decode_block(block).header
            if header.number <= chain.heads.unsafe.number and chain.is_canonical(header.hash):
                continue
            chain.import_encoded(block)
            added += 1
    except (RlpError, InvalidBlockError) as error:
        number = chain.heads.unsafe.number + 1
        raise StartError(f"block {number} cannot be imported: {error}", "check --import") from None
    chain.set_heads(safe=chain.heads.unsafe.hash, finalized=chain.heads.unsafe.hash)
    return added
