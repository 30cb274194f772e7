"""The template as a stack on MiniStack: translated by SAM's own translator, and adapted.

MiniStack differs from AWS where `adapted` says so, and nowhere else is the template changed.
"""

import copy
import io
import json
import logging
import os
import time
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

TEMPLATE = Path(__file__).resolve().parents[3] / "template.yaml"
REGION = "us-east-1"
BUCKET = "artifacts"
STACK_SECONDS_MAX = 120
# Kinds of resources that are not for MiniStack: what it does not know, a dashboard over alarms
# that it does not know, and a policy that lets only TLS in, which nobody speaks with it.
UNKNOWN = ("AWS::CodeDeploy::", "AWS::CloudWatch::Dashboard", "AWS::S3::BucketPolicy")


class NoManagedPolicies:
    def load(self):
        return {}


def client(endpoint, service, keys):
    """A client of AWS, which is MiniStack."""
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id=keys[0],
                        aws_secret_access_key=keys[1], config=Config(retries={"total_max_attempts": 1}))


def zipped(file):
    """What `sam deploy` uploads of a function."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, file.read_bytes())
    return data.getvalue()


def translated(text, code, parameters):
    """What CloudFormation is given of the template, with the code that is said for each function."""
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    # It warns of measurements that nobody takes.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    template = yaml_parse(text)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            # `sam build` and `sam deploy` put an address there.
            resource["Properties"]["CodeUri"] = code(name)
    return transform(template, parameters, NoManagedPolicies())


def deployed(text, **parameters):
    """The resources that CloudFormation would make."""
    return translated(text, lambda _: "s3://bucket/key", parameters)["Resources"]


def of_type(resources, kind):
    return {name: it["Properties"] for name, it in resources.items() if it["Type"] == kind}


def routes(api, body):
    """The resources that API Gateway makes of an API's description, which MiniStack does not read."""
    made = {}
    authorizers = {}
    for name, scheme in body["components"]["securitySchemes"].items():
        asked = scheme["x-amazon-apigateway-authorizer"]
        authorizers[name] = f"{api}{name}"
        made[authorizers[name]] = ("Authorizer", {
            "Name": name, "AuthorizerType": asked["type"].upper(), "AuthorizerUri": asked["authorizerUri"],
            "AuthorizerPayloadFormatVersion": asked["authorizerPayloadFormatVersion"],
            "EnableSimpleResponses": asked["enableSimpleResponses"],
            "AuthorizerResultTtlInSeconds": asked["authorizerResultTtlInSeconds"],
            "IdentitySource": asked["identitySource"],
        })
    for path, methods in body["paths"].items():
        for method, operation in methods.items():
            name = f"{api}{method}{''.join(it for it in path if it.isalnum())}"
            integration = operation["x-amazon-apigateway-integration"]
            made[f"{name}Integration"] = ("Integration", {
                "IntegrationType": integration["type"].upper(), "IntegrationUri": integration["uri"],
                "PayloadFormatVersion": integration["payloadFormatVersion"],
            })
            route = {"RouteKey": f"{method.upper()} {path}",
                     "Target": {"Fn::Sub": f"integrations/${{{name}Integration}}"}}
            authorizer = next((it for it in authorizers if it in operation["security"][0]), None)
            if authorizer:
                route |= {"AuthorizationType": "CUSTOM", "AuthorizerId": {"Ref": authorizers[authorizer]}}
            made[f"{name}Route"] = ("Route", route)
    return {name: {"Type": f"AWS::ApiGatewayV2::{kind}", "Properties": {"ApiId": {"Ref": api}, **properties}}
            for name, (kind, properties) in made.items()}


def documents(resource):
    """What a role or a policy allows."""
    if resource["Type"] == "AWS::IAM::Role":
        # What a condition adds is not looked at: no judge traces.
        return [it["PolicyDocument"] for it in resource["Properties"].get("Policies", []) if "Fn::If" not in it]
    return [resource["Properties"]["PolicyDocument"]] if resource["Type"] == "AWS::IAM::ManagedPolicy" else []


