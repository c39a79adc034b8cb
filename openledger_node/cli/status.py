"""A running node's state on one screen."""

import asyncio
import json
import time
from typing import Any

from rich.console import Console
from rich.table import Table

from openledger_node.client.errors import UnreachableError
from openledger_node.client.rpc import HttpRpc

POLL_S = 0.5


async def show_status(url: str, *, wait_s: float, as_json: bool) -> None:
    """Print heads and supply; with `wait_s`, try that long until the node answers."""
    async with HttpRpc(url, timeout_s=5.0) as rpc:
        report = await _patiently(rpc, time.monotonic() + wait_s)
    if as_json:
        print(json.dumps(report, indent=2))
        return
    table = Table(title=f"{report['client']} · chain {report['chain_id']}")
    for column in ("", "block", "hash"):
        table.add_column(column)
    for kind, head in report["heads"].items():
        table.add_row(kind, str(head["number"]), head["hash"])
    Console().print(table)


async def _patiently(rpc: HttpRpc, deadline_s: float) -> dict[str, Any]:
    while True:
        try:
            return await _report(rpc)
        except UnreachableError:
            if time.monotonic() >= deadline_s:
                raise
            await asyncio.sleep(POLL_S)


async def _report(rpc: HttpRpc) -> dict[str, Any]:
    heads = {}
    for tag in ("latest", "safe", "finalized"):
        block = await rpc.call("eth_getBlockByNumber", tag, False)
        heads[tag] = {"number": int(block["number"], 16), "hash": block["hash"]}
    return {
        "client": await rpc.call("web3_clientVersion"),
        "chain_id": int(await rpc.call("eth_chainId"), 16),
        "heads": heads,
    }
