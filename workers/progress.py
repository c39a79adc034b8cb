"""How a running job says how far it is, and hears that it is no longer wanted."""

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Called with the done fraction in [0, 1] and a short text; may raise JobCancelledError."""


def silent(done: float, text: str) -> None:
    """Progress that nobody listens to."""
