"""JSON-RPC over HTTP, and a contract to ask about."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

Ask = Callable[..., Any]
"""Method and parameters to the result, or to the error object."""

COUNTER = "0x6000546001018060005560005260206000a000"
"""Runtime: increments slot 0 and logs the new value with no topics."""


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def init_code(runtime: str) -> str:
    code = bytes.fromhex(runtime[2:])
    copy = bytes.fromhex(f"60{len(code):02x}600c60003960{len(code):02x}6000f3")
    return "0x" + (copy.ljust(12, b"\0") + code).hex()
