# SPDX-License-Identifier: MIT
"""Prints one TAP line for each check of a script."""
import sys
import traceback


class Skip(Exception):
    """Raised by a check that cannot run here; its text says why."""


class Tap:
    def __init__(self):
        self.count = 0
        self.has_failed = False

    def check(self, name, function, *arguments):
        """Runs the function; an exception fails the check, and is shown."""
        self.count += 1
        try:
            function(*arguments)
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (self.count, name, why))
        except Exception:  # whatever it is, it belongs to this check
            self.has_failed = True
            print("not ok %d - %s" % (self.count, name))
            for line in traceback.format_exc().splitlines():
                print("# " + line)
        else:
            print("ok %d - %s" % (self.count, name))

    def finish(self):
        print("1..%d" % self.count)
        sys.exit(1 if self.has_failed else 0)
