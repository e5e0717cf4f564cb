#!/usr/bin/env python3
"""dtrain --ranks N and --gpus N: the command line that mpirun gets, real ranks, and what is refused."""
import os
import pathlib
import signal
import subprocess
import time
import unittest

from harness import CONFIG, DTRAIN, QUICK, ROOT, TrainingTest, error_lines, only_run, run, train, weights

# Writes down what it was given, each word and each variable with a zero byte behind it.
FAKE_MPIRUN = """#!/bin/bash
printf '%s\\0' "$@" > "$SEEN/words"
env -0 > "$SEEN/variables"
echo $$ > "$SEEN/pid"
exit ${FAKE_CODE:-0}
"""

# A job of one task on two machines, as SLURM describes it, and a hostfile of others: nothing of it is this machine.
ELSEWHERE = {
    "SLURM_JOBID": "5", "SLURM_JOB_ID": "5", "SLURM_NODELIST": "nowhere[1-2]", "SLURM_JOB_NUM_NODES": "2",
    "SLURM_NNODES": "2", "SLURM_TASKS_PER_NODE": "1(x2)",
}

PROCESSORS = len(os.sched_getaffinity(0))
OVERSUBSCRIBE = {"DTRAIN_OVERSUBSCRIBE": "1"}


class FakeMpirun(TrainingTest):
    def setUp(self):
        super().setUp()
        fake = self.scratch / "mpirun"
        fake.write_text(FAKE_MPIRUN)
        fake.chmod(0o755)
        # Only what the test says: the launch scripts leave alone what is set.
        self.variables = {"PATH": f"{self.scratch}:{os.environ['PATH']}", "SEEN": str(self.scratch),
                          "HOME": str(self.scratch), **OVERSUBSCRIBE}

    def call(self, *words, code=0, **variables):
        """Runs a command; returns the words that mpirun got, and its variables."""
        done = subprocess.run([str(word) for word in words], env={**self.variables, **variables}, capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        read = [(self.scratch / name).read_text().split("\0")[:-1] for name in ("words", "variables")]
        return read[0], dict(line.split("=", 1) for line in read[1])

    def test_mpirun_gets_what_launch_mpirun_sh_gives_it_and_stays_on_this_machine(self):
        for variables in ({}, {"DTRAIN_OVERSUBSCRIBE": "0", "NCCL_DEBUG": "", "OMPI_MCA_btl": "tcp,self"}):
            expected, expected_variables = self.call(ROOT / "launch/mpirun.sh", "-np", "1", "dtrain", **variables)
            words, seen = self.call(DTRAIN, "--ranks", "1", "--lr", "1", **variables)
            self.assertEqual(expected[-3:], ["-np", "1", "dtrain"])
            flags = expected[:-3]
            here = ["--mca", "ras", "^slurm,gridengine,tm,lsf", "--mca", "plm", "^slurm,tm,lsf",
                    "--host", "localhost:1"]
            program = os.path.realpath(DTRAIN)
            self.assertEqual(words, [*flags, *here, "-np", "1", program, "train", "--lr", "1"])
            for shells_own in ("_", "SHLVL", "PWD", "OLDPWD"):
                seen.pop(shells_own, None)
                expected_variables.pop(shells_own, None)
            self.assertEqual(seen, expected_variables)

    def test_every_command_that_uses_ranks_gets_its_own_words_unharmed(self):
        odd = ["--experiment", "a  b'\"$HOME\\*\n", "--output=", "--set", "x=;|&", "--", "--ranks", "", "ä:b"]
        for command in ("train", "doctor", "predict", "ensemble"):
            words, _ = self.call(DTRAIN, command, "--ranks=2", *odd)
            self.assertEqual(words[words.index("-np"):], ["-np", "2", os.path.realpath(DTRAIN), command, *odd])

    def test_mpiruns_exit_code_is_the_commands_whatever_the_program_is_called(self):
        link = self.scratch / "bin" / "other name"
        link.parent.mkdir()
        link.symlink_to(os.path.realpath(DTRAIN))
        for code in (75, 137):
            process = subprocess.Popen(["other name", "--ranks", "2"], executable=link,
                                       env={**self.variables, "FAKE_CODE": str(code)})
            self.assertEqual(process.wait(timeout=60), code)
        self.assertIn(os.path.realpath(DTRAIN), (self.scratch / "words").read_text().split("\0"))


    def test_ctrl_c_asks_to_save_and_the_second_one_ends_at_once(self):
        (self.scratch / "mpirun").write_text("""#!/bin/bash
for s in USR1 TERM; do trap "echo $s >> $SEEN/signals; [[ $s == USR1 ]] || exit 143" $s; done
echo started >> $SEEN/signals
while :; do read -t 0.05 <> <(:); done
""")
        process = subprocess.Popen([DTRAIN, "--ranks", "2"], env=self.variables)
        self.addCleanup(process.kill)
        for word, number in (("started", signal.SIGINT), ("USR1", signal.SIGINT)):
            deadline = time.monotonic() + 20
            while word not in (self.scratch / "signals").read_text() if (self.scratch / "signals").exists() else True:
                self.assertLess(time.monotonic(), deadline, word)
                time.sleep(0.02)
            process.send_signal(number)
        self.assertEqual(process.wait(timeout=20), 143)
        self.assertEqual((self.scratch / "signals").read_text(), "started\nUSR1\nTERM\n")


class Refusals(TrainingTest):
    def refused(self, code, *words, mentions, ranks=None, **variables):
        (line,) = error_lines(run(words, ranks, expect=code, env=variables))
        for mention in mentions:
            self.assertIn(mention, line)

    def test_a_wrong_number_is_64(self):
        self.refused(64, "--ranks", "0", mentions=["--ranks", "from 1 to 1024"])
        self.refused(64, "--gpus=many", "--config", CONFIG, mentions=["--gpus", "or all"])
        self.refused(64, "--rank", "2", mentions=["did you mean --ranks?"])

    def test_a_command_that_uses_no_ranks_is_64(self):
        self.refused(64, "vote", "--ranks", "2", mentions=["dtrain vote does not use ranks"])

    def test_a_launcher_never_starts_another(self):
        self.refused(64, "--ranks", "2", "--config", CONFIG, ranks=2,
                     mentions=["already started 2 ranks", "rank 0 of 2"])
        self.refused(64, "--ranks", "2", mentions=["srun"], SLURM_STEP_NUM_TASKS="2")

    def test_more_ranks_than_processors_are_78(self):
        self.refused(78, "--ranks", PROCESSORS + 1, mentions=["--ranks", f"on {PROCESSORS} processors"],
                     DTRAIN_OVERSUBSCRIBE="0")

    def test_gpus_in_the_program_for_cpus_are_78(self):
        if "CPU only" not in run(["version"]).stdout:
            self.skipTest("this program is for GPUs")
        self.refused(78, "--gpus", "1", mentions=["launch/build.sh cuda", "--ranks"])

    def test_without_mpirun_it_is_69(self):
        self.refused(69, "--ranks", "1", mentions=["mpirun", "openmpi-bin"], PATH=str(self.scratch))


class RealRanks(TrainingTest):
    def test_the_model_is_that_of_launch_mpirun_sh_to_the_byte(self):
        flags = ["--epochs", 1, "-b", 24, "--set", "data.limit_train=96", "--set", "data.limit_eval=48"]
        ours = train(self.output("ours"), "--ranks", 2, *flags, env=OVERSUBSCRIBE)
        theirs = self.output("theirs")
        subprocess.run([ROOT / "launch/mpirun.sh", "-np", "2", DTRAIN, "--config", CONFIG, *QUICK, "--output", theirs,
                        *map(str, flags)], check=True, stdout=subprocess.DEVNULL, timeout=120,
                       env={**os.environ, **OVERSUBSCRIBE, "OMP_NUM_THREADS": "1"})
        self.assertTrue(weights(ours) == weights(only_run(theirs)))
        self.assertNotIn("ranks", (ours / "config.json").read_text())
        self.assertTrue((ours / "rank1.log").exists())

    def test_the_ranks_exit_code_is_the_commands_on_this_machine_wherever_a_job_has_its_hosts(self):
        hosts = self.scratch / "hosts"
        hosts.write_text("nowhere1 slots=4\n")
        for elsewhere in ({}, {**ELSEWHERE, "OMPI_MCA_orte_default_hostfile": str(hosts)}):
            done = run(["--config", CONFIG, "--data-dir", "/nonexistent", "--ranks", 3], expect=65,
                       env={**OVERSUBSCRIBE, **elsewhere})
            (line,) = error_lines(done)
            self.assertIn("rank 0 of 3", line)

    def start_long_run(self, name):
        log = self.output(name + ".log")
        with open(log, "w") as out:
            process = subprocess.Popen(
                [DTRAIN, "--ranks", "2", "--config", CONFIG, *QUICK, "--epochs", "500", "-b", "8", "--output",
                 self.output(name)], stdout=out, stderr=out, env={**os.environ, **OVERSUBSCRIBE})
        self.addCleanup(process.kill)
        return process, log

    def test_a_signal_saves_and_nothing_is_left_not_even_of_a_command_that_was_killed(self):
        # Side by side, since most of it is waiting.
        runs = [(number, *self.start_long_run(number.name))
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)]
        deadline = time.monotonic() + 60
        started = []
        for _, process, log in runs:
            while "Train: 0 [" not in log.read_text():
                self.assertLess(time.monotonic(), deadline, "training did not begin")
                self.assertIsNone(process.poll(), log.read_text())
                time.sleep(0.05)
            (mpirun,) = children(process.pid)
            ranks = children(mpirun)
            self.assertEqual(len(ranks), 2)
            started += [mpirun, *ranks]
        for number, process, _ in runs:
            process.send_signal(number)
        for number, process, log in runs:
            code = process.wait(timeout=30)
            if number == signal.SIGKILL:
                continue
            self.assertEqual(code, 75, log.read_text())
            self.assertIn("to resume, run the same command", log.read_text())
        while any(map(is_running, started)):
            self.assertLess(time.monotonic(), deadline, "a process is left")
            time.sleep(0.05)


def is_running(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


if __name__ == "__main__":
    unittest.main()
