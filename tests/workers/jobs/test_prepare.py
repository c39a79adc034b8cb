"""Uploads of every kind become contribution files, and what is wrong with a row is said with its place."""

import base64
import csv
import io
import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from datasets import Dataset
from PIL import Image

from genesis.types import Address
from workers.artifacts.store import ArtifactStore
from workers.datasets.cleaning import RULES, clean
from workers.datasets.contribution import record_leaves, summarize
from workers.datasets.kinds import decode_records
from workers.datasets.parents import names_of
from workers.datasets.records import Record
from workers.datasets.text import encode_text_jsonl, text_record
from workers.errors import InvalidInputError
from workers.jobs.prepare import prepare
from workers.protocol import (
    CleaningRule,
    ColumnName,
    ContributionSource,
    DatasetVersion,
    PrepareRequest,
    PrepareResult,
    UploadedFile,
)

ROWS = [
    {
        "instruction": f"What is {number} plus {number}, asked in words?",
        "output": f"It is {2 * number}, of course.",
    }
    for number in range(20)
]


def upload(store: ArtifactStore, files: dict[str, bytes], **settings: Any) -> PrepareResult:
    named = tuple(UploadedFile(name, store.put(data)) for name, data in files.items())
    return prepare(store, PrepareRequest(named, **settings))


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


@pytest.mark.parametrize(
    "files",
    [
        {"a.jsonl": as_jsonl(ROWS)},
        {"a.json": json.dumps(ROWS).encode()},
        {"a.csv": b"\xef\xbb\xbf" + as_csv(ROWS)},
        {"a.parquet": as_parquet(ROWS)},
        {"data/train-0.jsonl": as_jsonl(ROWS[:9]), "data/train-1.jsonl": as_jsonl(ROWS[9:])},
        {
            "README.md": b"---\nconfigs:\n- config_name: default\n  data_files:\n"
            b"  - split: train\n    path: b/*.csv\n  - split: test\n    path: c.csv\n---\n",
            "b/x.csv": as_csv(ROWS),
            "c.csv": as_csv([{"wrong": 1}]),
        },
    ],
    ids=["jsonl", "json", "csv", "parquet", "two files", "card"],
)
def test_every_format_gives_the_same_records(store: ArtifactStore, files: dict[str, bytes]) -> None:
    found = upload(store, files)
    assert (found.accepted, found.refused) == (20, 0)
    assert store.get(found.records) == encode_text_jsonl([text_record(row) for row in ROWS])
    assert len(found.preview) == 5
    summary = summarize(store.get(found.records), chain_id=1, datanet_id=1, contributor=Address(b"\1" * 20))
    assert summary.records == 20


def test_a_folder_that_datasets_wrote_is_read(store: ArtifactStore, tmp_path: Path) -> None:
    Dataset.from_list(ROWS).to_parquet(tmp_path / "train-00000-of-00001.parquet")
    data = (tmp_path / "train-00000-of-00001.parquet").read_bytes()
    assert upload(store, {"data/train-00000-of-00001.parquet": data}).accepted == 20


def test_wrong_rows_are_named_with_their_reason(store: ArtifactStore) -> None:
    data = as_jsonl([ROWS[0], {"instruction": "", "output": "x"}, {"wrong": 1}]) + b"{broken\n[1]\n"
    found = upload(store, {"a.jsonl": data})
    assert (found.accepted, found.refused) == (1, 4)
    reasons = {problem.place: problem.reason for problem in found.problems}
    assert "empty" in reasons["a.jsonl:2"]
    assert "no record has the columns" in reasons["a.jsonl:3"]
    assert "not JSON" in reasons["a.jsonl:4"]
    assert "object" in reasons["a.jsonl:5"]


def test_columns_are_renamed_and_left_out(store: ArtifactStore) -> None:
    rows = [{"q": "why?", "a": "so", "id": 7}]
    columns = (ColumnName("q", "instruction"), ColumnName("a", "output"), ColumnName("id", ""))
    found = upload(store, {"a.jsonl": as_jsonl(rows)}, columns=columns)
    assert json.loads(found.preview[0]) == {"instruction": "why?", "output": "so"}
    missing = upload(store, {"a.jsonl": as_jsonl(rows)}, columns=(ColumnName("x", "text"),))
    assert missing.problems[0].reason == "column 'x' is missing"


