"""What was changed, when, by whom."""

from board import Board
from expressions import HOUR, counted, or_zero
from panels import bars, stat, table, who

from boards.variables import ACCOUNT, REGION, role

CHANGES = "trailflow_changes_total"
WORLD = "trailflow_open_to_the_world_total"
EXPOSED = "trailflow_cluster_exposure_total"
UPGRADES = "trailflow_cluster_upgrades_total"
TARGETS = "trailflow_target_changes_total"
IN_UPGRADES = "trailflow_target_changes_in_upgrades"
INSIGHTS = "trailflow_insights_total"
EVERY_LABEL = "kind, api, resource, caller, account_id, region"

TIMELINE = (
    "Timeline: every change is a mark on the graphs too",
    stat(
        "Changes, 1 h",
        or_zero(counted(CHANGES, window=HOUR)),
        "Successful changes of network, identity, clusters and policies in the last hour.",
        steps=("blue",),
        h=8,
    ),
    bars("By kind", CHANGES, "kind", "Successful changes per step.", w=10),
    bars("By caller", CHANGES, "caller, account_id", "Successful changes per step.", w=10),
    table(
        "The latest changes",
        [(counted(CHANGES, EVERY_LABEL) + " > 0", "changes")],
        "Every change in the time range, the newest first. `Time` is when it was counted, minutes after it was"
        " made; the view `changes` in the lake has the time of the event.",
        instant=False,
        interval="5m",
        newest_first=True,
        h=12,
    ),
)
OPENED = (
    "Opened to the whole internet",
    bars(
        "Rules by port",
        WORLD,
        "group_id, port",
        "Ingress rules for 0.0.0.0/0 or ::/0 that were added or modified, per step.",
        w=10,
    ),
    who(
        "Which groups, by whom",
        WORLD,
        "account_id, region, group_id, port, caller",
        "Ingress rules for everybody that were added or modified in the time range.",
        column="rules",
        w=14,
    ),
    who(
        "Clusters: API servers opened, audit logs turned off, administrators made, access entries deleted",
        EXPOSED,
        "account_id, region, cluster_name, effect, principal_arn, caller",
        "Calls that did so in the time range. `api_server_open`: to the whole internet. `api_server_public`: to"
        " ranges that the call does not name. `cluster_admin_foreign`: a principal of another account."
        " `node_entry_deleted`: of a role that the configuration names as nodes'.",
        column="changes",
    ),
)
CLUSTERS = (
    "Clusters and targets",
    bars(
        "Targets registered and taken off",
        TARGETS,
        "account_id, region, target_group, api",
        "Targets of load balancers per step. Both at once, again and again, is a deployment that does not end.",
    ),
    who(
        "Upgrades that were begun",
        UPGRADES,
        "cluster_name, node_group, addon, kind, version",
        "Updates of EKS clusters, node groups and add-ons in the time range.",
        column="updates",
        w=12,
    ),
    table(
        "Targets that moved in the hour after an upgrade began",
        [
            (
                "topk(100, max by (account_id, region, cluster_name, target_group, api, matched_by)"
                f" ({IN_UPGRADES}))",
                "targets",
            )
        ],
        "Of upgrades of clusters and node groups that began in the last two hours. Matched by `cluster`: the"
        " caller's role is that of pods of this cluster. By `region`: only account and region are the same.",
        w=12,
    ),
    who(
        "Whose targets change",
        TARGETS,
        "account_id, region, target_group, api, caller",
        "Targets registered and taken off in the time range.",
        column="targets",
        w=12,
    ),
    who(
        "CloudTrail Insights",
        INSIGHTS,
        "account_id, region, service, api, insight_type, state",
        "Unusual rates of calls or errors that AWS itself found, in the time range.",
        column="insights",
        w=24,
    ),
)

BOARD = Board(
    uid="trailflow-changes",
    title="trailflow: changes",
    says="What was changed, when, by whom: network, identity, clusters, policies; what was opened to the internet.",
    rows=(TIMELINE, OPENED, CLUSTERS),
    variables=(ACCOUNT, REGION, role("trailflow_denies_total", "trailflow_sts_assume_role_total")),
    changes=".+",
)
