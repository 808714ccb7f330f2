"""Who is refused what, and by which kind of policy."""

from board import Board
from expressions import HOUR, counted, or_zero
from panels import bars, stat, table, who

from boards.variables import ACCOUNT, cluster, namespace, role

DENIES = "trailflow_denies_total"
PODS = "trailflow_pod_access_denied_total"
POD_FAILURES = "trailflow_pod_call_failures_total"
NODES = "trailflow_node_role_calls_total"
KNOWN_NODES = "trailflow_known_node_role_calls"
NODE_AGENTS = "trailflow_node_agent_calls_total"
BOUNDARY = "trailflow_boundary_denies_total"
PASS = "trailflow_passrole_denies_total"

WHICH_POLICY = (
    "Which kind of policy denies",
    stat(
        "Denied, 1 h",
        or_zero(counted(DENIES, window=HOUR)),
        "Denied calls of every service in the last hour. Some are always there; a new role or service among them is news.",
        steps=("blue",),
        h=8,
    ),
    bars(
        "By kind of policy",
        DENIES,
        "deny_class, deny_kind",
        "Denied calls per step. The kind says who can change it: an SCP is the organisation's, a boundary the"
        " platform's, an identity policy the role's owner's.",
        w=10,
    ),
    bars("By role", DENIES, "role_arn, service", "Denied calls per step.", w=10),
    who(
        "Who is denied",
        DENIES,
        "account_id, role_arn, service, deny_class, deny_kind",
        "Denied calls in the time range.",
        column="denied",
    ),
)
PODS_AND_NODES = (
    "Pods and nodes",
    bars(
        "Pods, by service account",
        PODS,
        "cluster_name, namespace, service_account, service",
        "Denied calls of pods per step.",
    ),
    bars(
        "Calls with a node's role that no node makes",
        NODES,
        "role_arn, service, outcome",
        "A pod without credentials of its own falls back to its node's role. Per step.",
    ),
    who(
        "Which pod is denied what",
        PODS,
        "cluster_name, namespace, service_account, service, api, deny_class",
        "Denied calls of pods in the time range.",
        column="denied",
        w=14,
    ),
    who(
        "What is called with a node's role",
        NODES,
        "role_arn, service, api, outcome",
        "Calls with a node's role outside of what nodes do by themselves, in the time range.",
        column="calls",
        w=10,
    ),
    table(
        "Roles known to be nodes': calls that no node makes, last hour",
        [(f"topk(100, max by (role_arn, cluster_name, known_by, service, outcome) ({KNOWN_NODES}))", "calls")],
        "Known because the role is configured, because it asked EKS Pod Identity for a pod's credentials, or"
        " because kubelet, containerd or the network plugin called with it in the last day.",
        w=14,
    ),
    who(
        "What shows a role to be a node's",
        NODE_AGENTS,
        "role_arn, cluster_name, evidence",
        "Calls in the time range that only the agents of a node make. A role that is missing under `node_roles`"
        " of the configuration, where some are named, is not watched.",
        column="calls",
        w=10,
    ),
)
FAILURES = (
    "Pods: calls that fail otherwise",
    bars(
        "By service account and error",
        POD_FAILURES,
        "namespace, service_account, api, error_code",
        "Calls of pods per step that failed and were neither denied nor throttled. Reads are among them.",
        w=10,
    ),
    who(
        "Which pod fails at what",
        POD_FAILURES,
        "cluster_name, namespace, service_account, service, api, kind, error_code, resource",
        "Calls of pods that failed in the time range, neither denied nor throttled. A `read` that fails is often"
        " only a question; a `wait` takes something away that is still in use.",
        column="failures",
        w=14,
    ),
)
LIMITS = (
    "Permissions boundaries and PassRole",
    who(
        "Denied by a permissions boundary",
        BOUNDARY,
        "role_arn, denied_action, policy_arn",
        "Calls that a boundary denied, in the time range.",
        column="denied",
        w=12,
    ),
    who(
        "Denied to pass a role",
        PASS,
        "role_arn, api, deny_class",
        "Calls that failed because their caller may not pass the role, in the time range.",
        column="denied",
        w=12,
    ),
)

BOARD = Board(
    uid="trailflow-denies",
    title="trailflow: denies",
    says="Who is refused what, by which kind of policy: roles, pods, nodes, boundaries, PassRole; and what else pods fail at.",
    rows=(WHICH_POLICY, PODS_AND_NODES, FAILURES, LIMITS),
    variables=(ACCOUNT, cluster(PODS, POD_FAILURES), namespace(PODS, POD_FAILURES), role(DENIES, NODES, BOUNDARY, PASS)),
    changes="trust_policy|role_policy|managed_policy|user_policy|group_policy|organization_policy|organization|key_policy|bucket_policy|repository_policy|file_system_policy|secret_policy|secret|vpc_endpoint",
)
