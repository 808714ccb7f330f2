"""The Terraform module: form, variables and policies, without the AWS provider.

policies.tf and variables.tf name no provider, so terraform itself evaluates them here with an invented
account, and the checks read the JSON that IAM would get.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import botocore
import botocore.session
import hcl2
import yaml

import contract
from report import INFRA, ROOT, Report, equal, expect

MODULE = INFRA / "terraform"
PLACE = """
locals { place = { partition = "aws", dns_suffix = "amazonaws.com", region = "eu-west-1", account_id = "111122223333" } }
output "evaluated" {
  value = {
    permissions = jsondecode(local.permissions), trust = jsondecode(local.trust_policies["service"]),
    compaction = jsondecode(local.compaction_permissions),
    compaction_trust = try(jsondecode(local.trust_policies["compaction"]), { Statement = [] }),
    queue = jsondecode(local.queue_policy), dead_letters = jsondecode(local.dead_letters_policy),
    lake_bucket = jsondecode(local.lake_bucket_policy), lake_expiry_days = local.lake_expiry_days, visibility = var.visibility_timeout_seconds
  }
}
"""
ACTIONS = {
    "TakeMessages": {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"},
    "ReadLogs": {"s3:GetObject", "s3:GetObjectVersion"},
    "ReadLake": {"s3:GetObject"},
    "WriteLake": {"s3:PutObject"},
    "DropStaging": {"s3:DeleteObject", "s3:AbortMultipartUpload"},
    "ListLake": {"s3:ListBucket"},
    "ListLogs": {"s3:ListBucket"},
    "DecryptLogs": {"kms:Decrypt"},
    "EncryptLake": {"kms:GenerateDataKey", "kms:Decrypt"},
    "WriteSeals": {"s3:PutObject"},
    "DropReplaced": {"s3:DeleteObject"},
}
# Which files delete what is in the lake, and the one role that has the permission.
DELETING = {"DropStaging": {"publish.rs", "renewal.rs", "probe.rs"}, "DropReplaced": {"seals.rs"}}
# What each call of the SDK needs. The lake is reached through object_store instead.
CALLS = {
    "receive_message": {"sqs:ReceiveMessage"},
    "delete_message_batch": {"sqs:DeleteMessage"},
    "change_message_visibility": {"sqs:ChangeMessageVisibility"},
    "get_queue_attributes": {"sqs:GetQueueAttributes"},
    "get_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "head_object": {"s3:GetObject", "s3:GetObjectVersion"},
    "list_objects_v2": {"s3:ListBucket"},
    # Nobody needs a permission to be told who he is.
    "get_caller_identity": set(),
}
TRUST = {"irsa": {"sts:AssumeRoleWithWebIdentity"}, "pod_identity": {"sts:AssumeRole", "sts:TagSession"}, "ecs": {"sts:AssumeRole"}}


def many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def terraform(*arguments: str, directory: Path) -> subprocess.CompletedProcess[str]:
    settings = os.environ | {"TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    return subprocess.run(["terraform", *arguments], cwd=directory, env=settings, capture_output=True, text=True, check=False)


def plan(variables: dict) -> tuple[dict | None, str]:
    """What the module's policies are under these variables; None and the complaint if they are refused."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        for file in ("variables.tf", "policies.tf"):
            shutil.copy(MODULE / file, scratch)
        (scratch / "place.tf").write_text(PLACE)
        (scratch / "terraform.tfvars.json").write_text(json.dumps(variables))
        done = terraform("plan", "-input=false", "-no-color", "-lock=false", "-out=plan", directory=scratch)
        if done.returncode != 0:
            return None, done.stderr
        shown = terraform("show", "-json", "plan", directory=scratch)
        return json.loads(shown.stdout)["planned_values"]["outputs"]["evaluated"]["value"], ""


def cases() -> dict:
    return yaml.safe_load((INFRA / "checks/variables.yaml").read_text())


def evaluated(variables: dict) -> dict:
    found, complaint = plan(variables)
    expect(found is not None, complaint)
    return found


def allows(policy: dict) -> Iterator[dict]:
    return (s for s in policy["Statement"] if s["Effect"] == "Allow")


