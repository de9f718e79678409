"""Speaker-independent folds, evaluation, confidence intervals, significance tests."""

from skser._labels import SYNONYMS
from skser.model_selection._across import CrossCorpusResult, evaluate_across
from skser.model_selection._audit import FoldAudit, SharedItem, audit_folds
from skser.model_selection._conditions import compare_conditions
from skser.model_selection._evaluation import (
    IncompleteEvaluationError,
    evaluate,
    evaluate_under,
)
from skser.model_selection._learning_curve import speaker_learning_curve
from skser.model_selection._power import SpeakersNeeded
from skser.model_selection._regression_result import RegressionResult
from skser.model_selection._result import EvaluationResult, load_result
from skser.model_selection._splitters import (
    FixedSplit,
    LeaveOneSpeakerOut,
    SessionFolds,
    SpeakerAndTextFolds,
    SpeakerFolds,
    check_speaker_independence,
)
from skser.model_selection._statistics import (
    compare,
    holm_adjust,
    mcnemar_test,
    paired_difference,
    speakers_needed,
    wilcoxon_test,
)

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
    "speaker_learning_curve",
    "speakers_needed",
    "wilcoxon_test",
]
