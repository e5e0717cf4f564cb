#!/usr/bin/env python3
"""Checks on the tree itself: lint.py CHECK [--root DIR] [--dtrain PROGRAM] [--build DIR]

Each check prints one line for each breach, `file:line: what is wrong`, and exits with 1 if there are any.
Only the standard library is used. lint_test.py shows of every check that it can fail.
"""

import argparse
import concurrent.futures
import fnmatch
import itertools
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

SOURCE_FOLDERS = ("src", "dist", "tests")
TEXT_FOLDERS = SOURCE_FOLDERS + ("launch", "slurm", "configs", "docs", ".ci")
TEXT_ENDINGS = {".h", ".cpp", ".py", ".sh", ".txt", ".cmake", ".md", ".json", ".sbatch", ".supp", ""}

# The aim is 150 and 350 lines; past these a file does two things.
MOST_LINES = {"src/*.h": 220, "dist/*.h": 220, "src/*.cpp": 500, "dist/*.cpp": 500}

CLANG_FORMAT = "clang-format-14"

# Places that documentation may point at. Everything else is somebody's mirror or a machine's own host.
KNOWN_HOSTS = {
    "arxiv.org", "doi.org", "github.com", "pytorch.org", "docs.pytorch.org", "docs.open-mpi.org",
    "slurm.schedmd.com", "docs.nvidia.com", "www.debian.org", "json.schemastore.org", "www.w3.org",
    "keepachangelog.com", "semver.org", "yann.lecun.com", "www.cs.toronto.edu",
}


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()

    def files(self, folders, endings):
        for folder in folders:
            for path in sorted((self.root / folder).rglob("*")):
                if path.is_file() and path.suffix in endings and "__pycache__" not in path.parts:
                    yield path

    def sources(self):
        return self.files(SOURCE_FOLDERS, {".h", ".cpp"})

    def texts(self):
        top = [path for path in sorted(self.root.iterdir())
               if path.is_file() and (path.suffix in TEXT_ENDINGS or path.name.startswith("."))]
        yield from (path for path in top if path.name != ".git")
        yield from self.files(TEXT_FOLDERS, TEXT_ENDINGS)

    def name(self, path):
        return path.relative_to(self.root).as_posix()

    def lines(self, path):
        return enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1)


# --- includes: tests/lint/include_table.txt -------------------------------------------------------------


class IncludeTable:
    def __init__(self, text):
        self.direct, self.closed, self.only, self.never = {}, set(), [], []
        for number, line in enumerate(text.splitlines(), start=1):
            line = line.split("#", 1)[0].strip()
            words = line.split()
            if not words:
                continue
            if words[0] == "only" and words[2:3] == ["in"]:
                self.only.append((re.compile(words[1]), words[3:]))
            elif words[0] == "never" and len(words) == 2:
                self.never.append(re.compile(words[1]))
            elif words[1:2] in (["->"], ["=>"]):
                self.direct[words[0]] = words[2:]
                if words[1] == "=>":
                    self.closed.add(words[0])
            else:
                raise SystemExit("include_table.txt:%d: not understood: %s" % (number, line))
        self.reach = {folder: self._reach(folder, set()) for folder in self.direct}

    def _reach(self, folder, seen):
        if folder in seen:
            return set()
        seen.add(folder)
        reached = {folder}
        for target in self.direct.get(folder, []):
            if target.endswith(".h") or folder in self.closed:
                reached.add(target)
            else:
                reached |= self._reach(target, seen)
        return reached

    def room_of(self, path):
        """The innermost folder of a path from src/ that has a row of its own: data/pack, data, dist."""
        parts = path.split("/")[:-1]
        inner = "/".join(parts[:2])
        return inner if inner in self.direct else parts[0] if parts else path

    def allows(self, folder, include):
        reach = self.reach[folder]
        return self.room_of(include) in reach or include in reach

    def circles(self):
        """Rooms that reach themselves over others."""
        for folder, targets in self.direct.items():
            for target in targets:
                room = self.room_of(target) if target.endswith(".h") else target
                if room != folder and room in self.direct and folder in self._reach(room, set()):
                    yield folder, room


def check_includes(tree, _):
    table = IncludeTable((tree.root / "tests/lint/include_table.txt").read_text())
    for folder, target in table.circles():
        yield "tests/lint/include_table.txt: %s and %s include each other" % (folder, target)
    for path in tree.sources():
        name = tree.name(path)
        folder = table.room_of(name.removeprefix("src/"))
        for number, line in tree.lines(path):
            match = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
            if not match:
                continue
            place, include = "%s:%d" % (name, number), match.group(2)
            if any(pattern.fullmatch(include) for pattern in table.never):
                yield "%s: %s is never included" % (place, include)
            for pattern, allowed in table.only:
                if pattern.fullmatch(include) and not any(fnmatch.fnmatch(name, glob) for glob in allowed):
                    yield "%s: %s may be included only in %s" % (place, include, " ".join(allowed))
            if folder.split("/")[0] == "tests":
                continue
            if folder not in table.direct:
                yield "%s: the include table has no row for %s" % (place, folder)
            elif match.group(1) == '"':
                if not (tree.root / include).exists() and not (tree.root / "src" / include).exists():
                    yield "%s: %s is not named from the root or from src/" % (place, include)
                elif not table.allows(folder, include):
                    yield "%s: %s/ may not include %s" % (place, folder, include)