def no_wildcards(found: dict) -> None:
    for name in ("permissions", "compaction", "queue", "dead_letters", "trust", "compaction_trust", "lake_bucket"):
        for statement in allows(found[name]):
            for action in many(statement["Action"]):
                expect("*" not in action, f"{name}/{statement['Sid']} allows {action}")
            for resource in many(statement.get("Resource", [])):
                expect(re.match(r"arn:aws:(s3:::|(sqs|kms):)[^*]+(/\*|/[^*]+\*)?$", resource), f"{name}/{statement['Sid']} covers {resource}")
            expect(statement.get("Principal") != "*", f"{name}/{statement['Sid']} trusts everybody")


def lake(variables: dict) -> str:
    """What the ARN of each object in the lake begins with."""
    return "arn:aws:s3:::" + "/".join(filter(None, [variables["lake_bucket_name"], variables.get("lake_prefix")]))


def compaction(variables: dict, found: dict) -> None:
    """What sealing does, on the folders that the code names."""
    statements = {s["Sid"]: s for s in found["compaction"]["Statement"]}
    due = {"ReadLake", "WriteSeals", "DropReplaced", "ListLake"} | ({"EncryptLake"} if variables.get("lake_kms_key_arn") else set())
    equal(set(statements), due, "the set of statements of compaction")
    for sid, statement in statements.items():
        equal(set(many(statement["Action"])), ACTIONS[sid], sid)
    tables, seals, root = contract.lake_tables(), contract.seal_folders(), lake(variables)
    for sid, due in {
        "ReadLake": {f"{root}/{folder}/*" for folder in tables | seals | {"_trailflow/batches"}},
        "WriteSeals": {f"{root}/{folder}/*" for folder in seals} | {f"{root}/_trailflow/exclusive"},
        "DropReplaced": {f"{root}/{folder}/*" for folder in tables | seals},
        "ListLake": {f"arn:aws:s3:::{variables['lake_bucket_name']}"},
    }.items():
        equal(set(many(statements[sid]["Resource"])), due, f"what compaction's {sid} covers")
    services = {s["Sid"]: s for s in found["permissions"]["Statement"]}
    equal(statements.get("EncryptLake"), services.get("EncryptLake"), "what compaction may do with the lake's key")


def permissions(variables: dict, found: dict) -> None:
    sids = set()
    for statement in found["permissions"]["Statement"]:
        sid = re.sub(r"[0-9a-f]{8}$", "", statement["Sid"])
        sids.add(sid)
        equal(set(many(statement["Action"])), ACTIONS[sid], sid)
        if sid == "ListLogs":
            expect(statement["Condition"]["StringLike"]["s3:prefix"], "listing the logs has no prefix condition")
        if sid == "ReadLake":
            equal(statement["Resource"], f"{lake(variables)}/*", "what may be read of the lake")
        if sid == "WriteLake":
            equal(set(statement["Resource"]), {f"{lake(variables)}/{folder}/*" for folder in contract.lake_tables() | {"_trailflow"}}, "what may be written, which is no seal,")
        if sid == "DropStaging":
            equal(statement["Resource"], [f"{lake(variables)}/_trailflow/{folder}/*" for folder in ("staging", "leases")], "what may be deleted")
        if sid in ("DecryptLogs", "EncryptLake"):
            expect(statement["Condition"]["StringEquals"]["kms:ViaService"].startswith("s3."), f"{sid} is not bound to S3")
    due = {"TakeMessages", "ReadLogs", "ReadLake", "WriteLake", "DropStaging", "ListLake"}
    due |= {"ListLogs"} if variables.get("allow_backfill", True) else set()
    due |= {"DecryptLogs"} if any(b.get("kms_key_arn") for b in variables["log_buckets"].values()) else set()
    due |= {"EncryptLake"} if variables.get("lake_kms_key_arn") else set()
    equal(sids, due, "the set of statements")


