#!/usr/bin/env python3
"""The scripts of launch/ in a copy of their folder, with stand-ins for apt-get, sudo, Python and dtrain."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

LAUNCH = pathlib.Path(__file__).resolve().parents[2] / "launch"

# A Python that knows its version, makes a "venv" of itself and writes down what pip was asked for.
PYTHON = """#!/bin/bash
case "$*" in
  "-c import pip") ;;
  -c*) echo ${FAKE_VERSION:-3.11} ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  *"-m pip"*) echo "pip $*" >> "$CALLS"; exit ${FAKE_PIP:-0} ;;
  *) exit 99 ;;
esac
"""

# A dtrain that takes a later --output for the better one and writes a summary unless it goes on with one. The
# other commands are written down; they work on what the ones before them left.
DTRAIN = """#!/bin/bash
case $1 in
  predict | evaluate | report)
    echo "$*" >> "$CALLS"
    [[ $1 != "${FAKE_FAILING:-}" ]] || exit 65 ;;&
  predict) echo "Eval: fashion_mnist/test"; touch "$3/predictions-test.h5"; exit ;;
  evaluate)
    [[ -e $2 ]] || exit 74
    echo "accuracy, %%         91.870  95 %% interval 91.340 to 92.400"
    echo "top-5 accuracy, %%   99.840"
    exit ;;
  report) [[ -e $2/predictions-test.h5 ]] || exit 74; touch "$2/report.html"; exit ;;
esac
resume=
while (($#)); do
  case $1 in
    --output | --run.output) output=$2 ;;
    --output=*) output=${1#*=} ;;
    --set) [[ $2 != run.output=* ]] || output=${2#*=} ;;
    --resume) resume=$2 ;;
  esac
  shift
done
folder=$output/20260101-000000-x
echo "Train: 0"
for ((i = 0; i < 400; ++i)); do
  [[ -n ${FAKE_WAIT:-} && ! -e $FAKE_WAIT ]] || break
  sleep 0.05
done
((i < 400)) || exit 9
[[ -z ${FAKE_CODE:-} ]] || exit "$FAKE_CODE"
if [[ -z $resume ]]; then
  mkdir -p "$folder"
  printf '%s' >"$folder/summary.csv"
