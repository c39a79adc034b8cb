from workers.datasets.digits import demo_parts, load_records
from workers.datasets.records import encode_jsonl


def test_parts_are_what_the_demo_says() -> None:
    data = demo_parts(1)
    originals = {record.features: record.label for record in load_records(1)}
    assert [len(part) for part in data.parts] == [300] * 5
    clean = [record.features for part in data.parts[:4] for record in part]
    assert len(set(clean)) == 1200
    assert not set(clean) & {record.features for record in data.holdout}
    wrong = [i for i, record in enumerate(data.parts[3]) if originals[record.features] != record.label]
    assert tuple(wrong) == data.wrong_indices
    assert len(wrong) == 75
    pairs = list(zip(data.parts[0], data.parts[4], strict=True))
    assert all(a.label == b.label for a, b in pairs)
    assert all(a.features != b.features for a, b in pairs)


def test_same_seed_same_bytes() -> None:
    assert encode_jsonl(demo_parts(2).parts[4]) == encode_jsonl(demo_parts(2).parts[4])
    assert encode_jsonl(demo_parts(2).parts[0]) != encode_jsonl(demo_parts(3).parts[0])
