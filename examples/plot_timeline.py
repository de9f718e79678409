"""
Emotions along time
===================

The system is trained on single utterances. A conversation is longer, and its emotions
change: it is cut into overlapping windows, and each window is predicted by itself.
"""

# %%
# Train on utterances
# -------------------
#
# Six speakers act two emotions, chosen because so little speech suffices to tell them
# apart. One recording lasts about a second and a half.

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
# A conversation
# --------------
#
# Another speaker is angry, then sad, then silent for three seconds, then angry and sad
# again, five utterances at a time. Where one emotion ends and the next one begins is
# known here; on a real recording it is not.

import numpy as np

new = make_emotional_speech(
    n_speakers=1, emotions=EMOTIONS, n_utterances=10, random_state=11
)
angry, sad = (np.flatnonzero(new.target == emotion) for emotion in EMOTIONS)
pause = np.random.default_rng(0).normal(0, 1e-4, 3 * new.sample_rate)
turns = [
    ("anger", [new.data[i] for i in angry[:5]]),
    ("sadness", [new.data[i] for i in sad[:5]]),
    (None, [pause]),
    ("anger", [new.data[i] for i in angry[5:]]),
    ("sadness", [new.data[i] for i in sad[5:]]),
]
recording = np.concatenate([signal for _, signals in turns for signal in signals])
lengths = [sum(map(len, signals)) / new.sample_rate for _, signals in turns]
ends = np.cumsum(lengths)
print(f"{ends[-1]:.1f} s")

# %%
# Windows
# -------
#
# A window should be as long as the utterances of the training, here 1.5 s. The next one
# begins half a second later. The answer for a window is what ``predict_proba`` gives
# for that part of the recording. In the pause there is none.

from skser.timeline import predict_timeline

timeline = predict_timeline(system, recording, window=1.5, hop=0.5)
print(timeline)
print(timeline.to_frame().head().drop(columns="file").round(2))

# %%
# Posteriors over time
# --------------------
#
# From top to bottom: the sound, the parts with one emotion, and the posteriors as bands
# that sum to 1. The dotted lines are the true changes; what was acted is at the top.

from skser.plotting import TimelineDisplay


def show(timeline):
    display = TimelineDisplay.from_timeline(timeline, recording)
    for (emotion, _), start, end in zip(turns, ends - lengths, ends, strict=True):
        display.ax_.axvline(end, color="black", linestyle=":")
        middle = (start + end) / 2
        place = {"transform": display.sound_ax_.get_xaxis_transform(), "ha": "center"}
        display.sound_ax_.text(middle, 0.86, emotion or "", **place)


show(timeline)

# %%
# How often is the answer the emotion that is acted at the middle of the window?


def score(timeline):
    middles = (timeline.start + timeline.end) / 2
    acted = np.array([emotion for emotion, _ in turns], dtype=object)
    acted = acted[np.searchsorted(ends, middles)]
    is_answered = (acted != None) & (timeline.label != None)  # noqa: E711
    right = timeline.label[is_answered] == acted[is_answered]
    return f"{np.mean(right):.2f} of {is_answered.sum()} windows"


print(score(timeline))

# %%
# Smoothing
# ---------
#
# Emotions last longer than half a second. A hidden Markov model knows that they seldom
# change from one window to the next.

smooth = timeline.smooth("markov")
print(score(smooth))
show(smooth)

# %%
# Segments for other tools
# ------------------------
#
# Parts with one emotion do not overlap. They are written as RTTM, and as TextGrid for
# Praat.

for segment in smooth.to_segments():
    print(f"{segment.start:6.2f} to {segment.end:6.2f} s: {segment.label}")
print(smooth.to_rttm())

# %%
# Live audio
# ----------
#
# The same answers, bit by bit: here the recording comes in chunks of a tenth of a
# second, as from a microphone.

from skser.timeline import LiveTimeline

live = LiveTimeline(system, new.sample_rate, window=1.5, hop=0.5)
answers = []
for start in range(0, len(recording), 1600):
    answers += live.push(recording[start : start + 1600])
answers += live.finish()
print([answer.label for answer in answers] == timeline.label.tolist())
