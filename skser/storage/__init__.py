"""Results on disk: sealed files, caches and checkpoints, and what makes them stale."""

from skser.storage._archive import read_archive, replacing, write_archive
from skser.storage._identity import describe, digest, find_versions, make_key
from skser.storage._store import Checkpoints, ContentMemory, Store, map_cached

__all__ = [
    "Checkpoints",
    "ContentMemory",
    "Store",
    "describe",
    "digest",
    "find_versions",
    "make_key",
    "map_cached",
    "read_archive",
    "replacing",
    "write_archive",
]
