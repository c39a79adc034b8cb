"""How long may a read go on? A thread cannot be stopped from outside, so long reads ask."""

import time

from openledger_node.rpc.errors import TIMED_OUT, RpcError


class Deadline:
    def __init__(self, seconds: float) -> None:
        self._give_up_s = time.monotonic() + seconds

    def check(self) -> None:
        """Raises RpcError past the time."""
        if time.monotonic() > self._give_up_s:
            raise RpcError(TIMED_OUT, "request timed out: ask for fewer blocks")
