"""How products of vectors that fit no transaction get on chain, chunk by chunk, before they prove a fault.

A tally is a fact about two committed vectors: whoever else adds to it does a part of the work, and what is
there after a restart stays.
"""

import asyncio

from genesis.commitments import BATCH_QUERY_BYTES, SUM_BYTES, vector_root
from genesis.types import ZERO_HASH, Hash32
from openledger_node.client.disputes import tally_calls
from openledger_node.client.economy import ATTRIBUTION, EconomyReader
from openledger_node.client.errors import RevertedError
from openledger_node.validator.arguments import is_wide
from openledger_node.validator.challenger import Challenger
from openledger_node.validator.index_check import WrongNorm
from openledger_node.validator.records import WrongScore
from openledger_node.validator.windows import BLOCKS_BESIDES, CALLDATA_GAS, SPARE, Pace, pace
from precompiles.views.attribution import INDEX_KEY

Call = tuple[list[Hash32], list[Hash32], bytes, bytes]
Vectors = tuple[bytes, bytes]
"""A contributor's sum and a batch query, or nothing in its place for the sum's norm alone."""


async def commit_and_tally(reader: EconomyReader, challenger: Challenger, key: int, verdict: object) -> None:
    """Commit to a challenge, and bring to its end the tally that its proof needs, if any.

    The commitment comes first, so that nobody who sees the tally gets ahead of it. Where that would leave too
    little time to reveal, the tally comes first, and the commitment when it is whole or its window ends.
    """
    vectors = _tallied_by(verdict)
    if vectors is None:
        await challenger.commit(key)
        return
    _, policy = await reader.current_policy()
    found = await pace(reader.ethereum)
    if policy.challenge_reveal_s >= SPARE * found.dispute_s(sum(map(len, vectors))):
        await challenger.commit(key)
        await tally(reader, challenger, *vectors)
    else:
        await _commit_late(reader, challenger, key, vectors, await _seconds_left(reader, key, found))


async def _commit_late(
    reader: EconomyReader, challenger: Challenger, key: int, vectors: Vectors, patience_s: int
) -> None:
    tallying = asyncio.create_task(tally(reader, challenger, *vectors))
    try:
        await asyncio.wait({tallying}, timeout=patience_s)
        if tallying.done():
            tallying.result()
        await challenger.commit(key)
        await tallying
    finally:
        tallying.cancel()


async def _seconds_left(reader: EconomyReader, key: int, found: Pace) -> int:
    """Until the last blocks that take a commitment to a post or an index; 0 when they are there."""
    if key >= INDEX_KEY:
        until_s = (await reader.feature_index(key - INDEX_KEY)).usable_at_s
    else:
        until_s = (await reader.post(key)).contestable_until_s
    return max(0, until_s - found.now_s - BLOCKS_BESIDES * found.block_s)


def _tallied_by(verdict: object) -> Vectors | None:
    """What a wrong score or norm of a wide index is proved by; None for other verdicts."""
    if not (isinstance(verdict, WrongScore | WrongNorm) and is_wide(verdict.sum)):
        return None
    return verdict.sum.vector, verdict.query if isinstance(verdict, WrongScore) else b""


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
    """In as few blocks as hold them: only the first can be estimated, and bounds the gas of the others."""
    first_gas = await challenger.estimate("tallyProducts", *calls[0])
    sizes = (len(ATTRIBUTION.calldata("tallyProducts", *call)) for call in calls[1:])
    limits = [first_gas, *(first_gas + CALLDATA_GAS * size_bytes for size_bytes in sizes)]
    await challenger.send_in_order("tallyProducts", list(zip(calls, limits, strict=True)))
