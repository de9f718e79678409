"""Are soft labels of listeners worth something on EmoDB?

Run from the repository with::

    python tests/benchmarks/bench_soft_labels.py path/to/emodb/metadata.csv encoder.onnx

The table has a column "recognised_pct", the percentage of listeners who recognised the
emotion. A small network over statistics of the encoder's frames is trained on nine
speakers and tested on the tenth, five times with other seeds: on the acted emotions,
on what listeners heard, and, as a control, on the acted emotions smoothed by the mean
of the latter, which knows nothing of the single recording.
"""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from sklearn.metrics import log_loss
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skser import NetworkClassifier, datasets, networks
from skser.annotations import distributions_from_shares
from skser.metrics import (
    expected_calibration_error,
    jensen_shannon_divergence,
    soft_cross_entropy,
    unweighted_accuracy_score,
)
from skser.systems import pretrained_statistics, split_front_end

SEEDS = range(5)
EPOCHS = 20


def main():
    """Print a line per kind of labels: mean and standard deviation over the seeds."""
    corpus = datasets.load_table(sys.argv[1], label="emotion")
    front_end, _ = split_front_end(pretrained_statistics(model=sys.argv[2]))
    rows = np.asarray(front_end.transform(corpus.paths), dtype=np.float32)
    shares = corpus.recognised_pct.astype(float) / 100
    heard = distributions_from_shares(corpus.target, shares)
    even = np.full(len(shares), shares.mean())
    kinds = {
        "acted emotion": corpus.target,
        "smoothed evenly": distributions_from_shares(corpus.target, even),
        "listeners": heard,
    }
    names = ("UA", "log loss", "ECE", "cross-entropy, listeners", "JSD, listeners")
    print("| trained on |", " | ".join(names), "|")
    print("|---" * (len(names) + 1) + "|")
    for kind, y in kinds.items():
        found = np.array([score(rows, y, corpus, heard, seed) for seed in SEEDS])
        cells = [
            f"{mean:.4f} ± {std:.4f}"
            for mean, std in zip(found.mean(axis=0), found.std(axis=0), strict=True)
        ]
        print(f"| {kind} |", " | ".join(cells), "|", flush=True)


def score(rows, y, corpus, heard, seed):
    """Return the scores of the pooled posteriors of all test speakers."""
    y_proba = np.empty((len(rows), len(corpus.target_names)))
    for train, test in LeaveOneGroupOut().split(rows, corpus.target, corpus.groups):
        network = NetworkClassifier(
            networks.feedforward,
            network_params={"hidden_units": (64,)},
            max_epochs=EPOCHS,
            early_stopping=False,
            random_state=seed,
        )
        model = make_pipeline(StandardScaler(), network)
        model.fit(rows[train], y[train] if hasattr(y, "dtype") else y.iloc[train])
        assert list(model.classes_) == corpus.target_names
        y_proba[test] = model.predict_proba(rows[test])
    labels = np.array(corpus.target_names)
    return (
        unweighted_accuracy_score(corpus.target, labels[y_proba.argmax(axis=1)]),
        log_loss(corpus.target, y_proba, labels=labels),
        expected_calibration_error(corpus.target, y_proba, labels=labels),
        soft_cross_entropy(heard, y_proba, labels=labels),
        jensen_shannon_divergence(heard, y_proba, labels=labels),
    )


if __name__ == "__main__":
    main()
