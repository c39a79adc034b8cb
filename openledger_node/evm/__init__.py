"""The engine room: executes blocks and calls on py-evm; nothing outside it imports py-evm."""

import os

# Read once by eth-hash when py-evm first hashes; pysha3 is about four times faster than pycryptodome.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
