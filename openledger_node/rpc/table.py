"""What a method is: which parameters it takes, what answers it, and where that runs.

`quick` answers on the event loop and must not block; `reader` runs in a thread pool under a time limit;
`executor` is a reader that runs code of the client's choice, `scanner` one that looks through many blocks:
each has a pool of its own, so that other reads are answered however many of these wait; `service` is a
coroutine of its own.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from openledger_node.rpc.errors import InvalidParamsError
from openledger_node.rpc.parse import Parser


class Place(Enum):
    """Where a method is answered: the event loop, one of three thread pools, or a task on the loop."""

    LOOP = auto()
    THREAD = auto()
    EXECUTION = auto()
    SCAN = auto()
    TASK = auto()


@dataclass(frozen=True, slots=True)
class Parameter:
    parse: Parser[Any]
    required: bool
    default: Any = None


@dataclass(frozen=True, slots=True)
class Method:
    """`answer` gets one parsed value per parameter.

    `prepare` gets the parameters of all of a batch's requests for this method before the first is answered,
    unparsed, and must not fail on any.
    """

    place: Place
    answer: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    prepare: Callable[[Sequence[object]], Awaitable[None]] | None = None

    def arguments(self, values: Sequence[object]) -> list[Any]:
        """Parse positional values; missing and null optional ones take their default."""
        if len(values) > len(self.parameters):
            raise InvalidParamsError(f"too many arguments, want at most {len(self.parameters)}")
        padded = [*values, *[None] * (len(self.parameters) - len(values))]
        return [
            _parse(index, parameter, value)
            for index, (parameter, value) in enumerate(zip(self.parameters, padded, strict=True))
        ]


Table = Mapping[str, Method]


def _parse(index: int, parameter: Parameter, value: object) -> Any:
    if value is None:
        if parameter.required:
            raise InvalidParamsError(f"missing value for required argument {index}")
        return parameter.default
    try:
        return parameter.parse(value)
    except InvalidParamsError as error:
        raise InvalidParamsError(f"invalid argument {index}: {error.message}") from None


def optional(parse: Parser[Any], default: Any = None) -> Parameter:
    """A parameter that may be missing or null."""
    return Parameter(parse, required=False, default=default)


def _parameters(items: tuple[Parser[Any] | Parameter, ...]) -> tuple[Parameter, ...]:
    return tuple(item if isinstance(item, Parameter) else Parameter(item, required=True) for item in items)


def quick(answer: Callable[..., Any], *parameters: Parser[Any] | Parameter) -> Method:
    """Answered at once on the event loop, which it must not hold up."""
    return Method(Place.LOOP, answer, _parameters(parameters))


def reader(answer: Callable[..., Any], *parameters: Parser[Any] | Parameter) -> Method:
    """Answered on a thread, from a snapshot."""
    return Method(Place.THREAD, answer, _parameters(parameters))


def executor(answer: Callable[..., Any], *parameters: Parser[Any] | Parameter) -> Method:
    """Answered on the threads of calls, which run code."""
    return Method(Place.EXECUTION, answer, _parameters(parameters))


def scanner(answer: Callable[..., Any], *parameters: Parser[Any] | Parameter) -> Method:
    """Answered on the threads of scans over many blocks."""
    return Method(Place.SCAN, answer, _parameters(parameters))


def service(
    answer: Callable[..., Awaitable[Any]],
    *parameters: Parser[Any] | Parameter,
    prepare: Callable[[Sequence[object]], Awaitable[None]] | None = None,
) -> Method:
    """Answered by a coroutine, after `prepare` where there is one."""
    return Method(Place.TASK, answer, _parameters(parameters), prepare)
