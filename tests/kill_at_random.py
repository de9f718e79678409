"""Does a kill cost finished work? Processes are killed at random and started again.

    python tests/kill_at_random.py --kills 20

Four kinds of work are tried: saving a model over another, filling a cache of features
by two threads, training a network with a checkpoint, and evaluating a system with one.
A process that does the work gets SIGKILL at a random moment, the next one goes on, and
the last is left to finish. Its results are compared, bit for bit, with those of a
process that nothing disturbed, in a folder of its own. Children are forked, so that
nothing is imported twice: TensorFlow must not run in the parent.
"""

import argparse
import importlib.util
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
from sklearn.preprocessing import StandardScaler

import skser
from skser.exceptions import ModelFileError
from skser.features import AcousticFeatures
from skser.framing import frame
from skser.storage import read_archive


@dataclass
class Tally:
    """What some kills have done to one kind of work."""

    n_kills: int = 0
    n_while_writing: int = 0  # kills that left a part of a file
    n_finished: int = 0  # items that were finished when the last kill came
    n_lost: int = 0  # items that were finished and are not there, or wrong
    n_repeated: int = 0  # items that were begun when a kill came, and begun again
    is_identical: bool = False


class Saving:
    """Save one of two models over the other, again and again. An item is a file.

    Attributes
    ----------
    n_items : int
        More than are finished before the last kill.
    n_at_once : int
        So many items are begun and not finished, and may be lost, when a kill comes.
    seconds : float
        A kill comes at most so long after an item was begun.
    """

    n_items, n_at_once, seconds = 300, 1, 0.05

    def __init__(self):
        rows = np.random.default_rng(0).normal(size=(10, 20_000))
        self.rows = rows
        self.systems = [StandardScaler().fit(scale * rows) for scale in (1, 2)]
        self.answers = [system.transform(rows) for system in self.systems]

    def prepare(self, folder):
        """Make what must be there before the first kill."""
        skser.save(self.systems[0], folder / "model")

    def run(self, folder, log):
        """Do the work, or what is left of it; return the results, a dict of arrays."""
        for item in range(self.n_items):
            note(log)
            skser.save(self.systems[item % 2], folder / "model")
        return {"answer": skser.load(folder / "model").transform(self.rows)}

    def count(self, folder):
        """Return the number of items that are finished and right."""
        try:
            answer = skser.load(folder / "model").transform(self.rows)
        except (ModelFileError, FileNotFoundError):
            return 0
        return int(any(np.array_equal(answer, known) for known in self.answers))

    def n_left(self, n_finished):
        """Return how many items an undisturbed process has to do."""
        return self.n_items

    def compare(self, before, after, n_begun):
        """Return how many items a kill has lost, and how many of these were unfinished.

        Parameters
        ----------
        before, after : int
            What `count` has returned before the process began and after it was killed.
        n_begun : int
            Items that it has begun.
        """
        return 1 - after, 0


class Resuming:
    """What work has in common of which each item is done once, by whichever process."""

    def prepare(self, folder):
        """Nothing has to be there."""

    def n_left(self, n_finished):
        """As of Saving: those that are not finished."""
        return self.n_items - n_finished

    def compare(self, before, after, n_begun):
        """As of Saving. An item that was finished before and is begun again is lost."""
        n_unfinished = n_begun - (after - before)
        n_lost = max(0, before - after) + max(0, n_unfinished - self.n_at_once)
        return n_lost, min(n_unfinished, self.n_at_once)


class Caching(Resuming):
    """Keep the features of many utterances, by two threads. An item is an utterance."""

    n_items, n_at_once, seconds = 300, 2, 0.02

    def run(self, folder, log):
        """As of Saving."""
        note_calls("skser.features._extractor", "_extract", log)
        generator = np.random.default_rng(0)
        lengths = 16000 + 512 * (np.arange(self.n_items) % 60)
        frames = [frame(generator.normal(size=length)) for length in lengths]
        features = AcousticFeatures(cache=folder, n_jobs=2).transform(frames)
        return {str(i): array for i, array in enumerate(features)}

    def count(self, folder):
        """As of Saving: each is a file. The next process reads them."""
        return count_archives(folder)


