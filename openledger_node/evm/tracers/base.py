"""What every tracer offers, and how it is put on one execution and taken off again."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from genesis.types import Address
from openledger_node.evm.accounts import AccountState
from openledger_node.evm.errors import TraceTooLargeError
from openledger_node.evm.records import Transaction
from openledger_node.evm.transaction_processing import Outcome
from openledger_node.evm.vm import MachineState, Tracer

Options: TypeAlias = Mapping[str, Any]

MOST_TRACE_BYTES = 128 << 20
ENTRY_BYTES = 512
TEXT_BYTES = 64
"""About what a small dictionary and a short string take."""


class Room:
    """The memory that the traces of one request may still take, by estimate."""

    def __init__(self, size: int = MOST_TRACE_BYTES) -> None:
        self._left = size

    def take(self, size: int) -> None:
        """Raises `TraceTooLargeError`."""
        self._left -= size
        if self._left < 0:
            raise TraceTooLargeError

    def entry(self, *contents: bytes) -> None:
        """Take what an entry with hex of `contents` needs."""
        self.take(ENTRY_BYTES + sum(2 * len(content) for content in contents))


class ResultTracer(Tracer, Protocol):
    """A tracer of one transaction."""

    def start(self, transaction: Transaction, coinbase: Address) -> None:
        """Before anything changes."""
        ...

    def result(self, outcome: Outcome) -> Any:
        """JSON-ready; called before the transaction's end clears what lives for one transaction."""
        ...


MakeTracer: TypeAlias = Callable[[AccountState, Options, Room], ResultTracer]


class Recorder:
    """Traces transactions one after the other; `results` in that order."""

    def __init__(self, make: MakeTracer, options: Options) -> None:
        self._make = make
        self._options = options
        self._room = Room()
        self._tracer: ResultTracer | None = None
        self.results: list[Any] = []

    def start(self, state: MachineState, transaction: Transaction) -> None:
        tracer = self._make(state.accounts, self._options, self._room)
        tracer.start(transaction, Address(state.coinbase))
        state.tracer = self._tracer = tracer

    def finish(self, state: MachineState, outcome: Outcome) -> None:
        assert self._tracer is not None
        self.results.append(self._tracer.result(outcome))
        state.tracer = None
