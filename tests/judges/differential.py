"""The simulated ledger answers as the real one does on two stores that others wrote.

Random sequences of ledger operations go to the simulated ledger, to the real one on the
embedded DynamoDB, and to the real one on MiniStack, which this starts. Then faults are
planted into the simulated ledger, and each has to be noticed.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
# MiniStack pins a botocore that the other judges cannot use, so it lives by itself.
PINNED = HERE / "ministack.txt"
INSTALLED = HERE / ".venv" / "ministack"
START_SECONDS_MAX = 60
BUILD_SECONDS_MAX = 1_800
RUN_SECONDS_MAX = 900
TWO_WAY = 3_000
THREE_WAY = 1_000
SELF_CHECK = 1_000
FAULTS_MIN = 23
COMPARE = ["cargo", "run", "--quiet", "--release", "--locked", "-p", "differential", "--"]

SUM = re.compile(r"^(\d+) sequences, (\d+) operations, (\d+) comparisons, (\d) ledgers, 0 differences: (\d+) s$", re.M)
SELF_SUM = re.compile(r"^(\d+) faults, (\d+) escaped$", re.M)


def install():
    """Installs the pinned MiniStack, again whenever the pin changes."""
    stamp = INSTALLED / "installed"
    wanted = PINNED.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    target = ["install", "--quiet", "--upgrade", "--target", INSTALLED, "-r", PINNED]
    own = subprocess.run([sys.executable, "-m", "pip", *target], capture_output=True, text=True)
    if own.returncode != 0:
        # An environment without pip is served from outside.
        subprocess.run(["python3", "-m", "pip", "--python", sys.executable, *target], check=True)
    stamp.write_text(wanted, encoding="utf-8")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def is_ready(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/ready", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextmanager
def ministack():
    """Serves on a free port of the loopback, and ends what it started."""
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        settings = {
            "PYTHONPATH": str(INSTALLED), "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0", "LOG_LEVEL": "ERROR", "PERSIST_STATE": "0", "TMPDIR": scratch,
        }
        with open(Path(scratch) / "log", "w+", encoding="utf-8") as log:
            served = subprocess.Popen(
                [sys.executable, "-m", "ministack"], cwd=scratch, env={**os.environ, **settings},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
            try:
                began = time.monotonic()
                while not is_ready(port):
                    if served.poll() is not None or time.monotonic() - began > START_SECONDS_MAX:
                        log.seek(0)
                        raise RuntimeError(f"MiniStack has not started: {log.read()[-2000:]}")
                    time.sleep(0.2)
                yield f"http://127.0.0.1:{port}"
            finally:
                served.terminate()
                try:
                    served.wait(10)
                except subprocess.TimeoutExpired:
                    served.kill()
                    served.wait()


def run(*options):
    """How the program ends, and what it says."""
    try:
        done = subprocess.run(
            [*COMPARE, *options], cwd=ROOT, capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return False, f"it did not end within {RUN_SECONDS_MAX} seconds"
    return done.returncode == 0, done.stdout + done.stderr


def judge_compared(verdict, wanted, ledgers, seed, *options):
    is_good, told = run("--sequences", str(wanted), "--seed", str(seed), *options)
    found = SUM.search(told)
    sequences, operations, comparisons, compared, seconds = map(int, found.groups()) if found else (0,) * 5
    holds = is_good and sequences == wanted and compared == ledgers
    figures = f"{sequences} sequences from seed {seed}, {operations} operations, {comparisons} comparisons, {seconds} s"
    verdict.check(f"{ledgers} ledgers answer the same: {figures}", holds, told[-4000:])
    seen = re.findall(r"^seen +(\d+) times: (.+)$", told, re.M)
    is_all_seen = bool(seen) and all(int(times) > 0 for times, _ in seen)
    figures = ", ".join(f"{sight} {times}" for times, sight in seen)
    verdict.check(f"{ledgers} ledgers were asked everything, and refused in every way: {figures}", is_all_seen)


def main():
    verdict = Verdict()
    built = subprocess.run(
        ["cargo", "build", "--quiet", "--release", "--locked", "-p", "differential"],
        cwd=ROOT, timeout=BUILD_SECONDS_MAX)
    verdict.check("the comparison is built", built.returncode == 0)
    # A seed that nobody has tried, besides the fixed ones.
    fresh = int(time.time()) * 10_000
    judge_compared(verdict, TWO_WAY, 2, fresh)
    try:
        install()
        with ministack() as endpoint:
            judge_compared(verdict, THREE_WAY, 3, 0, "--endpoint", endpoint)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        verdict.check("MiniStack is there", False, error)
    is_good, told = run("--self-check", "--sequences", str(SELF_CHECK))
    found = SELF_SUM.search(told)
    faults, escaped = map(int, found.groups()) if found else (0, 0)
    print(told.rstrip(), flush=True)
    verdict.check(f"each of {faults} planted faults is noticed",
                  is_good and faults >= FAULTS_MIN and escaped == 0)
    verdict.end()


main()