class Training(Resuming):
    """Train a small network with all that has a state. An item is an epoch."""

    n_items, n_at_once, seconds = 120, 1, 0.03

    def run(self, folder, log):
        """As of Saving."""
        from skser import NetworkClassifier

        note_calls("skser.training._loop", "run_epoch", log)
        generator = np.random.default_rng(0)
        X = [generator.normal(i % 3, 2, (5 + i % 9, 4)) for i in range(90)]
        y, speakers = np.arange(90) % 3, np.arange(90) // 3 % 6
        classifier = NetworkClassifier(
            build_network,
            batch_size=6,
            max_epochs=self.n_items,
            n_iter_no_change=self.n_items,
            learning_rate=3e-4,
            checkpoint=folder,
            random_state=0,
        ).fit(X, y, groups=speakers)
        weights = {f"weights {i}": array for i, array in enumerate(classifier.weights_)}
        return weights | classifier.history_

    def count(self, folder):
        """As of Saving: those that are in the one file."""
        return sum(len(read_archive(path)[0]["logs"]) for path in folder.glob("*.npz"))


class Evaluating(Resuming):
    """Evaluate a system for many seeds. An item is a fold of a seed."""

    n_at_once, seconds, n_seeds = 1, 0.03, 30
    n_items = 5 * n_seeds

    def run(self, folder, log):
        """As of Saving."""
        slow = load_script("model_selection/slow_classifier.py")
        result = slow.run(str(log), folder, 0.01, seeds=range(self.n_seeds))
        return {"predicted": result.predicted, "posteriors": result.posteriors}

    def count(self, folder):
        """As of Saving: each is a file."""
        return count_archives(folder)


_ENDED = "A process has ended before it was killed: it has failed, or needs more items."
WORK = {
    "saving": Saving,
    "caching": Caching,
    "training": Training,
    "evaluating": Evaluating,
}


def build_network(n_features, n_classes, *, seed):
    """Return a small network with all that has a state: dropout and normalisation."""
    import keras

    start = keras.initializers.GlorotUniform(seed)
    frames = keras.Input((None, n_features))
    mask = keras.Input((None,), dtype="bool")
    average = keras.layers.GlobalAveragePooling1D()(frames, mask=mask)
    hidden = keras.layers.Dense(16, "tanh", kernel_initializer=start)(average)
    hidden = keras.layers.BatchNormalization()(hidden)
    hidden = keras.layers.Dropout(0.3, seed=seed)(hidden)
    scores = keras.layers.Dense(n_classes, kernel_initializer=start)(hidden)
    return keras.Model([frames, mask], scores)


def load_script(name):
    """Import a file of the tests from its path, as they have no package."""
    path = Path(__file__).parent / name
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    sys.modules[path.stem] = module  # where joblib looks
    specification.loader.exec_module(module)
    return module


def note(log):
    """Note in a file that an item was begun."""
    with open(log, "a") as file:
        file.write("begun\n")


def note_calls(module, name, log):
    """Note each call of a module's function, in this process, as an item begun."""
    module = import_module(module)
    function = getattr(module, name)

    def note_and_call(*arguments):
        note(log)
        return function(*arguments)

    setattr(module, name, note_and_call)


def count_begun(log):
    """Return how many items were begun so far, by all processes."""
    return len(log.read_text().splitlines()) if log.exists() else 0


def count_parts(folder):
    """Return how many files were begun and not finished, whoever wrote them."""
    return len(list(folder.glob("*.unfinished")))


def count_archives(folder):
    """Return the number of files that are complete."""
    return len(list(folder.glob("*.npz")))