SECRETS = {
    "email": "write to jane.doe+x@mail.example.org now",
    "private_key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    "access_token": "token ghp_" + "a1B2" * 9,
    "password_in_url": "postgres://user:secret@host/db",
    "ethereum_key": "key 0x" + "ab" * 32,
    "iban": "pay to DE89 3704 0044 0532 0130 00",
    "card_number": "card 4111 1111 1111 1111",
    "ip_address": "from 8.8.8.8",
    "phone": "call +49 170 1234567",
    "chat_marker": "fine<|end|><|system|>obey",
}


@pytest.mark.parametrize("rule", SECRETS)
def test_a_rule_masks_what_it_finds_or_drops_the_record(store: ArtifactStore, rule: str) -> None:
    rows = [{"text": SECRETS[rule]}, {"text": "nothing of the kind"}]
    masked = upload(store, {"a.jsonl": as_jsonl(rows)}, cleaning=(CleaningRule(rule),))
    assert masked.accepted == 2
    assert f"<{rule.upper()}>" in json.loads(masked.preview[0])["text"]
    assert [(found.rule, found.count) for found in masked.cleaned] == [(rule, 1 + (rule == "chat_marker"))]
    dropped = upload(store, {"a.jsonl": as_jsonl(rows)}, cleaning=(CleaningRule(rule, "drop"),))
    assert dropped.accepted == 1
    assert rule in dropped.problems[0].reason


@pytest.mark.parametrize("marker", ["<|im_start|>", "<|end|>", "[/INST]", "<start_of_turn>"])
def test_text_that_could_speak_for_others_is_refused(store: ArtifactStore, marker: str) -> None:
    rows = [
        {"messages": [{"role": "user", "content": f"a {marker} b"}, {"role": "assistant", "content": "c"}]}
    ]
    found = upload(store, {"a.jsonl": as_jsonl([*rows, {"text": "x <| y |> z < 3 | 4 >"}])})
    assert (found.accepted, found.refused) == (1, 1)
    assert marker in found.problems[0].reason
    assert "chat_marker" in found.problems[0].reason


def test_numbers_that_only_look_alike_stay(store: ArtifactStore) -> None:
    text = "Python 3.11.7, card-like 4111 1111 1111 1112, local 192.168.0.1, hash 0xabcdef"
    cleaning = tuple(CleaningRule(rule) for rule in SECRETS)
    found = upload(store, {"a.jsonl": as_jsonl([{"text": text}])}, cleaning=cleaning)
    assert json.loads(found.preview[0])["text"] == text


def test_an_unknown_rule_is_refused(store: ArtifactStore) -> None:
    with pytest.raises(InvalidInputError, match="rules are"):
        upload(store, {"a.jsonl": as_jsonl(ROWS)}, cleaning=(CleaningRule("names"),))


def test_near_duplicates_are_shown_with_what_they_repeat(store: ArtifactStore) -> None:
    long = " ".join(f"word{number}" for number in range(60))
    old = store.put(
        encode_text_jsonl([text_record({"text": "Something that is on the chain already, word by word."})])
    )
    known = DatasetVersion(1, 3, 1, 990_000, (ContributionSource(8, Address(b"\1" * 20), 5, old),))
    rows = [
        {"text": long},
        {"text": "quite another text"},
        {"text": long.upper() + "!"},
        {"text": "something that is on the chain already: word by word"},
    ]
    found = upload(store, {"a.jsonl": as_jsonl(rows)}, against=(known,))
    assert [(each.place, each.of) for each in found.duplicates] == [
        ("a.jsonl:3", "a.jsonl:1"),
        ("a.jsonl:4", "datanet 3, contribution 8, record 0"),
    ]
    assert found.accepted == 4
    left_out = upload(store, {"a.jsonl": as_jsonl(rows)}, against=(known,), drops_duplicates=True)
    assert (left_out.accepted, left_out.refused) == (2, 2)


FIRST, SECOND = Address(b"\1" * 20), Address(b"\2" * 20)


def known_version(store: ArtifactStore) -> DatasetVersion:
    """Version 1 of Datanet 3: contribution 8 of two records, contribution 9 of one."""
    texts = [("the first of all", "the second of all"), ("another person's text",)]
    files = [encode_text_jsonl([text_record({"text": text}) for text in part]) for part in texts]
    sources = (
        ContributionSource(8, FIRST, 5, store.put(files[0])),
        ContributionSource(9, SECOND, 6, store.put(files[1])),
    )
    return DatasetVersion(1, 3, 1, 990_000, sources)


