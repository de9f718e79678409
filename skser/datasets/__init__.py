"""Which corpora can be used: those on the user's disk, and a synthetic one."""

from skser.datasets._acted import (
    load_casia,
    load_crema_d,
    load_emodb,
    load_emovo,
    load_ravdess,
    load_savee,
    load_tess,
)
from skser.datasets._corpus import Corpus
from skser.datasets._iemocap import load_iemocap
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
    "load_ravdess",
    "load_savee",
    "load_table",
    "load_tess",
    "make_emotional_speech",
    "validate",
    "write_corpus",
]
