"""One vector for an utterance of any length: i-vectors, and what they are made of."""

from skser.ivectors._deep_belief import DeepBeliefNetwork, GaussianBernoulliRBM
from skser.ivectors._deep_belief_alignment import DeepBeliefAlignment
from skser.ivectors._extractor import WCCN, IVectors
from skser.ivectors._mixture import MixtureAlignment
from skser.ivectors._total_variability import (
    Statistics,
    TotalVariability,
    collect_statistics,
)

__all__ = [
    "WCCN",
    "DeepBeliefAlignment",
    "DeepBeliefNetwork",
    "GaussianBernoulliRBM",
    "IVectors",
    "MixtureAlignment",
    "Statistics",
    "TotalVariability",
    "collect_statistics",
]
