"""Which loss of a regressor does better on unseen speakers, "ccc" or "squared_error"?

Run from the repository with::

    python tests/benchmarks/bench_regression_losses.py

Arousal and valence of synthetic speech are learnt from five speakers and predicted for
the sixth, from twelve components of 13 MFCC, by a small network of the paper's form:
six folds, two seeds. Then once more with targets to which as much noise was added as
they vary, as ratings of few listeners have.
"""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline

from skser import (
    AcousticFeatures,
    AttentionBLSTMFCNRegressor,
    AudioLoader,
    Framer,
    PCAWhitening,
)
from skser.datasets import make_emotional_speech
from skser.features import FrameAveraging
from skser.metrics import concordance_correlation_coefficient

LOSSES = ("ccc", "squared_error")
SEEDS = range(2)
NOISE = (0.0, 1.0)  # as a share of the standard deviation
SIZES = {"recurrent_units": 16, "filters": (32, 16), "hidden_units": (32,)}


def main():
    """Print a line per loss and noise: means over folds and seeds."""
    corpus = make_emotional_speech(n_speakers=6, n_utterances=6, random_state=0)
    front_end = make_pipeline(
        AudioLoader(input_sample_rate=16000),
        Framer(),
        AcousticFeatures(features=["MFCC"]),
        FrameAveraging(10),
    )
    X = front_end.fit_transform(corpus.data)
    y = np.column_stack([corpus.arousal, corpus.valence])
    for noise in NOISE:
        scores = {loss: [] for loss in LOSSES}
        for seed in SEEDS:
            generator = np.random.default_rng(seed)
            heard = y + noise * y.std(axis=0) * generator.normal(size=y.shape)
            for fold in LeaveOneGroupOut().split(X, groups=corpus.groups):
                for loss in LOSSES:
                    arguments = (X, y, heard, corpus.groups, fold, seed)
                    scores[loss].append(run_fold(loss, *arguments))
        for loss, rows in scores.items():
            ccc, rmse = np.mean(rows, axis=0)
            print(f"noise {noise}, {loss}: CCC {ccc:.3f}, RMSE {rmse:.3f}")
        ccc, other = (np.array(scores[loss])[:, 0] for loss in LOSSES)
        print(f"  CCC is higher with 'ccc' in {(ccc > other).sum()} of {len(ccc)} fits")


def run_fold(loss, X, y, heard, speakers, fold, seed):
    """Return CCC and RMSE on the unseen speaker."""
    train, test = ([X[i] for i in part] for part in fold)
    whitening = PCAWhitening(12).fit(train)
    regressor = AttentionBLSTMFCNRegressor(
        loss=loss, batch_size=25, random_state=seed, **SIZES
    )
    regressor.fit(whitening.transform(train), heard[fold[0]], groups=speakers[fold[0]])
    predicted = regressor.predict(whitening.transform(test))
    return (
        concordance_correlation_coefficient(y[fold[1]], predicted),
        root_mean_squared_error(y[fold[1]], predicted),
    )


if __name__ == "__main__":
    main()