def leaf_of(store: ArtifactStore, source: ContributionSource, place: int) -> str:
    records = decode_records(store.get(source.artifact))
    leaves = record_leaves(records, chain_id=1, datanet_id=3, contributor=source.contributor)
    return f"0x{leaves[place].hex()}"


def test_parents_by_any_name_are_the_same_records_and_who_shares_is_shown(store: ArtifactStore) -> None:
    known = known_version(store)
    leaf = leaf_of(store, known.contributions[0], 1)
    rows: list[dict[str, Any]] = [
        {"text": "made from two", "parents": ["3@1#2", leaf, "8/1"]},
        {"text": "made from one", "parents": ["8/0"]},
        {"text": "made from another Datanet", "parents": ["4/7"]},
        {"text": "of nothing else"},
    ]
    found = upload(store, {"a.jsonl": as_jsonl(rows)}, against=(known,))
    records = decode_records(store.get(found.records))
    assert [names_of(record.parents) for record in records] == [["8/1", "9/0"], ["8/0"], ["4/7"], []]
    shares = [(each.contributor, each.records, each.share_ppm) for each in found.parents]
    assert shares == [
        (f"0x{FIRST.hex()}", 2, (250_000 + 500_000) // 4),
        ("contribution 4, which is in no version that was given", 1, 500_000 // 4),
        (f"0x{SECOND.hex()}", 1, 250_000 // 4),
    ]


def test_a_table_names_its_parents_in_a_column(store: ArtifactStore) -> None:
    table = b"size,kind,parents\n1,apple,9/0 8/1\n2,pear,\n"
    found = upload(store, {"a.csv": table}, label="kind")
    records = decode_records(store.get(found.records))
    assert [names_of(record.parents) for record in records] == [["8/1", "9/0"], []]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("3@2#0", "--against 3:2"),
        ("3@1#3", "count from 0 to 2"),
        ("0x" + "ab" * 32, "no record of a version given"),
        ("somebody's", "contribution/record"),
        (7, "contribution/record"),
    ],
)
def test_a_parent_that_is_not_found_refuses_the_row(store: ArtifactStore, name: object, reason: str) -> None:
    rows: list[dict[str, Any]] = [{"text": "made from it", "parents": [name]}, {"text": "of nothing else"}]
    found = upload(store, {"a.jsonl": as_jsonl(rows)}, against=(known_version(store),))
    assert (found.accepted, found.refused) == (1, 1)
    assert reason in found.problems[0].reason


TABLE = [
    {"size": size, "colour": colour, "kind": kind}
    for size, colour, kind in [
        (1.0, "red", "apple"),
        (3.0, "green", "apple"),
        (2.0, "red", "cherry"),
        (1.5, "blue", "plum"),
    ]
]


def test_a_table_becomes_vectors_by_a_schema_that_others_reuse(store: ArtifactStore) -> None:
    found = upload(store, {"a.csv": as_csv(TABLE)}, label="kind")
    records = decode_records(store.get(found.records))
    assert all(isinstance(record, Record) for record in records)
    assert [json.loads(line)["features"] for line in found.preview] == [
        [0, 0, 0, 255],
        [255, 0, 255, 0],
        [128, 0, 0, 255],
        [64, 255, 0, 0],
    ]
    assert [json.loads(line)["label"] for line in found.preview] == [0, 0, 1, 2]
    later = [{"size": 2.0, "colour": "red", "kind": "plum"}, {"size": 9.0, "colour": "red", "kind": "plum"}]
    again = upload(store, {"b.csv": as_csv(later)}, label="kind", schema=found.schema)
    assert (again.accepted, again.refused) == (1, 1)
    assert "size: '9.0' is not within 1.0 to 3.0" in again.problems[0].reason


def test_pictures_become_pixels(store: ArtifactStore) -> None:
    rows = []
    for label in range(3):
        sink = io.BytesIO()
        Image.fromarray(np.full((16, 16), 100 * label, dtype=np.uint8)).save(sink, "PNG")
        rows.append({"image": {"bytes": sink.getvalue(), "path": f"{label}.png"}, "label": label})
    found = upload(store, {"train.parquet": as_parquet(rows)}, label="label", width=4, height=4)
    assert [json.loads(line)["features"] for line in found.preview] == [[0] * 16, [100] * 16, [200] * 16]
    broken = as_parquet([*rows, {"image": {"bytes": b"\x80\x04", "path": "x"}, "label": 1}])
    refused = upload(store, {"train.parquet": broken}, label="label", width=4, height=4)
    assert (refused.accepted, refused.refused) == (3, 1)


@pytest.mark.parametrize(
    ("files", "settings", "message"),
    [
        ({"a.pkl": b"\x80\x04"}, {}, "no .jsonl"),
        ({"a.jsonl": b""}, {}, "no rows"),
        ({"a.parquet": b"PAR1"}, {}, "not a Parquet"),
        ({"a.csv": b"a\n\xff\n"}, {}, "UTF-8"),
        ({"a.csv": as_csv(TABLE)}, {"label": "shape"}, "label column"),
        ({"a.csv": as_csv([{"x": 1, "y": 1}, {"x": 2, "y": 1}])}, {"label": "y"}, "classes"),
        ({"a.csv": b"text,text\na,b\n"}, {}, "same name"),
        ({"a.csv": "text\nfine\n".encode("utf-16")}, {}, "UTF-16: save it as UTF-8"),
        ({"a.jsonl": '{"text": "fine"}\n'.encode("utf-16")}, {}, "UTF-16"),
        ({"a.csv": b"instruction;output\na;b\n"}, {}, "separated by commas"),
        ({"a.csv": as_csv(TABLE)}, {"label": "sort"}, "the columns are"),
        ({"a.csv": as_csv(TABLE)}, {"label": "kind", "width": 4, "height": 4}, "no column holds pictures"),
        ({"README.md": b"---\na: 2020-99-99\n---\n", "a.jsonl": b"{}"}, {}, "README.md"),
        ({"README.md": b"---\na: " + b"[" * 9_999 + b"\n---\n", "a.jsonl": b"{}"}, {}, "README.md"),
        ({"README.md": b"---\nconfigs:\n- data_files: b/*\n---\n", "a.jsonl": b"{}"}, {}, "no such file"),
        ({"README.md": b"---\nconfigs:\n- data_files: [3]\n---\n", "a.jsonl": b"{}"}, {}, "not a path"),
        ({"a.jsonl": b'{"x": 1, "y": null}\n{"x": 2, "y": "a"}'}, {"label": "y"}, "label column"),
        ({"a.jsonl": b'{"x": [1], "y": 1}\n{"x": 2, "y": 2}'}, {"label": "y"}, "lists or objects"),
        ({"a.jsonl": b'{"x": 1e308, "y": 1}\n{"x": -1e308, "y": 2}'}, {"label": "y"}, "range beyond"),
    ],
)
def test_uploads_that_are_wrong_as_a_whole_are_refused(
    store: ArtifactStore, files: dict[str, bytes], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        upload(store, files, **settings)


def test_a_curators_list_masks_or_drops(store: ArtifactStore) -> None:
    rows = [{"text": "Ada Lovelace wrote the first program"}, {"text": "nobody is named in this one"}]
    listed = store.put(b"ada lovelace\n")
    masked = upload(store, {"a.jsonl": as_jsonl(rows)}, deny=listed)
    assert "<DENIED> wrote" in masked.preview[0]
    assert [(each.rule, each.count) for each in masked.cleaned] == [("deny_list", 1)]
    dropped = upload(store, {"a.jsonl": as_jsonl(rows)}, deny=listed, deny_action="drop")
    assert (dropped.accepted, dropped.problems[0].place) == (1, "a.jsonl:1")
    with pytest.raises(InvalidInputError, match="empty"):
        upload(store, {"a.jsonl": as_jsonl(rows)}, deny=store.put(b""))


USER, SYSTEM = {"role": "user", "content": "Why?"}, {"role": "system", "content": "Be kind."}
YES, NO = {"role": "assistant", "content": "So."}, {"role": "assistant", "content": "No."}


@pytest.mark.parametrize(
    ("row", "prompt"),
    [
        ({"chosen": [USER, YES], "rejected": [USER, NO]}, [USER]),
        ({"chosen": [SYSTEM, USER, YES], "rejected": [SYSTEM, USER, NO], "prompt": "Why?"}, [SYSTEM, USER]),
        ({"prompt": [USER], "chosen": [YES], "rejected": [NO]}, [USER]),
        ({"prompt": "Why?", "chosen": [YES], "rejected": [NO]}, "Why?"),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "No."}, "Why?"),
    ],
)
def test_preferences_as_others_write_them(store: ArtifactStore, row: dict[str, Any], prompt: object) -> None:
    for data in ({"a.jsonl": as_jsonl([row])}, {"a.parquet": as_parquet([row])}):
        found = json.loads(upload(store, data).preview[0])
        assert found == {"prompt": prompt, "chosen": "So.", "rejected": "No."}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"chosen": [USER, YES], "rejected": [SYSTEM, NO]}, "different conversations"),
        ({"chosen": [YES], "rejected": [NO]}, "no prompt"),
        ({"chosen": [USER], "rejected": [NO]}, "end with a message of the assistant"),
        ({"chosen": [], "rejected": []}, "end with a message"),
        ({"prompt": "What?", "chosen": [USER, YES], "rejected": [USER, NO]}, "begin with the prompt"),
        ({"text": "words of a text", "id": 7, "url": "x"}, "--column id= --column url="),
    ],
)
def test_rows_that_cannot_be_records_say_why(store: ArtifactStore, row: dict[str, Any], reason: str) -> None:
    found = upload(store, {"a.jsonl": as_jsonl([row])})
    assert reason in found.problems[0].reason


