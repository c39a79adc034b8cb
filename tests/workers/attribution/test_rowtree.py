"""The rows' tree by blocks is the tree of `genesis.commitments`."""

from pathlib import Path

import pytest

from genesis.commitments import leaf_hash, merkle_layers, merkle_proof
from workers.attribution import rowtree
from workers.attribution.rowtree import row_tree


@pytest.mark.parametrize("count", [1, 2, 3, 8, 21])
def test_levels_root_and_proofs(count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rowtree, "BLOCK_NODES", 4)
    leaves = [leaf_hash(bytes([i])) for i in range(count)]
    tree = row_tree((leaves[i : i + 5] for i in range(0, count, 5)), count, tmp_path)
    layers = merkle_layers(leaves)
    assert [b"".join(layer) for layer in layers] == [level.tobytes() for level in tree.levels]
    assert tree.root == layers[-1][0]
    assert all(tree.proof(i) == merkle_proof(layers, i) for i in range(count))
    assert list(tmp_path.iterdir()) == []
