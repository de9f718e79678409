"""Speaker-independent folds, evaluation, confidence intervals, significance tests."""

import lazy_loader

from skser._labels import SYNONYMS

# Imported when first used; `__init__.pyi` says from where.
__getattr__, __dir__, _ = lazy_loader.attach_stub(__name__, __file__)

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
