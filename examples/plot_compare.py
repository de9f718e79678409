"""
Is one system better than another?
==================================

Two systems rarely have the same score, and a difference may be luck. Both are tried on
the same recordings of the same speakers, and the difference is tested.
"""

# %%
# Two systems
# -----------
#
# The paper's network has two branches, a recurrent one with attention and a
# convolutional one. Here the whole is compared with the convolutional branch alone,
# ``fcn``. Both are small, and both get the same features, which are computed once.

from skser.datasets import make_emotional_speech
from skser.systems import attention_blstm_fcn, fcn, split_front_end

corpus = make_emotional_speech(n_speakers=6, n_utterances=3, random_state=0)
sizes = {
    "whiten__n_components": 20,
    "classify__recurrent_units": 16,
    "classify__filters": (32, 16),
    "classify__hidden_units": (32,),
    "classify__learning_rate": 5e-3,
    "classify__batch_size": 12,
    "classify__max_epochs": 8,
}
systems = {}
for function in (attention_blstm_fcn, fcn):
    system = function(input_sample_rate=corpus.sample_rate).set_params(**sizes)
    front_end, systems[function.__name__] = split_front_end(system)
features = front_end.fit_transform(corpus.data)

# %%
# Two results
# -----------
#
# Each speaker is predicted by a network that was trained on the others. A result keeps
# every prediction and can be saved.

from skser.model_selection import LeaveOneSpeakerOut, compare, evaluate

results = {}
for name, system in systems.items():
    cv = LeaveOneSpeakerOut()
    results[name] = evaluate(system, corpus, cv, X=features, seeds=[0])
    print(f"{name:20}{results[name]}")

# %%
# Speaker by speaker
# ------------------
#
# A line is a speaker; those of equal scores lie on one another. If one system were
# clearly better, all lines would go the same way.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(5, 4), layout="constrained")
tables = [result.scores_by("speaker") for result in results.values()]
for one, other in zip(*tables, strict=True):
    ax.plot([0, 1], [one["UA"], other["UA"]], "o-", label=one["speaker"])
ax.set_xticks([0, 1], results)
ax.set(xlim=(-0.3, 1.3), ylim=(0, 1), ylabel="UA")
ax.legend(ncols=2, fontsize="small")

# %%
# The test
# --------
#
# `compare` gives the difference of the pooled UA, reference minus other, with its 95 %
# interval over speakers, and the p-values of three tests. An interval that holds 0 says
# that with so few speakers the two cannot be told apart. McNemar's test takes
# recordings for independent, which those of one speaker are not; the other two go by
# speakers.

table = compare(results["attention_blstm_fcn"], {"fcn": results["fcn"]})
for name, value in table.rows[0].items():
    print(f"{name:20}{value if isinstance(value, str) else format(value, '.3f')}")
