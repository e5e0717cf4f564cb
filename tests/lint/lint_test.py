#!/usr/bin/env python3
"""Shows of every check in lint.py that it passes on a small good tree and fails on a bad one."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

LINT = pathlib.Path(__file__).with_name("lint.py")
ROOT = pathlib.Path(__file__).resolve().parents[2]

GOOD = {
    "src/util/log.h": "// Log lines.\n#pragma once\n",
    "src/util/log.cpp": '#include "util/log.h"\n',
    "src/util/CMakeLists.txt": "target_sources(base PRIVATE log.cpp)  # not gone.cpp\n",
    "src/data/loader/sampler.h": '// Samples.\n#pragma once\n\n#include <vector>\n\n#include "util/log.h"\n',
    "tests/util/log_test.cpp": '#include "util/log.h"\n',
    "tests/util/CMakeLists.txt": "foreach(name log)\n  test(${name}_test ${name}_test.cpp)\nendforeach()\n",
    "tests/launch/go_test.sh": "set -u\n",
    "tests/launch/far_test.py": "",
    "tests/launch/CMakeLists.txt": "add_test(NAME go COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/go_test.sh)\n"
                                   "foreach(name far)\n"
                                   "  add_test(NAME ${name} COMMAND python3\n"
                                   "    ${CMAKE_CURRENT_SOURCE_DIR}/${name}_test.py)\n"
                                   "endforeach()\n",
    "configs/a.json": '{"run": {"epochs": 1}}\n',
    "launch/go.sh": "#!/usr/bin/env bash\nset -eu\necho go\n",
    "docs/a.md": "See https://github.com/pytorch/pytorch and /usr/bin.\n",
}


class Lint(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.scratch.name)
        for name in ("tests/lint/include_table.txt", ".clang-format"):
            self.write(name, (ROOT / name).read_text())
        for name, text in GOOD.items():
            self.write(name, text)
        os.chmod(self.root / "launch/go.sh", 0o755)

    def tearDown(self):
        self.scratch.cleanup()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def lint(self, check, *more):
        run = subprocess.run([sys.executable, str(LINT), check, "--root", str(self.root), *more],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertIn(run.returncode, (0, 1), run.stdout)
        self.assertEqual(run.returncode == 1, run.stdout != "", run.stdout)
        return run.stdout

    def assert_breach(self, check, expected, *more):
        self.assertIn(expected, self.lint(check, *more))

    def test_the_good_tree_passes_every_check(self):
        for check in ("includes", "registered", "format", "headers", "length", "text", "scripts", "json"):
            self.assertEqual(self.lint(check), "", check)

    # --- includes

    def test_a_folder_that_looks_up_is_found(self):
        self.write("src/data/loader/sampler.h", '#include "util/log.h"\n#include "train/trainer.h"\n')
        self.write("src/train/trainer.h", "")
        self.assert_breach("includes", "src/data/loader/sampler.h:2: data/loader/ may not include train/trainer.h")

    def test_what_is_reached_over_several_arrows_is_allowed(self):
        self.write("src/nn/classifier.h", "")
        self.write("src/train/loop.h", '#include "nn/classifier.h"\n')
        self.assertEqual(self.lint("includes"), "")

    def test_a_closed_row_does_not_reach_further(self):
        self.write("src/callbacks/saver.h", "")
        self.write("src/cli/main.cpp", '#include "callbacks/saver.h"\n')
        self.assert_breach("includes", "cli/ may not include callbacks/saver.h")

    def test_one_open_header_does_not_open_its_folder(self):
        self.write("src/data/sample.h", "")
        self.write("src/tasks/task.h", '#include "data/sample.h"\n#include "data/loader/sampler.h"\n')
        out = self.lint("includes")
        self.assertIn("task.h:2: tasks/ may not include data/loader/sampler.h", out)
        self.assertNotIn("task.h:1", out)

    def test_dist_may_include_nothing_of_src_but_two_headers(self):
        self.write("src/util/check.h", "")
        self.write("dist/group.h", '#include "util/check.h"\n#include "util/log.h"\n')
        out = self.lint("includes")
        self.assertIn("dist/group.h:2: dist/ may not include util/log.h", out)
        self.assertNotIn("group.h:1", out)

    def test_torch_in_the_torch_free_part_is_found(self):
        self.write("src/data/loader.cpp", "#include <ATen/ATen.h>\n")
        self.assert_breach("includes", "src/data/loader.cpp:1: ATen/ATen.h may be included only in")

    def test_the_whole_of_torch_is_refused_everywhere(self):
        self.write("tests/nn/a_test.cpp", "#include <torch/torch.h>\n")
        self.assert_breach("includes", "a_test.cpp:1: torch/torch.h is never included")

    def test_a_model_named_outside_run_is_found(self):
        self.write("src/models/registry.h", "")
        self.write("src/train/trainer.h", '#include "models/registry.h"\n')
        self.assert_breach("includes", "trainer.h:1: models/registry.h may be included only in")

    def test_the_trainer_named_in_a_callback_is_found(self):
        self.write("src/train/trainer.h", "")
        self.write("src/callbacks/saver.h", '#include "train/trainer.h"\n')
        self.assert_breach("includes", "saver.h:1: train/trainer.h may be included only in")

    def test_an_include_relative_to_its_own_folder_is_found(self):
        self.write("src/util/log.cpp", '#include "log.h"\n')
        self.assert_breach("includes", "log.h is not named from the root or from src/")

    def test_a_folder_that_the_table_does_not_know_is_found(self):
        self.write("src/newcomer/a.h", '#include "util/log.h"\n')
        self.assert_breach("includes", "the include table has no row for newcomer")

    # --- build lists

    def test_a_test_that_is_never_built_is_found(self):
        self.write("tests/util/other_test.cpp", "")
        self.assert_breach("registered", "tests/util/other_test.cpp: in no CMakeLists.txt")

    def test_a_script_that_is_never_run_is_found(self):
        for name in ("tests/launch/stop_test.sh", "tests/launch/near_test.py"):
            path = self.write(name, "set -u\n")
            self.assert_breach("registered", name + ": in no CMakeLists.txt: it is never run")
            path.unlink()

    def test_a_script_that_is_no_test_needs_no_registration(self):
        self.write("tests/launch/helper.py", "")
        self.assertEqual(self.lint("registered"), "")

    def test_a_source_named_in_a_comment_only_is_found(self):
        self.write("src/util/gone.cpp", "")
        self.assert_breach("registered", "src/util/gone.cpp: in no CMakeLists.txt")

    # --- configs

    def test_a_config_that_the_program_refuses_is_found(self):
        program = self.write("program", "#!/bin/sh\necho unknown key; exit 78\n")
        program.chmod(0o755)
        self.assert_breach("configs", "configs/a.json: dtrain refuses it: unknown key", "--dtrain", str(program))

    def test_a_config_that_the_program_takes_passes(self):
        self.assertEqual(self.lint("configs", "--dtrain", "/bin/true"), "")

    def test_rooms_that_include_each_other_are_found(self):
        # Over whole rooms, and over a single header of one.
        path = self.root / "tests/lint/include_table.txt"
        table = path.read_text()
        for arrow in ("hdf5 -> util data/pack", "train -> tasks optim metrics checkpoint data/loader dist settings"):
            room = arrow.split()[0]
            lines = [arrow if line.split()[:2] == [room, "->"] else line for line in table.splitlines()]
            path.write_text("\n".join(lines) + "\n")
            self.assert_breach("includes", "include each other")

    def test_a_room_within_a_room_has_a_row_of_its_own(self):
        self.write("src/data/framing.h", '#include "data/transforms/view.h"\n')
        self.write("src/data/transforms/view.h", "")
        self.assert_breach("includes", "src/data/framing.h:1: data/ may not include data/transforms/view.h")

    def test_an_empty_folder_of_configs_is_found(self):
        (self.root / "configs/a.json").unlink()
        self.assert_breach("configs", "no *.json there", "--dtrain", "/bin/true")

    def test_a_key_named_twice_is_found(self):
        self.write("configs/b.json", '{"run": 1, "run": 2}')
        self.assert_breach("json", "configs/b.json: a key twice among: run, run")

    def test_a_config_that_is_no_json_is_found(self):
        self.write("configs/b.json", "{")
        self.assert_breach("json", "configs/b.json: ")

    # --- style

    def test_a_badly_formatted_file_is_found(self):
        self.write("src/util/log.cpp", '#include   "util/log.h"\n')
        self.assert_breach("format", "src/util/log.cpp:1:")

    def test_a_header_without_a_guard_is_found(self):
        self.write("src/util/log.h", "// Log lines.\n")
        self.assert_breach("headers", "src/util/log.h:1: no #pragma once")

    def test_a_header_that_spills_a_namespace_is_found(self):
        self.write("src/util/log.h", "// Log.\n#pragma once\nusing namespace std;\n")
        self.assert_breach("headers", "`using namespace`")

    def test_a_header_that_does_not_say_what_it_is_for_is_found(self):
        self.write("src/util/log.h", "#pragma once\n")
        self.assert_breach("headers", "does not begin with its purpose")

    def test_a_file_that_grew_too_long_is_found(self):
        self.write("src/util/log.cpp", "\n" * 501)
        self.assert_breach("length", "src/util/log.cpp:501: longer than 500 lines")

    def test_traces_of_one_machine_are_found(self):
        for line in ("cd /home/someone/src", "x=/root/data", "see http://mirror.example.net/simple",
                     "pip install --index-url=x", "cat %s/file" % self.root.resolve()):
            self.write("docs/b.md", line + "\n")
            self.assert_breach("text", "docs/b.md:1: ")

    def test_space_at_the_end_of_a_line_is_found(self):
        self.write("launch/go.sh", "#!/usr/bin/env bash\nset -eu \n")
        self.assert_breach("text", "launch/go.sh:2: space at the end")

    # --- alone

    def test_a_header_that_needs_another_before_it_is_found(self):
        entries = [{"command": "c++ -I. -Isrc -o tests/support/CMakeFiles/%s.dir/Unity/unity_0_cxx.cxx.o -c x.cxx" % name}
                   for name in ("dtrain_test_header", "dtrain_test_header_torch")]
        self.write("compile_commands.json", json.dumps(entries))
        self.assertEqual(self.lint("alone", "--build", str(self.root)), "")
        self.write("src/util/log.h", "// Log lines.\n#pragma once\ninline std::string line() { return {}; }\n")
        self.assert_breach("alone", "src/util/log.h: does not compile alone", "--build", str(self.root))

    # --- scripts

    def test_a_script_that_bash_cannot_read_is_found(self):
        self.write("launch/go.sh", "#!/usr/bin/env bash\nset -eu\nif true\n")
        self.assert_breach("scripts", "launch/go.sh: ")

    def test_a_script_that_cannot_be_started_is_found(self):
        os.chmod(self.root / "launch/go.sh", 0o644)
        self.assert_breach("scripts", "launch/go.sh: has a #! line but is not executable")

    def test_a_script_that_takes_unset_names_for_empty_is_found(self):
        self.write("launch/go.sh", "#!/usr/bin/env bash\necho $1\n")
        self.assert_breach("scripts", "launch/go.sh: no `set -u`")

    def test_python_that_does_not_compile_is_found(self):
        self.write("tests/a.py", "def f(:\n")
        self.assert_breach("scripts", "tests/a.py:1:")


if __name__ == "__main__":
    unittest.main()
