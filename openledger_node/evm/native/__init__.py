"""The arithmetic of Ethereum's precompiles: bytes in, bytes out, by native libraries.

Nothing here knows gas, frames or forks (`ethereum_precompiles.py` does). Every function raises
`InvalidInputError` for input that the precompile must refuse, and nothing else.
"""