# Where MiniStack asks for another permission than AWS does: sending a batch, and reading one alias
# or one event source mapping, are actions of other names there, and rules have other ARNs or none.
ASKED_OTHERWISE = {
    "sqs:SendMessage": {"Action": "sqs:SendMessageBatch"},
    "lambda:GetAlias": {"Action": "lambda:ListAliases"},
    "lambda:GetEventSourceMapping": {"Action": "lambda:ListEventSourceMappings", "Resource": "*"},
    "events:DescribeRule": {"Resource": "*"},
}


def permit_otherwise(resource):
    """Adds to what a resource allows the same by the names that MiniStack has for it."""
    for document in documents(resource):
        for statement in list(document["Statement"]):
            for action, other in ASKED_OTHERWISE.items():
                if action in statement["Action"] and statement["Effect"] == "Allow":
                    document["Statement"].append({**statement, **other})


def adapted(template):
    """The template for MiniStack.

    It makes no routes from the description in an API's `Body`; it does not know CodeDeploy,
    without which an alias changes at once; it has no alarms over expressions; it does not make a
    boolean of a parameter's text; and see `UNKNOWN` and `ASKED_OTHERWISE`.
    """
    template = copy.deepcopy(template)
    resources = template["Resources"]
    for name, made in list(resources.items()):
        is_over_expression = made["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in made["Properties"]
        if made["Type"].startswith(UNKNOWN) or is_over_expression:
            del resources[name]
            template["Outputs"] = {key: it for key, it in template["Outputs"].items() if name not in json.dumps(it)}
    for name, made in list(resources.items()):
        made.pop("UpdatePolicy", None)
        permit_otherwise(made)
        if made["Type"] == "AWS::DynamoDB::Table":
            made["Properties"]["DeletionProtectionEnabled"] = True
        if made["Type"] == "AWS::ApiGatewayV2::Api":
            resources |= routes(name, made["Properties"].pop("Body"))
            made["Properties"] |= {"Name": name, "ProtocolType": "HTTP"}
    return template


class Stack:
    """A deployed stack, and what it says of itself."""

    def __init__(self, endpoint, name, bootstraps, keys):
        self.endpoint = endpoint
        self.name = name
        self.keys = keys
        s3 = client(endpoint, "s3", keys)
        s3.create_bucket(Bucket=BUCKET)
        for function, file in bootstraps.items():
            s3.put_object(Bucket=BUCKET, Key=f"{function}.zip", Body=zipped(file))
        self.code = {function: f"s3://{BUCKET}/{function}.zip" for function in bootstraps}

    def deploy(self, change=lambda template: None, /, **parameters):
        """Makes the stack, or changes it, and waits until that is done."""
        text = TEMPLATE.read_text(encoding="utf-8")
        template = adapted(translated(text, self.code.get, parameters))
        change(template)
        made = [it["Properties"] for it in template["Resources"].values() if it["Type"] == "AWS::ApiGatewayV2::Route"]
        self.routes = {it["RouteKey"] for it in made}
        client(self.endpoint, "s3", self.keys).put_object(Bucket=BUCKET, Key="template.json", Body=json.dumps(template).encode())
        wanted = {
            "StackName": self.name, "TemplateURL": f"{self.endpoint}/{BUCKET}/template.json",
            "Capabilities": ["CAPABILITY_IAM"],
            "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        }
        formation = client(self.endpoint, "cloudformation", self.keys)
        is_new = not any(it["StackName"] == self.name for it in formation.describe_stacks()["Stacks"])
        (formation.create_stack if is_new else formation.update_stack)(**wanted)
        end = time.monotonic() + STACK_SECONDS_MAX
        while time.monotonic() < end:
            told = formation.describe_stacks(StackName=self.name)["Stacks"][0]
            if not told["StackStatus"].endswith("IN_PROGRESS"):
                break
            time.sleep(0.5)
        if told["StackStatus"] not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            events = formation.describe_stack_events(StackName=self.name)["StackEvents"]
            failed = [(it["LogicalResourceId"], it.get("ResourceStatusReason")) for it in events
                      if it["ResourceStatus"].endswith("FAILED")]
            raise RuntimeError(f"{told['StackStatus']}: {failed}")
        self.outputs = {it["OutputKey"]: it["OutputValue"] for it in told["Outputs"]}
        return self.outputs
