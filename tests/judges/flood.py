"""A million random requests: no failure of ours, every refusal in its form, memory steady.

`tests/flood` sends them to the real handlers on the embedded stack, in process, in simulated
time. FLOOD_SEED repeats a flood, FLOOD_REQUESTS tries another number. What is planted has to
be noticed: a table that fails, an answer without its code, memory that stays behind.
"""

import os
import random
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
FLOOD = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/flood"
REQUESTS = int(os.environ.get("FLOOD_REQUESTS", 1_000_000))
SEED = int(os.environ.get("FLOOD_SEED", random.randrange(1, 2**31)))
SECONDS_MAX = 1800
# The first two show within a few thousand; a leak must pass what is allowed.
PLANTED = {
    "failure": (8_000, "a failure of ours"),
    "shape": (40_000, "without the form of an error"),
    "leak": (80_000, "not steady"),
}


def flood(*arguments):
    """Whether the stack bore it, and what is told of it."""
    # Where it keeps its table; in memory beside the process, if there is such a place.
    memory = Path("/dev/shm")
    environment = os.environ | ({"TMPDIR": str(memory)} if memory.is_dir() else {})
    try:
        done = subprocess.run([FLOOD, *map(str, arguments)], env=environment, cwd=ROOT, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return False, f"not done in {SECONDS_MAX} seconds"
    return done.returncode == 0, done.stdout


def main():
    verdict = Verdict()
    built = subprocess.run(["cargo", "build", "--release", "--locked", "--bin", "flood"], cwd=ROOT,
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    verdict.check("the flood is built", built.returncode == 0, built.stderr[-4000:])
    if built.returncode == 0:
        for planted, (requests, word) in PLANTED.items():
            is_borne, told = flood("--plant", planted, "--requests", requests, "--seed", SEED)
            verdict.check(f"a planted {planted} is noticed", not is_borne and word in told, told)
        is_borne, told = flood("--requests", REQUESTS, "--seed", SEED)
        print(told.rstrip(), flush=True)
        verdict.check(f"{REQUESTS} requests are borne: seed {SEED}", is_borne)
    verdict.end()


main()
