"""
From openSMILE functionals to frames
====================================

Many start with openSMILE: one row of statistics an utterance, and a support vector
machine. That is a system of this package too, and from there it is one step to networks
that see every frame. This page needs ``pip install opensmile``.
"""

# %%
# What you may have already
# -------------------------
#
# `OpenSmileFunctionals` is a transformer around openSMILE. Its names of the columns are
# openSMILE's own; here eGeMAPS with 88 functionals.

from skser.datasets import make_emotional_speech
from skser.features import OpenSmileFunctionals

corpus = make_emotional_speech(n_speakers=4, n_utterances=4, random_state=0)
functionals = OpenSmileFunctionals("eGeMAPS", sample_rate=corpus.sample_rate)
table = functionals.transform(corpus.data)
print(table.shape)
print(*functionals.get_feature_names_out()[:3], sep="\n")

# %%
# The same in a Pipeline
# ----------------------
#
# With the transformer inside the Pipeline, recordings go in. The scaler learns from the
# training speakers only, which is easily forgotten with a table that was made before.

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

machine = make_pipeline(StandardScaler(), SVC(kernel="linear", C=1 / 88))
whole = make_pipeline(functionals, *[step for _, step in machine.steps])
whole.fit(corpus.data, corpus.target)
print(whole.predict(corpus.data[:1]), corpus.target[:1])

# %%
# From rows to frames
# -------------------
#
# The paper's system takes the same recordings and the same labels. What changes is what
# lies between: a sequence of frames in place of one row, and a network in place of the
# machine. In both, what learns nothing is computed once.

from skser.model_selection import LeaveOneSpeakerOut, evaluate
from skser.systems import attention_blstm_fcn, split_front_end

system = attention_blstm_fcn(input_sample_rate=corpus.sample_rate, random_state=0)
system.set_params(
    whiten__n_components=20,
    classify__recurrent_units=16,
    classify__filters=(32, 16),
    classify__hidden_units=(32,),
    classify__learning_rate=5e-3,
    classify__batch_size=12,
    classify__max_epochs=12,
)
front_end, network = split_front_end(system)

results = {
    "functionals": evaluate(machine, corpus, LeaveOneSpeakerOut(), X=table),
    "frames": evaluate(
        network, corpus, LeaveOneSpeakerOut(), X=front_end.fit_transform(corpus.data)
    ),
}
for name, result in results.items():
    print(f"{name:12}{result}")

# %%
# Side by side
# ------------
#
# A dot is a speaker, who was left out of the training; the dotted line is guessing.
# Whichever is ahead on these 64 recordings, with four speakers it may be luck. It costs
# little to try both: :func:`skser.systems.egemaps_svm` and
# :func:`skser.systems.attention_blstm_fcn` are these two as whole systems.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
scores = [
    [speaker["UA"] for speaker in result.scores_by("speaker")]
    for result in results.values()
]
ax.plot(range(len(results)), scores, "o-", color="0.6")
ax.plot(range(len(results)), [result.ua for result in results.values()], "D-C3")
ax.axhline(1 / len(corpus.target_names), color="0.5", linestyle=":")
ax.set_xticks(range(len(results)), results)
ax.set(xlim=(-0.3, 1.3), ylim=(0, 1), ylabel="UA (red: all speakers)")