# --- build lists ----------------------------------------------------------------------------------------


def check_registered(tree, _):
    """Every source file and test script stands in the CMakeLists.txt of its folder or of one above."""
    sources = tree.files(SOURCE_FOLDERS, {".cpp"})
    scripts = (path for path in tree.files(("tests",), {".py", ".sh"}) if path.stem.endswith("_test"))
    for path in itertools.chain(sources, scripts):
        listed = False
        for folder in path.relative_to(tree.root).parents:
            cmake = tree.root / folder / "CMakeLists.txt"
            if cmake.exists():
                text = re.sub(r"#.*", "", cmake.read_text())
                words = re.split(r'[\s()"]+', text.replace("${CMAKE_CURRENT_SOURCE_DIR}/", ""))
                relative = path.relative_to(tree.root / folder).as_posix()
                # A loop over names builds `${name}_test.cpp` or runs `${name}_test.py`.
                ending = "_test" + path.suffix
                loop = relative.endswith(ending) and "${name}" + ending in words and \
                    relative[:-len(ending)] in words
                listed = listed or relative in words or loop
        if not listed:
            yield "%s: in no CMakeLists.txt: it is never %s" % (
                tree.name(path), "built" if path.suffix == ".cpp" else "run")


# --- configs --------------------------------------------------------------------------------------------


