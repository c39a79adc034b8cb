import numpy as np
import pytest

from tests.workers.conftest import Chain
from workers.errors import InvalidInputError
from workers.jobs.train import train
from workers.protocol import TrainRequest
from workers.serving.models import ModelCache, input_matrix, input_width, predict
from workers.training.manifest import read_manifest


def test_a_model_is_loaded_once_and_forgotten_last(chain: Chain) -> None:
    cache = ModelCache(capacity=1)
    first = cache.get(chain.store, chain.trained.manifest)
    assert cache.get(chain.store, chain.trained.manifest) is first
    manifest = read_manifest(chain.store, chain.trained.manifest)
    other = train(chain.store, TrainRequest(manifest.dataset, manifest.recipe))
    cache.get(chain.store, other.manifest)
    assert cache.get(chain.store, chain.trained.manifest) is not first


def test_alone_or_in_a_batch(chain: Chain) -> None:
    model = ModelCache().get(chain.store, chain.trained.manifest)
    inputs = input_matrix([tuple(record.features) for record in chain.parts.holdout[:8]], input_width(model))
    together = predict(model, inputs)
    assert np.allclose(np.concatenate([predict(model, row[None, :]) for row in inputs]), together, atol=1e-6)


def test_width_is_checked() -> None:
    with pytest.raises(InvalidInputError):
        input_matrix([(1, 2, 3)], 2)
