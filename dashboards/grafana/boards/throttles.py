"""Limits and denies of the services that everybody shares: KMS, STS, EC2, Route 53, load balancers, ECR."""

from board import Board
from expressions import HOUR, counted, or_zero
from panels import GOOD_MIND, bars, lines, stat, table, who

from boards.variables import ACCOUNT, REGION, role

KMS = "trailflow_kms_throttles_total"
KMS_DENIES = "trailflow_kms_denies_total"
KEY_STATE = "trailflow_kms_key_failures_total"
STS = "trailflow_sts_throttles_total"
APIS = "trailflow_api_throttles_total"
LAUNCHES = "trailflow_launch_failures_total"
SPOT = "trailflow_spot_interruptions_total"
DNS = "trailflow_route53_calls_total"
INGRESS = "trailflow_ingress_calls_total"
ECR_DENIES = "trailflow_ecr_denies_total"
SPAN = "trailflow_ecr_pull_span_seconds_bucket"


def last_hour(title, metric, where="", **more):
    """A figure of the last hour."""
    says = f"{title} in the last hour."
    return stat(f"{title}, 1 h", or_zero(counted(metric, where=where, window=HOUR)), says, w=6, **more)


NOW = (
    "The last hour",
    last_hour("KMS calls throttled", KMS, steps=("green", (1, "orange"), (10, "red"))),
    last_hour("KMS calls denied", KMS_DENIES, steps=GOOD_MIND),
    last_hour("Calls of other services throttled", APIS, steps=("green", (1, "orange"), (50, "red"))),
    last_hour("STS calls throttled", STS, steps=("green", (1, "orange"), (10, "red"))),
)
KEYS = (
    "KMS",
    bars("Throttled, by caller", KMS, "caller_account, role_arn, api", "Throttled KMS calls per step."),
    bars(
        "Denied, by role and kind of policy",
        KMS_DENIES,
        "role_arn, api, deny_class",
        "Denied KMS calls per step.",
    ),
    who(
        "Who is throttled",
        KMS,
        "caller_account, role_arn, region, api, cross_account",
        "Throttled KMS calls in the time range. The quota is the calling account's, in its region.",
        column="throttled",
        w=12,
    ),
    who(
        "Who is denied which key",
        KMS_DENIES,
        "key_account, caller_account, role_arn, api, deny_class",
        "Denied KMS calls in the time range.",
        column="denied",
        w=12,
    ),
    bars(
        "Failed because of the key, by key and reason",
        KEY_STATE,
        "key, reason",
        "Calls per step that use a key which is disabled, waits for its deletion or is not available.",
        w=10,
    ),
    who(
        "Who uses a key that is not usable",
        KEY_STATE,
        "caller_account, key, role_arn, api, reason",
        "Calls that failed because of the key's state, in the time range.",
        column="failures",
        w=14,
    ),
)
EVERY_API = (
    "STS and every other API",
    bars("STS throttled, by caller", STS, "caller, region, api", "Throttled STS calls per step.", w=10),
    bars("Throttled, by service and API", APIS, "service, api", "Throttled calls per step.", w=14),
    who(
        "Who is throttled, all services",
        APIS,
        "account_id, service, api, caller, region",
        "Throttled calls in the time range.",
        column="throttled",
    ),
)
INSTANCES = (
    "EC2: what was not given, and what was taken back",
    bars(
        "Not given, by reason",
        LAUNCHES,
        "reason, place, launched",
        "Errors of launches, interfaces, addresses and volumes per step. `launched`: whether the same call got"
        " something beside.",
        w=10,
    ),
    who(
        "Who did not get what",
        LAUNCHES,
        "account_id, region, api, reason, place, launched, caller",
        "Errors in the time range. A fleet's reply has one for each pool that was tried.",
        column="failures",
        w=14,
    ),
    bars(
        "Spot instances taken back",
        SPOT,
        "account_id, region",
        "Spot instances that EC2 took back, per step.",
        w=24,
    ),
)
NAMES = (
    "Route 53",
    bars(
        "Calls by caller and outcome",
        DNS,
        "caller, outcome",
        "Calls of Route 53 per step, reads too: the limit of five per second counts them all.",
        w=8,
    ),
    bars(
        "Changes of records",
        "trailflow_route53_changes_total",
        "zone_id, caller, action",
        "Changes that Route 53 took, per step.",
        w=8,
    ),
    lines(
        "Records written and deleted by turns",
        [("max by (zone_id, caller) (trailflow_route53_flip_flops)", "{{zone_id}} {{caller}}")],
        "Turns in the last hour: two controllers that fight over a name.",
        steps=("green", (5, "red")),
    ),
)
CONTROLLERS = (
    "Load balancer controllers",
    bars(
        "Calls by service and kind",
        INGRESS,
        "controller, service, kind",
        "AWS calls of the controllers per step. Many reads with few writes are a loop that finds nothing.",
        w=8,
    ),
    bars("Calls that fail", INGRESS, "service, api, outcome", "Calls per step.", where='outcome!="success"', w=8),
    lines(
        "The same write again and again",
        [("max by (role_arn, api) (trailflow_ingress_repeated_writes)", "{{role_arn}} {{api}}")],
        "How often the most repeated write was made in the last hour.",
        steps=("green", (20, "red")),
    ),
)
IMAGES = (
    "ECR",
    bars(
        "Requests for images, by role",
        "trailflow_ecr_pulls_total",
        "repository, node_role, outcome",
        "Requests for images per step.",
        w=8,
    ),
    bars(
        "Requests for layers",
        "trailflow_ecr_layers_total",
        "repository, outcome",
        "Requests for layers per step. Few layers for many images mean that the nodes have them.",
        w=8,
    ),
    bars(
        "Denied",
        ECR_DENIES,
        "repository, role_arn, deny_class",
        "Denied ECR calls per step.",
        w=8,
    ),
    lines(
        "Span of a pull's requests",
        [
            (f"histogram_quantile(0.5, max by (le, repository) ({SPAN}))", "p50 {{repository}}"),
            (f"histogram_quantile(0.95, max by (le, repository) ({SPAN}))", "p95 {{repository}}"),
        ],
        "Time from the first to the last request of a pull, pulls of the last hour.",
        unit="s",
    ),
    table(
        "Requests by zone of the node, last hour",
        [("max by (repository, az_id) (trailflow_ecr_pulls_by_zone)", "requests")],
        "In which zone the nodes are that ask for a repository's images.",
        w=8,
    ),
    bars(
        "Flow log records by zone",
        "trailflow_node_zone_records_total",
        "az_id",
        "Records that tell which zone an instance is in, per step: what the panel beside knows the zones by.",
        w=8,
    ),
    who(
        "Who is denied which repository",
        ECR_DENIES,
        "registry_account, caller_account, repository, role_arn, deny_class",
        "Denied ECR calls in the time range.",
        column="denied",
    ),
)

BOARD = Board(
    uid="trailflow-throttles",
    title="trailflow: KMS and throttles",
    says="Quotas that run out and keys that refuse: KMS, STS, every other API, what EC2 has not, Route 53, load balancer controllers, ECR.",
    rows=(NOW, KEYS, EVERY_API, INSTANCES, NAMES, CONTROLLERS, IMAGES),
    variables=(ACCOUNT, REGION, role(KMS, KMS_DENIES, KEY_STATE, INGRESS, ECR_DENIES)),
    changes="key_policy|key_state|key_alias|load_balancer|hosted_zone|repository_policy|image|cluster|node_group|launch_template|fargate_profile|addon",
)
