"""Importing TensorFlow without its start-up log: ``cuInit``, ``cudart_stub``, absl.

Some of what TensorFlow writes when it starts is written before it knows of
``TF_CPP_MIN_LOG_LEVEL``. Whoever sets that variable to 0 or 1 gets all of it.
"""

import os
import re
import sys
import tempfile
from contextlib import contextmanager

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# Those at which information or warnings are wanted.
_TALKATIVE = ("0", "1")
_LOGGED = re.compile(
    rb"[IWE]\d{4} \d\d:\d\d:|"
    rb"[IWE]0000 00:00:|"
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] |"
    rb"WARNING: All log messages before absl::InitializeLog|"
    rb"To enable the following instructions:"
)


def start_quietly():
    """Import TensorFlow and Keras and look for devices, without the log of it.

    Nothing is changed where TensorFlow was imported before. Errors are raised, and then
    everything that was logged is shown.
    """
    os.environ.setdefault(_LEVEL, "3")
    if "tensorflow" in sys.modules:
        return
    if os.environ[_LEVEL] in _TALKATIVE:
        import tensorflow
    else:
        with _without_log():
            import tensorflow

            # Looks for graphics cards, and says which libraries are missing. Devices
            # can still be hidden and their memory be limited after it.
            tensorflow.config.list_physical_devices()


@contextmanager
def _without_log():
    """Keep TensorFlow's log from the standard error; all else comes when it is over.

    The file descriptor is redirected, because C++ does not know of ``sys.stderr``.
    """
    try:
        kept = os.dup(2)
    except OSError:
        # There is no standard error, so there is nothing to keep from it.
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        has_failed = True
        try:
            yield
            has_failed = False
        finally:
            if sys.stderr is not None:
                sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            lines = [x for x in file if has_failed or not _LOGGED.match(x)]
            with open(2, "wb", closefd=False) as stream:
                stream.writelines(lines)