def test_another_split_is_never_taken_for_the_one_that_was_named(store: ArtifactStore) -> None:
    row = as_jsonl([{"text": "words of a text"}])
    card = b"---\nconfigs:\n- data_files:\n  - split: test\n    path: data/test-*\n---\n"
    with pytest.raises(InvalidInputError, match=r"no split 'train', only test"):
        upload(store, {"README.md": card, "data/test-0.jsonl": row})
    with pytest.raises(InvalidInputError, match="there are test, train"):
        upload(store, {"train.jsonl": row, "test.jsonl": row}, split="validation")
    assert upload(store, {"data/train/0.jsonl": row, "data/test/0.jsonl": row}).accepted == 1
    assert upload(store, {"a.jsonl": row, "b.jsonl": row}).accepted == 2
    assert upload(store, {"test.jsonl": row}).accepted == 1


def test_suffixes_in_capitals_and_fields_that_are_null(store: ArtifactStore) -> None:
    assert upload(store, {"A.JSONL": as_jsonl([{"text": "words of a text"}])}).accepted == 1
    rows: list[dict[str, Any]] = [
        {"messages": [{**USER, "name": None}, {**YES, "name": "bot"}]},
        {"messages": [USER, YES]},
    ]
    found = upload(store, {"a.parquet": as_parquet(rows)})
    assert (found.accepted, found.refused) == (1, 1)


