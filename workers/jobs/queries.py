"""Job `queries`: one int16 query per receipt of a settlement, from the committed preconditioner alone."""

from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_index
from workers.attribution.queries import Queries, check_receipts, encode_queries
from workers.attribution.subjects import Subject, subject_of
from workers.determinism import use_determinism
from workers.influence import Attributor
from workers.progress import Progress, silent
from workers.protocol import QueriesRequest, QueriesResult

KEPT_METHODS = 2
_METHODS: dict[str, tuple[Subject, Attributor]] = {}
"""Models and preconditioners of this process by index: content-addressed, so a stale entry cannot exist."""


def queries(store: ArtifactStore, request: QueriesRequest, progress: Progress = silent) -> QueriesResult:
    """What each receipt asked of the model, ready to commit."""
    use_determinism()
    numbers = tuple(receipt.number for receipt in request.receipts)
    weights = tuple(receipt.weight for receipt in request.receipts)
    check_receipts(numbers, weights)
    subject, attributor = method_of(store, request.index)
    progress(0.3, "preconditioner read")
    result = Queries(attributor.query(subject.asked(request.receipts)), numbers, weights)
    return QueriesResult(store.put(encode_queries(result)), result.root(), len(numbers))


def method_of(store: ArtifactStore, index_name: str) -> tuple[Subject, Attributor]:
    """The model of an index, and the method by its committed preconditioner; kept for the next call."""
    if index_name not in _METHODS:
        index = read_index(store, index_name)
        subject = subject_of(store, index.manifest)
        while len(_METHODS) >= KEPT_METHODS:
            del _METHODS[next(iter(_METHODS))]
        attributor = subject.attributor(index.dimensions, store.get(index.preconditioner))
        _METHODS[index_name] = (subject, attributor)
    return _METHODS[index_name]
