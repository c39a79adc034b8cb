"""A sketch recomputed on chain, on the precompile and on its twin: texts, by their shingles, and a vector.

A kept record whose sketch is wrong in its last byte is contested: the same call on the same state to both.
Source: `docs/decisions/0015-spans.md`; the random economy has no contents long enough to show this.
"""

import random
import string
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.precompiles.law import EngineMachine, Timed
from genesis.addresses import ATTRIBUTION
from genesis.keccak import keccak256
from genesis.types import Address, Hash32
from openledger_node.storage.leveldb import LevelDb
from tests.precompiles.artifacts import twin_code
from tests.precompiles.calls import call
from tests.precompiles.evidence import Row
from tests.precompiles.record_scene import RecordScene
from tests.precompiles.scene import HASH
from tests.precompiles.world import TWINS
from workers.datasets.minhash import text_sketch
from workers.datasets.records import Record, encode_record
from workers.datasets.sketch import sketch_of
from workers.datasets.text import MAGIC, text_record

WORDS = (20, 200, 1_000, 8_000)
"""Of the texts; the last one is near the bounds of what is recomputed."""
VECTOR_FEATURES = 784
BLOCK_GAS = 30_000_000


@dataclass(frozen=True)
class Recomputed:
    """One content, and what contesting its sketch takes."""

    name: str
    content_bytes: int
    native: Timed
    twin: Timed


def recomputed() -> list[Recomputed]:
    """Texts from short to long, and a picture."""
    found = []
    for words in WORDS:
        text = _text(words)
        record = text_record({"text": text})
        sketch = text_sketch(record.plain())
        name = f"a text of {words:,} words, {words - 2:,} shingles"
        found.append(_both(name, MAGIC + record.content, sketch))
    features = random.Random(1).randbytes(VECTOR_FEATURES)
    content = encode_record(Record(features, 7))
    name = f"a vector of {VECTOR_FEATURES} features"
    found.append(_both(name, content, sketch_of(features)))
    return found


def _text(words: int) -> str:
    """Words of two to ten letters."""
    draw = random.Random(words)
    lengths = [draw.randint(2, 10) for _ in range(words)]
    return " ".join("".join(draw.choices(string.ascii_lowercase, k=length)) for length in lengths)


def _both(name: str, content: bytes, sketch: bytes) -> Recomputed:
    native = _contested(content, sketch, {})
    codes = {address: twin_code(twin) for address, twin in TWINS.items()}
    return Recomputed(name, len(content), native, _contested(content, sketch, codes))


def _contested(content: bytes, sketch: bytes, codes: Mapping[Address, bytes]) -> Timed:
    """The challenge that voids the index of a record with another sketch."""
    wrong = sketch[:-1] + bytes([sketch[-1] ^ 1])
    with tempfile.TemporaryDirectory() as folder:
        store = LevelDb.open(Path(folder) / "state")
        made = partial(EngineMachine, store, codes=codes, repeats=1 if codes else 3)
        rows = [Row(0, i, 0, (100 - i, 7)) for i in range(3)]
        scene = RecordScene(made, ((wrong, sketch, sketch),), (0,), rows, Hash32(keccak256(content)))
        scene.commit_to()
        arguments = (scene.index_id, HASH, scene.record(0, 0), content)
        machine = scene.machine
        assert isinstance(machine, EngineMachine)
        outcome = machine.call(call(scene.validator.address, ATTRIBUTION, "challengeSketch", *arguments))
        assert outcome.succeeded, outcome.data
        store.close()
        return machine.timed[-1]


def print_sketches(found: list[Recomputed]) -> None:
    """The table; times in CPU milliseconds."""
    print("| sketch recomputed of | bytes | gas | ms | s per 30 Mgas | twin's gas | ms | twin's time |")
    print("| --- | --: | --: | --: | --: | --: | --: | --: |")
    for each in found:
        native, twin = each.native, each.twin
        print(
            f"| {each.name} | {each.content_bytes:,} | {native.gas_used:,} | {native.seconds * 1e3:,.1f} "
            f"| {native.seconds_per_gas * BLOCK_GAS:.2f} | {twin.gas_used:,} | {twin.seconds * 1e3:,.0f} "
            f"| {twin.seconds / native.seconds:.0f} x |"
        )


if __name__ == "__main__":
    print_sketches(recomputed())
