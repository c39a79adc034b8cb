from genesis.commitments import merkle_proof, merkle_root_from_proof, record_leaf
from genesis.types import Address
from workers.artifacts.store import artifact_id
from workers.datasets.contribution import record_layers, summarize
from workers.datasets.digits import load_records
from workers.datasets.records import content_hash, encode_jsonl
from workers.datasets.sketch import sketch_of

OWNER = Address(bytes([7]) * 20)


def test_every_record_is_provable_under_the_committed_root() -> None:
    records = load_records(1)[:5]
    data = encode_jsonl(records)
    summary = summarize(data, chain_id=31338, datanet_id=4, contributor=OWNER)
    assert (summary.records, summary.size_bytes, summary.artifact) == (5, len(data), artifact_id(data))
    layers = record_layers(data, chain_id=31338, datanet_id=4, contributor=OWNER)
    for index, record in enumerate(records):
        leaf = record_leaf(
            chain_id=31338,
            datanet_id=4,
            index=index,
            content_hash=content_hash(record),
            sketch=sketch_of(record.features),
            contributor=OWNER,
            parents=(),
        )
        assert merkle_root_from_proof(leaf, index, merkle_proof(layers, index)) == summary.root
