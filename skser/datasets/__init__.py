"""Which corpora can be used: those on the user's disk, and a synthetic one."""

from skser.datasets._emodb import load_emodb
from skser.datasets._synthetic import make_emotional_speech, write_corpus

__all__ = ["load_emodb", "make_emotional_speech", "write_corpus"]
