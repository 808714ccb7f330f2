"""Who gets credentials and who does not: roles, pods, people, keys."""

from board import Board
from expressions import HOUR, RANGE, counted, or_zero, share
from panels import GOOD_MIND, bars, stat, table, who

from boards.variables import ACCOUNT, POD_METRICS, cluster, namespace, role

ASSUME = "trailflow_sts_assume_role_total"
PEOPLE = 'principal_kind!="service"'
SESSIONS = "trailflow_pod_sessions_total"
POD = "cluster_name, namespace, service_account, role_arn"
RENEWAL = f"max by (mechanism, {POD})"
IRSA_REFUSED = ("trailflow_irsa_trust_mismatch_total", "trailflow_irsa_unknown_provider_total")

ROLES = (
    "Roles: assumed and refused",
    stat(
        "Refused, share of the range",
        share(ASSUME, 'outcome="failure"', PEOPLE),
        "Share of refused role assumptions in the time range, AWS services left out.",
        steps=("green", (0.05, "orange"), (0.25, "red")),
        unit="percentunit",
        decimals=1,
        no_value="no calls",
        h=8,
    ),
    bars("Succeeded and refused", ASSUME, "outcome", "Role assumptions per step.", where=PEOPLE, w=8),
    bars(
        "Refused, by role and reason",
        ASSUME,
        "role_arn, failure_class",
        "Refused role assumptions per step.",
        where='outcome="failure"',
    ),
    who(
        "Who is refused",
        ASSUME,
        "role_arn, api, principal_kind, failure_class",
        "Refused role assumptions in the time range.",
        where='outcome="failure"',
        column="refused",
    ),
    who(
        "Roles assumed from other accounts",
        "trailflow_sts_cross_account_total",
        "caller_account, role_account, role_arn, outcome",
        "Which account assumes which role of another account, in the time range.",
        column="calls",
        w=14,
    ),
    bars(
        "Roles made, changed, deleted",
        "trailflow_iam_role_changes_total",
        "api, outcome",
        "Calls that make, change or delete roles, per step. `quota` is LimitExceeded.",
        w=10,
    ),
)

PODS = (
    "Pods: IRSA and EKS Pod Identity",
    bars(
        "Sessions by mechanism",
        SESSIONS,
        "mechanism, cluster_name",
        "Sessions that pods obtained per step: who has moved from IRSA to Pod Identity.",
        w=8,
    ),
    bars(
        "IRSA: wrong audience",
        "trailflow_irsa_audience_mismatch_total",
        "kind, cluster_name, namespace, service_account, audience",
        "Tokens refused for their audience, by the side that refused, per step.",
        w=8,
    ),
    bars(
        "IRSA: wrong subject or role",
        IRSA_REFUSED[0],
        POD,
        "Tokens with the right audience that a role refused, per step.",
        w=8,
    ),
    who(
        "Who presents which audience",
        "trailflow_irsa_audience_mismatch_total",
        f"kind, {POD}, audience",
        "Tokens refused for their audience in the time range.",
        column="refused",
        w=14,
    ),
    who(
        "Clusters that the configuration does not name",
        IRSA_REFUSED[1],
        "oidc_id, role_arn, namespace, service_account",
        "Web identity calls of unknown EKS providers in the time range: an old cluster, or a stranger's.",
        column="calls",
        w=10,
    ),
    bars(
        "Pod Identity: refused",
        "trailflow_pod_identity_failures_total",
        "cluster_name, node_role, failure_class",
        "Credential requests of the Pod Identity agent that EKS refused, per step.",
    ),
    table(
        "Renewals: how long ago, and how long it takes at most",
        [
            (f"topk(100, {RENEWAL} (trailflow_pod_renewal_age_seconds))", "age"),
            (f"{RENEWAL} (trailflow_pod_renewal_expected_seconds)", "longest pause"),
        ],
        "Service accounts that renewed regularly in their last 24 hours. Refused tokens are often not logged:"
        " an age far beyond the longest pause is how they show.",
        units={"age": "s", "longest pause": "s"},
        w=12,
    ),
)

STS = (
    "STS: regions and endpoints",
    bars(
        "Calls to the global endpoint",
        "trailflow_sts_global_endpoint_total",
        "caller, sdk_family",
        "Workloads that call sts.amazonaws.com instead of their region's endpoint, per step.",
    ),
    bars(
        "Refused: region not activated",
        "trailflow_sts_region_disabled_total",
        "caller, region",
        "STS calls refused because the account has not activated the region, per step.",
    ),
)

KEYS = "trailflow_long_lived_key_calls_total"
LAST_USE = "trailflow_long_lived_key_last_use_timestamp_seconds"
PERSONS = (
    "People, emergencies, keys that do not expire",
    stat(
        "Root used, 1 h",
        or_zero(counted("trailflow_root_use_total", window=HOUR)),
        "Calls and sign-ins as root in the last hour.",
    ),
    stat(
        "Break-glass, 1 h",
        or_zero(counted("trailflow_break_glass_total", window=HOUR)),
        "Attempts at the watched roles in the last hour.",
    ),
    stat(
        "Sign-ins refused, 1 h",
        or_zero(counted("trailflow_console_sign_in_total", where='outcome="failure"', window=HOUR)),
        "Refused console sign-ins in the last hour.",
        steps=("green", (1, "orange"), (10, "red")),
    ),
    stat(
        "Keys in use, range",
        or_zero(f"count({counted(KEYS, 'account_id, user_name', '', RANGE)} > 0)"),
        "IAM users whose access keys signed calls in the time range.",
        steps=GOOD_MIND,
    ),
    bars(
        "Console sign-ins",
        "trailflow_console_sign_in_total",
        "user_type, mfa, outcome",
        "Sign-ins to the console per step.",
        w=8,
        h=4,
    ),
    who(
        "Break-glass: who, with a second factor or not",
        "trailflow_break_glass_total",
        "role_arn, principal_kind, mfa, outcome",
        "Attempts at the watched roles in the time range.",
        column="attempts",
        w=12,
    ),
    who(
        "Root: what was done",
        "trailflow_root_use_total",
        "account_id, service, api",
        "Calls as root in the time range.",
        column="calls",
        w=12,
    ),
    who(
        "Keys that do not expire: calls",
        KEYS,
        "account_id, user_name, service",
        "Calls signed with long-lived access keys in the time range.",
        column="calls",
        w=12,
    ),
    table(
        "Keys that do not expire: last use",
        [(f"1000 * max by (account_id, user_name, access_key_id) ({LAST_USE})", "last use")],
        "When each long-lived access key last signed a call, in the last 30 days.",
        units={"last use": "dateTimeFromNow"},
        w=12,
    ),
)

BOARD = Board(
    uid="trailflow-identity",
    title="trailflow: identity",
    says="Who gets AWS credentials and who does not: roles, pods by IRSA and Pod Identity, people, root, keys.",
    rows=(ROLES, PODS, STS, PERSONS),
    variables=(
        ACCOUNT,
        cluster(*POD_METRICS),
        namespace(*POD_METRICS),
        role(ASSUME, SESSIONS, *IRSA_REFUSED),
    ),
    changes="oidc_provider|trust_policy|role|role_policy|pod_identity|access_entry|access_key|user_policy|group_policy",
)
