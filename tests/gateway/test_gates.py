"""Who may do what, and how often: the operator's token, and a customer's calls a minute."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from openledger_node.client.gateway import GatewayClient, GatewayError
from openledger_node.gateway.operators import is_guarded, operator_token
from openledger_node.gateway.rate_limits import RateLimits
from openledger_node.gateway.settling import SettlingRule
from tests.gateway.conftest import Running
from tests.jobs.economy import Economy, InlinePool

TOKEN = "22" * 32


@pytest.fixture
async def guarded(economy: Economy, tmp_path: Path) -> AsyncIterator[Running]:
    rule = SettlingRule(look_every_s=3600.0)
    one = Running(economy, tmp_path / "node", InlinePool(economy.store), rule, operator_token=TOKEN)
    await one.start()
    yield one
    await one.stop()


@pytest.mark.parametrize("token", ["", "11" * 32, TOKEN[:-1]])
async def test_what_is_the_operators_needs_the_token(guarded: Running, token: str) -> None:
    async with GatewayClient(guarded.url, token=token) as client:
        for path in ("/api/jobs", f"/api/channels/0x{'00' * 32}/settle", "/v1/load_lora_adapter"):
            with pytest.raises(GatewayError) as caught:
                await client.post(path, {})
            assert (caught.value.status, caught.value.reason) == (401, "operator_only")
        with pytest.raises(GatewayError):
            await client.put_artifact(b"hello")
        assert (await client.get("/api/jobs"))["jobs"] == []


async def test_with_the_token_it_works(guarded: Running) -> None:
    async with GatewayClient(guarded.url, token=TOKEN) as client:
        name = await client.put_artifact(b"hello")
        assert await client.get_artifact(name) == b"hello"
        assert (await client.post("/api/jobs", {"kind": "ping", "request": {}}))["state"] == "queued"


def test_the_token_is_made_once_and_is_the_owners(tmp_path: Path) -> None:
    token = operator_token(tmp_path)
    assert len(token) == 64
    assert operator_token(tmp_path) == token
    assert (tmp_path / "operator.token").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("method", "path", "guarded"),
    [
        ("GET", "/api/jobs", False),
        ("POST", "/api/jobs", True),
        ("DELETE", "/api/datasets/1", True),
        ("PUT", "/artifacts/00", True),
        ("POST", "/v1/chat/completions", False),
        ("POST", "/v1/unload_lora_adapter", True),
        ("POST", "/v1/channels/0x00/voucher", False),
    ],
)
def test_reading_and_buying_is_everybodys(method: str, path: str, guarded: bool) -> None:
    assert is_guarded(method, path) is guarded


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time_s = 0.0

    def now_s(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.time_s += seconds


def test_a_bucket_empties_and_fills_again() -> None:
    clock = Hands()
    limits = RateLimits(60, clock)
    assert [limits.take("a") for _ in range(60)] == [0.0] * 60
    assert limits.take("a") == pytest.approx(1.0)
    assert limits.take("b") == 0.0
    clock.time_s = 2.5
    assert [limits.take("a") > 0.0 for _ in range(3)] == [False, False, True]


async def test_too_many_calls_are_told_when_to_come_back(economy: Economy, tmp_path: Path) -> None:
    rule = SettlingRule(look_every_s=3600.0)
    one = Running(economy, tmp_path / "node", InlinePool(economy.store), rule, calls_per_minute=2)
    await one.start()
    codes = []
    for _ in range(3):
        with pytest.raises(GatewayError) as caught:
            await one.http.post("/v1/classify", {"model": "model-1", "input": [1]})
        codes.append((caught.value.status, caught.value.reason))
    await one.stop()
    assert codes == [(402, "missing_voucher")] * 2 + [(429, "rate_limit_exceeded")]
