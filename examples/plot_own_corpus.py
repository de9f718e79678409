"""
Your own corpus, from a table
=============================

Recordings in a folder and a CSV file that says what they are: no more is needed to
train a system on recordings of your own.
"""

# %%
# Files and a table
# -----------------
#
# What you have already is made here, in a temporary folder: WAV files, and a table with
# a line for each. The columns have names of their own, and the labels are in German.

import csv
import tempfile
from pathlib import Path

from skser.datasets import make_emotional_speech, write_corpus

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
speech = make_emotional_speech(
    n_speakers=3, emotions=("anger", "neutral", "sadness"), random_state=0
)
paths = write_corpus(speech, folder / "recordings")
german = {"anger": "Ärger", "neutral": "neutral", "sadness": "Trauer"}

with open(folder / "table.csv", "w", encoding="utf-8", newline="") as stream:
    table = csv.writer(stream, delimiter=";")
    table.writerow(["recording", "emotion", "person"])
    for path, emotion, person in zip(paths, speech.target, speech.groups, strict=True):
        relative = Path(path).relative_to(folder).as_posix()
        table.writerow([relative, german[emotion], person])

print(*(folder / "table.csv").read_text(encoding="utf-8").splitlines()[:3], sep="\n")

# %%
# Load it
# -------
#
# `load_table` is told which column is which, and how labels are to be called. It reads
# no audio. The speakers are the most important column after the labels: without them,
# no evaluation can keep a voice out of its own training.

from skser.datasets import load_table

corpus = load_table(
    folder / "table.csv",
    file="recording",
    label="emotion",
    speaker="person",
    labels={name: emotion for emotion, name in german.items()},
)
print(len(corpus.paths), "recordings of", corpus.target_names)

# %%
# Look at it
# ----------
#
# Do all speakers have all emotions? If not, a system may learn who is angry.

import matplotlib.pyplot as plt

counts = corpus.frame.groupby(["speaker", "label"]).size().unstack(fill_value=0)
figure, ax = plt.subplots(figsize=(5, 3.4), layout="constrained")
counts.plot.bar(ax=ax, stacked=True, rot=0)
ax.set(xlabel="", ylabel="Recordings")
ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))

# %%
# Check it
# --------
#
# `validate` opens every file before hours of training meet a bad one. All is well here;
# then a copy of the corpus is checked in which one file is missing.

from skser.datasets import validate

print(validate(corpus))
Path(corpus.paths[3]).rename(folder / "elsewhere.wav")
print()
print(validate(corpus).counts)
(folder / "elsewhere.wav").rename(corpus.paths[3])

# %%
# Judge a system on it
# --------------------
#
# From here on the corpus is like any other. `evaluate` leaves out a speaker at a time.

from skser.model_selection import LeaveOneSpeakerOut, evaluate
from skser.plotting import ConfusionDisplay
from skser.systems import attention_blstm_fcn

system = attention_blstm_fcn(random_state=0).set_params(
    whiten__n_components=20,
    classify__recurrent_units=16,
    classify__filters=(32, 16),
    classify__hidden_units=(32,),
    classify__learning_rate=5e-3,
    classify__batch_size=12,
    classify__max_epochs=15,
)
result = evaluate(system, corpus, LeaveOneSpeakerOut())
ConfusionDisplay.from_result(result)

# %%
# The report has the same as text.

print(result.to_markdown())
temporary.cleanup()
