"""Random transactions and contracts through our engine and two independent ones, everything compared.

`make fuzz-evm` runs it; see `__main__.py`.
"""
