"""Job `spans`: which passages of an answer stand word for word in the records behind a fine-tuned model."""

from workers.artifacts.store import ArtifactStore
from workers.datasets.version import LoadedTexts, load_texts
from workers.errors import InvalidInputError
from workers.influence.spans import SpanIndex
from workers.jobs.types import SpanFound, SpansRequest, SpansResult
from workers.progress import Progress, silent
from workers.training.selection import learnt_mask
from workers.training.text_manifest import read_text_manifest

LEAST_BYTES = 8
KEPT_INDEXES = 4
_INDEXES: dict[str, tuple[LoadedTexts, list[int], SpanIndex]] = {}
"""Suffix arrays of this process by manifest: content-addressed, so a stale entry cannot exist."""


def spans(store: ArtifactStore, request: SpansRequest, progress: Progress = silent) -> SpansResult:
    """Longest passages of at least `minimum_bytes`, among the records it learnt; positions are characters."""
    if request.minimum_bytes < LEAST_BYTES:
        raise InvalidInputError(f"a passage has at least {LEAST_BYTES} bytes")
    version, rows, index = _index_of(store, request.manifest)
    found: list[SpanFound] = []
    for number, response in enumerate(request.responses):
        data = response.replace("\0", " ").encode()
        for span in index.spans(data, request.minimum_bytes):
            record = rows[span.record]
            found.append(
                SpanFound(
                    response=number,
                    start=len(data[: span.start].decode(errors="ignore")),
                    end=len(data[: span.start + span.length].decode(errors="ignore")),
                    record=record,
                    contributor=version.contributors[int(version.contributor_indices[record])],
                    places=span.count,
                )
            )
        progress((number + 1) / len(request.responses), f"response {number + 1} searched")
    return SpansResult(tuple(found))


def _index_of(store: ArtifactStore, manifest: str) -> tuple[LoadedTexts, list[int], SpanIndex]:
    if manifest not in _INDEXES:
        asked = read_text_manifest(store, manifest).request()
        version = load_texts(store, asked.datasets)
        rows = [row for row, kept in enumerate(learnt_mask(version.canonical_mask, asked).tolist()) if kept]
        texts = [version.records[row].plain().replace("\0", " ").encode() for row in rows]
        while len(_INDEXES) >= KEPT_INDEXES:
            del _INDEXES[next(iter(_INDEXES))]
        _INDEXES[manifest] = (version, rows, SpanIndex(texts))
    return _INDEXES[manifest]
