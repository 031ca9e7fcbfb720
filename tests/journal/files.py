# SPDX-License-Identifier: MIT
"""Where the journal tests keep their files."""
import contextlib
import glob
import json
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


def dead_letters(where):
    events = []
    for name in glob.glob(os.path.join(where, "queue", "*.dead-letter.ndjson")):
        with open(name, encoding="utf-8") as file:
            events += [json.loads(line) for line in file]
    return events
