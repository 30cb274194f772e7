"""A small Lambda Runtime API: it hands a bootstrap one event, and measures it from outside."""

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from web import Answer, serving

NEXT = "/2018-06-01/runtime/invocation/next"
REQUEST_ID = "00000000-0000-4000-8000-000000000000"
SECONDS_MAX = 20


@dataclass
class Start:
    """What one start of a bootstrap cost; times in seconds, memory in bytes."""
    # From its exec to the first request for work, and the CPU time until then.
    to_poll: float | None = None
    cpu_to_poll: float = 0
    # What there was to be seen by then, and in the end, for whoever looks at something else as well.
    seen_at_poll: int = 0
    seen_at_end: int = 0
    # From the answer to that request to its own, and the CPU time of that.
    first_invocation: float | None = None
    cpu_of_first: float = 0
    answer: dict = field(default_factory=dict)
    # What it said instead of asking, or of answering.
    error: str = ""
    peak_memory: int = 0


def cpu_seconds(pid):
    """The CPU time that all threads of a process have had."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def peak_memory(pid):
    """The most memory that a process has had at one time."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024


def start(binary, event, env, function, look=lambda: 0):
    """Starts a bootstrap once, hands it an event, and ends it when it has answered.

    Without an event it is ended as soon as it asks for one.
    """
    measured = Start()
    spawned = threading.Event()
    handed = threading.Event()
    done = threading.Event()
    began = 0.0
    process = None

    def answer(request):
        nonlocal began
        now = time.perf_counter()
        # It may ask before we have been told that it runs.
        spawned.wait(SECONDS_MAX)
        if request.target == NEXT and not handed.is_set():
            handed.set()
            measured.to_poll = now - began
            measured.cpu_to_poll = cpu_seconds(process.pid)
            measured.seen_at_poll = look()
            if event is None:
                done.set()
                return None
            headers = {
                "lambda-runtime-aws-request-id": REQUEST_ID,
                "lambda-runtime-deadline-ms": str(int((time.time() + SECONDS_MAX) * 1000)),
                "lambda-runtime-invoked-function-arn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
                "content-type": "application/json",
            }
            began = time.perf_counter()
            return Answer(200, headers, event)
        if request.target.endswith("/response"):
            measured.first_invocation = now - began
            measured.cpu_of_first = cpu_seconds(process.pid) - measured.cpu_to_poll
            measured.answer = json.loads(request.body or b"null")
            measured.peak_memory = peak_memory(process.pid)
            measured.seen_at_end = look()
        elif request.target != NEXT:
            measured.error = request.body.decode(errors="replace")
        else:
            # There is no more work; whoever asks waits until it is ended.
            done.wait(SECONDS_MAX)
            return None
        done.set()
        return Answer(202, {}, b"")

    with serving(answer) as origin:
        variables = {
            **env, "AWS_LAMBDA_RUNTIME_API": origin.removeprefix("http://"),
            "AWS_LAMBDA_FUNCTION_NAME": function, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512", "AWS_LAMBDA_LOG_GROUP_NAME": "none",
            "AWS_LAMBDA_LOG_STREAM_NAME": "none", "PATH": os.environ["PATH"],
        }
        began = time.perf_counter()
        process = subprocess.Popen([binary], env=variables, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        spawned.set()
        try:
            end = time.monotonic() + SECONDS_MAX
            while not done.wait(0.02) and process.poll() is None and time.monotonic() < end:
                pass
            if not done.is_set():
                ended = process.poll()
                measured.error = f"nothing for {SECONDS_MAX} s" if ended is None else f"it ended with status {ended}"
        finally:
            process.kill()
            process.wait()
            done.set()
    return measured
