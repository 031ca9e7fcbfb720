# SPDX-License-Identifier: MIT
"""Where the journal tests keep their files."""
import contextlib
import glob
import os
import shutil
import tempfile


@contextlib.contextmanager
def folder():
    path = tempfile.mkdtemp(prefix="journal-")
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def segments(where):
    return sorted(glob.glob(os.path.join(where, "queue", "*.seg")))
