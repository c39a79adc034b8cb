"""What an agent is: model, instructions, tools, budget and schedule, read from one JSON document.

Covered: every field checked, unknown ones refused, amounts in wei as decimal strings. What a definition
allows is written into the agent's wallet by `setup`; what is not there, the chain refuses.
Not covered: what the model makes of its instructions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.client.abi import Signature, interface_from_signatures
from openledger_node.errors import UserError
from workers.artifacts import canonical_json

FORMAT = "openledger-agent/1"
PAYMENT_SELECTOR = bytes(4)
"""How the wallet writes a payment without calldata."""
SWAP = "swapExactETHForTokens(uint256 amountOutMin, address[] path, address to, uint256 deadline) payable"


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Wei = Field(default="0", pattern=r"^[0-9]{1,30}$")
Hex20 = Field(pattern=r"^0x[0-9a-fA-F]{40}$")
Name = Field(pattern=r"^[a-z][a-z0-9_]{0,30}$")


class TransferTool(Section):
    """Pay one address."""

    kind: Literal["transfer"]
    name: str = Name
    target: str = Hex20
    daily_wei: str = Wei


class ContractTool(Section):
    """Call one function of one contract; `signature` as in Solidity, names of arguments included."""

    kind: Literal["contract"]
    name: str = Name
    target: str = Hex20
    signature: str = Field(min_length=3, max_length=500)
    daily_wei: str = Wei


class SwapTool(Section):
    """Sell OPEN for a token on a Uniswap v2 router; what is bought goes to the agent's wallet."""

    kind: Literal["swap"]
    name: str = Name
    router: str = Hex20
    path: tuple[str, ...] = Field(min_length=2, max_length=4)
    daily_wei: str = Wei


class HttpTool(Section):
    """Read pages of named hosts over https."""

    kind: Literal["http"]
    name: str = Name
    hosts: tuple[str, ...] = Field(min_length=1, max_length=20)


class DatanetTool(Section):
    """Look at Datanets on chain."""

    kind: Literal["datanet"]
    name: str = Name


class AgentTool(Section):
    """Ask another registered agent: its price goes to its wallet, the question to its endpoint."""

    kind: Literal["agent"]
    name: str = Name
    agent: int = Field(ge=1)
    account: str = Hex20
    endpoint: str = Field(pattern=r"^https://", max_length=500)
    daily_wei: str = Wei


Tool = Annotated[
    TransferTool | ContractTool | SwapTool | HttpTool | DatanetTool | AgentTool, Field(discriminator="kind")
]


class Budget(Section):
    """Wei a day in all, wei one answer of the model may cost, and steps of one run."""

    daily_wei: str = Wei
    answer_wei: str = Field(default=str(10**18), pattern=r"^[0-9]{1,30}$")
    steps: int = Field(default=8, ge=1, le=100)


class Schedule(Section):
    """A run every so many seconds, so many times (0: until it is stopped)."""

    every_s: int = Field(default=3_600, ge=1)
    runs: int = Field(default=1, ge=0)


class Definition(Section):
    """The whole document."""

    format: Literal["openledger-agent/1"]
    name: str = Field(min_length=1, max_length=100)
    instructions: str = Field(min_length=1, max_length=20_000)
    model: str = Field(min_length=1, max_length=200)
    tools: tuple[Tool, ...] = Field(max_length=30)
    budget: Budget = Budget()
    schedule: Schedule = Schedule()

    @property
    def tools_hash(self) -> Hash32:
        """What the registry's profile says of the tools."""
        return keccak256(canonical_json.encode([tool.model_dump(mode="json") for tool in self.tools]))


@dataclass(frozen=True, slots=True)
class Permission:
    """What one tool needs of the wallet: a function at a target, and wei a day there."""

    target: Address
    selector: bytes
    daily_wei: int


def parse_definition(data: bytes) -> Definition:
    """A definition from its JSON; raises UserError that names what is wrong."""
    try:
        definition = Definition.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"the agent's definition is wrong at {place or 'its start'}: {first['msg']}"
        ) from None
    names = [tool.name for tool in definition.tools]
    if len(set(names)) != len(names):
        raise UserError("two tools have the same name")
    for tool in definition.tools:
        if isinstance(tool, ContractTool):
            function_of(tool.signature)
    return definition


def permissions(definition: Definition) -> list[Permission]:
    """What the wallet must allow for the tools, and nothing else; one per tool that spends or calls."""
    found: list[Permission] = []
    for tool in definition.tools:
        match tool:
            case TransferTool():
                found.append(Permission(address_of(tool.target), PAYMENT_SELECTOR, int(tool.daily_wei)))
            case AgentTool():
                found.append(Permission(address_of(tool.account), PAYMENT_SELECTOR, int(tool.daily_wei)))
            case ContractTool():
                selector = function_of(tool.signature).selector
                found.append(Permission(address_of(tool.target), selector, int(tool.daily_wei)))
            case SwapTool():
                selector = function_of(SWAP).selector
                found.append(Permission(address_of(tool.router), selector, int(tool.daily_wei)))
            case _:
                pass
    return found


def target_limits(found: list[Permission]) -> Mapping[Address, int]:
    """Wei a day by target: the wallet counts them together."""
    limits: dict[Address, int] = {}
    for permission in found:
        limits[permission.target] = limits.get(permission.target, 0) + permission.daily_wei
    return limits


def function_of(signature: str) -> Signature:
    """A function by its Solidity signature; raises UserError."""
    try:
        interface = interface_from_signatures(f"function {signature}")
        (function,) = interface.functions.values()
    except ValueError as error:
        raise UserError(f"{signature!r} is not a function signature", "write it as in Solidity") from error
    return function


def address_of(text: str) -> Address:
    """20 bytes from 0x hex that was checked before."""
    return Address(bytes.fromhex(text[2:]))
