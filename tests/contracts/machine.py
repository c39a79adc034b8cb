"""A bare EVM to run contracts in: py-evm's newest fork, any sender, a clock the test moves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth.chains.base import MiningChain
from eth.db.atomic import AtomicDB
from eth.vm.forks.prague import PragueVM
from eth.vm.message import Message
from eth.vm.transaction_context import BaseTransactionContext

from genesis.account import GenesisAccount
from genesis.contracts.artifact import read_artifact
from genesis.types import Address
from rollup_bridge.deploy import contract_address
from tests.contracts.abi import Abi, Event

GAS = 25_000_000
START_S = 1_700_000_000
READER = Address(bytes(19) + b"\x01")
"""Who asks views."""


@dataclass(frozen=True)
class Log:
    address: Address
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True)
class Outcome:
    """What one transaction did. `output` is return or revert data."""

    ok: bool
    output: bytes
    logs: tuple[Log, ...]
    gas_used: int
    created: Address | None = None


class Reverted(Exception):  # noqa: N818 - reads as `with pytest.raises(Reverted)`
    """A call failed with `error`."""

    def __init__(self, error: Event) -> None:
        super().__init__(f"{error.name} {dict(error.arguments)}")
        self.error = error


class Machine:
    """Accounts and code, without blocks: each transaction runs on the state the last one left."""

    def __init__(self, accounts: Mapping[Address, GenesisAccount] | None = None) -> None:
        chain_class = MiningChain.configure(
            __name__="TestChain", vm_configuration=((0, PragueVM),), chain_id=31337
        )
        state = {
            address: {
                "balance": account.balance_wei,
                "nonce": account.nonce,
                "code": account.code,
                "storage": account.storage,
            }
            for address, account in (accounts or {}).items()
        }
        genesis = {"timestamp": START_S, "gas_limit": 30_000_000, "difficulty": 0}
        chain = chain_class.from_genesis(AtomicDB(), genesis, state)
        self.state = chain.get_vm().state
        self.context = self.state.execution_context
        self.context._timestamp = START_S
        self.context._block_number = 100
        self.context._base_fee_per_gas = 10**9

    @property
    def now_s(self) -> int:
        return int(self.context.timestamp)

    @property
    def block_number(self) -> int:
        return int(self.context.block_number)

    def advance(self, seconds: int, blocks: int = 1) -> None:
        self.context._timestamp += seconds
        self.context._block_number += blocks

    def set_base_fee(self, wei: int) -> None:
        self.context._base_fee_per_gas = wei

    def set_ancestor_hashes(self, newest_first: list[bytes]) -> None:
        self.context._prev_hashes = newest_first

    @contextmanager
    def rolled_back(self) -> Iterator[None]:
        """Whatever happens inside, time included, is undone."""
        snapshot = self.state.snapshot()
        clock = (self.context._timestamp, self.context._block_number, self.context._base_fee_per_gas)
        try:
            yield
        finally:
            self.state.revert(snapshot)
            self.context._timestamp, self.context._block_number, self.context._base_fee_per_gas = clock

    def transact(
        self,
        sender: Address,
        to: Address | None,
        data: bytes = b"",
        value: int = 0,
        *,
        gas: int = GAS,
        origin: Address | None = None,
    ) -> Outcome:
        """`origin` other than `sender` is a call by a contract."""
        nonce = self.state.get_nonce(sender)
        self.state.increment_nonce(sender)
        created = contract_address(sender, nonce) if to is None else None
        message = Message(
            gas=gas,
            to=to or b"",
            sender=sender,
            value=value,
            data=b"" if to is None else data,
            code=data if to is None else self.state.get_code(to),
            create_address=created,
        )
        transaction = BaseTransactionContext(gas_price=10**9, origin=origin or sender)
        computation_class = self.state.computation_class
        apply = computation_class.apply_create_message if to is None else computation_class.apply_message
        computation = apply(self.state, message, transaction)
        self.state.clear_transient_storage()
        logs = () if computation.is_error else computation.get_log_entries()
        return Outcome(
            ok=computation.is_success,
            output=computation.output,
            logs=tuple(
                Log(Address(address), tuple(topic.to_bytes(32, "big") for topic in topics), data)
                for address, topics, data in logs
            ),
            gas_used=gas - computation.get_gas_remaining(),
            created=created,
        )

    def storage_at(self, address: Address, slot: int) -> int:
        return int(self.state.get_storage(address, slot))

    def storage_root(self, address: Address) -> bytes:
        self.state.make_state_root()
        account_db: Any = self.state._account_db
        return bytes(account_db._get_storage_root(address))

    def balance(self, address: Address) -> int:
        return int(self.state.get_balance(address))


class Contract:
    """A contract in a machine, called by names."""

    def __init__(self, machine: Machine, address: Address, abi: Abi) -> None:
        self.machine = machine
        self.address = address
        self.abi = abi

    @classmethod
    def at(cls, machine: Machine, address: Address, artifacts: Path, name: str) -> "Contract":
        return cls(machine, address, Abi(read_artifact(artifacts, name).abi))

    def read(self, name: str, *arguments: Any, sender: Address = READER) -> Any:
        """A view's answer. Raises `Reverted`."""
        with self.machine.rolled_back():
            outcome = self.machine.transact(sender, self.address, self.abi.call_data(name, *arguments))
        self._raise_if_failed(outcome)
        return self.abi.decode_output(name, len(arguments), outcome.output)

    def send(
        self,
        sender: Address,
        name: str,
        *arguments: Any,
        value: int = 0,
        gas: int = GAS,
        origin: Address | None = None,
    ) -> Outcome:
        """A transaction that must succeed. Raises `Reverted`."""
        data = self.abi.call_data(name, *arguments)
        outcome = self.machine.transact(sender, self.address, data, value, gas=gas, origin=origin)
        self._raise_if_failed(outcome)
        return outcome

    def events(self, outcome: Outcome) -> list[Event]:
        """This contract's logs in `outcome`, decoded."""
        decoded = (
            self.abi.decode_log(log.topics, log.data) for log in outcome.logs if log.address == self.address
        )
        return [event for event in decoded if event is not None]

    def _raise_if_failed(self, outcome: Outcome) -> None:
        if not outcome.ok:
            raise Reverted(self.abi.decode_error(outcome.output))
