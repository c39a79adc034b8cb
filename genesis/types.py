"""Which primitive carries which meaning: addresses, hashes, amounts and heights."""

from typing import NewType

Address = NewType("Address", bytes)
"""20 bytes."""
Hash32 = NewType("Hash32", bytes)
"""32 bytes."""
Wei = NewType("Wei", int)
"""Base units of the native token; 10^18 make one OPEN on L2 (one ether on L1)."""
Gas = NewType("Gas", int)
L1Number = NewType("L1Number", int)
L2Number = NewType("L2Number", int)

ZERO_ADDRESS = Address(bytes(20))
ZERO_HASH = Hash32(bytes(32))