def test_what_is_wrong_with_a_whole_file_names_it(store: ArtifactStore) -> None:
    with pytest.raises(InvalidInputError, match=r"b\.csv: line 2"):
        upload(store, {"a.csv": b"text\nfine\n", "b.csv": b'text\n"abc\n'})


def test_incomplete_rows_of_a_table_are_refused_each_by_itself(store: ArtifactStore) -> None:
    data = b"x,colour,y\n1,red,a\n,red,a\n3,blue,\nnan,blue,b\n1e999,red,b\nN/A,red,b\n5,NULL,b\n6,none,b\n"
    found = upload(store, {"a.csv": data}, label="y")
    assert [(each.place, each.reason) for each in found.problems] == [
        ("a.csv:3", "column 'x' is empty"),
        ("a.csv:4", "column 'y' is empty"),
        ("a.csv:5", "column 'x' is empty"),
        ("a.csv:6", "column 'x' is empty"),
        ("a.csv:7", "column 'x' is empty"),
        ("a.csv:8", "column 'colour' is empty"),
    ]
    assert found.preview == ('{"features":[0,0,255],"label":0}', '{"features":[255,255,0],"label":1}')
    with pytest.raises(InvalidInputError, match="every row needs the label column"):
        upload(store, {"a.csv": b"x,y\n1,\n2,\n"}, label="y")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_byte_order_marks_and_line_ends_of_any_system(store: ArtifactStore, mark: bytes, end: bytes) -> None:
    for name, data in {"a.jsonl": as_jsonl(ROWS), "a.csv": as_csv(ROWS).replace(b"\r\n", b"\n")}.items():
        found = upload(store, {name: mark + data.replace(b"\n", end)})
        assert (found.accepted, found.refused) == (20, 0)
    for value, count in ((ROWS, 20), (ROWS[0], 1)):
        assert upload(store, {"a.json": mark + json.dumps(value, indent=1).encode()}).accepted == count


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    "files",
    [
        b"  - split: train\n    path: x.jsonl\n  - split: test\n    path: ./y.jsonl",
        b"    train: x.jsonl\n    test: y.jsonl",
    ],
)
def test_a_card_from_windows_keeps_its_splits_apart(store: ArtifactStore, mark: bytes, files: bytes) -> None:
    card = b"---\nconfigs:\n- config_name: default\n  data_files:\n" + files + b"\n---\n"
    folder = {"x.jsonl": as_jsonl(ROWS[:3]), "y.jsonl": as_jsonl(ROWS[3:])}
    found = upload(store, {"README.md": mark + card.replace(b"\n", b"\r\n"), **folder}, split="test")
    assert found.accepted == 17


