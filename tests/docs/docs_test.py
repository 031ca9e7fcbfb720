# SPDX-License-Identifier: MIT
"""What the pages say is true as far as a machine can see: links lead somewhere,
samples in C compile, man pages have no markup that man complains about."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["DATALYR_SOURCE"], "tests", "support"))
from tap import Skip, Tap  # noqa: E402

SOURCE = os.environ["DATALYR_SOURCE"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
PREAMBLE = ["#include <datalyr.h>", "#include <stdio.h>", "#include <stdlib.h>",
            "#include <string.h>"]
# A sample may show a part: what it declares need not be used in it.
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
         "-Wno-unused-variable", "-Wno-unused-function",
         "-Wno-unused-but-set-variable", "-fsyntax-only"]


def list_pages(suffixes):
    for folder, folders, names in os.walk(SOURCE):
        folders[:] = [name for name in folders
                      if name not in ("build", ".git", "node_modules")]
        for name in sorted(names):
            if name.endswith(suffixes):
                yield os.path.join(folder, name)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def anchors_of(path):
    """Headings as the names that GitHub gives them."""
    for heading in re.findall(r"^#+ +(.*)$", read(path), re.M):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        yield plain.strip().replace(" ", "-")


def check_links(page):
    text = FENCE.sub("", read(page))
    broken = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = os.path.join(os.path.dirname(page), path) if path else page
        if not os.path.exists(file):
            broken.append(target)
        elif anchor and file.endswith(".md") and anchor not in anchors_of(file):
            broken.append(target)
    assert not broken, broken


# What a sample may take as given: it was declared in the one before.
GIVEN = {"client": "datalyr_client *client = NULL;",
         "error": "datalyr_error error;"}


def declare_given(sample):
    return [declaration for name, declaration in GIVEN.items()
            if re.search(r"\b%s\b" % name, sample)
            and not re.search(r"datalyr_\w+ \*?%s\b" % name, sample)]


def make_program(sample):
    """A sample that is no whole program becomes the inside of one."""
    if re.search(r"^(static |int |void |datalyr_decision )[^;=]*\)\s*\{?$",
                 sample, re.M):
        return "\n".join(PREAMBLE + [sample])
    includes = [line for line in sample.splitlines() if line.startswith("#")]
    rest = [line for line in sample.splitlines() if not line.startswith("#")]
    return "\n".join(PREAMBLE + includes + ["int main(void) {"]
                     + declare_given(sample) + rest
                     + ["return 0; }"])


def compile_sample(sample):
    done = subprocess.run(
        ["cc", "-x", "c", "-I" + os.path.join(SOURCE, "include")] + FLAGS
        + ["-"], input=make_program(sample), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, sample + "\n" + done.stdout


def check_samples(page):
    for language, sample in FENCE.findall(read(page)):
        if language == "c":
            compile_sample(sample)


LIBRARY_PAGE = os.path.join(SOURCE, "docs", "man", "libdatalyr.3")


def check_library_page_is_complete():
    header = read(os.path.join(SOURCE, "include", "datalyr.h"))
    functions = set(re.findall(r"^DATALYR_API[^(]*?\b(datalyr_\w+)\(", header,
                               re.M)) | set(re.findall(
                                   r"^(datalyr_\w+)\(", header, re.M))
    assert len(functions) > 30, functions
    text = read(LIBRARY_PAGE)
    missing = [name for name in sorted(functions)
               if not re.search(r"\b%s\b" % name, text)]
    assert not missing, missing


def check_library_example():
    examples = read(LIBRARY_PAGE).split(".SH EXAMPLES\n.nf\n")[1]
    compile_sample(examples.split("\n.fi")[0].replace("\\e", "\\"))


def check_man_page(page):
    if not shutil.which("groff"):
        raise Skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z", page],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    assert done.returncode == 0 and not done.stdout, done.stdout


def check_settings():
    made = subprocess.run(
        [os.path.join(os.environ["DATALYR_BUILD"], "tests", "settings-doc")],
        stdout=subprocess.PIPE, text=True, check=True).stdout
    page = read(os.path.join(SOURCE, "docs", "settings.md"))
    assert page == made, ("docs/settings.md is not what the table says; try: "
                          "build/tests/settings-doc >docs/settings.md")


def main():
    tap = Tap()
    tap.check("settings.md: says what the table of settings says",
              check_settings)
    tap.check("libdatalyr.3: names every function of the header",
              check_library_page_is_complete)
    tap.check("libdatalyr.3: its example compiles", check_library_example)
    for page in list_pages((".md",)):
        name = os.path.relpath(page, SOURCE)
        tap.check("%s: its links lead somewhere" % name, check_links, page)
        if "```c\n" in read(page):
            tap.check("%s: its C samples compile" % name, check_samples, page)
    for page in list_pages(tuple(".%d" % section for section in range(1, 9))):
        if os.sep + "man" + os.sep in page:
            tap.check("%s: is clean markup" % os.path.basename(page),
                      check_man_page, page)
    tap.finish()


if __name__ == "__main__":
    main()
