"""The simulated ledger answers as the real one does on two stores that others wrote.

Random sequences of ledger operations go to the simulated ledger, to the real one on the
embedded DynamoDB, and to the real one on MiniStack, which this starts. Then faults are
planted into the simulated ledger, and each has to be noticed.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from emulator import ministack
from verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS_MAX = 1_800
RUN_SECONDS_MAX = 900
# All judges together have little time: a third is compared then.
SHARE = 3 if "JUDGES_ALL" in os.environ else 1
TWO_WAY = 3_000 // SHARE
THREE_WAY = 1_000 // SHARE
SELF_CHECK = 1_000
FAULTS_MIN = 23
# Chosen as a program, not as a package: what it builds upon is then what the others are built upon.
PROGRAM = ["--quiet", "--release", "--locked", "--bin", "differential"]

SUM = re.compile(r"^(\d+) sequences, (\d+) operations, (\d+) comparisons, (\d) ledgers, 0 differences: (\d+) s$", re.M)
SELF_SUM = re.compile(r"^(\d+) faults, (\d+) escaped$", re.M)


def run(*options):
    """How the program ends, and what it says."""
    try:
        done = subprocess.run(
            ["cargo", "run", *PROGRAM, "--", *options], cwd=ROOT,
            capture_output=True, text=True, timeout=RUN_SECONDS_MAX)
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
    built = subprocess.run(["cargo", "build", *PROGRAM], cwd=ROOT, timeout=BUILD_SECONDS_MAX)
    verdict.check("the comparison is built", built.returncode == 0)
    # A seed that nobody has tried, besides the fixed ones.
    fresh = int(time.time()) * 10_000
    judge_compared(verdict, TWO_WAY, 2, fresh)
    try:
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
