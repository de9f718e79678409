"""Results and corpora that several test files share."""

import numpy as np
import pytest
from sklearn.utils import Bunch

from skser.model_selection import EvaluationResult


@pytest.fixture
def make_result():
    """Make a result from a table of true and predicted labels per speaker."""

    def make(table, labels="AB", seeds=(None,)):
        speakers, true, predicted = [], [], []
        for speaker, (truth, prediction) in table.items():
            speakers += [speaker] * len(truth)
            true += [labels.index(label) for label in truth]
            predicted += [labels.index(label) for label in prediction]
        n = len(true)
        order = sorted(table)
        return EvaluationResult(
            labels=list(labels),
            files=[f"{speaker}-{i}.wav" for i, speaker in enumerate(speakers)],
            speakers=speakers,
            true=np.array(true),
            recordings=np.tile(np.arange(n), len(seeds)),
            folds=np.tile([order.index(speaker) for speaker in speakers], len(seeds)),
            runs=np.repeat(np.arange(len(seeds)), n),
            predicted=np.tile(predicted, len(seeds)),
            posteriors=None,
            seeds=list(seeds),
            protocol={"speaker_independent": True},
        )

    return make


@pytest.fixture
def corpus():
    """Forty rows of two classes by five speakers, not quite separable."""
    generator = np.random.default_rng(0)
    target = np.tile(["calm", "glad"], 20)
    data = generator.normal(0, 1, (40, 3)) + (target == "glad")[:, np.newaxis]
    groups = np.repeat([f"s{i}" for i in range(5)], 8)
    return Bunch(data=data, target=target, target_names=["calm", "glad"], groups=groups)
