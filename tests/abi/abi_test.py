# SPDX-License-Identifier: MIT
"""The public header in every language that may include it, and what programs
have compiled in: layout and exported names."""
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ.get("DATALYR_SOURCE", ".")
sys.path.insert(0, os.path.join(SOURCE, "tests", "support"))
from tap import Skip, Tap  # noqa: E402

FLAGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow",
         "-Werror", "-fsyntax-only", "-I" + os.path.join(SOURCE, "include")]
C_ONLY = ["-Wstrict-prototypes", "-Wswitch-enum"]
COMPILERS = {"c": ["gcc", "clang"], "c++": ["g++", "clang++"]}
STANDARDS = {"c": ["c99", "c11", "c17"],
             "c++": ["c++11", "c++14", "c++17", "c++20"]}

# What each language can say: C++ has no compound literals, C99 no _Generic.
PROGRAM = """
#include <datalyr.h>
#include <datalyr.h>

int main(void)
{
    datalyr_event event;
    datalyr_value list[2];
    datalyr_member member;

    list[0] = datalyr_integer(1);
    list[1] = datalyr_text("two");
    member.name = "list";
    member.value = datalyr_list(list, 2);
    event.size = sizeof event;
    event.properties = datalyr_object(&member, 1);
    event.properties = DATALYR_NONE;
%s
    return event.properties.kind == DATALYR_KIND_OBJECT ? 1 : 0;
}
"""
C11_PART = """
    event = (datalyr_event){
        DATALYR_EVENT_INIT,
        .user_id = "user_123",
        .event = "purchase",
        .properties = DATALYR_OBJECT({ "revenue", DATALYR(99.99) },
                                     { "list", DATALYR_LIST(DATALYR(1),
                                                            DATALYR_TRUE) }),
    };
    {
        datalyr_config config = { DATALYR_CONFIG_INIT, .api_key = "dk_1" };

        (void)config;
    }
"""


def compile_header(compiler, language, standard):
    if shutil.which(compiler) is None:
        raise Skip("there is no %s" % compiler)
    part = C11_PART if standard in ("c11", "c17") else ""
    command = [compiler, "-x", language, "-std=" + standard, *FLAGS,
               *(C_ONLY if language == "c" else []), "-"]
    done = subprocess.run(command, input=PROGRAM % part, text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr


def check_layout(compiler):
    if shutil.which(compiler) is None:
        raise Skip("there is no %s" % compiler)
    layout = os.path.join(SOURCE, "tests", "abi", "layout.c")
    done = subprocess.run([compiler, "-std=c11", *FLAGS, layout], text=True,
                          capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def check_moved_field():
    """The pins hold: a header with another order does not pass them."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(SOURCE, "include", "datalyr.h"),
                  encoding="utf-8") as header:
            text = header.read()
        moved = text.replace("    const char *api_key;\n    const char *host;",
                             "    const char *host;\n    const char *api_key;")
        assert moved != text
        with open(os.path.join(folder, "datalyr.h"), "w",
                  encoding="utf-8") as header:
            header.write(moved)
        layout = os.path.join(SOURCE, "tests", "abi", "layout.c")
        done = subprocess.run(["cc", "-std=c11", "-fsyntax-only", "-I" + folder,
                               layout], text=True, capture_output=True,
                              check=False)
        assert done.returncode != 0
        assert "datalyr_config.api_key" in done.stderr, done.stderr


def check_exports():
    library = os.path.join(os.environ["DATALYR_LIB"], "libdatalyr.so")
    if not os.path.exists(library):
        raise Skip("the shared library is not built")
    done = subprocess.run(["nm", "-D", "--defined-only", library], text=True,
                          capture_output=True, check=True)
    names = {line.split()[-1].split("@")[0]
             for line in done.stdout.splitlines() if " A " not in line}
    strangers = sorted(name for name in names
                       if not name.startswith("datalyr_"))
    assert not strangers, strangers
    with open(os.path.join(SOURCE, "include", "datalyr.h"),
              encoding="utf-8") as header:
        text = header.read()
    missing = sorted(name for name in names if name + "(" not in text)
    assert not missing, missing


def main():
    tap = Tap()
    for language, compilers in COMPILERS.items():
        for compiler in compilers:
            for standard in STANDARDS[language]:
                tap.check("the header compiles with %s as %s without a warning"
                          % (compiler, standard), compile_header, compiler,
                          language, standard)
    for compiler in COMPILERS["c"]:
        tap.check("sizes and offsets are as pinned (%s)" % compiler,
                  check_layout, compiler)
    tap.check("a moved field breaks the pins", check_moved_field)
    tap.check("the library exports datalyr_ names of the header only",
              check_exports)
    tap.finish()


if __name__ == "__main__":
    main()