def senders(variables: dict, found: dict) -> None:
    (statement,) = found["queue"]["Statement"]
    source = variables.get("notification_source", "eventbridge")
    equal(statement["Principal"], {"Service": {"eventbridge": "events", "s3": "s3", "sns": "sns"}[source] + ".amazonaws.com"}, "who may send")
    equal(statement["Action"], "sqs:SendMessage", "what senders may do")
    arns = statement["Condition"]["ArnEquals"]["aws:SourceArn"]
    expect(arns and not any("*" in arn for arn in arns), f"the senders are {arns}")
    if source == "s3":
        equal(statement["Condition"]["StringEquals"]["aws:SourceAccount"], variables.get("log_bucket_account_id") or "111122223333", "the sender's account")
    if source == "eventbridge":
        (undelivered,) = found["dead_letters"]["Statement"]
        due = statement | {"Sid": undelivered["Sid"], "Resource": "arn:aws:sqs:eu-west-1:111122223333:trailflow-dead-letters"}
        equal(undelivered, due, "who may send to the dead-letter queue")


def trust(identity: dict | None, policy: dict) -> None:
    if identity is None:
        equal(policy["Statement"], [], "whom a role trusts that is not made")
        return
    (statement,) = policy["Statement"]
    kind = identity["kind"]
    equal(set(many(statement["Action"])), TRUST[kind], f"what {kind} may do")
    conditions = statement["Condition"]["StringEquals"]
    due = {
        "irsa": {":aud", ":sub"},
        "pod_identity": {"/eks-cluster-name", "/kubernetes-namespace", "/kubernetes-service-account"},
        "ecs": {":SourceAccount"},
    }[kind]
    equal({end for end in due for key in conditions if key.endswith(end)}, due, f"the conditions of {kind}")
    expect(not any("*" in value for value in conditions.values()), "a condition holds a wildcard")


def apart(variables: dict, found: dict) -> None:
    """On EKS nobody who is the service is compaction."""
    (service,), (other,) = found["trust"]["Statement"], found["compaction_trust"]["Statement"]
    expect(variables["compaction"]["kind"] == "ecs" or service["Condition"] != other["Condition"], "service and compaction are the same account")


def policies(variables: dict) -> None:
    found = evaluated(variables)
    no_wildcards(found)
    permissions(variables, found)
    senders(variables, found)
    compaction(variables, found)
    trust(variables["identity"], found["trust"])
    trust(variables.get("compaction"), found["compaction_trust"])
    if "compaction" in variables:
        apart(variables, found)
    (refusal,) = found["lake_bucket"]["Statement"]
    equal((refusal["Effect"], refusal["Condition"]), ("Deny", {"Bool": {"aws:SecureTransport": "false"}}), "the lake's bucket policy")
    expect(found["visibility"] > contract.lease_seconds(), "the visibility timeout is not longer than the lease")
    claims = variables.get("claims_retention_days", 45)
    equal(found["lake_expiry_days"], dict.fromkeys(("staging", "leases", "claims", "batches", "published"), claims), "the lake's lifecycle")


def refused(case: dict) -> None:
    start = next(iter(cases()["accepted"].values()))
    found, complaint = plan(start | case["set"])
    expect(found is None, "it was accepted")
    expect("Invalid value for variable" in complaint, complaint)
    flat = re.sub(r"[\s│]+", " ", complaint)
    expect(case["says"] in flat, f"the complaint does not say {case['says']!r}: {flat}")


def parsed() -> dict[str, dict]:
    documents = {}
    for file in sorted(MODULE.rglob("*.tf")):
        if ".terraform" not in file.parts:
            documents[str(file.relative_to(MODULE))] = hcl2.loads(file.read_text())
    return documents


def named(documents: dict, kind: str) -> dict[str, dict]:
    """Top-level blocks of a kind with one label, such as variables, by name."""
    return {name.strip('"'): body for block in documents.get(kind, []) for name, body in block.items() if not name.startswith("__")}


def interface() -> None:
    documents = parsed()
    for name, variable in named(documents["variables.tf"], "variable").items():
        expect("type" in variable and "description" in variable, f"the variable {name} lacks type or description")
    for name, output in named(documents["outputs.tf"], "output").items():
        expect("description" in output, f"the output {name} lacks a description")
    given = {key for key in named(documents["examples/complete/main.tf"], "module")["trailflow"] if not key.startswith("__")} - {"source"}
    known = set(named(documents["variables.tf"], "variable"))
    expect(given <= known, f"the example sets {sorted(given - known)}, which the module does not have")