fi
echo "Done: epoch 2 of 2, results in $folder"
"""


class LaunchTest(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.scratch.name, "checkout")
        shutil.copytree(LAUNCH, self.root / "launch")
        self.bin = pathlib.Path(self.scratch.name, "bin")
        self.bin.mkdir()
        self.calls = pathlib.Path(self.scratch.name, "calls")
        self.environment = dict(os.environ, PATH="%s:%s" % (self.bin, os.environ["PATH"]), CALLS=str(self.calls))
        for name in ("DTRAIN_PYTHON", "DTRAIN_DATA_DIR", "DTRAIN_OVERSUBSCRIBE"):
            self.environment.pop(name, None)

    def tearDown(self):
        self.scratch.cleanup()

    def stand_in(self, name, text):
        path = self.bin / name if "/" not in name else self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run_script(self, name, *arguments, cwd=None, user=None, **environment):
        identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        run = subprocess.run([str(self.root / "launch" / name), *arguments], text=True, timeout=60, cwd=cwd,
                             env=dict(self.environment, **environment), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, **identity)
        return run.returncode, run.stdout

    def called(self):
        return self.calls.read_text() if self.calls.exists() else ""

    def wait_until_called(self, word):
        deadline = time.monotonic() + 20
        while word not in self.called():
            self.assertLess(time.monotonic(), deadline, "%s not in %s" % (word, self.called()))
            time.sleep(0.02)


class SetupTest(LaunchTest):
    def setUp(self):
        super().setUp()
        self.environment["DTRAIN_PYTHON"] = str(self.stand_in("python", PYTHON))
        self.stand_in("df", "#!/bin/sh\necho Avail\necho ${FREE:-100}\n")
        self.packages(missing="none")

    def packages(self, missing):
        self.stand_in("dpkg-query", '#!/bin/bash\n[[ " %s " == *" ${@: -1} "* ]] && exit 1\necho -n installed\n'
                      % missing)
        # Once apt-get has installed something nothing is missing any more.
        for name in ("apt-get", "sudo"):
            self.stand_in(name, '#!/bin/bash\necho "%s $*" >> "$CALLS"\n'
                          "printf '#!/bin/sh\\necho -n installed\\n' > \"$(dirname \"$0\")/dpkg-query\"\n" % name)
        self.stand_in("apt-cache", "#!/bin/sh\n")
        self.stand_in("id", "#!/bin/sh\necho ${FAKE_ID:-1000}\n")

    def setup(self, *arguments, **environment):
        return self.run_script("setup.sh", *arguments, **environment)

    def test_a_second_call_asks_neither_apt_nor_pip(self):
        self.assertEqual(self.setup()[0], 0)
        self.assertIn("requirements-cpu.txt", self.called())
        self.calls.unlink()
        code, out = self.setup()
        self.assertEqual((code, self.called()), (0, ""), out)
        self.assertIn("wheels, cpu: installed", out)

    def test_wheels_are_installed_by_hash_only(self):
        self.setup()
        for option in ("--require-hashes", "--no-deps", "--no-cache-dir", "--only-binary :all:"):
            self.assertIn(option, self.called())

    def test_the_reference_python_brings_the_cuda_wheels_it_imports(self):
        self.setup("--with-python")
        layers = [line.rsplit("requirements-", 1)[1] for line in self.called().splitlines()]
        self.assertEqual(layers, ["cpu.txt", "cuda.txt", "python.txt"])

    def test_a_moved_pin_is_installed(self):
        self.setup()
        self.calls.unlink()
        with open(self.root / "launch/requirements-cpu.txt", "a") as pins:
            pins.write("# moved\n")
        self.setup()
        self.assertIn("requirements-cpu.txt", self.called())

    def test_an_interrupted_layer_is_installed_again_from_scratch(self):
        self.assertEqual(self.setup(FAKE_PIP="1")[0], 1)
        self.assertFalse((self.root / ".deps/cpu.stamp").exists())
        self.calls.unlink()
        self.assertEqual(self.setup()[0], 0)
        self.assertIn("--force-reinstall", self.called())

    def test_another_python_makes_another_venv(self):
        self.setup()
        self.calls.unlink()
        (self.root / ".deps/venv/bin/python").write_text("#!/bin/sh\nexit 1\n")
        code, out = self.setup(FAKE_VERSION="3.12")
        self.assertEqual(code, 0, out)
        self.assertIn("requirements-cpu.txt", self.called())

    def test_a_python_without_pinned_wheels_is_refused(self):
        code, out = self.setup(FAKE_VERSION="3.13")
        self.assertEqual(code, 1)
        self.assertIn("3.10, 3.11 and 3.12", out)

    def test_a_full_disk_is_said_before_anything_is_fetched(self):
        code, out = self.setup(FREE="1")
        self.assertEqual((code, self.called()), (1, ""))
        self.assertIn("3 GB are needed", out)

    def test_missing_packages_are_installed_without_recommended_ones(self):
        self.packages(missing="ninja-build")
        code, out = self.setup(FAKE_ID="0")
        self.assertEqual(code, 0, out)
        self.assertRegex(self.called(), "(?m)^apt-get .*--no-install-recommends ninja-build$")
        self.assertNotIn("sudo", self.called())

    def test_somebody_who_is_not_root_goes_through_sudo(self):
        self.packages(missing="ninja-build")
        self.assertEqual(self.setup()[0], 0)
        self.assertRegex(self.called(), "(?m)^sudo env .* apt-get .*ninja-build$")

    def test_without_root_and_sudo_the_missing_packages_are_named(self):
        self.packages(missing="ninja-build zlib1g-dev")
        (self.bin / "sudo").unlink()
        bare = pathlib.Path(self.scratch.name, "bare")
        bare.mkdir()
        for tool in ("bash", "env", "dirname", "mkdir", "flock", "cat", "sed", "sh"):
            (bare / tool).symlink_to(shutil.which(tool))
        code, out = self.setup(PATH="%s:%s" % (self.bin, bare))
        self.assertEqual(code, 1)
        self.assertIn("ask an administrator for: apt-get install ninja-build zlib1g-dev", out)

    def test_a_missing_data_set_is_no_reason_to_stop(self):
        self.packages(missing="dataset-fashion-mnist")
        code, out = self.setup()
        self.assertEqual(code, 0, out)
        self.assertIn("DTRAIN_DATA_DIR", out)
        self.assertNotIn("sudo", self.called())

    def offline(self):
        """An apt-get that reaches nothing: neither installs anything nor says that it could."""
        self.stand_in("apt-get", '#!/bin/bash\necho "apt-get $*" >> "$CALLS"\nexit 100\n')

    def test_an_optional_package_is_tried_once_and_never_stops_root(self):
        self.packages(missing="dataset-fashion-mnist")
        self.offline()
        code, out = self.setup(FAKE_ID="0")
        self.assertEqual(code, 0, out)
        self.assertRegex(self.called(), "(?m)^apt-get .* install .*dataset-fashion-mnist$")
        self.calls.unlink()
        again, out_again = self.setup(FAKE_ID="0")
        self.assertEqual((again, self.called()), (0, ""), out_again)
        for said in (out, out_again):
            self.assertIn("without dataset-fashion-mnist: put its four IDX files into a folder", said)
            self.assertIn("or: apt-get install dataset-fashion-mnist", said)
            self.assertIn("packages: all installed", said)

    def test_an_optional_package_that_the_sources_lack_is_looked_for_once(self):
        self.packages(missing="dataset-fashion-mnist")
        self.stand_in("apt-get", '#!/bin/bash\necho "apt-get $*" >> "$CALLS"\n')
        self.stand_in("apt-cache", "#!/bin/sh\nexit 100\n")
        self.assertEqual(self.setup(FAKE_ID="0")[0], 0)
        self.assertEqual(self.called().count("apt-get "), 1)  # update; there is nothing to install
        self.calls.unlink()
        self.assertEqual((self.setup(FAKE_ID="0")[0], self.called()), (0, ""))

    def test_required_packages_are_installed_though_an_optional_one_fails(self):
        self.packages(missing="ninja-build dataset-fashion-mnist")
        self.stand_in("apt-get", '#!/bin/bash\necho "apt-get $*" >> "$CALLS"\ncase "$*" in\n'
                      '  *fashion*) exit 100 ;;\n'
                      '  *ninja*) sed -i s/ninja-build// "$(dirname "$0")/dpkg-query" ;;\nesac\n')
        code, out = self.setup(FAKE_ID="0")
        self.assertEqual(code, 0, out)
        self.assertIn("without dataset-fashion-mnist", out)
        self.assertNotIn("missing packages", out)

    def test_a_required_package_that_cannot_be_had_is_an_error(self):
        self.packages(missing="ninja-build")
        self.offline()
        code, out = self.setup(FAKE_ID="0")
        self.assertEqual(code, 1, out)
        self.assertIn("apt-get update failed; the log is .deps/apt.log", out)

    def test_check_writes_nothing(self):
        self.setup("--check")
        self.assertFalse((self.root / ".deps").exists())

    def test_somebody_elses_set_up_can_be_checked_and_says_whose_it_is(self):
        self.assertEqual(self.setup()[0], 0)
        user = None
        if os.geteuid() == 0:  # root may write anywhere: become somebody who may not
            user = 65534
            pathlib.Path(self.scratch.name).chmod(0o755)
        else:
            (self.root / ".deps/lock").chmod(0o444)
            (self.root / ".deps").chmod(0o555)
        code, out = self.setup("--check", user=user)
        self.assertEqual(code, 0, out)
        code, out = self.setup(user=user)
        (self.root / ".deps").chmod(0o755)
        self.assertEqual(code, 1, out)
        owner = pathlib.Path(self.root / ".deps").owner()
        self.assertIn("%s/.deps, which belongs to %s:" % (self.root, owner), out)
        self.assertIn("chown", out)
        self.assertNotIn("Permission denied", out)

    def test_check_changes_nothing_and_says_what_is_missing(self):
        self.packages(missing="ninja-build")
        code, out = self.setup("--check", FAKE_ID="0")
        self.assertEqual((code, self.called()), (1, ""))
        self.assertIn("missing packages: ninja-build", out)
        self.assertIn("missing wheels: cpu", out)

    def test_only_the_lint_asks_for_clang_format(self):
        self.packages(missing="clang-format-14")
        self.assertNotIn("clang-format", self.setup()[1])
        self.assertIn("clang-format-14", self.setup("--tests")[1])

    def test_an_unknown_argument_is_refused(self):
        self.assertEqual(self.setup("--frobnicate")[0], 1)


class ResumeLoopTest(LaunchTest):
    def program(self, *codes):
        """A command that ends with one code after the other and writes down its arguments."""
        return str(self.stand_in("program", '#!/bin/bash\ncodes=(%s)\nn=$(cat "$CALLS" 2>/dev/null | wc -l)\n'
                                 'echo "$*" >> "$CALLS"\nexit ${codes[n]:-0}\n' % " ".join(map(str, codes))))

    def loop(self, program, *arguments, most="10"):
        return self.run_script("resume_loop.sh", "--delay", "0", "--max", most, "--", program, *arguments)

    def test_what_ended_well_is_not_started_again(self):
        self.assertEqual(self.loop(self.program(0), "--lr", "1")[0], 0)
        self.assertEqual(self.called(), "--lr 1\n")

    def test_a_lost_peer_is_followed_by_a_resumed_start(self):
        self.assertEqual(self.loop(self.program(75, 137, 0), "--lr", "1")[0], 0)
        self.assertEqual(self.called(), "--lr 1\n--lr 1 --resume auto\n--lr 1 --resume auto\n")

    def test_a_named_checkpoint_is_where_only_the_first_start_resumes(self):
        self.loop(self.program(75), "--resume", "old", "--resume=older", "--lr", "1")
        self.assertEqual(self.called().splitlines()[1], "--lr 1 --resume auto")

    def test_other_codes_are_final(self):
        for code in (64, 65, 70, 74, 76, 78, 1):
            self.assertEqual(self.loop(self.program(code))[0], code)
            self.assertEqual(len(self.called().splitlines()), 1)
            self.calls.unlink()

    def test_it_gives_up_with_the_last_code(self):
        code, out = self.loop(self.program(75, 75, 75, 75), most="2")
        self.assertEqual((code, len(self.called().splitlines())), (75, 3))
        self.assertIn("giving up", out)

    def test_a_command_that_is_stopped_is_not_started_again(self):
        program = self.stand_in("program", '#!/bin/bash\ntrap "echo told >> $CALLS; exit 75" TERM\n'
                                'echo started >> "$CALLS"\nwhile :; do read -t 0.05 <> <(:); done\n')
        loop = subprocess.Popen([str(self.root / "launch/resume_loop.sh"), "--delay", "0", "--", str(program)],
                                env=self.environment)
        self.wait_until_called("started")
        loop.send_signal(signal.SIGTERM)
        self.assertEqual(loop.wait(timeout=20), 75)
        self.assertEqual(self.called(), "started\ntold\n")

    def test_usr1_reaches_the_command_which_is_not_started_again(self):
        program = self.stand_in("program", '#!/bin/bash\ntrap "echo told >> $CALLS; exit 75" USR1\n'
                                'echo started >> "$CALLS"\nwhile :; do read -t 0.05 <> <(:); done\n')
        loop = subprocess.Popen([str(self.root / "launch/resume_loop.sh"), "--delay", "0", "--", str(program)],
                                env=self.environment)
        self.wait_until_called("started")
        loop.send_signal(signal.SIGUSR1)
        self.assertEqual(loop.wait(timeout=20), 75)
        self.assertEqual(self.called(), "started\ntold\n")

    def test_a_line_without_a_command_is_refused(self):
        self.assertEqual(self.run_script("resume_loop.sh", "--max", "3")[0], 64)


class MpirunTest(LaunchTest):
    def test_what_the_caller_has_set_stays(self):
        self.stand_in("mpirun", '#!/bin/sh\necho "$OMPI_MCA_pml $NCCL_DEBUG $*"\n')
        code, out = self.run_script("mpirun.sh", "-np", "2", "dtrain", NCCL_DEBUG="INFO")
        self.assertEqual(code, 0, out)
        self.assertRegex(out, "^ob1 INFO .*--bind-to none .*-np 2 dtrain$")

    def test_more_ranks_than_processors_only_on_request(self):
        self.stand_in("mpirun", '#!/bin/sh\necho "$*"\n')
        self.assertNotIn("--oversubscribe", self.run_script("mpirun.sh", "dtrain")[1])
        self.assertIn("--oversubscribe", self.run_script("mpirun.sh", "dtrain", DTRAIN_OVERSUBSCRIBE="1")[1])

    def stand_in_that_waits(self):
        return self.stand_in("mpirun", '#!/bin/bash\nfor s in USR1 TERM; do trap "echo $s >> $CALLS; exit 75" $s; done\n'
                             'trap "echo INT >> $CALLS" INT\necho "started $$" >> "$CALLS"\n'
                             'while :; do read -t 0.05 <> <(:); done\n')

    def test_signals_ask_the_ranks_to_save_and_the_code_is_theirs(self):
        self.stand_in_that_waits()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            script = subprocess.Popen([str(self.root / "launch/mpirun.sh"), "dtrain"], env=self.environment)
            self.wait_until_called("started")
            script.send_signal(number)
            self.assertEqual(script.wait(timeout=20), 75)
            self.assertRegex(self.called(), r"^started \d+\nUSR1\n$")
            self.calls.unlink()

    def test_the_second_interrupt_ends_all(self):
        self.stand_in("mpirun", '#!/bin/bash\ntrap "echo USR1 >> $CALLS" USR1\ntrap "exit 143" TERM\n'
                      'echo started >> "$CALLS"\nwhile :; do read -t 0.05 <> <(:); done\n')
        script = subprocess.Popen([str(self.root / "launch/mpirun.sh"), "dtrain"], env=self.environment)
        self.wait_until_called("started")
        script.send_signal(signal.SIGINT)
        self.wait_until_called("USR1")
        script.send_signal(signal.SIGINT)
        self.assertEqual(script.wait(timeout=20), 143)

    def test_mpirun_does_not_outlive_the_script(self):
        self.stand_in_that_waits()
        script = subprocess.Popen([str(self.root / "launch/mpirun.sh"), "dtrain"], env=self.environment)
        self.wait_until_called("started")
        script.kill()
        self.wait_until_called("TERM")
        script.wait()

    def test_two_ranks_start(self):
        code, out = self.run_script("mpirun.sh", "-np", "2", "sh", "-c", "echo rank $OMPI_COMM_WORLD_RANK",
                                    DTRAIN_OVERSUBSCRIBE="1")
        self.assertEqual((code, sorted(out.splitlines())), (0, ["rank 0", "rank 1"]))


class QuickstartTest(LaunchTest):
    SUMMARY = "epoch,train_loss,eval_top1,lr\\n1,0.5,88.10,0.1\\n2,0.3,92.25,0.0\\n"

    def setUp(self):
        super().setUp()
        for name in ("setup.sh", "build.sh"):
            self.stand_in("launch/" + name, '#!/bin/sh\necho "%s $*" >> "$CALLS"\n' % name)
        self.stand_in("launch/mpirun.sh", '#!/bin/bash\necho "mpirun $*" >> "$CALLS"\nshift 2\nexec "$@"\n')
        self.stand_in("build/release/dtrain", DTRAIN % self.SUMMARY)
        self.elsewhere = pathlib.Path(self.scratch.name, "elsewhere")
        self.elsewhere.mkdir()

    def test_it_sets_up_builds_trains_tests_and_says_what_came_out(self):
        code, out = self.run_script("quickstart.sh", "--epochs", "2")
        self.assertEqual(code, 0, out)
        self.assertEqual([line.split()[0] for line in self.called().splitlines()],
                         ["setup.sh", "build.sh", "mpirun", "predict", "evaluate", "report"])
        self.assertIn("--epochs 2", self.called())
        self.assertIn("validation:     92.25 % after epoch 2", out)
        self.assertRegex(out, "wall time: .* set-up .* build .* training .* test and report .* together ")

    def test_the_accuracy_is_that_of_the_test_images_and_comes_before_the_report_s_path(self):
        code, out = self.run_script("quickstart.sh")
        self.assertEqual(code, 0, out)
        run = self.root / "runs/20260101-000000-x"
        self.assertIn("predict --checkpoint %s --split test\n" % run, self.called())
        self.assertIn("test accuracy:  91.87 % (95 % interval: 91.34 to 92.40)\n", out)
        self.assertEqual(out.splitlines()[-1], "report:         %s/report.html" % run)
        self.assertTrue((run / "report.html").exists())

    def test_a_test_or_report_that_fails_keeps_its_exit_code_and_claims_no_report(self):
        for command in ("predict", "evaluate", "report"):
            code, out = self.run_script("quickstart.sh", FAKE_FAILING=command)
            self.assertEqual(code, 65, out)
            self.assertNotIn("report:  ", out)

    def test_results_go_below_the_checkout_wherever_it_is_called_from(self):
        code, out = self.run_script("quickstart.sh", cwd=self.elsewhere)
        self.assertEqual(code, 0, out)
        self.assertIn("results:        %s/runs/20260101-000000-x\n" % self.root, out)
        self.assertEqual(os.listdir(self.elsewhere), [])

    def test_results_go_where_the_caller_wants_them(self):
        absolute = os.path.join(self.scratch.name, "absolute")
        for flags, where in ((["--output", "one"], "one"), (["--output=two"], "two"),
                             (["--run.output", "three"], "three"), (["--set", "run.output=a=b"], "a=b"),
                             (["--output", absolute], absolute)):
            code, out = self.run_script("quickstart.sh", *flags, cwd=self.elsewhere)
            self.assertEqual(code, 0, out)
            self.assertIn("results:        %s/20260101-000000-x\n" % where, out)
            self.assertIn("validation:     92.25 % after epoch 2", out)
            self.assertTrue((self.elsewhere / where / "20260101-000000-x/summary.csv").exists())
            self.assertEqual(out.splitlines()[-1], "report:         %s/20260101-000000-x/report.html" % where)

    def test_a_finished_run_that_is_resumed_is_no_failure(self):
        self.assertEqual(self.run_script("quickstart.sh")[0], 0)
        code, out = self.run_script("quickstart.sh", "--resume", "auto")
        self.assertEqual(code, 0, out)
        self.assertIn("validation:     92.25 % after epoch 2", out)

    def test_what_dtrain_prints_is_shown_while_it_runs(self):
        go = pathlib.Path(self.scratch.name, "go")
        script = subprocess.Popen([str(self.root / "launch/quickstart.sh")], stdout=subprocess.PIPE, text=True,
                                  env=dict(self.environment, FAKE_WAIT=str(go)))
        with script:
            # The line is there while dtrain waits for the file; after 20 s it gives up, with code 9.
            for line in script.stdout:
                if line == "Train: 0\n":
                    go.touch()
            self.assertEqual(script.wait(timeout=30), 0)

    def test_a_training_that_does_not_say_where_its_results_are_is_an_error(self):
        self.stand_in("build/release/dtrain", "#!/bin/sh\n")
        code, out = self.run_script("quickstart.sh")
        self.assertEqual(code, 70, out)
        self.assertIn("did not say where the results are", out)

    def test_a_data_folder_replaces_the_package(self):
        self.run_script("quickstart.sh", DTRAIN_DATA_DIR="/data")
        self.assertIn("--data-dir /data", self.called())

    def test_a_failed_training_keeps_its_exit_code(self):
        code, out = self.run_script("quickstart.sh", FAKE_CODE="65")
        self.assertEqual(code, 65, out)
        self.assertNotIn("test accuracy", out)


class RunTest(LaunchTest):
    """tests/run.sh, with a ctest that passes unless FAKE_CTEST says otherwise."""

    def setUp(self):
        super().setUp()
        (self.root / "tests").mkdir()
        shutil.copy(LAUNCH.parent / "tests/run.sh", self.root / "tests")
        self.stand_in("launch/setup.sh", '#!/bin/sh\necho "setup $*" >> "$CALLS"\n')
        self.stand_in("launch/build.sh", '#!/bin/sh\nmkdir -p build/$1\necho "build $*" >> "$CALLS"\n'
                      '[ "$1" != "$FAKE_BROKEN" ]\n')
        self.stand_in("ctest", '#!/bin/sh\necho "ctest $*" >> "$CALLS"\nif [ "$2" = "build/$FAKE_CTEST" ]; then\n'
                      '  echo "50% tests passed, 1 tests failed out of 2"\n  exit 8\nfi\n'
                      'echo " 1/2 Test  #3: quick_test ....   Passed    0.25 sec"\n'
                      'echo " 2/2 Test #11: slow_test .....   Passed   12.50 sec"\n'
                      'echo "100% tests passed, 0 tests failed out of 2"\n')
        self.stand_in("id", "#!/bin/sh\necho ${FAKE_ID:-1000}\n")

    def run_tests(self, *arguments, **environment):
        code, out = self.run_script("../tests/run.sh", *arguments, **environment)
        return code, out, self.called().splitlines()

    def ctest_lines(self):
        return [line for line in self.called().splitlines() if line.startswith("ctest")]

    def test_the_default_leaves_out_what_needs_python_root_or_patience(self):
        code, out, calls = self.run_tests()
        self.assertEqual(code, 0, out)
        self.assertEqual(calls[:2], ["setup --tests", "build release"])
        self.assertIn("-L ^(unit|mpi|integration|lint)$ -LE ^(privileged|python|parity|slow)$", calls[2])
        self.assertEqual(len(calls), 3)

    def test_root_runs_what_only_root_can(self):
        self.run_tests(FAKE_ID="0")
        self.assertIn("-L ^(unit|mpi|integration|lint|privileged)$", self.ctest_lines()[0])

    def test_everything_asked_for_is_built_and_run(self):
        code, out, calls = self.run_tests("--with-python", "--sanitize", "--fuzz", "--cuda", "--slow", FAKE_ID="0")
        self.assertEqual(code, 0, out)
        self.assertEqual([line for line in calls if not line.startswith("ctest")],
                         ["setup --tests --cuda --with-python", "build release", "build cuda",
                          "build address base_tests", "build thread thread_tests", "build fuzz fuzz_targets"])
        self.assertIn("-L ^(unit|mpi|integration|lint|privileged|python|parity|slow)$ -LE ^(none)$",
                      self.ctest_lines()[0])
        self.assertEqual(len(self.ctest_lines()), 5)

    def test_all_takes_the_tests_with_libtorch_under_the_address_sanitizer_too(self):
        code, out, calls = self.run_tests("--all", FAKE_ID="0")
        self.assertEqual(code, 0, out)
        self.assertIn("build address unit_tests", calls)
        self.assertIn("-L ^unit$", self.ctest_lines()[2])

    def test_one_label_alone_can_be_asked_for(self):
        self.run_tests("-L", "slow")
        self.assertIn("-L ^(slow)$ -LE ^(none)$", self.ctest_lines()[0])

    def test_a_phase_that_fails_fails_the_whole_and_the_others_still_run(self):
        for failing, said in (("release", "failed: tests, tests cuda"), ("address", "failed: tests address")):
            code, out, _ = self.run_tests("--sanitize", "--cuda", FAKE_CTEST=failing)
            self.assertEqual(code, 1, out)
            self.assertEqual(len(self.ctest_lines()), 4)
            self.assertIn(said, out)
            self.calls.unlink()

    def test_a_flavour_that_does_not_build_fails_the_whole(self):
        code, out, _ = self.run_tests("--sanitize", FAKE_BROKEN="thread")
        self.assertEqual(code, 1, out)
        self.assertIn("failed: build thread", out)
        self.assertEqual(len(self.ctest_lines()), 2)

    def test_it_ends_with_the_seconds_of_each_phase_and_the_slowest_tests(self):
        code, out, _ = self.run_tests("--cuda")
        self.assertEqual(code, 0, out)
        self.assertRegex(out, r"(?s)== all done after \d+ s\n +\d+ s  set-up\n +\d+ s  build release\n +\d+ s  tests\n"
                         r" +\d+ s  build cuda\n +\d+ s  tests cuda\nslowest tests:\n"
                         r"  12\.50 s  slow_test\n  12\.50 s  slow_test\n  0\.25 s  quick_test\n  0\.25 s  quick_test\n"
                         r"tests: 100% tests passed, 0 tests failed out of 2\n"
                         r"tests cuda: 100% tests passed, 0 tests failed out of 2\n$")


if __name__ == "__main__":
    unittest.main()
