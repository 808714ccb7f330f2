"""Builds log objects of the right shapes, and keeps count of what must come out.

Every builder adds records and, in the same breath, the rows that the signals owe for them. All
names and numbers are invented. The same arguments make the same bytes.
"""

import gzip
import json
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

ACCOUNT = "111122223333"
REGION = "eu-west-1"
START = datetime(2026, 1, 5, 10, 20, tzinfo=timezone.utc)
WINDOW = timedelta(minutes=5)
OIDC = f"oidc.eks.{REGION}.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{OIDC}"

GRAINS = {
    "sts_assume_role": (
        "window_start", "role_arn", "api", "principal_kind", "outcome", "failure_class", "region",
    ),
    "irsa_audience_mismatch": (
        "window_start", "kind", "namespace", "service_account", "role_arn", "audience",
    ),
    "flow_rejects": ("window_start", "account_id", "interface_id", "dstport", "port", "flow_direction"),
    "kms_throttles": ("window_start", "caller_account", "role_arn", "region", "api", "cross_account"),
}
"""The columns of each view whose values follow from the input alone."""

MEASURES = {
    "sts_assume_role": ("calls",),
    "irsa_audience_mismatch": ("mismatches",),
    "flow_rejects": ("records", "packets", "bytes"),
    "kms_throttles": ("throttles",),
}
"""The numbers of each view."""

METRICS = {
    "trailflow_sts_assume_role_total": (
        "sts_assume_role", "calls", ("role_arn", "api", "principal_kind", "outcome", "failure_class"),
    ),
    "trailflow_irsa_audience_mismatch_total": (
        "irsa_audience_mismatch", "mismatches",
        ("kind", "namespace", "service_account", "role_arn", "audience"),
    ),
    "trailflow_flow_rejects_total": (
        "flow_rejects", "records", ("interface_id", "port", "flow_direction"),
    ),
    "trailflow_flow_reject_packets_total": (
        "flow_rejects", "packets", ("interface_id", "port", "flow_direction"),
    ),
    "trailflow_flow_reject_bytes_total": (
        "flow_rejects", "bytes", ("interface_id", "port", "flow_direction"),
    ),
    "trailflow_kms_throttles_total": (
        "kms_throttles", "throttles", ("caller_account", "role_arn", "region", "api", "cross_account"),
    ),
}
"""Which view and measure each metric counts, and by which of its labels the tests compare it."""


