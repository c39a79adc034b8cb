"""What an agent's tools do with the arguments a model gives them: checked, bounded, and nothing beside.

Covered: amounts, addresses and ABI arguments from JSON; https pages of allowed hosts only, without redirects,
cut to a size; Datanets as the chain has them; other agents. Not covered: whether a page tells the truth, or a
host's name leads where it should. What a tool brings back is data: no limit depends on how it is read.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson
from eth_abi.exceptions import EncodingError

from genesis.types import Address
from openledger_node.agents.definition import (
    SWAP,
    AgentTool,
    ContractTool,
    DatanetTool,
    HttpTool,
    SwapTool,
    Tool,
    TransferTool,
    address_of,
    function_of,
)
from openledger_node.agents.wallet import Action, Wallet
from openledger_node.client.abi import Parameter, encode_values
from openledger_node.client.economy import DATANETS, EconomyReader
from openledger_node.client.ethereum import hex_bytes
from openledger_node.errors import UserError

MAX_PAGE_BYTES = 16_384
FETCH_TIMEOUT_S = 10.0
SWAP_DEADLINE_S = 600
HEX_ADDRESS_LENGTH = 42


class Tools:
    """Runs the tools of one definition."""

    def __init__(self, tools: tuple[Tool, ...], wallet: Wallet, reader: EconomyReader) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._wallet = wallet
        self._reader = reader

    async def use(self, name: str, arguments: Mapping[str, Any], reason: str) -> str:
        """A tool's result as text; raises UserError, RefusedActionError."""
        tool = self._tools.get(name)
        match tool:
            case TransferTool():
                return await self._act(tool.name, tool.target, _wei(arguments), b"", reason)
            case ContractTool():
                data = calldata(tool.signature, arguments)
                return await self._act(tool.name, tool.target, _wei(arguments), data, reason)
            case SwapTool():
                return await self._swap(tool, arguments, reason)
            case HttpTool():
                return await fetch(tool, str(arguments.get("url", "")))
            case DatanetTool():
                return await self._datanet(arguments)
            case AgentTool():
                return await self._ask(tool, arguments, reason)
        raise UserError(f"there is no tool {name!r}", f"there are {', '.join(self._tools)}")

    async def _act(self, name: str, target: str, value_wei: int, data: bytes, reason: str) -> str:
        return await self._wallet.act(Action(name, address_of(target), value_wei, data, reason))

    async def _swap(self, tool: SwapTool, arguments: Mapping[str, Any], reason: str) -> str:
        deadline_s = await self._reader.ethereum.timestamp_s() + SWAP_DEADLINE_S
        least = _whole(arguments.get("least_out", "1"), "least_out")
        values = [least, list(tool.path), hex_bytes(self._wallet.address), deadline_s]
        function = function_of(SWAP)
        data = function.selector + encode_values(
            function.inputs, [_typed(p, v) for p, v in zip(function.inputs, values, strict=True)]
        )
        return await self._act(tool.name, tool.router, _wei(arguments), data, reason)

    async def _datanet(self, arguments: Mapping[str, Any]) -> str:
        datanet_id = _whole(arguments.get("datanet", "0"), "datanet")
        found = await self._reader.ethereum.read(DATANETS, "getDatanet", datanet_id)
        plain = {name: hex_bytes(v) if isinstance(v, bytes) else v for name, v in found.items()}
        return orjson.dumps(plain, default=str).decode()

    async def _ask(self, tool: AgentTool, arguments: Mapping[str, Any], reason: str) -> str:
        paid = await self._act(tool.name, tool.account, _wei(arguments), b"", reason)
        host = urlsplit(tool.endpoint).hostname or ""
        body = {"question": str(arguments.get("question", "")), "payment": paid, "agent": tool.agent}
        return await _request("POST", tool.endpoint, (host,), body)


async def fetch(tool: HttpTool, url: str) -> str:
    """A page's text; raises UserError for any other host, scheme or port."""
    return await _request("GET", url, tool.hosts, None)


async def _request(method: str, url: str, hosts: tuple[str, ...], body: Mapping[str, Any] | None) -> str:
    assert_allowed(url, hosts)
    timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.request(method, url, json=body, allow_redirects=False) as response,
        ):
            data = await response.content.read(MAX_PAGE_BYTES)
            return f"HTTP {response.status}\n{data.decode(errors='replace')}"
    except (aiohttp.ClientError, TimeoutError) as error:
        raise UserError(f"{urlsplit(url).hostname} gave no answer ({error!r})") from error


def assert_allowed(url: str, hosts: tuple[str, ...]) -> None:
    """Raises UserError unless the URL is https, without credentials or port, at one of `hosts`."""
    try:
        parts = urlsplit(url)
        allowed = (
            parts.scheme == "https"
            and parts.hostname in hosts
            and parts.port in {None, 443}
            and "@" not in parts.netloc
        )
    except ValueError:
        allowed = False
    if not allowed:
        raise UserError(f"{url[:200]!r} is not allowed", f"https pages of {', '.join(hosts)} are")


def calldata(signature: str, arguments: Mapping[str, Any]) -> bytes:
    """A call from named JSON arguments; raises UserError that names the argument."""
    function = function_of(signature)
    named = [parameter.name or str(place) for place, parameter in enumerate(function.inputs)]
    missing = [name for name in named if name not in arguments]
    if missing:
        raise UserError(f"{function.name} needs {', '.join(missing)}", f"it is {signature}")
    values = [_typed(p, arguments[name]) for name, p in zip(named, function.inputs, strict=True)]
    try:
        return function.selector + encode_values(function.inputs, values)
    except (EncodingError, ValueError, TypeError, OverflowError) as error:
        raise UserError(f"the arguments do not fit {signature}: {error}") from error


def _typed(parameter: Parameter, value: Any) -> Any:
    """A JSON value as the ABI's: whole numbers from decimal strings, addresses and bytes from 0x hex."""
    kind, name = parameter.type, parameter.name
    if kind.endswith("]"):
        if not isinstance(value, list):
            raise UserError(f"{name} must be a list")
        element = Parameter(name, kind.rpartition("[")[0], parameter.components)
        return [_typed(element, item) for item in value]
    if kind.startswith(("uint", "int")):
        return _whole(value, name)
    if kind == "address":
        if not isinstance(value, str) or len(value) != HEX_ADDRESS_LENGTH:
            raise UserError(f"{name} must be an address")
        return Address(_hex(value, name))
    if kind.startswith("bytes"):
        return _hex(value, name)
    if kind == "bool" and not isinstance(value, bool):
        raise UserError(f"{name} must be true or false")
    return value


def _wei(arguments: Mapping[str, Any]) -> int:
    return _whole(arguments.get("value_wei", "0"), "value_wei")


def _whole(value: Any, name: str) -> int:
    if type(value) is int and 0 <= value < 1 << 256:
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 78:
        return int(value)
    raise UserError(f"{name} must be a whole number that is not negative")


def _hex(value: Any, name: str) -> bytes:
    try:
        return bytes.fromhex(str(value).removeprefix("0x"))
    except ValueError as error:
        raise UserError(f"{name} must be 0x hex") from error
