"""Does RejectOption keep its error rate on unseen speakers, and at what coverage?

Run from the repository with::

    python tests/benchmarks/bench_reject.py path/to/emodb encoder.onnx [table.csv]

The recommended system over the encoder is tested on each speaker of EmoDB in turn. In
each fold, the option chooses its threshold on the nine training speakers alone. Then,
if there is a table of another corpus, it is fitted to EmoDB and tested on that one, on
the emotions that both have.
"""

import os
import sys
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from skser import datasets
from skser.ensembles import RejectOption
from skser.model_selection import evaluate
from skser.systems import recommended, split_front_end

RATES = (0.2, 0.1, 0.05, 0.02)


def main():
    """Print a line for each error rate that is wished."""
    warnings.filterwarnings("ignore", message="Fold")
    corpus = datasets.load_emodb(sys.argv[1])
    front_end, rest = split_front_end(recommended(model=sys.argv[2]))
    rows = front_end.transform(corpus.paths)
    print("| wished | reached | by speaker | answered | by speaker |")
    print("|---|---|---|---|---|")
    show("all answered", evaluate(rest, corpus, X=rows), corpus)
    for rate in RATES:
        option = RejectOption(rest, rate)
        show(f"{rate:.0%}", evaluate(option, corpus, X=rows), corpus)
    if len(sys.argv) > 3:
        other = datasets.load_table(sys.argv[3])
        test_elsewhere(rest, corpus, rows, other, front_end.transform(other.paths))


def test_elsewhere(rest, corpus, rows, other, other_rows):
    """Print a line for each error rate, reached on a corpus that nobody has heard."""
    shared = np.intersect1d(corpus.target, other.target)
    own, others = (np.isin(c.target, shared) for c in (corpus, other))
    print(f"\nelsewhere, {', '.join(shared)}\n\n| wished | reached | answered |")
    print("|---|---|---|")
    for rate in RATES:
        option = RejectOption(rest, rate)
        speakers = corpus.groups[own]
        option.fit(np.asarray(rows)[own], corpus.target[own], groups=speakers)
        predicted = option.predict(np.asarray(other_rows)[others])
        is_answered = predicted != option.unknown_label_
        is_wrong = (predicted != other.target[others])[is_answered]
        print(f"| {rate:.0%} | {is_wrong.mean():.1%} | {is_answered.mean():.0%} |")


def show(name, result, corpus):
    """Print the error rate among answers, and the share of answers."""
    matrix = result.confusion_matrix()
    n_classes = len(corpus.target_names)
    is_answered = result.predicted < n_classes
    is_wrong = is_answered & (result.predicted != result.true[result.recordings])
    speakers = np.array(result.speakers)[result.recordings]
    errors, coverages = [], []
    for speaker in np.unique(speakers):
        own = speakers == speaker
        errors.append(is_wrong[own].sum() / max(1, is_answered[own].sum()))
        coverages.append(is_answered[own].mean())
    assert matrix.sum() == len(is_answered)
    print(
        f"| {name} | {is_wrong.sum() / max(1, is_answered.sum()):.1%} | "
        f"{min(errors):.0%} to {max(errors):.0%} | {is_answered.mean():.0%} | "
        f"{min(coverages):.0%} to {max(coverages):.0%} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