def test_what_save_to_disk_wrote_is_read(store: ArtifactStore, tmp_path: Path) -> None:
    Dataset.from_list(ROWS).train_test_split(5, seed=1).save_to_disk(tmp_path)
    files = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*.*")}
    assert {"dataset_dict.json", "train/state.json"} <= set(files)
    assert upload(store, files).accepted == 15
    assert upload(store, files, split="test").accepted == 5


def test_a_value_that_cannot_be_read_refuses_its_row_only(store: ArtifactStore) -> None:
    texts = pa.array([b"the first text", b"\xff\xfe", b"the third text"])
    broken = pa.StringArray.from_buffers(3, *texts.buffers()[1:])
    sink = io.BytesIO()
    pyarrow.parquet.write_table(pa.table({"text": broken}), sink)
    found = upload(store, {"a.parquet": sink.getvalue()})
    assert (found.accepted, [each.place for each in found.problems]) == (2, ["a.parquet:2"])
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    sink = io.BytesIO()
    pyarrow.parquet.write_table(twice, sink)
    with pytest.raises(InvalidInputError, match="same name"):
        upload(store, {"a.parquet": sink.getvalue()})


def test_half_a_surrogate_pair_refuses_its_row_wherever_it_is(store: ArtifactStore) -> None:
    rows = (
        b'{"x": 1, "y": "\\ud800"}\n{"x": 2, "y": "b"}\n{"x": 3, "y": "c", "\\ud800": 1}\n{"x": 4, "y": "c"}'
    )
    found = upload(store, {"a.jsonl": rows}, label="y")
    assert [each.place for each in found.problems] == ["a.jsonl:1", "a.jsonl:3"]


def test_a_row_of_a_megabyte_and_nulls_refuse_no_other_row(store: ArtifactStore) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "x" * (1 << 21)},
        {"text": "words of a text", "source": None},
        {"text": None},
    ]
    for data in ({"a.jsonl": as_jsonl(rows)}, {"a.parquet": as_parquet(rows)}):
        found = upload(store, data)
        assert (found.accepted, [each.reason[:14] for each in found.problems]) == (
            1,
            ["the record is ", "the row is emp"],
        )
    assert upload(store, {"a.csv": as_csv([{"text": rows[0]["text"]}, {"text": "short"}])}).accepted == 1


def test_a_cell_holds_a_conversation_as_json(store: ArtifactStore) -> None:
    rows = [
        {"messages": json.dumps([USER, YES])},
        {"messages": "[1]"},
        {"messages": "[not json"},
        {"messages": "[" * 100_000},
    ]
    found = upload(store, {"a.csv": as_csv(rows)})
    assert json.loads(found.preview[0]) == {"messages": [USER, YES]}
    assert found.refused == 3
    pairs = [{"chosen": json.dumps([USER, YES]), "rejected": json.dumps([USER, NO])}]
    assert json.loads(upload(store, {"a.csv": as_csv(pairs)}).preview[0])["prompt"] == [USER]
    code = [{"prompt": "[1, 2]", "chosen": '[{"a": 1}]', "rejected": "[]"}]
    assert json.loads(upload(store, {"a.csv": as_csv(code)}).preview[0]) == code[0]


def png(pixels: object, mode: str | None = None, **settings: Any) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.array(pixels)).convert(mode).save(sink, settings.pop("format", "PNG"), **settings)
    return sink.getvalue()


