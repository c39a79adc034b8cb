"""How often Python looks for cycles while a node serves.

A full collection of a node at work takes a tenth of a second, during which nobody is answered. What was
loaded before the start stays for ever, so it is left out; what a block makes is freed by its last reference,
so looking less often costs little memory.
"""

import gc

_NEW_OBJECTS = 10_000
_YOUNG_PER_MIDDLE, _MIDDLE_PER_FULL = 50, 100


def calm_collector() -> None:
    """For the process; call it once, when everything is imported."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG_PER_MIDDLE, _MIDDLE_PER_FULL)
