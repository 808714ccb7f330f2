"""The choices above the dashboards. Each narrows every query whose metric has one of its labels."""

from board import Variable

# Every CloudTrail event counts here, so every account and region is in the list.
ACCOUNT = Variable(
    "account",
    "Account",
    "Account of the event; for calls across accounts the caller's.",
    ("trailflow_events_total",),
    "account_id",
    ("account_id", "caller_account"),
)
REGION = Variable(
    "region",
    "Region",
    "Region of the event. Panels without a region are not narrowed.",
    ("trailflow_events_total",),
    "region",
    ("region",),
)
POD_METRICS = ("trailflow_pod_sessions_total", "trailflow_irsa_audience_mismatch_total")


def cluster(*metrics):
    """Clusters that these metrics name."""
    says = "EKS cluster, by its name in the configuration, else by the id of its OIDC provider."
    return Variable("cluster", "Cluster", says, metrics, "cluster_name", ("cluster_name",))


def namespace(*metrics):
    """Kubernetes namespaces that these metrics name."""
    says = "Kubernetes namespace of the service account."
    return Variable("namespace", "Namespace", says, metrics, "namespace", ("namespace",))


def role(*metrics):
    """Roles that these metrics name; narrows callers too."""
    says = "Role ARN: the role that is assumed, or as which the call is made."
    return Variable("role", "Role", says, metrics, "role_arn", ("role_arn", "caller"))
