# The public names of the package and where they are.

import collections.abc

from . import perturbations
from ._across import CrossCorpusResult, evaluate_across
from ._audit import FoldAudit, SharedItem, audit_folds
from ._conditions import compare_conditions
from ._evaluation import IncompleteEvaluationError, evaluate, evaluate_under
from ._learning_curve import speaker_learning_curve
from ._power import SpeakersNeeded
from ._regression_result import RegressionResult
from ._result import EvaluationResult, load_result
from ._splitters import (
    FixedSplit,
    LeaveOneSpeakerOut,
    SessionFolds,
    SpeakerAndTextFolds,
    SpeakerFolds,
    check_speaker_independence,
)
from ._statistics import (
    compare,
    holm_adjust,
    mcnemar_test,
    paired_difference,
    speakers_needed,
    wilcoxon_test,
)

SYNONYMS: collections.abc.Mapping[str, tuple[str, ...]]

__all__ = [
    "SYNONYMS",
    "CrossCorpusResult",
    "EvaluationResult",
    "FixedSplit",
    "FoldAudit",
    "IncompleteEvaluationError",
    "LeaveOneSpeakerOut",
    "RegressionResult",
    "SessionFolds",
    "SharedItem",
    "SpeakerAndTextFolds",
    "SpeakerFolds",
    "SpeakersNeeded",
    "audit_folds",
    "check_speaker_independence",
    "compare",
    "compare_conditions",
    "evaluate",
    "evaluate_across",
    "evaluate_under",
    "holm_adjust",
    "load_result",
    "mcnemar_test",
    "paired_difference",
    "perturbations",
    "speaker_learning_curve",
    "speakers_needed",
    "wilcoxon_test",
]
