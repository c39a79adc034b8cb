"""How one row of a large index is fetched with its proof, from anybody, without the other rows.

A row is k bytes and three numbers at known places of the rows' file, its path one hash per level of the rows'
tree's file: some twenty range requests for a million rows. What comes back is checked against `rowsRoot`
alone, so it does not matter who served it.

    python -m workers.attribution.pieces --url http://127.0.0.1:8000/artifacts --index HEX --row 7

Covered: rows. Not covered: contributor sums, which are small enough to fetch whole.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genesis.commitments import merkle_root_from_proof, tree_depth
from genesis.types import Hash32
from workers.artifacts import canonical_json
from workers.artifacts.store import ArtifactStore
from workers.artifacts.tensors import TensorPlace, tensor_places
from workers.attribution.commit import row_leaves
from workers.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class ProvenRow:
    """A row as it was committed, with its path to the rows' root."""

    place: int
    canonical: int
    owner: int
    exponent: int
    mantissas: bytes
    proof: tuple[Hash32, ...]


class RowPieces:
    """Rows of one index by their places; headers are read once."""

    def __init__(self, store: ArtifactStore, index: str) -> None:
        self._store = store
        document = canonical_json.decode(store.get(index))
        try:
            self._rows, self._tree = str(document["rows"]), str(document["row_tree"])
            self.root = Hash32(bytes.fromhex(document["rows_root"][2:]))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInputError(
                f"{index} is not a feature index with a tree of rows: {error!r}"
            ) from error
        self._row_places = tensor_places(lambda first, count: store.get_range(self._rows, first, count))
        self._levels = tensor_places(lambda first, count: store.get_range(self._tree, first, count))

    def row(self, place: int) -> ProvenRow:
        """One row, checked against the root; raises InvalidInputError, ArtifactError."""
        found = {name: self._read(self._rows, at, place) for name, at in self._row_places.items()}
        try:
            count = self._row_places["mantissas"].shape[0]
            depth = tree_depth(count)
            proof = tuple(
                Hash32(self._read(self._tree, self._levels[f"{level:02d}"], (place >> level) ^ 1).tobytes())
                for level in range(depth)
            )
            canonical, owner = found["canonical"].reshape(1), found["owners"].reshape(1)
            mantissas, exponent = found["mantissas"].reshape(1, -1), found["exponents"].reshape(1)
        except (KeyError, ValueError) as error:
            raise InvalidInputError(f"the index's files are malformed: {error!r}") from error
        (leaf,) = row_leaves(mantissas, exponent, canonical, owner, first=place)
        if merkle_root_from_proof(leaf, place, proof) != self.root:
            raise InvalidInputError(f"row {place} does not belong to the committed index")
        return ProvenRow(
            place, int(canonical[0]), int(owner[0]), int(exponent[0]), mantissas.tobytes(), proof
        )

    def _read(self, name: str, at: TensorPlace, row: int) -> Any:
        if not at.shape or not 0 <= row < at.shape[0]:
            raise InvalidInputError(f"there is no row {row}")
        return np.frombuffer(self._store.get_range(name, *at.rows(row, 1)), at.dtype)


def main() -> None:
    """Print one row and its path as JSON."""
    parser = argparse.ArgumentParser(description="Fetch one row of a feature index with its proof.")
    parser.add_argument("--url", required=True, help="a node's …/artifacts")
    parser.add_argument("--index", required=True, help="the index document's sha256 in hex")
    parser.add_argument("--row", required=True, type=int)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = RowPieces(ArtifactStore(Path(folder), options.url), options.index).row(options.row)
    document = {
        "row": found.place,
        "canonical": found.canonical,
        "contributor": found.owner,
        "exponent": found.exponent,
        "mantissas": "0x" + found.mantissas.hex(),
        "proof": ["0x" + node.hex() for node in found.proof],
    }
    print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
