"""
A long recording
================

The system is trained on single utterances. A conversation is longer, and its emotions
change: it is cut into overlapping windows, and each window is predicted by itself.
"""

# %%
# Train on utterances
# -------------------
#
# Six speakers act two emotions, chosen because so little speech suffices to tell them
# apart: with three, half of the windows below were wrong. One recording lasts about a
# second and a half.

from skser.datasets import make_emotional_speech
from skser.systems import attention_blstm_fcn

EMOTIONS = ("anger", "sadness")
corpus = make_emotional_speech(
    n_speakers=6, emotions=EMOTIONS, n_utterances=4, random_state=0
)
system = attention_blstm_fcn(input_sample_rate=corpus.sample_rate, random_state=0)
system.set_params(
    whiten__n_components=20,
    classify__recurrent_units=16,
    classify__filters=(32, 16),
    classify__hidden_units=(32,),
    classify__learning_rate=5e-3,
    classify__batch_size=12,
    classify__max_epochs=15,
)
system.fit(corpus.data, corpus.target)

# %%
# A long recording
# ----------------
#
# Another speaker is angry, then sad, then angry and sad again, five utterances at a
# time. Where one emotion ends and the next one begins is known here; on a real
# recording it is not.

import numpy as np

new = make_emotional_speech(
    n_speakers=1, emotions=EMOTIONS, n_utterances=10, random_state=11
)
angry, sad = (np.flatnonzero(new.target == emotion) for emotion in EMOTIONS)
order = np.concatenate([angry[:5], sad[:5], angry[5:], sad[5:]])
recording = np.concatenate([new.data[i] for i in order])
emotions = new.target[order]
ends = np.cumsum([len(new.data[i]) for i in order]) / new.sample_rate
print(f"{ends[-1]:.1f} s")

# %%
# Windows
# -------
#
# A window should be as long as the utterances of the training, here 1.5 s; the next one
# begins half a second later. The windows are a batch like any other.

LENGTH, HOP = 1.5, 0.5
starts = np.arange(0, ends[-1] - LENGTH, HOP)
windows = [
    recording[round(start * new.sample_rate) :][: round(LENGTH * new.sample_rate)]
    for start in starts
]
posteriors = system.predict_proba(windows)
print(posteriors.shape)

# %%
# Posteriors over time
# --------------------
#
# Each window stands at its middle. The dotted lines are the true changes, with the
# acted emotion above. A window across a change holds both emotions.

import matplotlib.pyplot as plt

middles = starts + LENGTH / 2
figure, ax = plt.subplots(figsize=(8, 3.4), layout="constrained")
ax.stackplot(middles, posteriors.T, labels=system.classes_, alpha=0.8)
for first in range(0, len(ends), 5):
    start, end = [0, *ends][first], ends[first + 4]
    ax.axvline(end, color="black", linestyle=":")
    ax.text((start + end) / 2, 1.02, emotions[first], ha="center")
ax.set(xlabel="Time (s)", ylabel="Posterior", xlim=(0, ends[-1]), ylim=(0, 1))
figure.legend(loc="outside right upper")

# %%
# How often is the most probable class the one acted at the middle of the window?

acted = emotions[np.searchsorted(ends, middles)]
predicted = system.classes_[posteriors.argmax(axis=1)]
print(f"{np.mean(predicted == acted):.2f} of {len(windows)} windows")

# %%
# Smoothing
# ---------
#
# Emotions last longer than half a second, so neighbours may vote. Here each window
# takes the mean posteriors of itself and of the two on either side.

weights = np.ones(5) / 5
smooth = np.apply_along_axis(
    lambda column: np.convolve(np.pad(column, 2, mode="edge"), weights, mode="valid"),
    0,
    posteriors,
)
predicted = system.classes_[smooth.argmax(axis=1)]
print(f"{np.mean(predicted == acted):.2f} of {len(windows)} windows")
