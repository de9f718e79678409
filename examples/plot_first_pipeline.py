"""
A first pipeline
================

From recordings to emotions with the recommended system, and a figure for how well it
does with new voices.
"""

# %%
# Recordings
# ----------
#
# The recordings are made up by a small synthesiser, so that this page needs no corpus.
# Three speakers act four emotions, four times each. A real corpus comes from one of the
# functions of :mod:`skser.datasets` and has paths in place of waveforms.

from skser.datasets import make_emotional_speech

corpus = make_emotional_speech(n_speakers=3, n_utterances=4, random_state=0)
print(len(corpus.data), "recordings of", ", ".join(sorted(set(corpus.groups))))
print(", ".join(corpus.target_names))

# %%
# The system
# ----------
#
# :func:`~skser.systems.recommended` is an ordinary Pipeline of scikit-learn. Without a
# pretrained speech model two classifiers vote: one over statistics of contours such as
# pitch, energy and cepstra, trained on each recording twice, as it is and through a
# telephone band; and one over i-vectors. With ``recommended(model="encoder.onnx")`` it
# is another system, which is better and learns faster; :doc:`/user_guide/which_system`
# helps to choose.

from skser.systems import recommended

system = recommended(input_sample_rate=corpus.sample_rate, random_state=0)
for name, member in system["classify"].estimators:
    print(f"{name}: {type(member).__name__}")

# %%
# Leave one speaker out
# ---------------------
#
# A voice is easier to recognise than an emotion. So each speaker is predicted by a
# system that was trained on the others. Whatever the steps learn, they learn from them.

from skser.model_selection import LeaveOneSpeakerOut, evaluate

result = evaluate(system, corpus, LeaveOneSpeakerOut())

# %%
# UA is the mean of the recalls of the emotions, WA the share of correct predictions.
# They are the same here because every emotion has as many recordings. Guessing would
# reach 0.25.

print(f"UA {result.ua:.3f}")
print(f"WA {result.wa:.3f}")

# %%
# Who is taken for what
# ---------------------
#
# Each row of the matrix is one true emotion and sums to 1. On the right stands the UA
# of each speaker; the dotted line is the UA of all. Always look at both: a mean can
# hide a speaker for whom the system does not work.

from skser.plotting import ConfusionDisplay

_ = ConfusionDisplay.from_result(result)

# %%
# Use it
# ------
#
# To predict new recordings, the system is fitted on all there are.

system.fit(corpus.data, corpus.target)
new = make_emotional_speech(n_speakers=1, n_utterances=1, random_state=7)
for truth, answer in zip(new.target, system.predict(new.data), strict=True):
    print(f"{answer} (acted: {truth})")

# %%
# The reproduction of the paper's system is
# :func:`~skser.systems.attention_blstm_fcn`. It can be evaluated in the same way.
