"""OpenLoRA measured in one process: throughput by number of adapters, cold loads, memory.

Throughput is (prompt + generated) tokens per CPU second of the whole process, one thread: the machine is
shared, so that seconds by the clock say nothing; on a GPU it is by the clock. Configurations take turns, and
ratios are of the same turn.
"""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.serving.workload import RANK, Request, requests
from workers.artifacts.store import ArtifactStore
from workers.serving.adapters.library import AdapterLibrary
from workers.serving.engine.engine import Engine
from workers.serving.engine.sequence import NO_ADAPTER, Event, SamplingSettings, Sequence
from workers.serving.server import ServerOptions, build_engine

GREEDY = 0.0
IDLE_S = 0.001


@dataclass(frozen=True)
class Load:
    """Sizes of one run: sequences computed together, tokens per prompt and answer."""

    lanes: int = 100
    prompt_tokens: int = 32
    answer_tokens: int = 32
    device: str = "cpu"

    def now_s(self) -> float:
        """CPU time of this process; by the clock where the work is done elsewhere."""
        return time.process_time() if self.device == "cpu" else time.perf_counter()


@dataclass(frozen=True)
class Memory:
    """Megabytes of a process, from /proc: anonymous pages are what it wrote itself."""

    anonymous: float
    resident: float


def memory() -> Memory:
    """This process now."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Memory(*(int(lines[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS")))


class Ours:
    """An engine over the benchmark's base; `hashes` are adapters by number."""

    def __init__(
        self,
        base: Path,
        store: ArtifactStore,
        hashes: list[str],
        load: Load,
        *,
        slots: int,
        prefix_bytes: int = 0,
    ) -> None:
        self.load, self._hashes = load, hashes
        options = ServerOptions(
            base,
            "base",
            threads=1,
            lanes=load.lanes,
            slots=slots,
            max_rank=RANK,
            memory_bytes=256 << 20,
            max_length=load.prompt_tokens + load.answer_tokens,
            device=load.device,
            prefix_bytes=prefix_bytes,
        )
        self.engine, self.library = _build(options, store)

    def run(self, asked: list[Request]) -> float:
        """Tokens per CPU second."""
        finished: list[Event] = []
        started_s = self.load.now_s()
        for request in asked:
            self.engine.add(self._sequence(request, finished))
        while self.engine.has_work:
            if not self.engine.step():
                time.sleep(IDLE_S)
        spent_s = self.load.now_s() - started_s
        failures = [event for event in finished if isinstance(event, Exception)]
        if failures:
            raise failures[0]
        assert len(finished) == len(asked) * self.load.answer_tokens
        return len(asked) * (self.load.prompt_tokens + self.load.answer_tokens) / spent_s

    def first_token_s(self, request: Request) -> tuple[float, float]:
        """Seconds by the clock, and of CPU, until an idle engine gives its first token."""
        events: list[Event] = []
        started_s, started_cpu_s = time.perf_counter(), time.process_time()
        sequence = self._sequence(request, events)
        self.engine.add(sequence)
        while not events:
            if not self.engine.step():
                time.sleep(IDLE_S / 10)
        elapsed_s = time.perf_counter() - started_s, time.process_time() - started_cpu_s
        sequence.is_cancelled = True
        self.engine.step()
        return elapsed_s

    def _sequence(self, request: Request, events: list[Event]) -> Sequence:
        settings = SamplingSettings(self.load.answer_tokens, GREEDY)
        adapter = self._hashes[request.adapter] if request.adapter >= 0 else NO_ADAPTER
        return Sequence(request.prompt, settings, adapter, events.append)


def _build(options: ServerOptions, store: ArtifactStore) -> tuple[Engine, AdapterLibrary]:
    engine, library, _shape = build_engine(options, store)
    torch.set_num_threads(1)
    return engine, library


def throughput(ours: Ours, counts: list[int], turn: int) -> dict[int, float]:
    """Tokens per second by number of adapters, each once, every other turn backwards; 0 is the base."""
    lanes, prompt = ours.load.lanes, ours.load.prompt_tokens
    for count in counts:
        ours.run(requests(min(lanes, max(count, 1)), count, prompt))  # warm: slots filled, pages touched
    order = counts if turn % 2 == 0 else counts[::-1]
    found = {count: ours.run(requests(lanes, count, prompt, seed=turn)) for count in order}
    return {count: found[count] for count in counts}


def cold_loads(ours: Ours, numbers: list[int]) -> dict[str, dict[str, float]]:
    """Median milliseconds to the first token for an adapter on disk, and again once it is in a slot."""
    prompt = requests(1, 0, ours.load.prompt_tokens)[0].prompt
    cold = [ours.first_token_s(Request(prompt, number)) for number in numbers]
    warm = [ours.first_token_s(Request(prompt, number)) for number in numbers[-8:]]
    base = [ours.first_token_s(Request(prompt, -1)) for _ in numbers[-8:]]
    found = {"cold": cold, "in a slot": warm, "base": base}
    return {
        clock: {name: 1000 * statistics.median(pair[i] for pair in pairs) for name, pairs in found.items()}
        for i, clock in enumerate(("wall_ms", "cpu_ms"))
    }
