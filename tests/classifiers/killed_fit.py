"""A fit in a process that can be killed: ``python killed_fit.py folder n_kills``.

Children are forked before TensorFlow has run anything, so that it is imported once.
Each is killed at a random moment behind an epoch; the last one is left to finish.
"""

import json
import os
import random
import signal
import sys
import time

import keras
import numpy as np

from skser import NetworkClassifier


def network(n_features, n_classes, *, seed):
    """Build a small network with all that has a state: dropout and normalisation."""
    start = keras.initializers.GlorotUniform(seed)
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    hidden = keras.layers.Dense(16, "tanh", kernel_initializer=start)(average)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.3, seed=seed)(hidden)
    scores = keras.layers.Dense(n_classes, kernel_initializer=start)(hidden)
    return keras.Model([frames, mask], scores)


def make_data():
    generator = np.random.default_rng(0)
    X = [generator.normal(i % 3, 2, (5 + i % 9, 4)) for i in range(90)]
    return X, np.arange(90) % 3, np.arange(90) // 3 % 6


def fit(checkpoint, log=None):
    """Fit, and note each epoch that is run."""
    X, y, speakers = make_data()
    classifier = NetworkClassifier(
        network,
        batch_size=6,
        max_epochs=60,
        n_iter_no_change=60,
        learning_rate=3e-4,
        checkpoint=checkpoint,
        random_state=0,
    )
    if log is not None:
        from skser.classifiers import _training

        run_epoch = _training._run_epoch

        def note_and_run(network, plan, training, validation, logs):
            with open(log, "a") as file:
                file.write(f"{len(logs)}\n")
            return run_epoch(network, plan, training, validation, logs)

        _training._run_epoch = note_and_run
    return classifier.fit(X, y, groups=speakers)


def read(log):
    """Return the epochs that were begun so far."""
    if not os.path.exists(log):
        return []
    with open(log) as file:
        return [int(line) for line in file.read().split()]


def fork_and_fit(folder, log, answer=None):
    child = os.fork()
    if child == 0:
        try:
            classifier = fit(folder, log)
            if answer is not None:
                np.savez(answer, *classifier.weights_, **classifier.history_)
            os._exit(0)
        finally:
            os._exit(1)
    return child


def main(place, n_kills):
    folder, log = os.path.join(place, "checkpoint"), os.path.join(place, "log")
    random.seed(0)
    n_killed = 0
    for _ in range(n_kills):
        n_before, n_more = len(read(log)), random.randrange(1, 3)
        child = fork_and_fit(folder, log)
        while len(read(log)) < n_before + n_more:
            if os.waitpid(child, os.WNOHANG)[0]:
                raise RuntimeError("the child has ended by itself")
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.03))
        os.kill(child, signal.SIGKILL)
        n_killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    for name, options in [("resumed", (folder, log)), ("whole", (None, None))]:
        child = fork_and_fit(*options, os.path.join(place, f"{name}.npz"))
        if os.waitpid(child, 0)[1]:
            raise RuntimeError(f"the {name} fit has failed")
    print(json.dumps([n_killed, read(log), sorted(os.listdir(folder))]))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