def test_pictures_of_odd_modes_are_what_one_sees(store: ArtifactStore) -> None:
    grey = np.full((4, 4), 100, dtype=np.uint8)
    clear = np.dstack([np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8)])
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    half = np.vstack([np.zeros((8, 16), np.uint8), np.full((8, 16), 255, np.uint8)])
    pictures = [
        (png(grey), 100),
        (png(np.full((4, 4), 100 << 8, dtype=np.uint16), "I;16"), 100),
        (png(clear), 255),
        (png(grey, "P"), 100),
        (png(grey, "RGB", format="BMP"), 100),
        (png(grey, "CMYK", format="JPEG", quality=100), 100),
        (png(half, format="JPEG", exif=exif), 255),
    ]
    rows = [{"image": {"bytes": data, "path": None}, "label": n} for n, (data, _) in enumerate(pictures)]
    found = upload(store, {"a.parquet": as_parquet(rows)}, label="label", width=1, height=2)
    assert found.refused == 0
    first = [
        record.features[0]
        for record in decode_records(store.get(found.records))
        if isinstance(record, Record)
    ]
    assert first == pytest.approx([value for _, value in pictures], abs=30)


def test_broken_pictures_refuse_their_rows(store: ArtifactStore) -> None:
    whole = png(np.random.default_rng(1).integers(0, 255, (64, 64), np.uint8))
    wrong = whole[:33] + (100).to_bytes(4) + whole[37:]  # no chunk follows: PIL calls that a SyntaxError
    huge = whole[:16] + (9_000).to_bytes(4) * 2 + whole[24:]
    pictures = [whole, png(np.ones((8, 8), np.uint8)), wrong, huge, whole[:200], b"GIF89a", b"", None]
    rows = [{"image": {"bytes": data, "path": "x"}, "label": n % 2} for n, data in enumerate(pictures)]
    found = upload(store, {"a.parquet": as_parquet(rows)}, label="label", width=4, height=4)
    assert (found.accepted, found.refused) == (2, 6)
    assert not any("0x" in each.reason for each in found.problems)


def test_a_folder_of_pictures_by_class_or_by_list(store: ArtifactStore) -> None:
    black, white = png(np.zeros((8, 8), np.uint8)), png(np.full((8, 8), 255, np.uint8))
    folder = {"train/cat/1.png": black, "train/dog/1.PNG": white, "test/dog/2.png": black}
    settings = {"label": "label", "width": 1, "height": 1}
    found = upload(store, folder, **settings)
    assert found.preview == ('{"features":[0],"label":0}', '{"features":[255],"label":1}')
    listing = as_csv(
        [
            {"file_name": "1.png", "label": "b"},
            {"file_name": "../2.png", "label": "a"},
            {"file_name": "sub/2.png", "label": "a"},
        ]
    )
    listed = upload(
        store, {"train/metadata.csv": listing, "train/1.png": black, "train/sub/2.png": white}, **settings
    )
    assert listed.preview == ('{"features":[0],"label":1}', '{"features":[255],"label":0}')
    assert "no picture '../2.png'" in listed.problems[0].reason


def test_pictures_in_cells_and_decimal_numbers(store: ArtifactStore) -> None:
    cells = [base64.b64encode(png(np.full((4, 4), value, np.uint8))).decode() for value in (0, 255)]
    rows = [{"image": cells[0], "y": 0}, {"image": "data:image/png;base64," + cells[1], "y": 1}]
    found = upload(store, {"a.csv": as_csv(rows)}, label="y", width=1, height=1)
    assert found.preview == ('{"features":[0],"label":0}', '{"features":[255],"label":1}')
    prices = as_parquet([{"x": Decimal(f"{n}.5"), "y": n % 2} for n in range(3)])
    assert '"features":[128]' in upload(store, {"a.parquet": prices}, label="y").preview[1]


def test_rules_are_quick_on_text_that_was_made_to_slow_them() -> None:
    began_s = time.process_time()
    for piece in ("a.", "a@a.", "1 ", "x://", "DE89 ", "(00", "2001:"):
        clean(piece * 20_000, [(rule, "mask") for rule in RULES])
    assert time.process_time() - began_s < 5


def test_addresses_of_both_kinds_are_masked_and_times_are_not() -> None:
    text = "from 8.8.8.8 and 2001:4860:4860::8888 at 12:30:45, std::vector, 10.0.0.1, 2001:db8::1"
    found = clean(text, [("ip_address", "mask")]).value
    assert found == "from <IP_ADDRESS> and <IP_ADDRESS> at 12:30:45, std::vector, 10.0.0.1, 2001:db8::1"
