"""Which numeric profile features are made under: what a juror must reproduce them with.

Source: attribution.md, section 4.3 item 1. The document is an artefact; its sha256 is `numericProfile`.
"""

from workers.artifacts import canonical_json
from workers.attribution.ekfac import DAMPING
from workers.attribution.numerics import MAX_EXPONENT, MAX_MANTISSA, QUERY_NORM, ROW_SCALE
from workers.training.manifest import versions

FORMAT = "openledger-numeric-profile/1"
METHOD = "ekfac-exact-fisher/1"


def encode_profile() -> bytes:
    """The profile of features made by this code."""
    return canonical_json.encode(
        {
            "format": FORMAT,
            "method": METHOD,
            "weights": "float32",
            "arithmetic": "float64",
            "threads": 1,
            "fisher": "exact over all classes, canonical records of the version",
            "damping": f"{DAMPING} times the mean eigenvalue of each layer",
            "eigenvectors": "falling eigenvalue, largest entry positive",
            "selection": "largest eigenvalues over all layers, ties by position",
            "row": "whitened gradient of log p(label) over its full length",
            "query": "whitened gradient of log p/(1-p) of the predicted class",
            "rounding": "half to even",
            "row_scale": ROW_SCALE,
            "query_norm": QUERY_NORM,
            "max_mantissa": MAX_MANTISSA,
            "max_exponent": MAX_EXPONENT,
            "boundary_tolerance_lsb": 2.0**-6,
            "versions": versions(),
        }
    )
