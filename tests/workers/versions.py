"""A published version out of contribution files, without a chain."""

from collections.abc import Sequence

from genesis.types import Address
from workers.artifacts.store import ArtifactStore
from workers.protocol import ContributionSource, DatasetVersion


def contributor(number: int) -> Address:
    """The address of contributor `number`."""
    return Address(bytes([number + 1]) * 20)


def publish_files(store: ArtifactStore, files: Sequence[bytes]) -> DatasetVersion:
    """Contributions in order, a contributor each, each committed one block after the other."""
    return DatasetVersion(
        chain_id=31338,
        datanet_id=1,
        version=1,
        similarity_ppm=990_000,
        contributions=tuple(
            ContributionSource(number + 1, contributor(number), 10 + number, store.put(file))
            for number, file in enumerate(files)
        ),
    )
