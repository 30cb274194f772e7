"""How long the bootstraps take from their start to the first question for work, and for the
first answer, beside the least function that can be: `hello`, of `lambda_http` alone.

Each start is measured by a small Runtime API, and all take turns, so that a busy machine is
busy for all. Behind them are the embedded DynamoDB and SQS and a simulated Twilio, without TLS.
"""

import os
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from bootstraps import HELLO, ROOT, bootstraps, build_hello, sam_build
from events import ORDER, REPORT, event, is_good, short, variables
from processes import build, running
from runtime import Start, start
from samcli.yamlhelper import yaml_parse
from verdict import Verdict

ROUNDS = int(os.environ.get("COLD_STARTS", "15"))
# What starts takes at most this many times what `hello` takes.
TIMES_HELLO = 6
# Lambda's own bound is 250 MB unzipped; what is read at a cold start should be little.
SIZE_MAX = 20_000_000
# Lambda gives a function one core's time at so much memory, and less in proportion.
CORE_MB = 1769
MB = 1_048_576


def memories():
    """The memory that each function is given, in MB."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    default = template["Globals"]["Function"]["MemorySize"]
    return {short(name): it["Properties"].get("MemorySize", default) for name, it in template["Resources"].items()
            if it["Type"] == "AWS::Serverless::Function"}


def median(starts, name):
    return statistics.median(getattr(it, name) or float("inf") for it in starts)


def is_answered(name, it):
    """Whether the first event got the answer that it should."""
    return not it.error and it.first_invocation is not None and is_good(name, it.answer)


def slower(starts, hello):
    """How many times longer than `hello` it takes to the first question for work."""
    return median(starts, "to_poll") / median(hello, "to_poll")


def measure(binary, files):
    """Every start of every bootstrap, all of one round before the next, each round on a new stack."""
    made = {name: [] for name in files}
    account = {"TWILIO_ACCOUNT_SID": REPORT["AccountSid"], "TWILIO_AUTH_TOKEN": "secret"}
    for _ in range(ROUNDS):
        with running(binary, ["aws", "--ddb-port", "0", "--sqs-port", "0"], {}) as ports, \
                running(binary, ["twilio", "--port", "0"], account) as twilio:
            env = variables(ports, twilio["listening"])
            for name, file in files.items():
                made[name].append(start(file, event(name, env), env, name))
    return made


def tell(files, made, memory):
    """The figures, for people."""
    print(f"medians of {ROUNDS} starts each; on Lambda, the CPU time of the first invocation takes"
          f" {CORE_MB} / memory times as long")
    print(f"{'':20}{'MB':>6}{'to poll':>10}{'x hello':>9}{'CPU':>9}{'first':>10}{'CPU':>9}{'peak':>9}"
          f"{'memory':>8}{'CPU there':>11}")
    for name, starts in made.items():
        cpu = median(starts, "cpu_of_first") * 1000
        share = memory.get(name)
        print(f"{name:20}{files[name].stat().st_size / 1e6:6.1f}{median(starts, 'to_poll') * 1000:7.1f} ms"
              f"{slower(starts, made['hello']):9.2f}{median(starts, 'cpu_to_poll') * 1000:6.1f} ms"
              f"{median(starts, 'first_invocation') * 1000:7.1f} ms{cpu:6.1f} ms"
              f"{max(it.peak_memory for it in starts) / MB:6.1f} MB"
              + (f"{share:5} MB{cpu * max(1, CORE_MB / share):8.1f} ms" if share else ""), flush=True)


def judge(verdict, files, made, memory):
    for name, starts in made.items():
        silent = [it.error for it in starts if it.to_poll is None]
        verdict.check(f"{name} asks for work at every start", not silent, silent[:2])
        bad = [it.error or it.answer for it in starts if not is_answered(name, it)]
        verdict.check(f"{name} answers its first event", not bad, bad[:2])
        if name == "hello":
            continue
        verdict.check(f"{name} takes at most {TIMES_HELLO} times as long as hello to its first question",
                      slower(starts, made["hello"]) <= TIMES_HELLO)
        verdict.check(f"{name} has at most {SIZE_MAX // 1_000_000} MB", files[name].stat().st_size <= SIZE_MAX)
        peak = max(it.peak_memory for it in starts)
        verdict.check(f"{name} has twice the memory that its first event took",
                      0 < peak <= memory[name] * MB / 2, peak)


def judge_itself(verdict, files, made):
    """What is wrong has to be seen."""
    unset = start(files["status"], b"{}", {}, "status")
    verdict.check("a function that lacks its variables is seen never to ask",
                  unset.to_poll is None and unset.error, unset)
    # Nobody listens there.
    nowhere = {"dynamodb": "http://127.0.0.1:9", "sqs": "http://127.0.0.1:9"}
    env = variables(nowhere, "http://127.0.0.1:9")
    alone = start(files["status"], event("status", env), env, "status")
    verdict.check("a function without its table is seen to fail", not is_answered("status", alone), alone)
    late = [Start(to_poll=it.to_poll * (TIMES_HELLO + 1)) for it in made["hello"]]
    verdict.check("a slow start is seen", slower(late, made["hello"]) > TIMES_HELLO)


def main():
    verdict = Verdict()
    is_built, told = sam_build()
    verdict.check("the bootstraps are built", is_built, told[-4000:])
    is_built, told = build_hello()
    verdict.check("hello is built in the same way", is_built, told[-4000:])
    built = {short(name): file for name, file in bootstraps().items()}
    verdict.check("there are as many as are known here", built.keys() == set(ORDER), built.keys())
    if verdict.failed:
        verdict.end()
    files = {"hello": HELLO, **{name: built[name] for name in ORDER}}
    starts = measure(build(), files)
    memory = memories()
    tell(files, starts, memory)
    judge(verdict, files, starts, memory)
    judge_itself(verdict, files, starts)
    verdict.end()


if __name__ == "__main__":
    main()
