"""Corpora: loaders of those on the user's disk, tables, a synthetic one, checks."""

from skser.datasets._corpus import Corpus, merge, share_labels
from skser.datasets._folds import read_folds
from skser.datasets._podcast import load_msp_podcast
from skser.datasets._published import (
    load_casia,
    load_crema_d,
    load_emodb,
    load_emovo,
    load_iemocap,
    load_ravdess,
    load_savee,
    load_tess,
)
from skser.datasets._synthetic import make_emotional_speech, write_corpus
from skser.datasets._tables import load_cheavd, load_table
from skser.datasets._validation import ValidationReport, validate

__all__ = [
    "Corpus",
    "ValidationReport",
    "load_casia",
    "load_cheavd",
    "load_crema_d",
    "load_emodb",
    "load_emovo",
    "load_iemocap",
    "load_msp_podcast",
    "load_ravdess",
    "load_savee",
    "load_table",
    "load_tess",
    "make_emotional_speech",
    "merge",
    "read_folds",
    "share_labels",
    "validate",
    "write_corpus",
]
