"""Job `queries`: one int16 query per receipt of a settlement, from the committed preconditioner alone."""

from workers.artifacts.store import ArtifactStore
from workers.attribution.index import read_index
from workers.attribution.profile import paid_profile, paid_task
from workers.attribution.queries import Queries, check_receipts, encode_queries
from workers.influence import Attributor
from workers.jobs.types import QueriesRequest, QueriesResult
from workers.progress import Progress, silent
from workers.serving.models import input_matrix
from workers.training.manifest import load_model, read_manifest
from workers.training.model import scale_features
from workers.training.trainer import use_determinism


def queries(store: ArtifactStore, request: QueriesRequest, progress: Progress = silent) -> QueriesResult:
    """What each receipt's input asked of the model, ready to commit."""
    use_determinism()
    numbers = tuple(receipt.number for receipt in request.receipts)
    weights = tuple(receipt.weight for receipt in request.receipts)
    check_receipts(numbers, weights)
    index = read_index(store, request.index)
    manifest = read_manifest(store, index.manifest)
    task, profile = paid_task(load_model(store, manifest)), paid_profile(index.dimensions)
    attributor = Attributor.load(task, store.get(index.preconditioner), profile)
    inputs = input_matrix([receipt.features for receipt in request.receipts], manifest.widths[0])
    result = Queries(attributor.query(scale_features(inputs)), numbers, weights)
    return QueriesResult(store.put(encode_queries(result)), result.root(), len(numbers))
