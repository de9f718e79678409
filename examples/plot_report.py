"""
When is a system wrong, for whom, and how sure is it?
=====================================================

One figure says little to whoever wants to use a system. This page asks a result for
more: what guessing would reach, whether the posteriors can be believed, which groups
are recognised worse, and what noise costs. The speech is synthetic, so that the figures
say nothing about real voices.
"""

# %%
# A result
# --------
#
# What else is known of each recording goes into ``columns``; of a corpus, its further
# entries are taken without being named.

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skser import AcousticFeatures, AudioLoader, Framer
from skser.datasets import make_emotional_speech
from skser.features import FrameStatistics
from skser.model_selection import evaluate

corpus = make_emotional_speech(n_speakers=8, n_utterances=4, random_state=0)
lengths = [len(signal) for signal in corpus.data]
is_long = np.array(lengths) > np.median(lengths)
columns = {"length": np.where(is_long, "long", "short")}
system = make_pipeline(
    AudioLoader(input_sample_rate=corpus.sample_rate),
    Framer(),
    AcousticFeatures(features=["MFCC", "Loudness"]),
    FrameStatistics(),
    StandardScaler(),
    LinearDiscriminantAnalysis(),
)
result = evaluate(system, corpus, columns=columns)
result.to_frame("scores").round(3)

# %%
# Each score has an interval over speakers. Chance is what guessing reaches, majority
# what the most frequent class does as the only answer.
#
# How sure is it
# --------------
#
# Each point is a tenth of the predictions. Below the diagonal the system is too sure of
# itself: discriminant analysis of many features is known for it. Next to it, the
# accuracy if only the most confident part of the recordings is answered.

import matplotlib.pyplot as plt

from skser.plotting import CoverageDisplay, ReliabilityDisplay, ScoreDisplay

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
ReliabilityDisplay.from_result(result, ax=axes[0])
_ = CoverageDisplay.from_result(result, ax=axes[1])

# %%
# Temperature scaling
# -------------------
#
# scikit-learn's ``CalibratedClassifierCV`` around the last step learns one number, the
# temperature by which log-posteriors are divided, on speakers that the classifier has
# not seen: `evaluate` passes the speakers on to the inner folds.

from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GroupKFold

calibrated = clone(system)
name, classifier = calibrated.steps[-1]
calibrated.set_params(
    **{name: CalibratedClassifierCV(classifier, method="temperature", cv=GroupKFold(7))}
)
result_calibrated = evaluate(calibrated, corpus, columns=columns)
for score in ("UA", "log loss", "overconfidence"):
    before, after = result.score(score), result_calibrated.score(score)
    print(f"{score:15}{before:6.3f} -> {after:6.3f}")

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
ReliabilityDisplay.from_result(result, ax=axes[0]).ax_.set_title("before")
_ = ReliabilityDisplay.from_result(result_calibrated, ax=axes[1]).ax_.set_title("after")

# %%
# For whom
# --------
#
# The interval of the gap allows for chance: if its lower end is 0, there is no evidence
# that the groups differ.

print(result.gap("length"))
_ = ScoreDisplay.from_result(result, "speaker")

# %%
# Under which conditions
# ----------------------
#
# "lost" is how much worse than without a perturbation; its interval is that of the
# paired difference.

from skser.model_selection import compare_conditions, evaluate_under

conditions = evaluate_under(
    system, corpus, perturbations=["gain -18 dB", "telephone band", "white noise 20 dB"]
)
compare_conditions(conditions).to_frame().round(3)

# %%

_ = ScoreDisplay.from_conditions(conditions)

# %%
# All of it as a document
# -----------------------
#
# A folder gets a page, Markdown, tables in LaTeX, all predictions and the figures.

import tempfile

with tempfile.TemporaryDirectory() as folder:
    for path in result.report(folder, conditions=conditions):
        print(path.name)
