"""The functions as they are deployed: built by `sam build` and cargo-lambda, for x86-64."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
TOOLS = Path(sys.executable).parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BUILT = TARGET / "judges" / "sam"
HELLO = TARGET / "lambda" / "hello" / "bootstrap"
SECONDS_MAX = 2_700


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
    """Builds what has changed of these functions, or of all; whether that went well, and what was said."""
    return run([TOOLS / "sam", "build", *which, "--template", template, "--base-dir", ROOT, "--build-dir", into,
                "--parameter-overrides", "Architecture=x86_64"], ROOT)


def build_hello():
    """Builds the least function that can be, in the same way."""
    return run(["cargo", "lambda", "build", "--release", "--locked"], ROOT / "tests" / "judges" / "hello")


def bootstraps():
    """Every function's bootstrap by its name in the template."""
    return {file.parent.name: file for file in sorted(BUILT.glob("*/bootstrap"))}
