"""How an L1 contract's address looks on L2, so that it cannot pass for an L2 contract at the same address.

Source: OP Stack specification, deposits, "Address Aliasing".
"""

from genesis.types import Address

_OFFSET = 0x1111000000000000000000000000000000001111
_MODULUS = 2**160


def alias(address: Address) -> Address:
    """L1 contract to its L2 alias."""
    return Address(((int.from_bytes(address, "big") + _OFFSET) % _MODULUS).to_bytes(20, "big"))
