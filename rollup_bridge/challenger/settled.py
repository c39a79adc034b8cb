"""Which numbers on the L1 need not be read again: those finished so long ago that no reorg undoes it.

A challenge or case is known by its number, and a reorganisation may give the number to another one.
"""

REORG_BLOCKS = 64
"""L1 blocks after which what was read stands."""


class Settled:
    """Numbers and the L1 block in which each was first seen finished."""

    def __init__(self) -> None:
        self._since: dict[int, int] = {}

    def finish(self, number: int, block: int) -> bool:
        """Note that a number is finished; True the first time."""
        is_new = number not in self._since
        self._since.setdefault(number, block)
        return is_new

    def reopen(self, number: int) -> None:
        """A number that was finished is not any more."""
        self._since.pop(number, None)

    def stands(self, number: int, block: int) -> bool:
        """Whether the number can be left out from now on."""
        since = self._since.get(number)
        return since is not None and block >= since + REORG_BLOCKS