def start(work, folder, log, answer):
    """Fork a process that does the work and leaves its results in a file."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            # A file that is damaged is a warning, and here a failure.
            warnings.simplefilter("error", UserWarning)
            np.savez(answer, **work.run(folder, log))
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def kill(child, seconds, is_time):
    """Kill a process within some seconds after it is time."""
    while not is_time():
        if os.waitpid(child, os.WNOHANG)[0]:
            raise RuntimeError(_ENDED)
        time.sleep(0.0002)
    time.sleep(random.uniform(0, seconds))
    os.kill(child, signal.SIGKILL)
    if not os.WIFSIGNALED(os.waitpid(child, 0)[1]):
        raise RuntimeError(_ENDED)


def finish(*arguments):
    """Start work, wait for its end and return its results."""
    if os.waitpid(start(*arguments), 0)[1]:
        raise RuntimeError("A process that was not killed has failed.")
    with np.load(arguments[-1]) as answer:
        return dict(answer)


def try_kills(work, n_kills, place, seed=0, aimed=False):
    """Kill work some times, have it finished, and compare it with undisturbed work.

    Parameters
    ----------
    work : Saving, Caching, Training or Evaluating
    n_kills : int
    place : pathlib.Path
        An empty folder.
    seed : int, default=0
        Of the moments.
    aimed : bool, default=False
        Kill as soon as a file is being written, which few moments would hit.

    Returns
    -------
    tally : Tally
    """
    random.seed(seed)
    tally, log, answer = Tally(), place / "log", place / "answer.npz"
    folders = [place / "killed", place / "whole"]
    for folder in folders:
        folder.mkdir()
        work.prepare(folder)
    folder = folders[0]
    for _ in range(n_kills):
        n_parts = count_parts(folder)
        before, n_begun = work.count(folder), count_begun(log)
        # The first item of a process can take much longer than the others.
        # As many as are under way at once may all be killed, but not more.
        n_more = random.randint(1, 2 * work.n_at_once)
        goals = n_begun + n_more, n_parts + aimed

        def is_time(goals=goals):
            return count_begun(log) >= goals[0] and count_parts(folder) >= goals[1]

        child = start(work, folder, log, answer)
        kill(child, 0 if aimed else work.seconds, is_time)
        tally.n_kills += 1
        tally.n_while_writing += count_parts(folder) > n_parts
        tally.n_finished = work.count(folder)
        n_begun = count_begun(log) - n_begun
        n_lost, n_repeated = work.compare(before, tally.n_finished, n_begun)
        tally.n_lost += n_lost
        tally.n_repeated += n_repeated
    n_begun = count_begun(log)
    found = finish(work, folder, log, answer)
    n_begun = count_begun(log) - n_begun
    tally.n_lost += max(0, n_begun - work.n_left(tally.n_finished))
    expected = finish(work, folders[1], log, answer)
    tally.is_identical = found.keys() == expected.keys() and all(
        found[name].tobytes() == expected[name].tobytes() for name in expected
    )
    return tally


def main():
    """Read the command line and print what the kills have done."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="of each kind of work")
    parser.add_argument("--work", nargs="+", choices=WORK, default=list(WORK))
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--aimed", action="store_true", help="at files in the making")
    parser.add_argument("--json", action="store_true", help="print no table")
    options = parser.parse_args()
    tallies = {}
    for name in options.work:
        with tempfile.TemporaryDirectory() as place:
            arguments = options.kills, Path(place), options.seed, options.aimed
            tallies[name] = try_kills(WORK[name](), *arguments)
    if options.json:
        print(json.dumps({name: asdict(tally) for name, tally in tallies.items()}))
    else:
        print_table(tallies)
    is_good = all(tally.is_identical and not tally.n_lost for tally in tallies.values())
    return 0 if is_good else 1


def print_table(tallies):
    """Print what came of each kind of work, as a table in Markdown."""
    print("| killed while | kills | while writing | lost | begun again | identical |")
    print("|---|---|---|---|---|---|")
    for name, tally in tallies.items():
        cells = [
            name,
            tally.n_kills,
            tally.n_while_writing,
            tally.n_lost,
            tally.n_repeated,
            "yes" if tally.is_identical else "NO",
        ]
        print("| " + " | ".join(map(str, cells)) + " |")


if __name__ == "__main__":
    sys.exit(main())
