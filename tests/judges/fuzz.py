"""libFuzzer tries a million inputs on each parser that outsiders reach, and finds planted bugs.

A target `tests/fuzz/targets/NAME.rs` has to bear them all: no panic, no answer but the one that
it claims, and no more memory or time than it allows. What it does not bear is kept and told how
to be tried again. FUZZ_SEED repeats a run, FUZZ_RUNS tries another number of inputs, and targets
can be named as arguments.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from verdict import Verdict

ROOT = Path(__file__).resolve().parents[2]
FUZZ = ROOT / "tests/fuzz"
BUILT = ROOT / "target/fuzz"
RUNS = int(os.environ.get("FUZZ_RUNS", 1_000_000))
SEED = int(os.environ.get("FUZZ_SEED", random.randrange(1, 2**31)))
AT_ONCE = 2
TARGETS_MIN = 22
# Of which a fraction is enough, whatever FUZZ_RUNS is.
PLANTED_RUNS = 5_000_000
# Of the whole process, libFuzzer's own corpus included; a target bounds each input beside that.
RSS_MB_MAX = 1024
# For an input that never ends; a target notices one that merely takes long.
SECONDS_PER_INPUT_MAX = 20
SECONDS_MAX = 3600
# In a build without instrumentation there are none; the smallest target has 150.
COUNTERS_MIN = 100

# Longer inputs than these are tried too: see `tests/fuzz/src/bounds.rs`.
LENGTH_MAX = {"csv": 128, "json_rows": 512, "phone": 64, "signature": 256, "xlsx": 2048}
LENGTH_MAX_ELSE = 1024
DICTIONARIES = {
    "call_flow": "json", "delete_body": "json", "do_not_call_body": "json", "json_rows": "json",
    "message": "json", "settings_body": "json", "start_body": "json", "stop_body": "json",
    "token": "token", "upload_body": "json",
    "callback": "form", "form": "form", "host": "form", "query": "form", "signature": "form",
    "webhook": "form", "csv": "table", "multipart": "table", "xlsx": "table",
}
PLANTED = {"panics": "planted", "keeps": "bytes were allocated", "dawdles": "went by"}

LOADED = re.compile(r"\((\d+) inline 8-bit counters\)")
DONE = re.compile(r"^#(\d+)\s+DONE\s+cov: (\d+) ft: \d+ corp: (\d+)/", re.M)
MOST = re.compile(r"^most: (\d+) bytes, (\d+) us$", re.M)
ARTIFACT = re.compile(r"Test unit written to (\S+)")


@dataclass
class Run:
    """What became of one target."""

    name: str
    status: int
    told: str
    seconds: float

    @property
    def artifact(self):
        found = ARTIFACT.search(self.told)
        return Path(found[1]) if found else None

    @property
    def counters(self):
        found = LOADED.search(self.told)
        return int(found[1]) if found else 0

    @property
    def figures(self):
        done, most = DONE.search(self.told), MOST.findall(self.told)
        if not done:
            return "no end"
        bytes_most, micros_most = most[-1] if most else ("fewer than 4096", "fewer than 100")
        return (f"{done[1]} inputs, {int(int(done[1]) / max(self.seconds, 1e-3))} per second, "
                f"{done[2]} of {self.counters} edges, corpus {done[3]}, "
                f"at most {bytes_most} bytes and {micros_most} us each")

    @property
    def is_whole(self):
        done = DONE.search(self.told)
        return self.status == 0 and done is not None and int(done[1]) >= RUNS

    @property
    def reason(self):
        """What went wrong, and how to see it again."""
        lines = [line for line in self.told.splitlines() if not line.startswith(("#", "most:", "INFO"))]
        again = f"\nagain: {BUILT}/release/{self.name} {self.artifact}" if self.artifact else ""
        return "\n".join(lines[-30:]) + again


def install_compiler():
    """Asks the distribution for a C++ compiler; whether that helped shows in the build."""
    if os.environ.get("CXX") or any(map(shutil.which, ("c++", "g++", "clang++"))):
        return
    if shutil.which("apt-get") is None:
        return
    subprocess.run(["apt-get", "update", "-q"], stdout=subprocess.DEVNULL)
    command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "g++"]
    subprocess.run(command, stdout=subprocess.DEVNULL)


def build():
    install_compiler()
    environment = os.environ | {"RUSTC_WRAPPER": str(FUZZ / "instrument.sh")}
    command = ["cargo", "build", "--release", "--locked", "--manifest-path", FUZZ / "Cargo.toml",
               "--target-dir", BUILT]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)


def run(name, planted=None):
    """Tries `RUNS` inputs, or as many as it takes to find a planted bug."""
    found = BUILT / "found"
    grown = BUILT / "corpus" / name
    if planted:
        # What was found once must be found again.
        shutil.rmtree(grown, ignore_errors=True)
    for folder in (found, grown):
        folder.mkdir(parents=True, exist_ok=True)
    command = [
        BUILT / "release" / name, f"-runs={PLANTED_RUNS if planted else RUNS}", f"-seed={SEED}",
        f"-max_len={LENGTH_MAX.get(name, LENGTH_MAX_ELSE)}", f"-rss_limit_mb={RSS_MB_MAX}",
        f"-timeout={SECONDS_PER_INPUT_MAX}", f"-artifact_prefix={found}/{name}-",
        "-print_final_stats=1", "-verbosity=1",
    ]
    if name in DICTIONARIES:
        command.append(f"-dict={FUZZ}/dictionaries/{DICTIONARIES[name]}")
    command += [grown, FUZZ / "corpus" / name]
    return execute(name, command, planted)


def execute(name, command, planted):
    environment = {key: value for key, value in os.environ.items() if key != "PLANTED"}
    # What panicked and why is enough; the input tells the rest.
    environment["RUST_BACKTRACE"] = "0"
    if planted:
        environment["PLANTED"] = planted
    began = time.monotonic()
    try:
        done = subprocess.run(command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=SECONDS_MAX)
        status, told = done.returncode, done.stderr.decode(errors="replace")
    except subprocess.TimeoutExpired as ended:
        status = -1
        told = (ended.stderr or b"").decode(errors="replace") + f"\nnot done in {SECONDS_MAX} seconds"
    return Run(name, status, told, time.monotonic() - began)


def judge_planted(verdict):
    for bug, word in PLANTED.items():
        hunt = run("planted", bug)
        is_found = hunt.status != 0 and hunt.artifact is not None and word in hunt.told
        verdict.check(f"a planted bug that {bug} is found: {hunt.seconds:.1f} s", is_found, hunt.reason)
        if is_found:
            replay = [BUILT / "release/planted", hunt.artifact]
            with_bug, without = (execute("planted", replay, planted).status for planted in (bug, None))
            verdict.check("its input shows it again, and only with the bug", with_bug != 0 and without == 0)
            hunt.artifact.unlink()


def main():
    verdict = Verdict()
    began = time.monotonic()
    built = build()
    verdict.check(f"the targets are built: {time.monotonic() - began:.0f} s", built.returncode == 0,
                  built.stderr[-4000:])
    if built.returncode != 0:
        verdict.end()
    names = sorted(file.stem for file in (FUZZ / "targets").glob("*.rs") if file.stem != "planted")
    verdict.check(f"{len(names)} targets are there, {TARGETS_MIN} or more", len(names) >= TARGETS_MIN)
    names = sys.argv[1:] or names
    judge_planted(verdict)
    print(f"seed {SEED}, {RUNS} inputs each", flush=True)
    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in pool.map(run, names):
            seeds = len(list((FUZZ / "corpus" / done.name).iterdir()))
            is_seen = done.counters >= COUNTERS_MIN and seeds > 0
            verdict.check(f"{done.name}: {done.figures}", done.is_whole and is_seen, done.reason)
    print(f"{time.monotonic() - began:.0f} s for all", flush=True)
    verdict.end()


main()
