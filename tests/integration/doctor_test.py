"""dtrain doctor: what it finds, under the launcher line of the run."""
import os
import time
import unittest

from harness import CONFIG, QUICK, TrainingTest, run


class Doctor(TrainingTest):
    def examine(self, *flags, ranks=2, **kwargs):
        done = run(["doctor", "--config", CONFIG, *QUICK, "--output", self.output("runs"), *flags], ranks, **kwargs)
        return {line.split("  ")[0]: line for line in done.stdout.splitlines() if "  " in line}

    def test_a_sound_set_up_is_ok_in_every_line_and_takes_less_than_thirty_seconds(self):
        for ranks in (1, 2, 3):
            started = time.monotonic()
            lines = self.examine(ranks=ranks)
            self.assertLess(time.monotonic() - started, 30)
            self.assertIn(f"{ranks} ranks on 1 hosts", lines["launcher"])
            for check in ("launcher", "device", "output folder", "data set", "connections", "one step",
                          "all-reduce 0.25 MB", "all-reduce 4 MB", "all-reduce 45 MB"):
                self.assertIn(" ok ", lines[check])
            self.assertRegex(lines["all-reduce 45 MB"], r"\d+\.\d+ ms, \d+\.\d+ GB/s")
            self.assertRegex(lines["one step"], r"gradients differ by \d\.\de[-+]\d+, statistics by")
        self.assertEqual(list(self.output("runs").iterdir()), [])

    def test_one_process_without_a_launcher_is_told_how_to_start_several(self):
        self.assertIn("mpirun -np N", self.examine(ranks=None)["launcher"])

    def test_more_threads_than_cores_is_a_warning(self):
        line = self.examine("--threads", 64)["cores"]
        self.assertIn("warning", line)
        self.assertIn("--threads", line)

    def test_missing_data_is_a_failure_with_the_exit_code_of_the_table(self):
        lines = self.examine("--data-dir", "/nonexistent", expect=65)
        self.assertIn("FAILURE", lines["data set"])
        self.assertIn("/nonexistent", lines["data set"])
        self.assertIn(" ok ", lines["connections"])

    def test_an_output_folder_that_one_rank_does_not_see_is_a_failure(self):
        # As on hosts that do not share a file system: the second rank starts in another folder.
        home, elsewhere = self.scratch / "home", self.scratch / "elsewhere"
        home.mkdir()
        elsewhere.mkdir()
        wrapper = self.scratch / "rank.sh"
        wrapper.write_text(f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && cd {elsewhere}\nexec "$@"\n')
        wrapper.chmod(0o755)
        done = run(["doctor", "--config", CONFIG, *QUICK, "--output", "runs"], 2, expect=74,
                   wrapper=[str(wrapper)], cwd=home)
        self.assertIn("rank 1 does not see what rank 0 writes there", done.stdout)

    def test_processes_that_srun_started_without_mpi_are_recognised(self):
        environment = {"SLURM_NTASKS": "2", "SLURM_PROCID": "0", "SLURM_STEP_ID": "0", "SLURM_JOB_ID": "1",
                       "SLURM_STEP_NUM_TASKS": "2"}
        done = run(["doctor", "--config", CONFIG, *QUICK], expect=64, env=environment)
        self.assertIn("--mpi=pmix", done.stderr)


if __name__ == "__main__":
    unittest.main()