def role(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def window_of(time):
    """The start of the five-minute window of event time, in epoch seconds."""
    seconds = int(WINDOW.total_seconds())
    return int(time.timestamp()) // seconds * seconds


def compressed(body):
    """gzip without a time stamp, so that the same text gives the same bytes."""
    return gzip.compress(body, compresslevel=6, mtime=0)


@dataclass
class Expected:
    """What must come out of the objects."""

    rows: Counter = field(default_factory=Counter)
    outcomes: Counter = field(default_factory=Counter)
    signals: dict = field(default_factory=lambda: {name: {} for name in GRAINS})

    def owe(self, signal, grain, *measures):
        """One more partial row of a signal; rows of the same grain add up."""
        totals = self.signals[signal].setdefault(tuple(str(value) for value in grain), Counter())
        totals.update(dict(zip(MEASURES[signal], measures, strict=True)))

    def view(self, signal):
        """`{grain: (measures)}`, as a query over the signal's view must give it."""
        return {
            grain: tuple(totals[name] for name in MEASURES[signal])
            for grain, totals in self.signals[signal].items()
        }

    def metric(self, name):
        """`{label values: total}`, as `/metrics` must give it, windows added up."""
        signal, measure, labels = METRICS[name]
        places = [GRAINS[signal].index(label) for label in labels]
        totals = Counter()
        for grain, measures in self.signals[signal].items():
            totals[tuple(grain[place] for place in places)] += measures[measure]
        return dict(totals)


class CloudTrailFile:
    """The records of one CloudTrail object, in the order of the calls below."""

    def __init__(self, expected, seed, start=START):
        self.expected = expected
        self.seed = seed
        self.start = start
        self.records = []

    def object(self):
        """The object's bytes."""
        self.expected.rows["cloudtrail"] += len(self.records)
        self.expected.outcomes["ingested"] += 1
        return compressed(json.dumps({"Records": self.records}, separators=(",", ":")).encode())

    def assumed(self, target, times, minute=0):
        """AssumeRole by a role's session, allowed."""
        for _ in range(times):
            self._sts("AssumeRole", minute, role_session("builder"), **granted(target))
        self._owe_sts(minute, target, "AssumeRole", "assumed_role", "success", "none", times)

    def assumed_by_service(self, target, service, times, minute=0):
        """AssumeRole by an AWS service: no arn, no account, another population."""
        for _ in range(times):
            identity = {"type": "AWSService", "invokedBy": service}
            shared = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self.seed}-{len(self.records)}-shared"))
            self._sts("AssumeRole", minute, identity, sharedEventID=shared, **granted(target))
        self._owe_sts(minute, target, "AssumeRole", "service", "success", "none", times)

    def assume_denied(self, target, times, minute=0):
        """AssumeRole, denied: parameters are null and only the message names the role."""
        caller = f"arn:aws:sts::{ACCOUNT}:assumed-role/builder/session-1"
        message = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {target}"
        for _ in range(times):
            self._sts(
                "AssumeRole", minute, role_session("builder"), errorCode="AccessDenied",
                errorMessage=message, requestParameters=None, responseElements=None,
            )
        self._owe_sts(minute, target, "AssumeRole", "assumed_role", "failure", "access_denied", times)

    def web_identity(self, target, namespace, account, times, minute=0):
        """AssumeRoleWithWebIdentity of a service account, allowed."""
        for _ in range(times):
            self._sts(
                "AssumeRoleWithWebIdentity", minute, web_identity(namespace, account, "sts.amazonaws.com"),
                **granted(target),
            )
        self._owe_sts(
            minute, target, "AssumeRoleWithWebIdentity", "web_identity", "success", "none", times
        )

    def audience_refused(self, target, namespace, account, audience, times, minute=0):
        """AssumeRoleWithWebIdentity, denied by the trust policy because of the token's audience."""
        for _ in range(times):
            self._sts(
                "AssumeRoleWithWebIdentity", minute, web_identity(namespace, account, audience),
                errorCode="AccessDenied", errorMessage="An unknown error occurred",
                requestParameters={"roleArn": target, "roleSessionName": "1700000000000000000"},
                responseElements=None, resources=role_resource(target),
            )
        self._owe_sts(
            minute, target, "AssumeRoleWithWebIdentity", "web_identity", "failure", "access_denied", times
        )
        window = window_of(self._time(minute))
        grain = (window, "trust_policy", namespace, account, target, audience)
        self.expected.owe("irsa_audience_mismatch", grain, times)

    def kms_throttled(self, caller, api, times, minute=0):
        """A KMS call that was throttled: null parameters, no resources, so no key is known."""
        for _ in range(times):
            self._record(
                "kms.amazonaws.com", api, minute, role_session(caller), errorCode="ThrottlingException",
                errorMessage="Rate exceeded", requestParameters=None, responseElements=None,
            )
        grain = (window_of(self._time(minute)), ACCOUNT, role(caller), REGION, api, "unknown")
        self.expected.owe("kms_throttles", grain, times)

    def kms_decrypted(self, caller, times, minute=0):
        """KMS Decrypt that worked: no signal owes a row for it."""
        key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/12345678-90ab-cdef-1234-567890abcdef"
        for _ in range(times):
            self._record(
                "kms.amazonaws.com", "Decrypt", minute, role_session(caller),
                requestParameters={"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}, responseElements=None,
                resources=[{"accountId": ACCOUNT, "type": "AWS::KMS::Key", "ARN": key}],
            )

    def _owe_sts(self, minute, target, api, kind, outcome, failure, times):
        window = window_of(self._time(minute))
        self.expected.owe(
            "sts_assume_role", (window, target, api, kind, outcome, failure, REGION), times
        )

    def _sts(self, name, minute, identity, **fields):
        self._record("sts.amazonaws.com", name, minute, identity, **fields)

    def _time(self, minute):
        return self.start + timedelta(minutes=minute)

    def _record(self, source, name, minute, identity, **fields):
        number = len(self.records)
        unique = f"{self.seed}-{number}"
        record = {
            "eventVersion": "1.08",
            "userIdentity": identity,
            "eventTime": self._time(minute).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": source,
            "eventName": name,
            "awsRegion": REGION,
            "sourceIPAddress": "10.0.3.17",
            "userAgent": "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5",
            "requestParameters": {},
            "responseElements": None,
            "requestID": str(uuid.uuid5(uuid.NAMESPACE_URL, unique)),
            "eventID": str(uuid.uuid5(uuid.NAMESPACE_OID, unique)),
            "readOnly": True,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        }
        self.records.append(record | fields)


def role_session(name):
    """`userIdentity` of a role's session."""
    return {
        "type": "AssumedRole",
        "principalId": "AROAEXAMPLEEXAMPLEEX:session-1",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session-1",
        "accountId": ACCOUNT,
        "accessKeyId": "ASIAEXAMPLEEXAMPLEEX",
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAEXAMPLEEXAMPLEEX",
                "arn": role(name),
                "accountId": ACCOUNT,
                "userName": name,
            },
            "webIdFederationData": {},
            "attributes": {"creationDate": "2026-01-05T09:00:00Z", "mfaAuthenticated": "false"},
        },
    }


