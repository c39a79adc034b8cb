"""How products of vectors that fit no transaction get on chain, chunk by chunk, before they prove a fault.

A tally is a fact about two committed vectors: whoever else adds to it does a part of the work, and what is
there after a restart stays.
"""

from genesis.commitments import BATCH_QUERY_BYTES, SUM_BYTES, vector_root
from genesis.types import ZERO_HASH, Hash32
from openledger_node.client.disputes import tally_calls
from openledger_node.client.economy import ATTRIBUTION, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.validator.arguments import is_wide
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.index_check import WrongNorm
from openledger_node.validator.records import WrongScore

CALLDATA_GAS = 40
"""Most that a byte of calldata costs: EIP-7623's floor."""

Call = tuple[list[Hash32], list[Hash32], bytes, bytes]


async def tally_for(reader: EconomyReader, challenger: Challenger, verdict: object) -> None:
    """Tally what a wrong score or norm of a wide index is proved by; nothing for other verdicts."""
    if isinstance(verdict, WrongScore | WrongNorm) and is_wide(verdict.sum):
        query = verdict.query if isinstance(verdict, WrongScore) else b""
        await tally(reader, challenger, verdict.sum.vector, query)


async def tally(reader: EconomyReader, challenger: Challenger, vector: bytes, query: bytes) -> None:
    """Bring the tally of a contributor's sum and a batch query, or of the sum alone, to its end.

    Raises `RevertedError` where nothing can be added.
    """
    query_root = vector_root(query, BATCH_QUERY_BYTES) if query else ZERO_HASH
    roots = vector_root(vector, SUM_BYTES), query_root
    before = -1
    while calls := list(tally_calls(vector, query, done := await _tallied(reader, *roots))):
        try:
            await _add(challenger, calls)
        except RevertedError:
            if done == before:
                raise
        before = done


async def _tallied(reader: EconomyReader, vector_root: Hash32, query_root: Hash32) -> int:
    """How many chunks are done."""
    found = await reader.ethereum.read(ATTRIBUTION, "getTally", vector_root, query_root)
    return int(found["chunks"])


async def _add(challenger: Challenger, calls: list[Call]) -> None:
    """In as few blocks as hold them: the later ones follow the first, so their gas is bounded by its."""
    first = await challenger.send("tallyProducts", *calls[0])
    sizes = (len(ATTRIBUTION.calldata("tallyProducts", *call)) for call in calls[1:])
    limits = (first.gas_used + CALLDATA_GAS * size_bytes for size_bytes in sizes)
    await challenger.send_in_order("tallyProducts", list(zip(calls[1:], limits, strict=True)))
