"""When to look again at what strangers' content did not let us do, and whether to say so again.

Times are in seconds, by whatever clock its user keeps to. What fails is tried again after an eighth of
the time since it first failed, five minutes at most, so that much that is dead costs little and what comes
late is found in time. A reason is told once.
"""

from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

PART = 8
"""The next try waits for this part, 1/8, of how long there was nothing."""
LONGEST_S = 300


@dataclass(slots=True)
class _Failing:
    since_s: int
    next_s: int
    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """What an attempt failed with, and whether that was not told before."""

    error: Exception
    is_news: bool


class Patience:
    """One look's failures, by what they are about."""

    def __init__(self) -> None:
        self._failing: dict[Hashable, _Failing] = {}

    async def attempt(
        self,
        subject: Hashable,
        now_s: int,
        work: Callable[[], Awaitable[None]],
        failures: tuple[type[Exception], ...],
    ) -> Failure | None:
        """Do `work` if it is due, and note how it went; what is none of `failures` passes."""
        if not self.is_due(subject, now_s):
            return None
        try:
            await work()
        except failures as error:
            return Failure(error, self.failed(subject, str(error), now_s))
        self.forget(subject)
        return None

    def is_due(self, subject: Hashable, now_s: int) -> bool:
        """Whether to try: always at first, and again when its time has come."""
        found = self._failing.get(subject)
        return found is None or now_s >= found.next_s

    def failed(self, subject: Hashable, reason: str, now_s: int) -> bool:
        """Note a failure; True if its reason is news."""
        before = self._failing.get(subject)
        since_s = now_s if before is None else before.since_s
        pause_s = min((now_s - since_s) // PART, LONGEST_S)
        self._failing[subject] = _Failing(since_s, now_s + pause_s, reason)
        return before is None or before.reason != reason

    def forget(self, subject: Hashable) -> None:
        """It went well, or is over."""
        self._failing.pop(subject, None)
