"""Job `spans`: which passages of an answer stand word for word in the records behind a fine-tuned model."""

from workers.artifacts.store import ArtifactStore
from workers.datasets.version import LoadedTexts, load_texts
from workers.errors import InvalidInputError
from workers.influence.spans import SpanIndex
from workers.progress import Progress, silent
from workers.protocol import SpanFound, SpansRequest, SpansResult
from workers.training.selection import learnt_mask
from workers.training.text_manifest import read_text_manifest

LEAST_BYTES = 8
KEPT_INDEXES = 4
CONTINUATION, CONTINUES = 0xC0, 0x80
"""Mask and value of UTF-8's bytes within a character."""
_INDEXES: dict[str, tuple[LoadedTexts, list[int], SpanIndex]] = {}
"""Suffix arrays of this process by manifest: content-addressed, so a stale entry cannot exist."""


def spans(store: ArtifactStore, request: SpansRequest, progress: Progress = silent) -> SpansResult:
    """Longest passages of at least `minimum_bytes`, among the records it learnt; positions are characters."""
    if request.minimum_bytes < LEAST_BYTES:
        raise InvalidInputError(f"a passage has at least {LEAST_BYTES} bytes")
    version, rows, index = _index_of(store, request.manifest)
    found: list[SpanFound] = []
    for number, response in enumerate(request.responses):
        data = response.encode()
        for span in index.spans(data.replace(b"\0", b" "), request.minimum_bytes):
            start, end = _whole_characters(data, span.start, span.start + span.length)
            record, offset = rows[span.record], span.offset + start - span.start
            said = version.records[record].plain().encode()[offset : offset + end - start]
            if said != data[start:end]:  # a null character on one side only
                continue
            found.append(
                SpanFound(
                    response=number,
                    start=len(data[:start].decode()),
                    end=len(data[:end].decode()),
                    record=record,
                    contributor=version.contributors[int(version.contributor_indices[record])],
                    places=span.count,
                    offset=offset,
                )
            )
        progress((number + 1) / len(request.responses), f"response {number + 1} searched")
    return SpansResult(tuple(found))


def _whole_characters(data: bytes, start: int, end: int) -> tuple[int, int]:
    """The part of `data[start:end]` without halves of characters at its ends."""
    while start < end and data[start] & CONTINUATION == CONTINUES:
        start += 1
    while start < end < len(data) and data[end] & CONTINUATION == CONTINUES:
        end -= 1
    return start, end


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
