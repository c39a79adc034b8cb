"""Calls that succeed seldom, each with the state it succeeded in: found in memory, where a life costs little.

Random economies live until every method has succeeded in one of them; what succeeds only over whole records
behind an index has a scene of its own.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from genesis.addresses import PRECOMPILES, TREASURY
from genesis.keccak import keccak256
from genesis.policy import Policy
from genesis.types import ZERO_HASH, Address, Hash32
from precompiles.table import CONTRACTS
from precompiles.views.juries import RowLeaf
from tests.precompiles.calls import UNIT
from tests.precompiles.economy import Economy
from tests.precompiles.evidence import Row
from tests.precompiles.memory import TEST_POLICY
from tests.precompiles.record_scene import RecordScene
from tests.precompiles.world import PLENTY_OF_GAS, TIMELOCK, Call, MachineType, Moment, NativeMachine, Outcome
from workers.datasets.minhash import text_sketch
from workers.datasets.text import MAGIC, text_record

SAMPLES = 3
"""Of a method, at most."""
LIVES, LIFE_STEPS = 300, 400
TEXT = "the sketch of this record is another text's " * 24
"""About a thousand characters."""
SKETCHES = bytes([100, 5, 3]), bytes([101, 5, 3]), bytes([2, 90, 176])
"""The second is similar to the first."""
NO_ROW = RowLeaf(0, 0, 0, 0, ZERO_HASH, ())

Method = tuple[Address, bytes]
"""Precompile and selector."""


@dataclass(frozen=True)
class Found:
    """A call that succeeds at this moment on these words and balances."""

    moment: Moment
    words: Mapping[Address, Mapping[int, int]]
    balances_wei: Mapping[Address, int]
    call: Call
    outcome: Outcome


class Search:
    """What was found so far, and what is still wanted."""

    def __init__(self) -> None:
        methods = [
            (target, method.selector) for target in PRECOMPILES for method in CONTRACTS[target].methods
        ]
        self.found: list[Found] = []
        self._wanted = Counter(dict.fromkeys(methods, SAMPLES))
        self._missing = set(methods)

    def machine(self, policy: Policy) -> NativeMachine:
        """A machine whose successful calls are looked at."""
        return _Watched(policy, self)

    def wants(self, method: Method) -> bool:
        return self._wanted[method] > 0

    def add(self, found: Found) -> None:
        method = found.call.target, found.call.data[:4]
        self._wanted[method] -= 1
        self._missing.discard(method)
        self.found.append(found)

    @property
    def is_complete(self) -> bool:
        return not self._missing


class _Watched(NativeMachine):
    """Keeps the state before each call that is wanted and succeeds."""

    def __init__(self, policy: Policy, search: Search) -> None:
        super().__init__(policy)
        self._search = search

    def call(self, call: Call, gas_limit: int = PLENTY_OF_GAS) -> Outcome:
        if not self._search.wants((call.target, call.data[:4])):
            return super().call(call, gas_limit)
        words = {address: dict(slots) for address, slots in self.words.items()}
        balances_wei = dict(self.balances)
        outcome = super().call(call, gas_limit)
        if outcome.succeeded:
            self._search.add(Found(self.moment, words, balances_wei, call, outcome))
        return outcome


def rare_calls() -> list[Found]:
    """Successful calls of every method, `SAMPLES` of each at most."""
    search = Search()
    for scene in SCENES:
        scene(search.machine)
    for seed in range(LIVES):
        if search.is_complete:
            break
        _live(seed, search)
    return search.found


def _live(seed: int, search: Search) -> None:
    machine = search.machine(TEST_POLICY)
    economy = Economy(seed, machine)
    for holder in (TIMELOCK, TREASURY, *(account.address for account in economy.accounts)):
        machine.fund(holder, 1_000_000 * UNIT)
    for _ in range(LIFE_STEPS):
        machine.moment = economy.next_moment()
        economy.learn(machine.call(economy.next_call()))


def _scene(
    machine_type: MachineType, sketches: Sequence[bytes], owners: Sequence[int], content: bytes = b""
) -> RecordScene:
    """One contribution of such records, all kept by the index, which credits them to `owners`."""
    rows = [Row(owner, place, 0, (100 + place, 7)) for place, owner in enumerate(owners)]
    return RecordScene(machine_type, (sketches,), (0,), rows, Hash32(keccak256(content)))


def _kept_duplicate(machine_type: MachineType) -> None:
    scene = _scene(machine_type, SKETCHES, (0, 0, 0))
    copy, original = scene.record(0, 1), scene.record(0, 0)
    assert scene.convicts("challengeDuplicate", copy, original) is None


def _wrong_creditor(machine_type: MachineType) -> None:
    scene = _scene(machine_type, SKETCHES, (1, 0, 0))
    shown = (scene.record(0, 0), (), NO_ROW, *scene.credited(1))
    assert scene.convicts("challengeOwner", *shown) is None


def _wrong_sketch(machine_type: MachineType) -> None:
    record = text_record({"text": TEXT})
    content, sketch = MAGIC + record.content, text_sketch(record.plain())
    wrong = sketch[:-1] + bytes([sketch[-1] ^ 1])
    scene = _scene(machine_type, (wrong, sketch, sketch), (0, 0, 0), content)
    assert scene.convicts("challengeSketch", scene.record(0, 0), content) is None


SCENES: tuple[Callable[[MachineType], None], ...] = (_kept_duplicate, _wrong_creditor, _wrong_sketch)
