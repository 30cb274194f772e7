"""Tools that pin libraries which other judges need in other versions, each in a folder of its own."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]


def installed(name):
    """Where `NAME.txt` is installed, which is done again whenever that changes."""
    folder = HERE / ".venv" / name
    stamp = folder / "installed"
    pinned = HERE / f"{name}.txt"
    wanted = pinned.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return folder
    target = ["install", "--quiet", "--upgrade", "--target", folder, "-r", pinned]
    own = subprocess.run([sys.executable, "-m", "pip", *target], capture_output=True, text=True)
    if own.returncode != 0:
        # An environment without pip is served from outside.
        subprocess.run(["python3", "-m", "pip", "--python", sys.executable, *target], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return folder


def environment(name, **more):
    """The variables with which Python finds what is installed there, and these."""
    return {**os.environ, "PYTHONPATH": str(installed(name)), **more}
