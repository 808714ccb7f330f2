"""CloudTrail objects for the benches: seeded, each event with an id of its own, as many an object as asked.

In: a seed. Out: objects with their keys, and how many events are in them, copies left out. The calls are
those that a cluster makes (assumed roles, web identities, KMS, reads); roles, accounts, addresses and ids
vary, so that a compressed object is about as long for its events as a real one.
"""

import gzip
import json
import random
import uuid
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, tzinfo=UTC)
REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
NAMESPACES = ("payments", "checkout", "search", "kube-system", "observability", "ml", "batch")
APPS = ("api", "consumer", "worker", "indexer", "exporter", "cron", "gateway")
READS = (
    ("ec2", "DescribeInstances"), ("ec2", "DescribeNetworkInterfaces"), ("ecr", "BatchGetImage"),
    ("elasticloadbalancing", "DescribeTargetHealth"), ("secretsmanager", "GetSecretValue"),
)
AGENTS = (
    "aws-sdk-go-v2/1.32.6 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#amd64 api/sts#1.33.2",
    "Boto3/1.35.76 md/Botocore#1.35.76 ua/2.0 os/linux#6.1.115 md/arch#x86_64 lang/python#3.12.7",
    "elbv2.k8s.aws/v2.10.0 aws-sdk-go-v2/1.32.3",
)
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Events:
    """A stream of objects, the same for the same seed."""

    def __init__(self, seed, copied=0.02):
        self.dice = random.Random(seed)
        self.accounts = [f"{self.dice.randrange(10**11, 10**12)}" for _ in range(6)]
        self.copied = copied
        self.objects = 0
        self.distinct = 0
        """Events made so far, each counted once: the rows that must be in the lake."""
        self._earlier = None

    def object(self, count, at):
        """The next object: `(key, body, inflated bytes)`. Some events came in the one before already."""
        account, region = self.dice.choice(self.accounts), self.dice.choice(REGIONS)
        records = [self._record(account, region, at) for _ in range(count)]
        copied = self._earlier is not None and self.dice.random() < self.copied * count
        if copied:
            records[-1] = self._earlier
        self.distinct += count - copied
        self._earlier = records[0]
        self.objects += 1
        text = json.dumps({"Records": records}, separators=(",", ":")).encode()
        name = f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{self.objects:016x}.json.gz"
        key = f"AWSLogs/{account}/CloudTrail/{region}/{at:%Y/%m/%d}/{name}"
        return key, gzip.compress(text, compresslevel=6, mtime=0), len(text)

    def write(self, folder, count, events, span=timedelta(hours=6)):
        """Write so many objects below a folder, their times spread over the span; returns their sizes."""
        compressed, inflated, made = 0, 0, set()
        for number in range(count):
            key, body, length = self.object(events, START + span * number / count)
            path = folder / key
            if path.parent not in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                made.add(path.parent)
            path.write_bytes(body)
            compressed, inflated = compressed + len(body), inflated + length
        return compressed, inflated

    def _id(self):
        return str(uuid.UUID(int=self.dice.getrandbits(128)))

    def _access_key(self):
        return "ASIA" + "".join(self.dice.choices(ALPHABET, k=16))

    def _role(self):
        return f"{self.dice.choice(NAMESPACES)}-{self.dice.choice(APPS)}-irsa"

    def _record(self, account, region, at):
        at += timedelta(seconds=self.dice.randrange(300))
        record = {
            "eventVersion": "1.11", "userIdentity": self._session(account),
            "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}", "eventSource": "", "eventName": "", "awsRegion": region,
            "sourceIPAddress": ".".join(str(self.dice.randrange(1, 255)) for _ in range(4)),
            "userAgent": self.dice.choice(AGENTS), "requestParameters": None, "responseElements": None,
            "requestID": self._id(), "eventID": self._id(), "readOnly": True, "eventType": "AwsApiCall",
            "managementEvent": True, "recipientAccountId": account, "eventCategory": "Management",
        }
        drawn = self.dice.random()
        kind = self._assumed if drawn < 0.35 else self._kms if drawn < 0.65 else self._read
        kind(record, account, region)
        service = record["eventSource"].split(".")[0]
        host = f"{service}.{region}.amazonaws.com"
        suite = {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"}
        record["tlsDetails"] = suite | {"clientProvidedHostHeader": host}
        return record

    def _session(self, account):
        role, number = self._role(), self.dice.randrange(10**17)
        principal = f"AROAEXAMPLE{role[:9].upper()}"
        issuer = {
            "type": "Role", "principalId": principal, "accountId": account, "userName": role,
            "arn": f"arn:aws:iam::{account}:role/{role}",
        }
        attributes = {"creationDate": "2026-03-01T00:00:00Z", "mfaAuthenticated": "false"}
        return {
            "type": "AssumedRole", "principalId": f"{principal}:{number}",
            "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{number}", "accountId": account,
            "accessKeyId": self._access_key(),
            "sessionContext": {"sessionIssuer": issuer, "attributes": attributes},
        }

    def _assumed(self, record, account, region):
        arn = f"arn:aws:iam::{account}:role/{self._role()}"
        record |= {"eventSource": "sts.amazonaws.com", "eventName": "AssumeRole"}
        record["requestParameters"] = {"roleArn": arn, "roleSessionName": self._id(), "durationSeconds": 3600}
        record["resources"] = [{"accountId": account, "type": "AWS::IAM::Role", "ARN": arn}]
        if self.dice.random() < 0.05:
            caller = record["userIdentity"]["arn"]
            record["errorCode"] = "AccessDenied"
            record["errorMessage"] = f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            return
        token = "".join(self.dice.choices(ALPHABET, k=300))
        record["responseElements"] = {
            "credentials": {"accessKeyId": self._access_key(), "sessionToken": token},
            "assumedRoleUser": {"arn": arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")},
        }

    def _kms(self, record, account, region):
        record |= {"eventSource": "kms.amazonaws.com", "eventName": "Decrypt"}
        arn = f"arn:aws:kms:{region}:{account}:key/12345678-90ab-cdef-1234-567890abcdef"
        if self.dice.random() < 0.02:
            record |= {"errorCode": "ThrottlingException", "errorMessage": "Rate exceeded"}
            return
        context = {"aws:ebs:id": f"vol-0{self._id()[:8]}"}
        record["requestParameters"] = {"encryptionContext": context, "keyId": arn}
        record["resources"] = [{"accountId": account, "type": "AWS::KMS::Key", "ARN": arn}]

    def _read(self, record, account, region):
        service, name = self.dice.choice(READS)
        record |= {"eventSource": f"{service}.amazonaws.com", "eventName": name}
        tag = {"name": "tag:kubernetes.io/cluster/prod", "valueSet": {"items": [{"value": "owned"}]}}
        record["requestParameters"] = {"filterSet": {"items": [tag]}, "maxResults": 1000}