def web_identity(namespace, account, audience):
    """`userIdentity` of a service account's token: no account, no arn."""
    subject = f"system:serviceaccount:{namespace}:{account}"
    return {
        "type": "WebIdentityUser",
        "principalId": f"{PROVIDER}:{audience}:{subject}",
        "userName": subject,
        "identityProvider": PROVIDER,
    }


def role_resource(target):
    return [{"accountId": ACCOUNT, "type": "AWS::IAM::Role", "ARN": target}]


SESSION_TOKEN = "IQoJb3JpZ2luX2VjExampleTokenThatMustNotBeKept"
"""Stands in every granted session; it may appear nowhere in the lake, the metrics or the log."""


def granted(target):
    """Parameters and answer of an allowed AssumeRole*, with the session's token in the clear."""
    session = target.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/session-2"
    return {
        "requestParameters": {"roleArn": target, "roleSessionName": "session-2", "durationSeconds": 3600},
        "responseElements": {
            "credentials": {
                "accessKeyId": "ASIAEXAMPLEEXAMPLE22",
                "sessionToken": SESSION_TOKEN,
                "expiration": "Jan 5, 2026, 11:20:00 AM",
            },
            "assumedRoleUser": {"assumedRoleId": "AROAEXAMPLEEXAMPLE22:session-2", "arn": session},
        },
        "resources": role_resource(target),
    }


class FlowLogFile:
    """The lines of one flow-log object of a custom format."""

    HEADER = (
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
        "start end action log-status vpc-id tcp-flags flow-direction"
    )

    def __init__(self, expected, start=START):
        self.expected = expected
        self.start = start
        self.lines = []

    def object(self):
        """The object's bytes."""
        self.expected.rows["flow_logs"] += len(self.lines)
        self.expected.outcomes["ingested"] += 1
        return compressed("\n".join([self.HEADER, *self.lines, ""]).encode())

    def rejected(self, interface, port, direction, times, packets=2, minute=0):
        """Connection attempts that were refused."""
        end = self.start + timedelta(minutes=minute)
        for number in range(times):
            self._line(interface, 40000 + number, port, packets, end, "REJECT", direction)
        grain = (window_of(end), ACCOUNT, interface, port, port, direction)
        self.expected.owe("flow_rejects", grain, times, times * packets, times * packets * 60)

    def accepted(self, interface, port, direction, times, minute=0):
        """Traffic that passed: no signal owes a row for it."""
        end = self.start + timedelta(minutes=minute)
        for number in range(times):
            self._line(interface, 50000 + number, port, 10, end, "ACCEPT", direction)

    def silent(self, interface, minute=0):
        """A window without traffic: a row whose values are `-`."""
        end = int((self.start + timedelta(minutes=minute)).timestamp())
        nothing = " ".join(["-"] * 7)
        self.lines.append(f"5 {ACCOUNT} {interface} {nothing} {end - 60} {end} - NODATA vpc-0a1b2c3d - -")

    def _line(self, interface, source_port, port, packets, end, action, direction):
        end = int(end.timestamp())
        self.lines.append(
            f"5 {ACCOUNT} {interface} 10.0.3.17 10.0.9.44 {source_port} {port} 6 {packets} {packets * 60} "
            f"{end - 55} {end} {action} OK vpc-0a1b2c3d 2 {direction}"
        )


