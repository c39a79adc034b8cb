"""How often one customer may ask: a bucket of calls per channel, or per address without one.

A bucket holds so many calls and fills at that number a minute. Covered: calls that cost work (`POST /v1/`).
Not covered: a customer with many channels or addresses; a made-up voucher costs a look at the chain, no more.
"""

from collections import OrderedDict
from dataclasses import dataclass

from aiohttp import web

from openledger_node.clock import Clock
from openledger_node.gateway.http import Handler, error_response
from openledger_node.gateway.inference_routes import VOUCHER_HEADER

MOST_BUCKETS = 10_000
CHANNEL_CHARACTERS = 96
"""Of a voucher header: as much as holds the channel's id."""
MINUTE_S = 60.0


@dataclass(slots=True)
class Bucket:
    """`calls` are left; `at_s` is when they were counted."""

    calls: float
    at_s: float


class RateLimits:
    """A middleware; `per_minute` 0 means no limit."""

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._per_minute or request.method != "POST" or not request.path.startswith("/v1/"):
            return await handler(request)
        wait_s = self.take(_customer(request))
        if wait_s == 0.0:
            return await handler(request)
        refused = error_response(
            429,
            "requests",
            "rate_limit_exceeded",
            f"{self._per_minute} calls a minute are allowed; try again in {wait_s:.1f} s",
        )
        refused.headers["Retry-After"] = str(int(wait_s) + 1)
        refused.headers["x-ratelimit-limit-requests"] = str(self._per_minute)
        refused.headers["x-ratelimit-remaining-requests"] = "0"
        return refused

    def take(self, name: str) -> float:
        """Take a call from a bucket: 0, or the seconds until there is one."""
        now_s, rate = self._clock.now_s(), self._per_minute / MINUTE_S
        bucket = self._buckets.setdefault(name, Bucket(self._per_minute, now_s))
        self._buckets.move_to_end(name)
        while len(self._buckets) > MOST_BUCKETS:
            self._buckets.popitem(last=False)
        bucket.calls = min(float(self._per_minute), bucket.calls + (now_s - bucket.at_s) * rate)
        bucket.at_s = now_s
        if bucket.calls < 1.0:
            return (1.0 - bucket.calls) / rate
        bucket.calls -= 1.0
        return 0.0


def _customer(request: web.Request) -> str:
    """A voucher names its channel at its start."""
    return f"{request.remote} {request.headers.get(VOUCHER_HEADER, '')[:CHANNEL_CHARACTERS]}"
