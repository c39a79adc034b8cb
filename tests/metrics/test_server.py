from aiohttp import ClientSession

from openledger_node.metrics.registry import NodeMetrics
from openledger_node.metrics.server import MetricsServer


async def test_health_follows_its_checks_and_names_the_reason() -> None:
    reason: list[str | None] = ["2 blocks behind"]
    metrics = NodeMetrics("verifier")
    metrics.watch_head("l2", "safe", lambda: 7)
    server = MetricsServer("127.0.0.1", 0, metrics.registry, {"sync": lambda: reason[0]})
    await server.start()
    base = f"http://127.0.0.1:{server.port}"
    try:
        async with ClientSession() as session:
            async with session.get(f"{base}/readyz?verbose") as response:
                assert response.status == 503
                assert "[!] sync: 2 blocks behind" in await response.text()
            reason[0] = None
            async with session.get(f"{base}/readyz") as response:
                assert response.status == 200
            async with session.get(f"{base}/metrics") as response:
                assert 'openledger_refs_number{layer="l2",type="safe"} 7.0' in await response.text()
    finally:
        await server.stop()
