"""
Attention, mean and maximum
===========================

A recurrent network gives an output for every frame; something must make one vector of
them. The paper compares three ways in its Table 3, and so does this page.
"""

# %%
# What is computed once
# ---------------------
#
# Loading, framing and features learn nothing, so all folds of all three systems can
# share their result. What learns, whitening and the network, is fitted in each fold.

from skser.datasets import make_emotional_speech
from skser.systems import attention_blstm, split_front_end

corpus = make_emotional_speech(n_speakers=5, n_utterances=3, random_state=0)
system = attention_blstm(input_sample_rate=corpus.sample_rate, random_state=0)
system.set_params(
    whiten__n_components=20,
    classify__recurrent_units=16,
    classify__hidden_units=(32,),
    classify__learning_rate=5e-3,
    classify__batch_size=12,
    classify__max_epochs=12,
)
front_end, rest = split_front_end(system)
features = front_end.fit_transform(corpus.data)

# %%
# Three evaluations
# -----------------
#
# Each way is one parameter of the classifier. `evaluate` leaves one speaker out at a
# time and keeps every prediction.

from sklearn.base import clone

from skser.model_selection import LeaveOneSpeakerOut, evaluate

results = {}
for pooling in ("attention", "mean", "max"):
    variant = clone(rest).set_params(classify__pooling=pooling)
    results[pooling] = evaluate(variant, corpus, LeaveOneSpeakerOut(), X=features)
    print(f"{pooling:10}{results[pooling]}")

# %%
# With intervals
# --------------
#
# The bars are 95 % intervals over speakers: where the UA of other speakers may lie.
# With five speakers they are wide, and they overlap: this corpus cannot tell which way
# is the best. The grey dots are single speakers.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for row, result in enumerate(results.values()):
    speakers = [score["UA"] for score in result.scores_by("speaker")]
    ax.plot(speakers, [row] * len(speakers), "o", color="0.75")
    interval = result.confidence_interval("UA")
    ax.plot([interval.low, interval.high], [row, row], color=f"C{row}", linewidth=2)
    ax.plot(interval.estimate, row, "D", color=f"C{row}")
ax.axvline(1 / len(corpus.target_names), color="0.5", linestyle=":")
ax.set(xlabel="UA (dotted: guessing)", xlim=(0, 1), ylim=(2.5, -0.5))
ax.set_yticks(range(3), results)
