"""Machines as people have them: launchers of others, more threads than cores, poor file systems."""
import os
import unittest

from harness import CONFIG, QUICK, TrainingTest, error_lines, only_run, reference, run, train, weights

LAUNCHERS = {
    "MPICH": {"PMI_RANK": "0", "PMI_SIZE": "3", "MPI_LOCALNRANKS": "3", "MPI_LOCALRANKID": "0"},
    "Intel MPI": {"PMI_RANK": "0", "PMI_SIZE": "3", "MPI_LOCALNRANKS": "3", "I_MPI_ROOT": "/opt/intel"},
    "MVAPICH": {"MV2_COMM_WORLD_SIZE": "3", "MV2_COMM_WORLD_RANK": "0"},
    "torchrun": {"RANK": "0", "WORLD_SIZE": "3", "LOCAL_RANK": "0", "TORCHELASTIC_RUN_ID": "none"},
}
# What starts one process, or was left behind by a script.
PLAIN = {"PMI_RANK": "0", "PMI_SIZE": "1", "WORLD_SIZE": "8", "MASTER_ADDR": "localhost", "I_MPI_ROOT": "/opt/intel"}


POOR_FILES = {"LD_PRELOAD": os.environ.get("POOR_FILES_LIBRARY", ""), "POOR_FILES": "symlink flock renameat2 fsync"}


class Machines(TrainingTest):
    def test_launchers_that_are_not_open_mpis_are_refused_with_the_line_to_type(self):
        for name, variables in LAUNCHERS.items():
            done = run(["--config", CONFIG, *QUICK, "--output", self.output("none")], expect=78, env=variables)
            (line,) = done.stderr.splitlines()
            self.assertIn(name, line)
            self.assertIn("(rank 0 of 3, ", line)
            self.assertIn("launch/mpirun.sh -np 3 dtrain", line)
            self.assertIn("dtrain --ranks 3", line)
        for command in (["doctor"], ["predict", "--checkpoint", "none"], ["ensemble", "--config", "none"]):
            done = run(command, expect=78, env=LAUNCHERS["torchrun"])
            self.assertEqual(len(error_lines(done)), 1)
            self.assertIn("torchrun", done.stderr)
        self.assertFalse(self.output("none").exists())

    def test_more_omp_threads_than_cores_are_one_warning_with_both_numbers(self):
        cores = len(os.sched_getaffinity(0))
        flags = ["--config", CONFIG, *QUICK, "--set", "data.limit_train=48", "--set", "data.limit_eval=10", "-b", 24,
                 "--epochs", 1, "--output", self.output("omp")]
        many = {"OMP_NUM_THREADS": str(cores + 6), **PLAIN}
        done = run([*flags, "--threads", 0], env=many)
        warnings = [line for line in done.stdout.splitlines() if line.startswith("warning: OMP_NUM_THREADS")]
        self.assertEqual(len(warnings), 1, done.stdout[-2000:])
        self.assertRegex(warnings[0], rf"is {cores + 6}, but this rank has \d+ core")
        self.assertIn(warnings[0].removeprefix("warning: "), (only_run(self.output("omp")) / "log.txt").read_text())
        table = run(["doctor", *flags, "--threads", 0, "--output", self.output("doctor")], env=many).stdout
        (line,) = [line for line in table.splitlines() if line.startswith("cores ")]
        self.assertIn("warning", line)
        self.assertRegex(line, rf"{cores + 6} compute threads.*OMP_NUM_THREADS=\d+")

    def test_without_links_locks_exchange_and_fsync_of_folders_nothing_is_lost(self):
        flags, output = ["-b", 48, "--epochs", 2], self.output("poor")
        stopped = run(["--config", CONFIG, *QUICK, "--output", output, *flags], expect=75,
                      env={**POOR_FILES, "DTRAIN_TEST_FAULT": "sigterm:0:7"})
        self.assertIn("no symbolic links, no locks, no exchange of folders, no fsync of folders", stopped.stdout)
        folder = train(output, *flags, "--resume", "auto", env=POOR_FILES)
        checkpoints = folder / "checkpoints"
        for name in ("last", "best"):
            self.assertFalse((checkpoints / name).is_symlink())
            target = (checkpoints / name).read_text().strip()
            self.assertTrue(weights(folder, target) == weights(reference(*flags), name))
        kept = sorted(path.name for path in checkpoints.iterdir())
        self.assertEqual(kept, ["best", "last", "step-00000005", "step-00000008", "step-00000010"])
        self.assertEqual([path.name for path in folder.iterdir() if path.name.startswith(".")], [])
        run(["predict", "--checkpoint", checkpoints / "best"], env=POOR_FILES)  # HDF5 would lock its file
        self.assertIn("step-00000010", run(["inspect", "checkpoint", checkpoints / "last"], env=POOR_FILES).stdout)
        table = run(["doctor", "--config", CONFIG, *QUICK, "--output", output], env=POOR_FILES).stdout
        self.assertRegex(table, r"output folder +warning .*no symbolic links, no locks")


if __name__ == "__main__":
    unittest.main()
