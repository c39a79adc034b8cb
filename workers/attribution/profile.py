"""Which numeric profile paid features are made under: what a juror must reproduce them with.

Source: attribution.md, section 4.3 item 1. The document is an artefact; its sha256 is `numericProfile`.
"""

import torch

from workers.artifacts import canonical_json
from workers.influence import ClassificationTask, Profile
from workers.influence.profile import PAYING_LIMIT, PAYING_POWER
from workers.integers import MAX_EXPONENT, MAX_MANTISSA, QUERY_NORM, ROW_SCALE
from workers.training.manifest import versions

FORMAT = "openledger-numeric-profile/2"
TEMPERATURE = 0.5


def paid_profile(dimensions: int) -> Profile:
    """How rows of `dimensions` coordinates are made for payment."""
    return Profile(dimensions=dimensions, row_limit=PAYING_LIMIT, row_power=PAYING_POWER)


def paid_task(model: torch.nn.Module) -> ClassificationTask:
    """What of a classifier is attributed for payment."""
    return ClassificationTask(model, TEMPERATURE)


def encode_profile(profile: Profile) -> bytes:
    """The profile of features made by this code."""
    return canonical_json.encode(
        {
            "format": FORMAT,
            **profile.document(),
            "temperature": TEMPERATURE,
            "weights": "float32",
            "threads": 1,
            "fisher": "exact over all classes, canonical records of the version",
            "eigenvectors": "falling eigenvalue, largest entry positive",
            "selection": "largest eigenvalues over all layers, ties by position",
            "row": "whitened gradient of log p(label) at the temperature; length over all coordinates",
            "query": "whitened gradient of log p/(1-p) of the predicted class",
            "rounding": "half to even",
            "row_scale": ROW_SCALE,
            "query_norm": QUERY_NORM,
            "max_mantissa": MAX_MANTISSA,
            "max_exponent": MAX_EXPONENT,
            "versions": versions(),
        }
    )
