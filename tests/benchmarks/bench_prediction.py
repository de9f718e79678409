"""How long does an answer take, for one recording and for a thousand?

Run with ``python tests/benchmarks/bench_prediction.py path/to/emodb``. The paper's
system is fitted for one epoch, since how well it recognises makes no difference here.
Then the recording that is nearest to 3 s goes from path to label, again and again, and
the corpus twice over, features included. The time of each step is the processor's, so
that what else runs on the machine hardly changes it.
"""

import os
import sys
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import soundfile

from skser import datasets
from skser.systems import attention_blstm_fcn

N_CALLS = 20
N_UTTERANCES = 1000


def main():
    """Fit, then time single recordings, their steps, and a thousand recordings."""
    warnings.simplefilter("ignore")
    corpus = datasets.load_emodb(sys.argv[1])
    system = attention_blstm_fcn(n_jobs=2, random_state=0)
    system.set_params(classify__max_epochs=1)
    some = range(0, len(corpus.paths), 6)
    system.fit([corpus.paths[i] for i in some], [corpus.target[i] for i in some])
    seconds = [soundfile.info(path).duration for path in corpus.paths]
    single = corpus.paths[int(np.argmin(np.abs(np.array(seconds) - 3)))]

    first, *later = [measure(system.predict, [single]) for _ in range(N_CALLS + 1)]
    wall, processor = np.median(later, axis=0)
    print(f"one recording, the first call  {1e3 * first[0]:6.1f} ms")
    print(f"one recording, later calls     {1e3 * wall:6.1f} ms (median)")
    print(f"  of the processor             {1e3 * processor:6.1f} ms")
    X = [single]
    for name, step in system.steps:
        call = step.predict if name == "classify" else step.transform
        times = [measure(call, X)[1] for _ in range(N_CALLS)]
        print(f"    {name:26} {1e3 * np.median(times):6.1f} ms")
        X = X if name == "classify" else step.transform(X)

    repeats = -(-N_UTTERANCES // len(corpus.paths))
    paths = (list(corpus.paths) * repeats)[:N_UTTERANCES]
    duration = sum((seconds * repeats)[:N_UTTERANCES])
    wall, processor = measure(system.predict, paths)
    print(
        f"{N_UTTERANCES} recordings, {duration / 60:.0f} minutes: {wall:.1f} s, "
        f"{duration / wall:.0f} times real time ({processor:.1f} s of the processor)"
    )


def measure(function, X):
    """Return the seconds that a call takes, and those of the processor."""
    start = time.perf_counter(), time.process_time()
    function(X)
    return time.perf_counter() - start[0], time.process_time() - start[1]


if __name__ == "__main__":
    main()