def folders() -> None:
    """Insights and network activity events, which shipped signals read, have folders of their own."""
    for name, bucket in named(parsed()["examples/complete/main.tf"], "module")["trailflow"]["log_buckets"].items():
        prefixes = [prefix.strip('"') for prefix in bucket["prefixes"]]
        beside = {prefix.replace("/CloudTrail/", f"/CloudTrail{of}/") for prefix in prefixes for of in ("-Insight", "-NetworkActivity")}
        expect(beside <= set(prefixes), f"the example's {name} leaves out {sorted(beside - set(prefixes))}")


def calls() -> None:
    """Each permission follows from a call in the code, and each call has one."""
    sources = {file: file.read_text() for file in (ROOT / "pipeline/src").rglob("*.rs")}
    text = "\n".join(sources.values())
    session = botocore.session.get_session()
    operations = {botocore.xform_name(name) for service in ("s3", "sqs", "sts", "kms") for name in session.get_service_model(service).operation_names}
    equal({name for name in operations if f".{name}()" in text}, set(CALLS), "what the code calls")
    needed = set().union(*CALLS.values())
    equal(needed, ACTIONS["TakeMessages"] | ACTIONS["ReadLogs"] | ACTIONS["ListLogs"], "what these calls need")


def deletions() -> None:
    """Who deletes in the lake: the service what it staged, and sealing alone files of tables and seals."""
    source = ROOT / "pipeline/src"
    shipped = {file.relative_to(source): file.read_text().split("#[cfg(test)]")[0] for file in source.rglob("*.rs")}
    # A store that hands on to another deletes nothing of its own accord.
    handed_on = re.compile(r"\n    fn delete_stream\(.+?\n    }\n", re.S)
    shipped = {file: handed_on.sub("\n", text) for file, text in shipped.items()}
    deleting = {file.name for file, text in shipped.items() if re.search(r"\bdelete_if_there\(|\bstore\s*\.delete", text)}
    equal(deleting, set().union(*DELETING.values()), "where the lake's objects are deleted (DropStaging and DropReplaced must follow)")
    asking = {file for file, text in shipped.items() if re.search(r"\blake\s*\.delete\(", text)}
    expect(asking, "nobody calls Lake::delete; this check must follow it")
    equal({file.parts[0] for file in asking}, {"seal"}, "who deletes files of tables and seals")
    equal({str(file) for file, text in shipped.items() if re.search(r"\bSealing::begin\(", text)}, {"cli/compact.rs"}, "who seals, and so needs the role of compaction")


