# SPDX-License-Identifier: MIT
"""<datalyr.h> compiles alone, without a warning, as every standard we name."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["DATALYR_SOURCE"], "tests", "support"))
from tap import Skip, Tap  # noqa: E402

INCLUDE = os.path.join(os.environ["DATALYR_SOURCE"], "include")
STANDARDS = {
    "c": ["c99", "c11", "c17"],
    "c++": ["c++11", "c++14", "c++17", "c++20"],
}
COMPILERS = {"c": ["gcc", "clang"], "c++": ["g++", "clang++"]}
FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow",
         "-Wundef", "-Werror", "-fsyntax-only", "-I" + INCLUDE]


def check_header(compiler, language, standard):
    if not shutil.which(compiler):
        raise Skip(compiler + " is not installed")
    done = subprocess.run(
        [compiler, "-x", language, "-std=" + standard] + FLAGS + ["-"],
        input="#include <datalyr.h>\nint main(void) { return 0; }\n",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def main():
    tap = Tap()
    for language, standards in STANDARDS.items():
        for compiler in COMPILERS[language]:
            for standard in standards:
                tap.check("the header compiles as %s with %s"
                          % (standard, compiler),
                          check_header, compiler, language, standard)
    tap.finish()


if __name__ == "__main__":
    main()
