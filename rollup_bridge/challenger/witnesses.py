"""How the witness that a defender posted is found on the L1 again: in the events of the blocks it came in."""

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from genesis.keccak import keccak256
from genesis.types import ZERO_HASH, Address, Hash32
from rollup_bridge.challenger.contracts import WITNESS_TOPIC, GameReader
from rollup_bridge.errors import TemporaryError
from rollup_bridge.ports import L1Log, L1Source


async def posted_witness(game: GameReader, l1: L1Source, line_id: int, expected: Hash32) -> bytes:
    """All parts, joined. `TemporaryError` while the L1 node does not have them, or has others."""
    parts: dict[int, bytes] = {}
    for number in sorted(set(await game.witness_blocks(line_id))):
        block = await l1.block_by_number(number)
        if block is None:
            raise TemporaryError(f"the L1 node has no block {number} yet")
        for receipt in await l1.receipts(block.hash):
            parts.update(_parts(receipt.logs, game.address, line_id))
    joined = ZERO_HASH
    for _, part in sorted(parts.items()):
        joined = keccak256(joined + part)
    if joined != expected:
        raise TemporaryError(f"the witness of line {line_id} is not all in the L1's events")
    return b"".join(part for _, part in sorted(parts.items()))


def _parts(logs: tuple[L1Log, ...], game: Address, line_id: int) -> dict[int, bytes]:
    found = {}
    for log in logs:
        if log.address != game or log.topics[:2] != (WITNESS_TOPIC, line_id.to_bytes(32, "big")):
            continue
        try:
            found[int.from_bytes(log.topics[2], "big")] = bytes(decode(["bytes"], log.data)[0])
        except DecodingError:
            raise TemporaryError("the L1 node gave a malformed event") from None
    return found
