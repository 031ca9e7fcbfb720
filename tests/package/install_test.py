# SPDX-License-Identifier: MIT
"""What `make install` leaves behind is enough to build against, and no more.

Installs the build into a folder of its own (DESTDIR plus prefix, as a packager
does) and builds a program outside the tree in the four ways there are.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["DATALYR_SOURCE"], "tests", "support"))
from tap import Skip, Tap  # noqa: E402

SOURCE = os.environ["DATALYR_SOURCE"]
BUILD = os.environ["DATALYR_BUILD"]
PROGRAM = os.path.join(SOURCE, "tests", "package", "program.c")
# What a C program may expect on a system that has libcurl.
ALLOWED_NEEDED = re.compile(r"^(libcurl|libz|libc|libpthread|ld-linux)\b")

CMAKE_LISTS = """\
cmake_minimum_required(VERSION 3.16)
project(outside C)
find_package(datalyr %s REQUIRED)
foreach(kind datalyr datalyr_static)
    add_executable(with_${kind} "%s")
    target_link_libraries(with_${kind} PRIVATE datalyr::${kind})
endforeach()
"""


def run(command, **options):
    """Runs a command and returns what it printed; fails with its output."""
    done = subprocess.run(command, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode != 0:
        raise AssertionError("%s: exit status %d\n%s" % (
            " ".join(command), done.returncode, done.stdout))
    return done.stdout


class Installed:
    """An installation in a temporary folder, and programs built against it."""

    def __init__(self, folder):
        self.folder = folder
        self.root = os.path.join(folder, "destdir", "opt", "datalyr")
        self.lib = None
        self.pkg_config = dict(os.environ)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def install(self):
        run(["cmake", "--install", BUILD, "--prefix", "/opt/datalyr"],
            env={**os.environ, "DESTDIR": os.path.join(self.folder, "destdir")})
        for folder, _, files in os.walk(self.root):
            if "libdatalyr.so" in files:
                self.lib = folder
        assert self.lib, "libdatalyr.so is not installed"
        self.pkg_config["PKG_CONFIG_PATH"] = os.path.join(self.lib, "pkgconfig")
        for name in ("libdatalyr.a", "libdatalyr.so.0"):
            assert os.path.exists(os.path.join(self.lib, name)), name
        assert os.path.exists(self.path("include", "datalyr.h"))
        headers = os.listdir(self.path("include"))
        assert headers == ["datalyr.h"], headers

    def flags(self, module):
        return run(["pkg-config", "--cflags", "--libs", module],
                   env=self.pkg_config).split()

    def build(self, name, module):
        program = os.path.join(self.folder, name)
        run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-o", program,
             PROGRAM] + self.flags(module), cwd=self.folder)
        return program

    def run_program(self, program, with_path):
        environment = dict(os.environ)
        if with_path:
            environment["LD_LIBRARY_PATH"] = self.lib
        return run([program], env=environment)

    def version(self):
        return run(["pkg-config", "--modversion", "libdatalyr"],
                   env=self.pkg_config).strip()


def needed_by(path):
    dynamic = run(["readelf", "--dynamic", "--wide", path])
    return re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)


def exported_names(path):
    lines = run(["nm", "-D", "--defined-only", path]).splitlines()
    return {line.split()[-1].split("@")[0] for line in lines
            if " A " not in line}


def declared_names():
    with open(os.path.join(SOURCE, "include", "datalyr.h")) as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    return set(re.findall(r"^DATALYR_API[^;(]*?\b(datalyr_\w+)\(", text,
                          flags=re.M))


def check_shared(installed):
    program = installed.build("with_shared", "libdatalyr")
    assert "libdatalyr.so.0" in needed_by(program), needed_by(program)
    output = installed.run_program(program, with_path=True)
    assert "version " + installed.version() in output, output


def check_static(installed):
    program = installed.build("with_static", "libdatalyr-static")
    needed = needed_by(program)
    assert not [name for name in needed if "datalyr" in name], needed
    installed.run_program(program, with_path=False)


def check_all_static_flags(installed):
    flags = run(["pkg-config", "--static", "--libs", "libdatalyr"],
                env=installed.pkg_config).split()
    for flag in ("-ldatalyr", "-lcurl", "-lz", "-pthread"):
        assert flag in flags, flags


def check_cmake(installed):
    project = os.path.join(installed.folder, "outside")
    os.mkdir(project)
    with open(os.path.join(project, "CMakeLists.txt"), "w") as file:
        file.write(CMAKE_LISTS % (installed.version(), PROGRAM))
    build = os.path.join(project, "build")
    run(["cmake", "-S", project, "-B", build,
         "-DCMAKE_PREFIX_PATH=" + installed.root])
    run(["cmake", "--build", build])
    for name in ("with_datalyr", "with_datalyr_static"):
        installed.run_program(os.path.join(build, name), with_path=False)


def check_exports(installed):
    library = os.path.join(installed.lib, "libdatalyr.so")
    exported = exported_names(library)
    foreign = {name for name in exported if not name.startswith("datalyr_")}
    assert not foreign, "exported by mistake: %s" % sorted(foreign)
    missing = declared_names() - exported
    assert not missing, "declared, not exported: %s" % sorted(missing)
    extra = exported - declared_names()
    assert not extra, "exported, not declared: %s" % sorted(extra)
    versions = run(["readelf", "--version-info", "--wide", library])
    assert "DATALYR_0.1" in versions


def check_needed(installed):
    library = os.path.join(installed.lib, "libdatalyr.so")
    foreign = [name for name in needed_by(library)
               if not ALLOWED_NEEDED.match(name)]
    assert not foreign, foreign


def check_flags(installed):
    dynamic = run(["readelf", "--dynamic", "--wide",
                   os.path.join(installed.lib, "libdatalyr.so")])
    assert re.search(r"FLAGS_1\).*NODELETE", dynamic), dynamic
    assert "[libdatalyr.so.0]" in dynamic, dynamic
    assert "RUNPATH" not in dynamic and "RPATH" not in dynamic, dynamic


def check_program(installed, name):
    program = installed.path("bin", name)
    if not os.path.exists(os.path.join(BUILD, "bin", name)):
        raise Skip(name + " is not part of this build")
    output = run([program, "--version"])
    assert installed.version() in output, output


def check_no_build_path(installed):
    """Packages of two machines must be alike: no path of this one in them."""
    for folder, _, files in os.walk(installed.root):
        for name in files:
            path = os.path.join(folder, name)
            if os.path.islink(path) or name.endswith((".so.0.1.0", ".a")) \
                    or folder.endswith("bin"):
                continue  # debug information names the sources
            with open(path, "rb") as file:
                assert SOURCE.encode() not in file.read(), path


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="datalyr-package-")
    try:
        installed = Installed(folder)
        tap.check("installs below a DESTDIR and another prefix",
                  installed.install)
        if not tap.has_failed:
            tap.check("a program builds and runs against the shared library",
                      check_shared, installed)
            tap.check("a program builds and runs against the static library",
                      check_static, installed)
            tap.check("pkg-config --static names what a static program needs",
                      check_all_static_flags, installed)
            tap.check("find_package(datalyr) gives both libraries",
                      check_cmake, installed)
            tap.check("exports exactly what the header declares",
                      check_exports, installed)
            tap.check("needs libcurl, zlib and libc only",
                      check_needed, installed)
            tap.check("cannot be unloaded and carries its SONAME",
                      check_flags, installed)
            tap.check("the installed datalyr runs by itself",
                      check_program, installed, "datalyr")
            tap.check("the installed datalyrd runs by itself",
                      check_program, installed, "datalyrd")
            tap.check("installed texts name no folder of the build machine",
                      check_no_build_path, installed)
    finally:
        shutil.rmtree(folder)
    tap.finish()


if __name__ == "__main__":
    main()