def resources() -> None:
    """The few facts of main.tf that promises hang on."""
    found = {}
    for block in parsed()["main.tf"]["resource"]:
        for kind, body in block.items():
            found |= {f"{kind.strip(chr(34))}.{name.strip(chr(34))}": one for name, one in body.items() if not name.startswith("__")}
    text = (MODULE / "main.tf").read_text()
    equal(found["aws_sqs_queue.dead_letters"]["message_retention_seconds"], "${14 * 86400}", "the dead-letter queue's retention")
    for name in ("notifications", "dead_letters"):
        expect(found[f"aws_sqs_queue.{name}"]["sqs_managed_sse_enabled"] is True, f"{name} is not encrypted")
    target = found["aws_cloudwatch_event_target.queue"]
    equal([block["arn"] for block in target.get("dead_letter_config", [])], ["${aws_sqs_queue.dead_letters.arn}"], "where EventBridge puts what it cannot send")
    equal(set(target["depends_on"]), {"${aws_sqs_queue_policy.notifications}", "${aws_sqs_queue_policy.dead_letters}"}, "what a rule's target waits for")
    policy = found["aws_sqs_queue_policy.dead_letters"]
    equal((policy["queue_url"], policy["policy"]), ("${aws_sqs_queue.dead_letters.id}", "${local.dead_letters_policy}"), "the dead-letter queue's policy")
    equal(policy["count"], found["aws_cloudwatch_event_rule.object_created"]["for_each"].replace("var.log_buckets : {}", "1 : 0"), "when the dead-letter queue has a policy")
    alarm = found["aws_cloudwatch_metric_alarm.undelivered"]
    equal(alarm["for_each"], target["for_each"], "the rules with an alarm")
    equal((alarm["namespace"], alarm["metric_name"], alarm["statistic"]), ('"AWS/Events"', '"FailedInvocations"', '"Sum"'), "what the alarm of a rule watches")
    equal(alarm["dimensions"], {"RuleName": "${each.value.name}"}, "whose failures the alarm of a rule watches")
    for name, one in found.items():
        if name.startswith("aws_cloudwatch_metric_alarm."):
            equal([one["alarm_actions"], one["ok_actions"]], ["${var.alarm_actions}"] * 2, f"whom {name} tells")
    block = found["aws_s3_bucket_public_access_block.lake"]
    for key in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
        expect(block[key] is True, f"the lake's {key} is off")
    expect('prefix = "${local.lake_root}_trailflow/${rule.key}/"' in text, "the lifecycle rules do not follow the lake's layout")
    lifecycle = found["aws_s3_bucket_lifecycle_configuration.lake"]
    (leftovers,) = lifecycle["rule"]
    equal(leftovers["abort_incomplete_multipart_upload"][0]["days_after_initiation"], 2, "after how many days incomplete uploads are aborted")
    expect(not any(key for key in leftovers["filter"][0] if not key.startswith("__")), "incomplete uploads below some prefix are not aborted")
    equal(set(leftovers["expiration"][0]) - {"__is_block__"}, {"expired_object_delete_marker"}, "what expires of tables, sealed files and seals")
    equal(leftovers["noncurrent_version_expiration"][0]["noncurrent_days"], "${var.deleted_retention_days}", "for how long what was deleted is kept")
    for kind in ("aws_iam_role", "aws_iam_role_policy"):
        equal(found[f"{kind}.compaction"]["count"], "${var.compaction == null ? 0 : 1}", f"when there is {kind}.compaction")
    equal(found["aws_iam_role_policy.compaction"]["policy"], "${local.compaction_permissions}", "what compaction's role may do")
    for who in ("service", "compaction"):
        equal(found[f"aws_iam_role.{who}"]["assume_role_policy"], f'${{local.trust_policies["{who}"]}}', f"who may be {who}")


def literal_wildcards() -> None:
    """Without the terraform binary, at least the text: `s3:*` stands in the one Deny, a bare `*` resource nowhere."""
    text = (MODULE / "policies.tf").read_text()
    equal(re.findall(r'"[a-z0-9-]+:[A-Za-z]*\*"', text), ['"s3:*"'], "the wildcard actions")
    expect(re.search(r'Effect\s+= "Deny"\s+Principal = "\*"\s+Action\s+= "s3:\*"', text), "s3:* stands outside the Deny")
    expect(not re.search(r'Resource\s+= (\[\s*)?"\*"', text), "a resource is *")


def form() -> None:
    done = terraform("fmt", "-check", "-recursive", "-diff", directory=MODULE)
    expect(done.returncode == 0, done.stdout + done.stderr)


def run(report: Report) -> None:
    report.check("terraform: every file parses; variables and outputs are described; the example fits", interface)
    report.check("terraform: the example reads all folders of CloudTrail's events", folders)
    report.check("terraform: the permissions are those of the calls in the code", calls)
    report.check("terraform: who deletes in the lake has the role for it", deletions)
    report.check("terraform: queues, bucket, lifecycle and roles as promised", resources)
    report.check("terraform: no wildcard stands in the text of an Allow", literal_wildcards)
    if not shutil.which("terraform"):
        for name in ("terraform: fmt", "terraform: evaluated policies", "terraform: wrong variables are refused"):
            report.skip(name, "no terraform binary here")
        return
    report.check("terraform: fmt", form)
    for name, variables in cases()["accepted"].items():
        report.check(f"terraform: evaluated policies are least privilege, {name}", lambda variables=variables: policies(variables))
    for case in cases()["refused"]:
        report.check(f"terraform: refuses {json.dumps(case['set'])}", lambda case=case: refused(case))
