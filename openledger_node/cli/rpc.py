"""One JSON-RPC call from the command line."""

import json
from collections.abc import Sequence
from typing import Any

from openledger_node.client.rpc import HttpRpc


async def call(url: str, method: str, parameters: Sequence[str]) -> None:
    """Print the result as JSON; raises UserError with the node's message on an error."""
    async with HttpRpc(url) as client:
        print(json.dumps(await client.call(method, *map(_value, parameters)), indent=2))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
