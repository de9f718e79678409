"""
Searching parameters
====================

``GridSearchCV`` works on a whole system. What matters is that the folds of the search
keep speakers apart as well.
"""

# %%
# A system with something to search
# ---------------------------------
#
# Features are computed once, before the search; the rest of the system, whitening and
# network, is what is searched.

from skser.datasets import make_emotional_speech
from skser.systems import attention_blstm_fcn, split_front_end

corpus = make_emotional_speech(n_speakers=4, n_utterances=3, random_state=0)
system = attention_blstm_fcn(input_sample_rate=corpus.sample_rate, random_state=0)
system.set_params(
    classify__recurrent_units=8,
    classify__filters=(16, 8),
    classify__hidden_units=(16,),
    classify__batch_size=12,
    classify__max_epochs=8,
)
front_end, rest = split_front_end(system)
features = front_end.fit_transform(corpus.data)

# %%
# The search
# ----------
#
# Parameters of a step have the step's name in front. Each of the six combinations is
# fitted on two of three training speakers and judged on the third, by UA. The fourth
# speaker takes no part and is kept for the test.

from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut

from skser.metrics import SCORERS

is_test = corpus.groups == "s04"
train = [i for i in range(len(features)) if not is_test[i]]
test = [i for i in range(len(features)) if is_test[i]]

search = GridSearchCV(
    rest,
    {
        "whiten__n_components": [5, 20],
        "classify__learning_rate": [1e-3, 5e-3, 2e-2],
    },
    scoring=SCORERS["UA"],
    cv=LeaveOneGroupOut(),
)
search.fit(
    [features[i] for i in train], corpus.target[train], groups=corpus.groups[train]
)
print(search.best_params_)

# %%
# What the search has seen
# ------------------------
#
# Mean UA over the three folds, for each combination.

import matplotlib.pyplot as plt

components = search.param_grid["whiten__n_components"]
rates = search.param_grid["classify__learning_rate"]
found = search.cv_results_
scores = {
    (params["whiten__n_components"], params["classify__learning_rate"]): score
    for params, score in zip(found["params"], found["mean_test_score"], strict=True)
}

figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
table = [[scores[n, rate] for rate in rates] for n in components]
image = ax.imshow(table, cmap="Blues", vmin=0, vmax=1)
for row, values in enumerate(table):
    for column, value in enumerate(values):
        color = "white" if value > 0.5 else "black"
        ax.text(column, row, f"{value:.2f}", ha="center", va="center", color=color)
ax.set_xticks(range(len(rates)), rates)
ax.set_yticks(range(len(components)), components)
ax.set(xlabel="Learning rate", ylabel="Components")
figure.colorbar(image, label="UA", shrink=0.8)

# %%
# The figure to report
# --------------------
#
# The best score of a search is too good, since it was chosen for being the best. The
# speaker who took no part gives a fair one, though a single speaker is very few:
# ``cross_validate(search, ...)`` does the same for every speaker in turn.

unseen = SCORERS["UA"](search, [features[i] for i in test], corpus.target[test])
print(f"UA in the search {search.best_score_:.3f}, on the unseen speaker {unseen:.3f}")
