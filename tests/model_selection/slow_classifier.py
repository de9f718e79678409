"""A classifier that takes its time, and an evaluation with it that can be killed."""

import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils import Bunch

from skser.model_selection import LeaveOneSpeakerOut, evaluate


class SlowClassifier(ClassifierMixin, BaseEstimator):
    """Sleep, then fit a logistic regression; note each fit in a file.

    `log` is the file's URI: were it a path, its content would be part of the parameter,
    and no checkpoint would be fresh.
    """

    def __init__(self, log, seconds=0.0, random_state=None, verbose=0):
        self.log = log
        self.seconds = seconds
        self.random_state = random_state
        self.verbose = verbose

    @property
    def path(self):
        return Path(self.log.removeprefix("file://"))

    def fit(self, X, y):
        with open(self.path, "a") as log:
            log.write(f"{len(y)}\n")
        time.sleep(self.seconds)
        # The seed matters, so that runs can be told apart.
        noise = np.random.default_rng(self.random_state).normal(0, 0.5, X.shape)
        self.model_ = LogisticRegression().fit(X + noise, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


def make_corpus():
    generator = np.random.default_rng(0)
    target = np.tile(["calm", "glad"], 20)
    data = generator.normal(0, 1, (40, 3)) + (target == "glad")[:, np.newaxis]
    return Bunch(
        data=data, target=target, groups=np.repeat([f"s{i}" for i in range(5)], 8)
    )


def run(log, checkpoint, seconds, seeds=(0, 1)):
    classifier = SlowClassifier(Path(log).resolve().as_uri(), float(seconds))
    return evaluate(
        classifier,
        make_corpus(),
        LeaveOneSpeakerOut(),
        seeds=seeds,
        checkpoint=checkpoint,
    )
