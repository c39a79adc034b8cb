"""What made a model answer like that: an influence library that needs torch and numpy only.

Write a `Task` (loss, measurement, which modules), give it to an `Attributor`, `fit` it on the training data
and ask. The guide is `docs/attribution.md`. Nothing here knows the node, the chain or money.
"""

from workers.influence.attributor import Attributor, Explanation
from workers.influence.featureindex import FeatureIndex
from workers.influence.profile import Profile
from workers.influence.stable import cross_entropy, margin
from workers.influence.stages import Shard
from workers.influence.task import (
    ClassificationTask,
    EmbeddingTask,
    LanguageModelTask,
    PreferenceTask,
    RegressionTask,
    Task,
)

__all__ = [
    "Attributor",
    "ClassificationTask",
    "EmbeddingTask",
    "Explanation",
    "FeatureIndex",
    "LanguageModelTask",
    "PreferenceTask",
    "Profile",
    "RegressionTask",
    "Shard",
    "Task",
    "cross_entropy",
    "margin",
]