def cloudtrail_key(name, prefix="", region=REGION):
    """The key of a CloudTrail object, as AWS lays them out."""
    folder = f"{prefix}AWSLogs/{ACCOUNT}/CloudTrail/{region}/2026/01/05"
    return f"{folder}/{ACCOUNT}_CloudTrail_{region}_20260105T1030Z_{name}.json.gz"


def hive_flow_log_key(name):
    """The key of a flow-log object in a Hive-compatible layout: every folder has an `=`."""
    folders = (
        f"AWSLogs/aws-account-id={ACCOUNT}/aws-service=vpcflowlogs/aws-region={REGION}"
        "/year=2026/month=01/day=05/hour=10"
    )
    return f"{folders}/{ACCOUNT}_vpcflowlogs_{REGION}_fl-0a1b2c3d_20260105T1020Z_{name}.log.gz"


def digest_key():
    """The key of a CloudTrail digest, which holds no events."""
    folder = f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/2026/01/05"
    return f"{folder}/{ACCOUNT}_CloudTrail-Digest_{REGION}_trail_{REGION}_20260105T103000Z.json.gz"


def digest():
    """A digest's body, shortened."""
    body = {"awsAccountId": ACCOUNT, "digestStartTime": "2026-01-05T09:30:00Z", "logFiles": []}
    return compressed(json.dumps(body).encode())


def all_signals(scale=1, seed="a"):
    """Objects that make every signal find something: `({key: bytes}, Expected)`.

    One CloudTrail file with a plain key, one whose key holds a space and a plus, a flow log with `=` in
    its key, and a digest, which must be ignored. `scale` multiplies the records, not the objects.
    """
    expected = Expected()
    sessions = CloudTrailFile(expected, f"{seed}-sessions")
    sessions.assumed(role("deployer"), 3 * scale)
    sessions.assumed(role("deployer"), 2 * scale, minute=6)
    sessions.assumed_by_service(role("cluster"), "eks.amazonaws.com", scale)
    sessions.assume_denied(role("admin"), 2 * scale)
    sessions.web_identity(role("cart"), "shop", "cart", scale, minute=1)

    refused = CloudTrailFile(expected, f"{seed}-refused")
    refused.audience_refused(role("cart"), "shop", "cart", "vault.example.com", 2 * scale)
    refused.kms_throttled("node", "Decrypt", 4 * scale)
    refused.kms_throttled("node", "GenerateDataKey", scale, minute=6)
    refused.kms_decrypted("node", scale)

    flows = FlowLogFile(expected)
    flows.rejected("eni-0a1b2c3d4e5f60001", 5432, "ingress", 3 * scale)
    flows.rejected("eni-0a1b2c3d4e5f60001", 5432, "ingress", scale, packets=5, minute=7)
    flows.rejected("eni-0a1b2c3d4e5f60002", 443, "egress", 2 * scale, packets=1)
    flows.accepted("eni-0a1b2c3d4e5f60002", 443, "egress", 3 * scale)
    flows.silent("eni-0a1b2c3d4e5f60003")

    expected.outcomes["ignored"] += 1
    objects = {
        cloudtrail_key(f"{seed}Sessions"): sessions.object(),
        cloudtrail_key(f"{seed}Refused", prefix="team a+b/"): refused.object(),
        hive_flow_log_key(f"{seed}fe123456"): flows.object(),
        digest_key(): digest(),
    }
    return objects, expected


def write_objects(folder, objects):
    """Lay `{key: bytes}` out below a folder, as a directory source expects them."""
    for key, body in objects.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        # A watcher must never see half a file.
        half = path.with_name(f".{path.name}.half")
        half.write_bytes(body)
        half.rename(path)
