"""Runs that cannot go on: one line that names the cause, the exit code, no rank left, nothing half-written."""
import gzip
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from harness import CONFIG, DATA, QUICK, ROOT, TrainingTest, command, error_lines, run


class Failure(TrainingTest):
    def start(self, *flags, ranks=None, **kwargs):
        return run(["--config", CONFIG, *QUICK, "--output", self.output("runs"), *flags], ranks, **kwargs)

    def assert_fails(self, done, *mentions):
        """One line, with all of `mentions`, and no process of the run left."""
        lines = error_lines(done)
        self.assertEqual(len(lines), 1, done.stderr)
        for mention in mentions:
            self.assertIn(mention, lines[0])

    def copy_data(self):
        folder = self.scratch / "data"
        shutil.copytree(DATA, folder)
        return folder

    def assert_nothing_written(self):
        self.assertFalse(self.output("runs").exists() and any(self.output("runs").iterdir()))


class Data(Failure):
    def test_a_missing_data_folder_is_named_with_the_way_to_get_it(self):
        for ranks in (None, 3):
            done = self.start("--data-dir", "/nonexistent", ranks=ranks, expect=65)
            self.assert_fails(done, "/nonexistent", "dataset-fashion-mnist")
            self.assert_nothing_written()

    def test_a_truncated_idx_file_is_named(self):
        data = self.copy_data()
        path = data / "train-images-idx3-ubyte.gz"
        path.write_bytes(path.read_bytes()[:1_000_000])
        for ranks in (None, 2):
            done = self.start("--data-dir", data, "--set", "data.limit_train=0", ranks=ranks, expect=65)
            self.assert_fails(done, path.name)
            self.assert_nothing_written()

    def test_an_idx_file_with_another_magic_number_is_named(self):
        data = self.copy_data()
        path = data / "t10k-images-idx3-ubyte.gz"
        raw = bytearray(gzip.decompress(path.read_bytes()))
        raw[2] = 13
        path.write_bytes(gzip.compress(bytes(raw), 1))
        self.assert_fails(self.start("--data-dir", data, expect=65), path.name)
        self.assert_nothing_written()

    def test_too_few_samples_for_one_batch_says_the_numbers(self):
        done = self.start("--set", "data.limit_train=50", "-b", 32, ranks=2, expect=65)
        self.assert_fails(done, "50", "64")
        self.assert_nothing_written()

    def test_data_that_one_rank_alone_cannot_read_ends_all_ranks_with_its_line(self):
        # The second rank starts in another folder, where the relative path of the data leads nowhere: as on
        # a host where a disk is missing.
        home, elsewhere = self.scratch / "home", self.scratch / "elsewhere"
        home.mkdir()
        elsewhere.mkdir()
        (home / "data").symlink_to(DATA)
        wrapper = self.scratch / "rank.sh"
        wrapper.write_text(f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK" = 1 ] && cd {elsewhere}\nexec "$@"\n')
        wrapper.chmod(0o755)
        started = time.monotonic()
        done = run(["--config", CONFIG, *QUICK, "--output", self.output("runs"), "--data-dir", "data"], 3,
                   expect=65, wrapper=[str(wrapper)], cwd=home)
        self.assertLess(time.monotonic() - started, 10)
        self.assert_fails(done, "rank 1 of 3", "data")
        self.assert_nothing_written()


class Settings(Failure):
    def test_all_mistakes_of_a_config_are_listed_at_once(self):
        config = self.scratch / "bad.json"
        config.write_text('{"optimizer": {"lrr": 0.1, "momentum": 3}, "loader": {"batch_size": "x"}}')
        for ranks in (None, 2):
            done = run(["--config", config], ranks, expect=78)
            self.assert_fails(done, "optimizer.lrr", "did you mean", "optimizer.momentum",
                              "loader.batch_size")

    def test_an_unknown_flag_is_refused_with_the_nearest_name(self):
        self.assert_fails(self.start("--epoch", "3", expect=64), "--epochs")

    def test_a_wrong_command_is_one_line_for_any_number_of_ranks(self):
        for ranks in (None, 3):
            done = run(["trian"], ranks, expect=64)
            (line,) = error_lines(done)
            self.assertIn("train", line)

    def test_a_missing_config_file_is_named(self):
        self.assert_fails(run(["--config", "/nowhere.json"], expect=74), "/nowhere.json")

    def test_cuda_without_a_gpu_is_refused_clearly(self):
        self.assert_fails(self.start("--device", "cuda", expect=78), "cuda")
        self.assert_nothing_written()

    def test_flags_that_errors_advise_exist(self):
        advised = set()
        for source in [*(ROOT / "src").rglob("*.cpp"), *(ROOT / "dist").rglob("*.cpp")]:
            if source.parent.name == "cli":
                continue  # speaks of flags as such
            # Raw strings are style sheets, whose variables look like flags.
            code = re.sub(r'R"\(.*?\)"', "", source.read_text(), flags=re.DOTALL)
            for text in re.findall(r'"(?:[^"\\]|\\.)*"', code):
                advised.update(re.findall(r"(?<![\w-])--[a-z][\w.-]*[a-z]", text))
        known = set(re.findall(r"--[a-z][\w.-]*", run(["--help"]).stdout))
        known |= {"--config", "--help", "--version", "--markdown", "--mpi", "--bind-to", "--cuda", "--reinstall"}
        self.assertEqual(advised - known, set())


class Output(Failure):
    def test_an_output_that_cannot_be_written_is_named(self):
        blocker = self.scratch / "file"
        blocker.write_text("")
        for ranks in (None, 2):
            done = run(["--config", CONFIG, *QUICK, "--output", blocker / "runs"], ranks, expect=74)
            self.assert_fails(done, str(blocker))

    def test_a_full_file_system_ends_all_ranks_and_leaves_no_half_checkpoint(self):
        # A limit on the size of files fails writes like a full disk does; tests/checkpoint/full_disk_test.cpp fills a
        # real one, which takes root. mpirun itself needs larger files, so the limit is set behind it, and
        # MPI's shared-memory transport, whose segments are files, is left out.
        limited = ["sh", "-c", 'ulimit -f 600; exec "$@"', "sh"]
        for ranks in (None, 2):
            started = time.monotonic()
            done = self.start("--epochs", "1", "-b", "24", ranks=ranks, expect=74, wrapper=limited,
                              env={"OMPI_MCA_btl": "self,tcp"})
            self.assertLess(time.monotonic() - started, 30)
            self.assert_fails(done, "safetensors")
            (folder,) = self.output("runs").iterdir()
            self.assertEqual(list((folder / "checkpoints").iterdir()), [])
            shutil.rmtree(self.output("runs"))


class LostRank(Failure):
    def processes(self, launcher):
        """The pids of the ranks that a launcher started."""
        children = pathlib.Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    def start_long_run(self, ranks):
        log = open(self.scratch / "log", "w+")
        self.addCleanup(log.close)
        launcher = subprocess.Popen(
            command(["--config", CONFIG, *QUICK, "--epochs", "500", "-b", "8", "--output", self.output("runs")], ranks),
            stdout=log, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(launcher.kill)
        deadline = time.monotonic() + 60
        while "Train: 0 [ 5/" not in (self.scratch / "log").read_text():
            self.assertLess(time.monotonic(), deadline, "training did not begin")
            self.assertIsNone(launcher.poll(), (self.scratch / "log").read_text())
            time.sleep(0.05)
        return launcher

    def assert_all_gone(self, pids, within):
        deadline = time.monotonic() + within
        while any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids):
            self.assertLess(time.monotonic(), deadline, "a rank is left")
            time.sleep(0.05)

    def test_killing_any_one_rank_ends_the_others_within_ten_seconds(self):
        for victim in (0, 1, 2):
            launcher = self.start_long_run(3)
            pids = self.processes(launcher)
            self.assertEqual(len(pids), 3)
            os.kill(pids[victim], signal.SIGKILL)
            self.assert_all_gone(pids, within=10)
            self.assertNotEqual(launcher.wait(timeout=10), 0)
            shutil.rmtree(self.output("runs"))


if __name__ == "__main__":
    unittest.main()
