"""The functions as they are deployed: built by `sam build` and cargo-lambda, for x86-64.

While all judges are asked they are built as `ringfence` is, upon the libraries that it has been
built upon already: for a deployment those are compiled anew, which takes as long as all else.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOLS = Path(sys.executable).parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BUILT = TARGET / "judges" / "sam"
# Which run of the judges has built them.
BUILT_BY = TARGET / "judges" / "sam-built-by"
HELLO = TARGET / "lambda" / "hello" / "bootstrap"
SECONDS_MAX = 2_700
AS_DEPLOYED = "JUDGES_ALL" not in os.environ


def run(command, folder):
    """How a build ends, and what it says."""
    env = {
        **os.environ,
        # cargo-lambda and zig, which links, are in the same environment.
        "PATH": f"{TOOLS}:{os.environ['PATH']}",
        # The target is this machine's own: nothing is to be fetched for it.
        "RUSTUP_DIST_SERVER": "http://127.0.0.1:9", "RUSTUP_UPDATE_ROOT": "http://127.0.0.1:9",
        "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0",
    }
    try:
        done = subprocess.run(command, cwd=folder, env=env, text=True, timeout=SECONDS_MAX,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    except subprocess.TimeoutExpired:
        return False, f"it did not end within {SECONDS_MAX} s"
    return done.returncode == 0, done.stdout


def sam_build(*which, template=ROOT / "template.yaml", into=BUILT):
    """Builds these functions, or all; whether that went well, and what was said."""
    return run([TOOLS / "sam", "build", *which, "--template", template, "--base-dir", ROOT, "--build-dir", into,
                "--parameter-overrides", "Architecture=x86_64"], ROOT)


def alike():
    """The folders of the functions that are built in the same way."""
    manifests = (ROOT / "functions").glob("*/Cargo.toml")
    return sorted(it.parent for it in manifests if not (it.parent / ".cargo").exists())


def features(function):
    """What a function is built upon: each library, and its features."""
    command = ["cargo", "tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p} {f}"]
    told = subprocess.run(command, cwd=function, capture_output=True, text=True, check=True).stdout
    lines = {line.removesuffix(" (*)") for line in told.splitlines()}
    return {tuple(line.rsplit(" ", 1)) for line in lines if f"({ROOT}" not in line}


def build_ahead():
    """Builds side by side what `sam build` would build one after the other, each for minutes on one core.

    Only what is built in the same way. Whatever goes wrong here, `sam build` will say it.
    """
    packages = [word for folder in alike() for word in ("--package", folder.name)]
    run(["cargo", "lambda", "build", "--release", "--locked", *packages], alike()[0])


def build_as_ringfence(places):
    """Builds each of these programs, and copies it to its place; whether that went well, and what was said."""
    programs = [word for name in places for word in ("--bin", name)]
    is_built, said = run(["cargo", "build", "--release", "--locked", *programs], ROOT)
    if is_built:
        for name, place in places.items():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TARGET / "release" / name, place)
    return is_built, said


def build_bootstraps():
    """Builds all functions, once for all judges of a run; whether that went well, and what was said."""
    if not AS_DEPLOYED:
        names = sorted(it.parent.name for it in (ROOT / "functions").glob("*/Cargo.toml"))
        return build_as_ringfence({it: BUILT / f"{it.capitalize()}Function" / "bootstrap" for it in names})
    asked_by = os.environ.get("JUDGES_RUN")
    if asked_by and BUILT_BY.exists() and BUILT_BY.read_text(encoding="utf-8") == asked_by:
        return True, "an earlier judge of this run has built them"
    BUILT_BY.unlink(missing_ok=True)
    build_ahead()
    is_built, said = sam_build()
    if is_built and asked_by:
        BUILT_BY.write_text(asked_by, encoding="utf-8")
    return is_built, said


def build_hello():
    """Builds the least function that can be, in the same way."""
    if not AS_DEPLOYED:
        return build_as_ringfence({"hello": HELLO})
    return run(["cargo", "lambda", "build", "--release", "--locked"], ROOT / "tests" / "judges" / "hello")


def bootstraps():
    """Every function's bootstrap by its name in the template."""
    return {file.parent.name: file for file in sorted(BUILT.glob("*/bootstrap"))}
