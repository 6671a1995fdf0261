"""python -m unittest discover python/tests; needs Node and V_TRIUNE_SERVER_COMMAND, or npx and the npm registry."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import unittest

import v_triune
from v_triune import RewardError, Server, ServerError, Verdict
from v_triune.easyr1 import compute_score

BOXES = "<answer>[{'bbox_2d': [0, 0, 100, 100], 'label': 'cat'}]</answer>"
POSIX = os.name == "posix"


def is_alive(pid):
    # A child of a dead parent may be a zombie of this container's first process.
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s")
        time.sleep(0.05)


class Verify(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(options=["--workers", "1"])
        cls.server.client

    @classmethod
    def tearDownClass(cls):
        cls.server.close()

    def verify(self, *args, **options):
        return v_triune.verify(*args, server=self.server, **options)

    def test_scores(self):
        found = self.verify("The width is \\boxed{50\\text{ mm}}.", "5 cm")
        self.assertEqual((found.status, found.reward, found.accuracy, found.scored), ("scored", 1.0, 1.0, True))
        self.assertIsInstance(found.reward, float)
        self.assertEqual(self.verify("6 cm", "5 cm").reward, 0.0)

    def test_has_no_reward_for_what_is_not_scored(self):
        bad = self.verify("4", "")
        self.assertEqual((bad.status, bad.reward, bad.scored), ("skipped", None, False))
        wrong = self.verify("4", "4", verifier="nonesuch")
        self.assertEqual((wrong.status, wrong.code, wrong.reward), ("error", "request", None))
        self.assertIn("mathverify", wrong.reason)

    def test_reads_parameters_parts_and_ratios(self):
        near = BOXES.replace("100, 100", "100, 60")
        self.assertEqual(self.verify(near, BOXES, verifier="detection", params={"epsilon": 0.9}).accuracy, 0.0)
        self.assertGreater(self.verify(near, BOXES, verifier="detection", params={"epsilon": 0.5}).accuracy, 0.5)
        self.assertEqual(self.verify([{"type": "text", "text": "\\boxed{4}"}], "4").reward, 1.0)
        self.assertEqual(self.verify("4", "4", accuracy_ratio=1, format_ratio=1).reward, 0.5)

    def test_many_in_their_order_without_losing_any_to_a_bad_one(self):
        samples = [{"response": str(n), "ground_truth": "7"} for n in range(150)]
        samples[3] = {"response": {"type": "hologram"}, "ground_truth": "7"}
        found = v_triune.verify_many(samples, server=self.server)
        self.assertEqual([index for index, verdict in enumerate(found) if verdict.reward == 1.0], [7])
        self.assertEqual([index for index, verdict in enumerate(found) if not verdict.scored], [3])
        self.assertEqual(v_triune.verify_many([], server=self.server), [])

    def test_awaits(self):
        async def both():
            return await asyncio.gather(*[v_triune.verify_async(n, "4", server=self.server) for n in ("4", "5")])

        self.assertEqual([verdict.reward for verdict in asyncio.run(both())], [1.0, 0.0])
        many = v_triune.verify_many_async([{"response": "4", "ground_truth": "4"}], server=self.server)
        self.assertEqual(asyncio.run(many)[0].reward, 1.0)

    def test_takes_an_address_and_a_client(self):
        for server in (self.server.url, v_triune.RewardClient(self.server.url)):
            self.assertEqual(v_triune.verify("4", "4", server=server), self.verify("4", "4"))
        with self.assertRaises(RewardError):
            v_triune.verify("4", "4", server=v_triune.RewardClient("http://127.0.0.1:1", retries=0))

    def test_is_a_value(self):
        self.assertEqual(Verdict("skipped", reason="x"), Verdict("skipped", reason="x"))
        with self.assertRaises(AttributeError):
            Verdict("skipped").status = "scored"

    def test_easyr1(self):
        rows = [{"response": "\\boxed{4}", "response_length": 3, "ground_truth": gold} for gold in ("4", "5", "")]
        found = compute_score(rows, verifier="mathverify", url=self.server.url, unscored_reward=-1)
        self.assertEqual([row["accuracy"] for row in found], [1.0, 0.0, -1.0])
        self.assertEqual([row["scored"] for row in found], [1.0, 1.0, 0.0])
        with self.assertRaises(ValueError):
            compute_score(rows[0], verifier="mathverify")
        with self.assertRaises(RewardError):
            compute_score([{**rows[0], "ground_truth": "4"}] * 2, url=self.server.url)  # no verifier is named


class OwnServer(unittest.TestCase):
    def test_starts_once_and_again_when_it_has_died_and_ends(self):
        server = Server(options=["--workers", "1"])
        urls = []
        threads = [threading.Thread(target=lambda: (server.client, urls.append(server.url))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(urls)), 1)
        with server:
            os.kill(server._process.pid, signal.SIGKILL if POSIX else signal.SIGTERM)
            wait_until(lambda: not server.is_running)
            self.assertEqual(v_triune.verify("4", "4", server=server).reward, 1.0)
            pid = server._process.pid
        self.assertFalse(server.is_running)
        wait_until(lambda: not is_alive(pid))

    def test_says_why_it_does_not_start(self):
        for command, text in [
            (["/nowhere/v-triune-reward-server"], "Node 20 or newer"),
            ([sys.executable, "-c", "import sys; sys.exit('no such package')"], "no such package"),
            ([sys.executable, "-c", "print('hello')"], "ended with 0 instead of starting"),
        ]:
            with self.assertRaises(ServerError) as raised:
                Server(command).client
            self.assertIn(text, str(raised.exception))
        with self.assertRaises(ServerError) as raised:
            Server([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5).client
        self.assertIn("did not start within 0.5 s", str(raised.exception))
        with self.assertRaises(ServerError) as raised:
            Server(options=["--workers", "none"]).client
        self.assertIn("--workers", str(raised.exception))

    @unittest.skipUnless(POSIX, "forks and signals")
    def test_does_not_outlive_its_process_and_serves_its_forks(self):
        script = """
            import os, sys, time, v_triune
            from v_triune import _server
            assert v_triune.verify("4", "4").reward == 1.0
            child = os.fork()
            if child == 0:
                ok = v_triune.verify("5", "4").reward == 0.0
                sys.exit(0 if ok else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            assert v_triune.verify("4", "4").reward == 1.0
            print(_server._shared._process.pid, flush=True)
            time.sleep(float(sys.argv[1]))
        """
        environment = {key: value for key, value in os.environ.items() if key != "V_TRIUNE_REWARD_URL"}
        for seconds in ("0", "60"):
            child = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(script), seconds],
                stdout=subprocess.PIPE,
                text=True,
                env=environment,
            )
            pid = int(child.stdout.readline())
            if seconds == "60":
                child.kill()
            child.wait(30)
            child.stdout.close()
            wait_until(lambda: not is_alive(pid))


if __name__ == "__main__":
    unittest.main()
