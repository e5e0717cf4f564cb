"""One rank on a machine where no network interface is up, not even the loopback; root makes such a one."""
import subprocess
import sys
import unittest

from harness import CONFIG, QUICK, TrainingTest, reference, run, train, weights

NAMESPACE = ["unshare", "-n"]


class NoNetwork(TrainingTest):
    def test_one_rank_trains_to_the_same_bits(self):
        flags = ["-b", 48, "--epochs", 1]
        offline = train(self.output("offline"), *flags, wrapper=NAMESPACE)
        self.assertTrue(weights(offline) == weights(reference(*flags)))
        table = run(["doctor", "--config", CONFIG, *QUICK, "--output", self.output("doctor")], wrapper=NAMESPACE).stdout
        self.assertNotIn("FAILURE", table)


if __name__ == "__main__":
    if subprocess.run([*NAMESPACE, "true"], check=False, capture_output=True).returncode != 0:
        sys.exit(77)  # not root
    unittest.main()
