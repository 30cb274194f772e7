"""AWS's own tools accept the template, and what they make of it is what we mean.

`sam validate --lint`, `cfn-lint` and `checkov` read the file; SAM's translator turns it into
what CloudFormation would deploy; `sam build` builds the functions. None of them needs an
account. Each also has to refuse a copy that was broken on purpose.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "lib"))

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER
from samcli.yamlhelper import yaml_parse
from samtranslator.model.preferences.deployment_preference_collection import (
    CODEDEPLOY_PREDEFINED_CONFIGURATIONS_LIST as DEPLOYMENTS,
)
from bootstraps import AS_DEPLOYED, ROOT, alike, bootstraps, build_bootstraps, features, sam_build
from hardening import judge_hardening
from permissions import actions, judge_permissions
from stack import REGION, TEMPLATE, deployed, of_type
from verdict import Verdict

TOOLS = Path(sys.executable).parent

# Each is a slip that nobody notices by reading, and the text that it replaces.
BROKEN = {
    "a reference to nothing": ("!Ref WakeUpQueue\n", "!Ref WakeUpQueues\n"),
    "a property that does not exist": ("MemorySize: 256", "MemorySizes: 256"),
    "a retention beyond SQS's": ("MessageRetentionPeriod: 345600", "MessageRetentionPeriod: 3456000"),
    "a concurrency below the least": ("MaximumConcurrency: 300", "MaximumConcurrency: 1"),
    "a schedule that is none": ("rate(1 minute)", "rate(1 minutes)"),
}
# Only CloudFormation itself would notice this one.
CYCLE = ("PUBLIC_HOST: !Ref PublicHost", "PUBLIC_HOST: !GetAtt WebhookFunctionUrl.FunctionUrl")

# The magic number, 64 bits, little-endian, and in the end: position-independent, of x86-64.
X86_64_PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00"


def tool(*command):
    """Runs a tool without any account, and returns whether it is content, and what it said."""
    # Not the real home: what is configured there must not decide.
    with tempfile.TemporaryDirectory() as home:
        env = {"PATH": os.environ["PATH"], "HOME": home, "SAM_CLI_TELEMETRY": "0",
               "AWS_DEFAULT_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true",
               "LC_ALL": "C.UTF-8"}
        done = subprocess.run([str(TOOLS / command[0]), *command[1:]], env=env, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
    return done.returncode == 0, done.stdout


def sam(file):
    is_content, said = tool("sam", "validate", "--lint", "--region", REGION, "--template", str(file))
    return is_content and "is a valid SAM Template" in said, said


def lint(file):
    return tool("cfn-lint", "--regions", REGION, "--", str(file))


def named(value):
    """The resources and parameters that a value mentions."""
    if isinstance(value, list):
        for inner in value:
            yield from named(inner)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("Ref", "DependsOn"):
                yield from [inner] if isinstance(inner, str) else inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.split(".")[0]
            elif key == "Fn::Sub":
                text, own = inner if isinstance(inner, list) else (inner, {})
                found = {name.split(".")[0] for name in re.findall(r"\$\{([^!}]+)\}", text)}
                yield from found - own.keys()
                yield from named(own)
            else:
                yield from named(inner)


def cycle(resources):
    """Resources of which each waits for the next, and the last for the first; empty if none do."""
    waits_for = {name: set(named(it)) & resources.keys() for name, it in resources.items()}
    try:
        TopologicalSorter(waits_for).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def alias(function):
    """What SAM calls the alias of a function, which is what runs."""
    return f"{function}Aliaslive"


def judge_doors(verdict, resources):
    paths = resources["Api"]["Properties"]["Body"]["paths"]
    open_paths = {path for path, methods in paths.items() for method in methods.values()
                  if method.get("security") != [{"KeyAuthorizer": []}]}
    verdict.check("every route but health and the description asks for a key",
                  open_paths == {"/healthz", "/openapi.json"}, open_paths)
    verdict.check("the webhook is not on the API", not any("webhook" in path for path in paths), paths)
    permissions = of_type(resources, "AWS::Lambda::Permission").values()
    public = [it for it in permissions if it["Principal"] == "*"]
    verdict.check("only the webhook is open to the world",
                  {it["FunctionName"]["Ref"] for it in public} == {alias("WebhookFunction")}, public)
    # Both are needed: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
    verdict.check("and by its URL alone, with both permissions that this needs",
                  sorted((it["Action"], it.get("FunctionUrlAuthType"), it.get("InvokedViaFunctionUrl"))
                         for it in public)
                  == [("lambda:InvokeFunction", None, True), ("lambda:InvokeFunctionUrl", "NONE", None)],
                  public)


def judge_records(verdict, resources):
    ledger = resources["Ledger"]
    verdict.check("no stack operation takes the table away",
                  ledger.get("DeletionPolicy") == "Retain" and ledger.get("UpdateReplacePolicy") == "Retain")
    functions = of_type(resources, "AWS::Lambda::Function")
    groups = of_type(resources, "AWS::Logs::LogGroup")
    kept = {name: it["LoggingConfig"]["LogGroup"]["Ref"] for name, it in functions.items()}
    verdict.check("every function has a log group of its own, which forgets in time",
                  len(set(kept.values())) == len(functions)
                  and all("RetentionInDays" in groups[group] for group in kept.values()), kept)


# What may name a function itself: what looks at it or tells its figures, and what makes it or an alias.
OF_FUNCTIONS = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::IAM::ManagedPolicy",
                "AWS::Lambda::Alias", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function",
                "AWS::Lambda::Version"}


def told(value, parameters):
    """A value with its parameters in their places, and conditions undecided."""
    if isinstance(value, list):
        return [told(inner, parameters) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Ref"} and value["Ref"] in parameters:
        return parameters[value["Ref"]]
    if value.keys() == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
        return re.sub(r"\$\{(\w+)\}", lambda it: str(parameters.get(it[1], it[0])), value["Fn::Sub"])
    return {key: told(inner, parameters) for key, inner in value.items()}


def another_value(parameter):
    """A value that is not the default, whatever it means."""
    if "AllowedValues" in parameter:
        return next(it for it in parameter["AllowedValues"] if it != parameter["Default"])
    return int(parameter["Default"]) + 1 if parameter["Type"] == "Number" else "another"


def judge_administrators(verdict, resources):
    policy = resources["AdminPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    wide = [it for it in policy if any("*" in action for action in actions(it)) or it["Resource"] == "*"
            or not set(named(it["Resource"])) - {"AWS::Partition", "AWS::Region", "AWS::AccountId"}]
    verdict.check("administrators may do some things, to what is the stack's", not wide, wide)
    seen = [it for it in policy if "lambda:GetAlias" in actions(it)]
    functions = of_type(resources, "AWS::Lambda::Function").keys()
    verdict.check("administrators may look at each function",
                  len(seen) == 1 and set(named(seen[0]["Resource"])) == functions, seen)


def judge_versions(verdict, text):
    """What a new value of a parameter changes is published, and nothing else is."""
    # Lambda refuses to publish a version of a function that has not changed, and the deploy fails:
    # https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, "AWS::Lambda::Version").schema
    verdict.check("CloudFormation makes another version for another description of 256 characters",
                  "/properties/Description" in schema["createOnlyProperties"]
                  and schema["properties"]["Description"]["maxLength"] == 256, schema)
    parameters = yaml_parse(text)["Parameters"]
    defaults = {name: it.get("Default", "a") for name, it in parameters.items()}

    def made(values):
        """What each function is configured with, and what its version is made from."""
        resources = deployed(text, **values)
        # How many run at once is the function's, and not a version's.
        configured = {name: told({key: of for key, of in it.items() if key != "ReservedConcurrentExecutions"}, values)
                      for name, it in of_type(resources, "AWS::Lambda::Function").items()}
        published = {it["FunctionName"]["Ref"]: (name, told(it["Description"], values))
                     for name, it in of_type(resources, "AWS::Lambda::Version").items()}
        return configured, published

    before, wrong, all_read = made(defaults), {}, set()
    for name, parameter in parameters.items():
        after = made({**defaults, name: another_value(parameter)})
        configured, published = ({it for it in old if old[it] != new[it]}
                                 for old, new in zip(before, after, strict=True))
        if configured != published:
            wrong[name] = configured, published
        all_read |= {name} if configured else set()
    verdict.check("a parameter's new value publishes those who read it, and nobody else", not wrong, wrong)
    verdict.check("parameters are read", {"PublicHost", "TwilioSigningParameter", "LeadsMax"} <= all_read,
                  all_read)


def judge_aliases(verdict, text):
    resources = deployed(text)
    functions = of_type(resources, "AWS::Lambda::Function")
    by_name = {name: set(named(it)) & functions.keys() for name, it in resources.items()
               if it["Type"] not in OF_FUNCTIONS}
    verdict.check("whoever invokes a function names its alias",
                  not any(by_name.values()), {name: it for name, it in by_name.items() if it})
    invoked = {it for resource in resources.values() if resource["Type"] not in OF_FUNCTIONS
               for it in named(resource)}
    verdict.check("and every alias is invoked", {alias(name) for name in functions} <= invoked, invoked)
    qualifiers = [it["Qualifier"] for it in of_type(resources, "AWS::Lambda::EventInvokeConfig").values()]
    verdict.check("retries are set for the alias", qualifiers == ["live"], qualifiers)


def judge_deployments(verdict, text):
    template = yaml_parse(text)
    known = template["Parameters"]["Deployment"]["AllowedValues"]
    verdict.check("traffic moves in the ways that SAM knows", set(known) == set(DEPLOYMENTS), known)
    for way in known:
        resources = deployed(text, Deployment=way)
        aliases = {name: it for name, it in resources.items() if it["Type"] == "AWS::Lambda::Alias"}
        moves = {name: it["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"]["Ref"]
                 for name, it in aliases.items() if "UpdatePolicy" in it}
        groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup")
        circle = cycle(resources)
        if way == "AllAtOnce":
            verdict.check(f"{way} asks nobody", not moves and not groups, (moves, groups))
            continue
        alarms = {alarm["Name"]["Ref"] for it in groups.values() for alarm in it["AlarmConfiguration"]["Alarms"]}
        verdict.check(f"{way} moves each alias, and back on any of the alarms",
                      len(aliases) == 9 and set(moves) == set(aliases) and set(moves.values()) == set(groups)
                      and alarms <= of_type(resources, "AWS::CloudWatch::Alarm").keys()
                      and all(it["DeploymentConfigName"]["Fn::Sub"][1]["ConfigName"] == way
                              and len(it["AlarmConfiguration"]["Alarms"]) == len(alarms) > 0
                              and "DEPLOYMENT_STOP_ON_ALARM" in it["AutoRollbackConfiguration"]["Events"]
                              and "DeploymentRole" in named(it["ServiceRoleArn"]) for it in groups.values()),
                      (moves, groups))
        verdict.check(f"{way} waits for itself nowhere", not circle, circle)
        role = resources["DeploymentRole"]["Properties"]
        verdict.check(f"{way} lets CodeDeploy move traffic, and no more",
                      "Policies" not in role and "CodeDeployServiceRole" not in resources
                      and [arn["Fn::Sub"].rsplit("/", 1)[1] for arn in role["ManagedPolicyArns"]]
                      == ["AWSCodeDeployRoleForLambdaLimited"], role)


def judge_shared(verdict):
    """What functions share is compiled once: a feature more would compile it again, for minutes."""
    def judged(folders):
        """How many libraries they are built upon, and which of them with one set of features and another."""
        built_upon = set().union(*(features(folder) for folder in folders))
        asked = Counter(library for library, _ in built_upon)
        return len(asked), sorted(it for it in built_upon if asked[it[0]] > 1)

    count, twice = judged(alike())
    verdict.check(f"{count} libraries have the same features in all of {len(alike())} functions",
                  len(alike()) == 8 and count > 100 and not twice, twice)
    # It is built in its own way, so nobody minds.
    _, twice = judged([*alike(), ROOT / "functions" / "leads"])
    verdict.check("a function that asks for more is noticed", twice)


def judge_build(verdict, resources, text):
    """`sam build` makes an x86-64 program of each function; while all judges are asked, cargo does."""
    is_built, said = build_bootstraps()
    verdict.check(f"{'sam' if AS_DEPLOYED else 'cargo'} build builds the functions", is_built, said[-4000:])
    made = bootstraps()
    verdict.check("each is a program for x86-64",
                  made.keys() == of_type(resources, "AWS::Lambda::Function").keys()
                  and all(file.read_bytes()[:20] == X86_64_PROGRAM for file in made.values()), made)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.yaml"
        file.write_text(text.replace("CodeUri: functions/sweep", "CodeUri: functions/swept"), encoding="utf-8")
        is_built, said = sam_build("SweepFunction", template=file, into=Path(folder) / "built")
        verdict.check("a copy that names no code is not built", not is_built, said)


def main():
    verdict = Verdict()
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, tool_of in [("sam validate --lint", sam), ("cfn-lint", lint)]:
        is_content, said = tool_of(TEMPLATE)
        verdict.check(f"{name} accepts the template", is_content, said)
    resources = deployed(text)
    judge_doors(verdict, resources)
    judge_permissions(verdict, text)
    judge_records(verdict, resources)
    judge_administrators(verdict, resources)
    judge_versions(verdict, text)
    judge_aliases(verdict, text)
    judge_deployments(verdict, text)
    judge_hardening(verdict, TEMPLATE)
    judge_shared(verdict)
    judge_build(verdict, resources, text)
    traced = of_type(deployed(text, Tracing="Active"), "AWS::Lambda::Function").values()
    verdict.check("functions are traced where that is asked for, and only there",
                  all(it.get("TracingConfig", {}).get("Mode") for it in traced)
                  and not any("TracingConfig" in it
                              for it in of_type(resources, "AWS::Lambda::Function").values()), resources)
    circle = cycle(resources)
    verdict.check("no resources wait for each other in a circle", not circle, circle)
    circle = cycle(deployed(text.replace(*CYCLE)))
    verdict.check("a copy where some do is noticed", "WebhookFunction" in circle, circle)
    for slip, (right, wrong) in BROKEN.items():
        if right not in text:
            verdict.check(f"the template has something to break: {right.strip()}", False)
            continue
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "template.yaml"
            file.write_text(text.replace(right, wrong), encoding="utf-8")
            refusals = [not sam(file)[0], not lint(file)[0]]
        verdict.check(f"a copy with {slip} is refused by both", all(refusals), refusals)
    verdict.end()


if __name__ == "__main__":
    main()
