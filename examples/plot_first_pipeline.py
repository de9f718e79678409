"""
A first pipeline, judged on speakers it has never heard
=======================================================

From recordings to emotions with one Pipeline, and a figure for how well it does with
new voices.
"""

# %%
# Recordings
# ----------
#
# The recordings are made up by a small synthesiser, so that this page needs no corpus.
# Four speakers act four emotions, four times each. A real corpus comes from one of the
# functions of :mod:`skser.datasets` and has paths in place of waveforms.

from skser.datasets import make_emotional_speech

corpus = make_emotional_speech(n_speakers=4, n_utterances=4, random_state=0)
print(len(corpus.data), "recordings of", ", ".join(sorted(set(corpus.groups))))
print(corpus.target_names)

# %%
# The system
# ----------
#
# The system of the paper is an ordinary Pipeline of scikit-learn: load, cut into
# frames, describe each frame, whiten, classify. The network is made small here, so that
# it learns in seconds; leave ``set_params`` out for the sizes of the paper.

from skser.systems import attention_blstm_fcn

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
for name, step in system.named_steps.items():
    print(f"{name:9}{type(step).__name__}")

# %%
# Leave one speaker out
# ---------------------
#
# A voice is easier to recognise than an emotion. So each speaker is predicted by a
# system that was trained on the three others: scikit-learn's ``LeaveOneGroupOut``, with
# the speakers as groups. Whatever the steps learn, they learn from the three.

from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

predicted = cross_val_predict(
    system,
    corpus.data,
    corpus.target,
    groups=corpus.groups,
    cv=LeaveOneGroupOut(),
)

# %%
# UA is the mean of the recalls of the emotions, WA the share of correct predictions.
# They are the same here because every emotion has as many recordings. Guessing would
# reach 0.25.

from skser.metrics import unweighted_accuracy_score, weighted_accuracy_score

print(f"UA {unweighted_accuracy_score(corpus.target, predicted):.3f}")
print(f"WA {weighted_accuracy_score(corpus.target, predicted):.3f}")

# %%
# Who is taken for what
# ---------------------
#
# Each row of the matrix is one true emotion and sums to 1. On the right stands the UA
# of each speaker; the dotted line is the UA of all. Always look at both: a mean can
# hide a speaker for whom the system does not work.

from skser.plotting import ConfusionDisplay

ConfusionDisplay.from_predictions(corpus.target, predicted, groups=corpus.groups)

# %%
# Use it
# ------
#
# To predict new recordings, the system is fitted on all there are.

system.fit(corpus.data, corpus.target)
new = make_emotional_speech(n_speakers=1, n_utterances=1, random_state=7)
for truth, answer in zip(new.target, system.predict(new.data), strict=True):
    print(f"{answer} (acted: {truth})")
