# SPDX-License-Identifier: MIT
"""The tools that judge the project judge as they say: each is shown a small
project with one fault and must name it, and one without and must not."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["DATALYR_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
from tap import Tap  # noqa: E402

LICENCE = "/* SPDX-License-Identifier: MIT */\n"
OPENING = LICENCE + "/* Says what it does and why. */\n"
GOOD_PROJECT = {
    "include/datalyr.h": LICENCE,
    "src/base/buf.h": LICENCE,
    "src/base/buf.c": OPENING + '#include "base/buf.h"\n',
    "src/queue/log.c": OPENING + '#include "base/buf.h"\n',
    "src/queue/log.h": LICENCE,
    "src/client/open.c": OPENING + '#include "queue/log.h"\n',
}


class Project:
    """A copy of the tools in a project of a few files."""

    def __init__(self, changes):
        self.folder = tempfile.mkdtemp(prefix="datalyr-tools-")
        shutil.copytree(os.path.join(SOURCE, "tools"),
                        os.path.join(self.folder, "tools"))
        for path, text in {**GOOD_PROJECT, **changes}.items():
            path = os.path.join(self.folder, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w") as file:
                file.write(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def run(self, tool, **environment):
        return subprocess.run(
            [os.path.join(self.folder, "tools", tool[0])] + tool[1:],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            cwd=self.folder, env={**os.environ, **environment})


def check_finding(tool, changes, words):
    with Project(changes) as project:
        done = project.run([tool])
    assert done.returncode == 1, done.stdout
    for word in words:
        assert word in done.stdout, "%r not in:\n%s" % (word, done.stdout)


def check_nothing_found(tool):
    with Project({}) as project:
        done = project.run([tool])
    assert done.returncode == 0, done.stdout


def check_layers(tap):
    tool = "check-layers.py"
    tap.check("layers: a project in order passes", check_nothing_found, tool)
    tap.check("layers: an include upwards is named", check_finding, tool,
              {"src/base/up.c": '#include "queue/log.h"\n'},
              ["src/base/up.c: src/base may not include src/queue"])
    tap.check("layers: an include sideways is named", check_finding, tool,
              {"src/transport/t.h": "", "src/queue/s.c":
               '#include "transport/t.h"\n'},
              ["src/queue/s.c: src/queue may not include src/transport"])
    tap.check("layers: a circle between two modules is named", check_finding,
              tool,
              {"src/queue/a.h": "", "src/queue/b.h": "",
               "src/queue/a.c": '#include "queue/b.h"\n',
               "src/queue/b.c": '#include "queue/a.h"\n'},
              ["circle in modules: src/queue/a -> src/queue/b -> src/queue/a"])
    tap.check("layers: a circle of headers is named", check_finding, tool,
              {"src/queue/a.h": '#include "queue/b.h"\n',
               "src/queue/b.h": '#include "queue/a.h"\n'},
              ["circle in files: src/queue/a.h -> src/queue/b.h"])
    tap.check("layers: a folder without a layer is named", check_finding, tool,
              {"src/other/x.c": ""}, ["src/other/x.c: its folder"])


def check_style(tap):
    tool = "check-c-style.py"
    body = "{\n" + "    step();\n" * 61 + "}\n"
    tap.check("style: a project in order passes", check_nothing_found, tool)
    tap.check("style: a long function is named with its length", check_finding,
              tool, {"src/base/a.c": OPENING + "int run(void)\n" + body},
              ["run() has 61 lines"])
    tap.check("style: a sixth parameter is seen", check_finding, tool,
              {"src/base/a.c": OPENING
               + "int f(int a, int b, int c, int d,\n      int e, int g)\n{\n}\n"},
              ["f() has more than 5 parameters"])
    tap.check("style: a banned call is named, in code only", check_finding,
              tool, {"src/base/a.c": OPENING
                     + '/* atoi(x) */ "atoi(x)"\nint i = atoi(x);\n'},
              ["src/base/a.c:4: atoi() is banned", "1 problems"])
    tap.check("style: a number read without its end is named", check_finding,
              tool, {"src/base/a.c": OPENING + "x = strtol(text, NULL, 10);\n"},
              ["without looking where it ends"])
    tap.check("style: a source that does not explain itself is named",
              check_finding, tool, {"src/base/a.c": LICENCE + "int x;\n"},
              ["does not open with"])
    tap.check("style: a public function needs a doc comment", check_finding,
              tool, {"include/datalyr.h": LICENCE + "\nDATALYR_API int f(void);\n"},
              ["include/datalyr.h:3: a public function has no doc comment"])
    later = "TO" + "DO"
    tap.check("style: a missing licence and a promise are named", check_finding,
              "check-style.sh",
              {"src/base/a.h": "int x;\n/* %s: later */\n" % later},
              ["src/base/a.h:1: has no licence line",
               "src/base/a.h:2: open an issue instead"])


def run_suite(tests):
    """Runs run-tests.py on a stand-in for ctest; returns its whole output."""
    listing = {"tests": [
        {"name": name, "command": ["sh", "-c", script],
         "properties": [{"name": "TIMEOUT", "value": 2}]}
        for name, script in tests.items()]}
    with Project({"bin/ctest": "#!/bin/sh\ncat <<'END'\n%s\nEND\n"
                  % json.dumps(listing)}) as project:
        folder = os.path.join(project.folder, "bin")
        os.chmod(os.path.join(folder, "ctest"), 0o755)
        done = project.run(["run-tests.py"],
                           PATH=folder + ":" + os.environ["PATH"])
    return done.returncode, done.stdout


def check_suite(tests, status, last_line):
    found, output = run_suite(tests)
    assert output.splitlines()[-1] == last_line, output
    assert found == status, found


def check_runner(tap):
    tap.check("runner: each TAP line counts, and both kinds of skip",
              check_suite,
              {"a": "echo 1..4; echo ok 1 - x; echo ok 2 - y;"
                    "echo 'ok 3 - z # SKIP why'; echo 'not ok 4 # SKIP v'"},
              0, "2 passed, 0 failed, 2 skipped")
    tap.check("runner: a failure on stderr counts", check_suite,
              {"a": "echo ok 1 - x; echo not ok 2 - y >&2; exit 1"},
              1, "1 passed, 1 failed")
    tap.check("runner: a program that dies is one failure", check_suite,
              {"a": "echo ok 1 - x; kill -SEGV $$", "b": "echo ok 1 - x"},
              1, "2 passed, 1 failed")
    tap.check("runner: a program that hangs is ended and is one failure",
              check_suite, {"a": "echo ok 1 - x; sleep 60 & wait"},
              1, "1 passed, 1 failed")
    tap.check("runner: tests that were planned and did not run are a failure",
              check_suite, {"a": "echo 1..2; echo ok 1 - x"},
              1, "1 passed, 1 failed")
    tap.check("runner: a process left behind does not hold the runner",
              check_suite, {"a": "sleep 60 & echo ok 1 - x"},
              0, "1 passed, 0 failed")
    tap.check("runner: no test at all is a failure", check_suite, {},
              1, "0 passed, 0 failed")


def check_archive_refused():
    with Project({"archive": "not what it should be\n"}) as project:
        done = project.run(["fetch-yyjson.sh", "build/yyjson"],
                           YYJSON_ARCHIVE="archive")
        left = os.listdir(os.path.join(project.folder, "build"))
    assert done.returncode == 1, done.stdout
    assert "not the one we know" in done.stdout, done.stdout
    assert not left, left


def main():
    tap = Tap()
    check_layers(tap)
    check_style(tap)
    check_runner(tap)
    tap.check("fetch-yyjson: an archive with another sum is refused and removed",
              check_archive_refused)
    tap.finish()


if __name__ == "__main__":
    main()
