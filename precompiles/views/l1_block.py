"""What the L1Block predeploy keeps of L1 that precompiles read: the origin's number and past randomness.

Layout: `genesis/contracts/L1Block.sol`, slots 0 (number in the lowest 64 bits) and from 9 on (the ring).
"""

from genesis.addresses import L1_BLOCK
from genesis.types import Hash32
from precompiles.host import Host
from precompiles.slots import load_hash

NUMBER_SLOT = 0
RING_SLOT = 9
RING_LENGTH = 8_192
"""How many L1 blocks' randomness is kept."""


def origin(host: Host) -> int:
    """Number of the L1 block that the current L2 block builds on."""
    return host.load(L1_BLOCK, NUMBER_SLOT) % 2**64


def randomness(host: Host, number: int) -> Hash32 | None:
    """`prevRandao` of an L1 block that is the origin or before it; None once it is no longer kept."""
    if not 0 <= origin(host) - number < RING_LENGTH:
        return None
    return load_hash(host, L1_BLOCK, RING_SLOT + number % RING_LENGTH)