def check_configs(tree, arguments):
    if not arguments.dtrain:
        raise SystemExit("lint.py configs needs --dtrain")
    configs = sorted((tree.root / "configs").glob("*.json"))
    if not configs:
        yield "configs: no *.json there"
    for path in configs:
        run = subprocess.run([arguments.dtrain, "inspect", "config", "--config", str(path)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if run.returncode != 0:
            yield "%s: dtrain refuses it: %s" % (tree.name(path), run.stdout.strip())


# --- style ----------------------------------------------------------------------------------------------


def check_format(tree, _):
    if not shutil.which(CLANG_FORMAT):
        raise SystemExit("no %s (other versions format differently): run launch/setup.sh --tests" % CLANG_FORMAT)
    files = [str(path) for path in tree.sources()]
    run = subprocess.run([CLANG_FORMAT, "--dry-run", "-Werror", "--ferror-limit=1"] + files,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=str(tree.root))
    for line in run.stdout.splitlines():
        if "error:" in line:
            yield line.replace(str(tree.root) + "/", "")
    if run.returncode != 0:
        yield "to mend: %s -i FILE" % CLANG_FORMAT


def check_headers(tree, _):
    for path in tree.files(SOURCE_FOLDERS, {".h"}):
        text = path.read_text()
        name = tree.name(path)
        if "#pragma once" not in text:
            yield "%s:1: no #pragma once" % name
        if re.search(r"^using namespace ", text, re.M):  # inside a function it is indented, and harmless
            yield "%s: `using namespace` for all who include it" % name
        if not text.startswith("// "):
            yield "%s:1: does not begin with its purpose" % name


def needs_torch(tree, path, known):
    """Whether a header includes LibTorch's, itself or through others of the tree."""
    if path not in known:
        known[path] = False  # while a circle of includes is walked
        for kind, include in re.findall(r'^#include ([<"])([^">]+)', path.read_text(), re.M):
            inner = [tree.root / folder / include for folder in (".", "src") if (tree.root / folder / include).is_file()]
            if re.match(r"(torch|ATen|c10)/|mpi\.h$", include) or (kind == '"' and any(
                    needs_torch(tree, one, known) for one in inner)):
                known[path] = True
    return known[path]


def check_alone(tree, arguments):
    """Every header compiles by itself: with several sources in one compilation nothing else would notice.

    In the compilations of the two targets that make the tests' precompiled headers. One with LibTorch takes four
    seconds even with that, so these are checked apart (--torch).
    """
    if not arguments.build:
        raise SystemExit("lint.py alone needs --build")
    commands = {}
    for entry in json.loads((pathlib.Path(arguments.build) / "compile_commands.json").read_text()):
        target = re.search(r" -o tests/support/CMakeFiles/(dtrain_test_header\w*)\.dir/.*\.cxx\.o ", entry["command"])
        if target:
            command = re.sub(r" -o \S+ -c \S+$", "", entry["command"])
            if not arguments.torch:  # most of these are read sooner than a precompiled header
                command = re.sub(r" -Winvalid-pch -include \S+", "", command)
            commands[target.group(1)] = shlex.split(command) + ["-fsyntax-only", "-x", "c++", "-"]
    command = commands["dtrain_test_header" + ("_torch" if arguments.torch else "")]
    known = {}
    headers = [path for path in tree.files(("src", "dist"), {".h"})
               if needs_torch(tree, path, known) == arguments.torch]

    def compile_alone(path):
        name = path.relative_to(tree.root).as_posix()
        run = subprocess.run(command, input='#include "%s"\n' % name, cwd=arguments.build, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        errors = [line for line in run.stdout.splitlines() if "error:" in line]
        return None if run.returncode == 0 else "%s: does not compile alone: %s" % (name, errors[0] if errors else run.stdout)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(compile_alone, headers))


def check_length(tree, _):
    for path in tree.files(("src", "dist"), {".h", ".cpp"}):
        name, length = tree.name(path), len(path.read_text().splitlines())
        for glob, most in MOST_LINES.items():
            if fnmatch.fnmatch(name, glob) and length > most:
                yield "%s:%d: longer than %d lines" % (name, length, most)


def check_text(tree, _):
    """No trace of one machine: home folders, the checkout's own path, package mirrors; clean line ends."""
    own = str(tree.root)
    for path in tree.texts():
        name = tree.name(path)
        if name in ("tests/lint/lint.py", "tests/lint/lint_test.py"):  # they name what is forbidden
            continue
        for number, line in tree.lines(path):
            place = "%s:%d" % (name, number)
            if re.search(r"(^|[\s\"'=:(])/(home|Users)/\w|(^|[\s\"'=:(])/root/", line):
                yield "%s: a home folder" % place
            if len(own) > 4 and own + "/" in line:
                yield "%s: the path of this checkout" % place
            if re.search(r"--(extra-)?index-url|--find-links|--trusted-host|PIP_INDEX_URL=", line):
                yield "%s: where packages come from is the machine's business" % place
            for host in re.findall(r"https?://([A-Za-z0-9.-]+)", line):
                if host not in KNOWN_HOSTS and not host.startswith("127.0.0.1") and host != "localhost":
                    yield "%s: unknown host %s" % (place, host)
            if line != line.rstrip() and path.suffix != ".md":
                yield "%s: space at the end of the line" % place
            if "\t" in line and path.suffix in {".h", ".cpp", ".py", ".sh", ".cmake"}:
                yield "%s: a tab" % place


def check_scripts(tree, _):
    scripts = [path for path in tree.files(("launch", "slurm", "tests", ".ci"), {".sh", ".sbatch", ".py", ""})
               if path.suffix or path.read_bytes().startswith(b"#!")]
    for path in scripts:
        name, text = tree.name(path), path.read_text()
        first = text.split("\n", 1)[0]
        runs = first.startswith("#!")
        if runs != bool(path.stat().st_mode & 0o111) and path.suffix != ".sbatch":
            yield "%s: %s" % (name, "has a #! line but is not executable" if runs else
                              "is executable but has no #! line")
        if path.suffix in {".sh", ".sbatch"} or "bash" in first:
            run = subprocess.run(["bash", "-n", str(path)], stderr=subprocess.PIPE, text=True)
            if run.returncode != 0:
                yield "%s: %s" % (name, run.stderr.strip())
            if runs and not re.search(r"^set -.*u", text, re.M):
                yield "%s: no `set -u`" % name
        elif path.suffix == ".py":
            try:
                compile(text, name, "exec")
            except SyntaxError as error:
                yield "%s:%s: %s" % (name, error.lineno, error.msg)


def check_json(tree, _):
    """Every JSON file is JSON and names no key twice."""
    def unique(pairs):
        keys = [key for key, _ in pairs]
        if len(keys) != len(set(keys)):
            raise ValueError("a key twice among: %s" % ", ".join(keys))
        return dict(pairs)

    for path in tree.files(("configs",), {".json"}):
        try:
            json.loads(path.read_text(), object_pairs_hook=unique)
        except ValueError as error:
            yield "%s: %s" % (tree.name(path), error)


CHECKS = {name[len("check_"):]: function for name, function in sorted(globals().items())
          if name.startswith("check_")}


def main():
    parser = argparse.ArgumentParser(description="Checks on the tree itself.")
    parser.add_argument("check", choices=sorted(CHECKS))
    parser.add_argument("--root", default=str(pathlib.Path(__file__).resolve().parents[2]))
    parser.add_argument("--dtrain", help="the program, for the check `configs`")
    parser.add_argument("--build", help="the build folder, for the check `alone`")
    parser.add_argument("--torch", action="store_true", help="the check `alone` for headers that need LibTorch")
    arguments = parser.parse_args()
    breaches = list(CHECKS[arguments.check](Tree(arguments.root), arguments))
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
