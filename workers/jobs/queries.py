"""Job `queries`: one int16 query per receipt of a settlement, from the committed preconditioner alone."""

from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_index
from workers.attribution.queries import Queries, check_receipts, encode_queries
from workers.attribution.subjects import subject_of
from workers.jobs.types import QueriesRequest, QueriesResult
from workers.progress import Progress, silent
from workers.training.trainer import use_determinism


def queries(store: ArtifactStore, request: QueriesRequest, progress: Progress = silent) -> QueriesResult:
    """What each receipt asked of the model, ready to commit."""
    use_determinism()
    numbers = tuple(receipt.number for receipt in request.receipts)
    weights = tuple(receipt.weight for receipt in request.receipts)
    check_receipts(numbers, weights)
    index = read_index(store, request.index)
    subject = subject_of(store, index.manifest)
    attributor = subject.attributor(index.dimensions, store.get(index.preconditioner))
    progress(0.3, "preconditioner read")
    result = Queries(attributor.query(subject.asked(request.receipts)), numbers, weights)
    return QueriesResult(store.put(encode_queries(result)), result.root(), len(numbers))
