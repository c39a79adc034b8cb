"""Requests near good ones: what hypothesis builds out of a corpus of requests that each method takes."""

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

Request = tuple[str, list[Any]]

CORPUS = Path(__file__).parent / "corpus" / "requests.jsonl"
NAMES = ("$block", "$head", "$number", "$transaction", "$rich", "$nobody", "$contract", "$filter", "$chain")
"""Stand for values of the chain that is asked; see `filled`."""


def corpus() -> list[Request]:
    return [(name, params) for name, params in map(json.loads, CORPUS.read_text().splitlines())]


def filled(value: Any, values: Mapping[str, str]) -> Any:
    """With each name replaced by the chain's value."""
    if isinstance(value, dict):
        return {values.get(key, key): filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, values) for item in value]
    return values.get(value, value) if isinstance(value, str) else value


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


ATOMS: list[Any] = [
    *(None, True, False, 0, 1, -1, 1.5, 1e308, 2**53, 2**63, 2**64 - 1, [], {}, [[]], [None]),
    *(
        "",
        "0x",
        "0x0",
        "0x00",
        "0x01",
        "0x1",
        "0x-1",
        "-0x1",
        "0X1",
        "1",
        "0xg",
        "0x1 ",
        "\0",
        "\u2028",
        "🦀",
    ),
    *(hex(2**n + more) for n in (31, 32, 53, 63, 64, 255, 256) for more in (-1, 0)),
    *("latest", "pending", "safe", "finalized", "earliest", "LATEST", "callTracer", "jsTracer"),
    *("0x" + "00" * size for size in (1, 4, 19, 20, 21, 31, 32, 33, 64, 5_000)),
    *("0x" + "ff" * size for size in (1, 20, 32, 33)),
    *("0x02", "0xc0", "0xf8", "0x02c0", "0x03f900", "0x7ec0", "0x" + "c1" * 2_000, "a" * 3_000),
    {"a": 1},
    _nested(200),
    ["0x0"] * 2_000,
    *NAMES,
]
FIELDS = sorted(
    {key for _, params in corpus() for key in json.dumps(params).split('"') if key.isidentifier()}
)

atoms = st.sampled_from(ATOMS) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
hexes = st.binary(max_size=70).map(lambda raw: "0x" + raw.hex())
trees = st.recursive(
    atoms | texts | hexes,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of everything inside."""
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        found += [(container, key) for key in keys]
        waiting += [container[key] for key in keys if isinstance(container[key], dict | list)]
    return found


def _replace(draw: Callable[..., Any], container: Any, key: Any) -> None:
    container[key] = deepcopy(draw(trees))


def _remove(draw: Callable[..., Any], container: Any, key: Any) -> None:
    del container[key]


def _repeat(draw: Callable[..., Any], container: Any, key: Any) -> None:
    if isinstance(container, list):
        container.extend([container[key]] * draw(st.sampled_from([1, 2, 300])))
    else:
        container[draw(st.sampled_from(FIELDS))] = deepcopy(container[key])


def _garble(draw: Callable[..., Any], container: Any, key: Any) -> None:
    value = container[key]
    if isinstance(value, str) and value and not value.startswith("$"):
        position = draw(st.integers(0, len(value) - 1))
        end = position + draw(st.sampled_from([0, 1, 2]))
        container[key] = value[:position] + draw(st.sampled_from(["", "0", "f", "00", "x"])) + value[end:]
    elif isinstance(value, int):
        container[key] = value + draw(st.sampled_from([-1, 1, 2**32, 2**64, -(2**64)]))


@st.composite
def mutated(draw: Callable[..., Any], seeds: list[Request]) -> Request:
    """One of the seeds, with up to four changes."""
    name, seed = draw(st.sampled_from(seeds))
    params = deepcopy(seed)
    for _ in range(draw(st.integers(0, 4))):
        places = _places(params)
        if not places or draw(st.integers(0, 9)) == 0:
            params.append(deepcopy(draw(trees)))
        else:
            container, key = draw(st.sampled_from(places))
            draw(st.sampled_from([_replace, _replace, _remove, _repeat, _garble]))(draw, container, key)
    return name, params
