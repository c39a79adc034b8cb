"""An exported version loads with `datasets`, records and their origin intact."""

from pathlib import Path
from typing import Any

from datasets import load_dataset

from genesis.types import Address
from openledger_node.factory.exporting import size_category, write_dataset
from workers.artifacts.store import artifact_id
from workers.datasets.text import encode_text_jsonl, text_record
from workers.protocol import ContributionSource, DatasetVersion


def test_it_loads_as_a_dataset(tmp_path: Path) -> None:
    texts: list[list[dict[str, Any]]] = [
        [
            {"messages": [{"role": "user", "content": f"q{i}"}, {"role": "assistant", "content": "ä\n"}]}
            for i in range(3)
        ],
        [
            {
                "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
                "parents": ["17/3"],
            },
            {"prompt": "q", "chosen": "a", "rejected": "b"},
            {"instruction": "i", "output": "o", "history": [["x", "y"]]},
        ],
    ]
    shards = [encode_text_jsonl([text_record(value) for value in part]) for part in texts]
    sources = tuple(
        ContributionSource(number + 4, Address(bytes([number]) * 20), 9, artifact_id(shard))
        for number, shard in enumerate(shards)
    )
    version = DatasetVersion(31338, 2, 1, 990_000, sources)
    assert write_dataset(tmp_path / "out", version, shards, 'Docs: "a"', "cc-by-4.0") == 6
    found = load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(found) == 6
    assert found[2]["messages"][1]["content"] == "ä\n"
    assert found[3]["parents"] == ["17/3"]
    assert found[4]["prompt"] == [{"role": "user", "content": "q"}]
    assert (found[5]["history"], found[5]["messages"]) == ([["x", "y"]], None)
    assert (found[3]["contribution"], found[3]["contributor"], found[3]["record"]) == (5, "0x" + "01" * 20, 0)


def test_sizes_have_the_hubs_words() -> None:
    assert [size_category(n) for n in (1, 1_000, 99_999, 5_000_000)] == [
        "n<1K",
        "1K<n<10K",
        "10K<n<100K",
        "1M<n<10M",
    ]
