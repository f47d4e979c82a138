"""Deploys template.yaml to ministack as CloudFormation does on AWS: zips in a bucket, a change set, outputs.

The template goes in as it stands. Only each `CodeUri: target/lambda/<function>/` is replaced by the address of the uploaded zip, which is
what `sam deploy` does too.
"""

import hashlib
import os
import re
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

from processes import Trouble

# What tools assume when nobody has told them a region.
REGION = "us-east-1"
BUCKET = "lunas-artifacts"
CODE_URI = re.compile(r"CodeUri: target/lambda/([a-z0-9-]+)/")


def client(service: str, endpoint: str):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 2}, read_timeout=60),
    )


def functions_of(template: str) -> list[str]:
    return CODE_URI.findall(template)


def zip_functions(binaries: dict[str, Path], into: Path, level: int = 1) -> dict[str, Path]:
    """One zip per function, its binary inside as `bootstrap`. A zip that already holds the same binary is kept."""
    into.mkdir(parents=True, exist_ok=True)
    missing = [str(path) for path in binaries.values() if not path.is_file()]
    if missing:
        raise Trouble(f"template.yaml names functions that have not been built: {', '.join(missing)}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        zips = pool.map(lambda name: _zip(binaries[name], into / f"{name}.zip", level), binaries)
        return dict(zip(binaries, zips))


def _zip(binary: Path, target: Path, level: int) -> Path:
    built = binary.stat()
    if target.exists() and target.stat().st_mtime_ns == built.st_mtime_ns:
        return target
    entry = zipfile.ZipInfo("bootstrap", date_time=(2020, 1, 1, 0, 0, 0))
    entry.external_attr = 0o755 << 16
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(entry, binary.read_bytes(), compress_type=zipfile.ZIP_DEFLATED, compresslevel=level)
    os.utime(target, ns=(built.st_atime_ns, built.st_mtime_ns))
    return target


def deploy(endpoint: str, stack: str, template: str, zips: dict[str, Path], parameters: dict[str, str]) -> dict[str, str]:
    """Uploads, deploys, and returns the stack's outputs with the physical id of every resource beside them (`resource:<logical id>`)."""
    addresses = _upload(endpoint, zips)
    body = CODE_URI.sub(lambda match: f"CodeUri: {addresses[match[1]]}", template)
    # From the bucket, because a template in the request itself may have 51,200 bytes only.
    client("s3", endpoint).put_object(Bucket=BUCKET, Key="template.yaml", Body=body.encode())
    cloudformation = client("cloudformation", endpoint)
    change = cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName="deploy",
        ChangeSetType="CREATE",
        TemplateURL=f"{endpoint}/{BUCKET}/template.yaml",
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )["Id"]
    _wait(lambda: cloudformation.describe_change_set(ChangeSetName=change), "Status", {"CREATE_COMPLETE"}, {"FAILED"}, cloudformation, stack)
    cloudformation.execute_change_set(ChangeSetName=change)
    _wait(
        lambda: cloudformation.describe_stacks(StackName=stack)["Stacks"][0],
        "StackStatus",
        {"CREATE_COMPLETE"},
        {"CREATE_FAILED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"},
        cloudformation,
        stack,
    )
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
        outputs[f"resource:{resource['LogicalResourceId']}"] = resource["PhysicalResourceId"]
    return outputs


def _upload(endpoint: str, zips: dict[str, Path]) -> dict[str, str]:
    s3 = client("s3", endpoint)
    s3.create_bucket(Bucket=BUCKET)

    def put(name: str) -> tuple[str, str]:
        content = zips[name].read_bytes()
        key = f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.zip"
        s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        return name, f"s3://{BUCKET}/{key}"

    with ThreadPoolExecutor(4) as pool:
        return dict(pool.map(put, zips))


def _wait(describe, field: str, good: set[str], bad: set[str], cloudformation, stack: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = describe()
        if answer[field] in good:
            return
        if answer[field] in bad:
            raise Trouble(f"the deployment failed: {answer.get('StatusReason') or answer.get('StackStatusReason') or ''}\n{_reasons(cloudformation, stack)}")
        time.sleep(0.2)
    raise Trouble(f"the deployment has not ended after {seconds:.0f} s")


def _reasons(cloudformation, stack: str) -> str:
    try:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    except Exception:  # the stack may not exist when the template itself was refused
        return ""
    failed = [event for event in events if "FAILED" in event["ResourceStatus"]]
    return "\n".join(f"    {event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}" for event in reversed(failed))
