"""How long a block takes that is full of the worst call of each kind.

Run with `python -m benchmarks.precompiles` (`make bench-precompiles`).
"""
