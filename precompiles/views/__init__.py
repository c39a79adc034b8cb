"""Storage layouts of the precompiles and read-only access to them, one module per family.

A precompile writes only its own storage, through the slot functions here, and reads anybody's.
"""
