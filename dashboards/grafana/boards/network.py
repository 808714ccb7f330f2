"""What the network rejects, where, and what it carries."""

from board import Board, Variable
from expressions import HOUR, RANGE, counted, or_zero, top
from panels import bars, lines, stat, table, who

REJECTS = "trailflow_flow_rejects_total"
INTERNAL = "trailflow_internal_rejects_total"
ATTEMPTS = "trailflow_internal_reject_attempts_total"
INTERNET = "trailflow_internet_rejects_total"
ENDPOINTS = "trailflow_endpoint_rejects_total"
BYTES = "trailflow_flow_bytes_total"
SERVICES = "trailflow_aws_service_bytes_total"
DNS = "trailflow_outside_dns_total"
BY_CLASS = "interface_id, port, flow_direction, reject_class"

# Every flow log record with bytes counts here, so every account is in the list.
ACCOUNT = Variable("account", "Account", "Account of the interface.", (BYTES,), "account_id", ("account_id",))
INTERFACE = Variable(
    "interface",
    "Interface",
    "Network interface. Panels by account are not narrowed.",
    (REJECTS, INTERNAL, ATTEMPTS, ENDPOINTS, DNS),
    "interface_id",
    ("interface_id",),
)

NOW = (
    "The last hour",
    stat(
        "Rejected between own networks, 1 h",
        or_zero(counted(INTERNAL, window=HOUR)),
        "Rejected attempts between own networks in the last hour: somebody waits for a timeout.",
        steps=("green", (1, "orange"), (20, "red")),
        w=6,
    ),
    stat(
        "Rejected to AWS's APIs, 1 h",
        or_zero(counted(ENDPOINTS, window=HOUR)),
        "Rejected connections to VPC endpoints and public AWS APIs, and rejected replies, in the last hour.",
        w=6,
    ),
    stat(
        "Sharp after a change",
        or_zero("count(max by (account_id, interface_id, dstport) (trailflow_rejects_after_change) >= 20)"),
        "Interfaces and ports with at least 20 rejects that began within ten minutes after a change of security"
        " groups, network ACLs or routes.",
        w=6,
    ),
    stat(
        "Targets that flap",
        or_zero("count(max by (interface_id, dstport) (trailflow_health_check_flaps) >= 6)"),
        "Interfaces and ports that changed at least six times between accepting and rejecting in the last hour.",
        w=6,
    ),
)
INSIDE = (
    "Between own networks",
    bars(
        "Rejected, by interface and port",
        INTERNAL,
        "interface_id, dstport, flow_direction",
        "Rejected attempts between own networks per step, by the port of the service.",
    ),
    lines(
        "Rejects that began after a change",
        [("max by (interface_id, dstport) (trailflow_rejects_after_change)", "{{interface_id}} {{dstport}}")],
        "Rejected records of such interfaces, while they last.",
        steps=("green", (20, "red")),
        w=6,
    ),
    lines(
        "Changes between accepting and rejecting",
        [("max by (interface_id, dstport) (trailflow_health_check_flaps)", "{{interface_id}} {{dstport}}")],
        "Turns in the last hour, over all targets behind the interface.",
        steps=("green", (6, "red")),
        w=6,
    ),
    bars(
        "Connections refused, by interface and port",
        ATTEMPTS,
        "interface_id, dstport, flow_direction",
        "Rejected records between own networks that begin a TCP connection, per step. One client that tries again and"
        " again is one in each aggregation interval.",
        w=24,
    ),
    table(
        "What is rejected where",
        [
            (top(counted(REJECTS, BY_CLASS, window=RANGE), 100), "records"),
            (counted("trailflow_flow_reject_packets_total", BY_CLASS, window=RANGE) + " > 0", "packets"),
            (counted("trailflow_flow_reject_bytes_total", BY_CLASS, window=RANGE) + " > 0", "bytes"),
        ],
        "Rejected flows in the time range, by class: what is `internal`, what is a reply that a network ACL"
        " stops, what is noise. A reply stands under the port of the service. Noise stands under `any`: its ports"
        " are in the view.",
        units={"bytes": "bytes"},
    ),
)
OUTSIDE = (
    "AWS's APIs and the internet",
    bars("By class", REJECTS, "reject_class", "Rejected records per step, by class.", w=8),
    bars(
        "To AWS's APIs",
        ENDPOINTS,
        "interface_id, destination",
        "Rejected connections on port 443 to VPC endpoints and public AWS APIs, per step.",
        w=8,
    ),
    bars("Internet, by port", INTERNET, "dstport", "Rejected flows from or to the internet per step.", w=8),
    who(
        "Where AWS's APIs are out of reach",
        ENDPOINTS,
        "interface_id, subnet_id, destination",
        "Rejected connections to AWS's own APIs in the time range.",
        column="records",
        w=12,
    ),
    who(
        "What the internet tries",
        INTERNET,
        "account_id, dstport",
        "Rejected flows from or to the internet in the time range.",
        column="records",
        w=12,
    ),
)
VOLUME = (
    "What is carried",
    bars("Bytes by direction", BYTES, "flow_direction, interface_type", "Accepted bytes per step.", unit="bytes"),
    bars(
        "Bytes out, by path",
        BYTES,
        "traffic_path, interface_type",
        "Accepted bytes on their way out, per step: through a gateway, an endpoint, a peering. What a node sends"
        " through a NAT gateway is `same_vpc` there, and takes the internet gateway at the NAT gateway's interface.",
        where='flow_direction="egress"',
        unit="bytes",
    ),
    bars(
        "Sent to AWS's services, by way",
        SERVICES,
        "service, way",
        "Bytes that instances send to public addresses of AWS's services, per step.",
        unit="bytes",
    ),
    who(
        "Which subnet sends to S3 and DynamoDB by which way",
        SERVICES,
        "account_id, subnet_id, service, way",
        "Bytes sent in the time range. What takes `nat_or_appliance` could go by a gateway endpoint for nothing.",
        where='service=~"S3|DYNAMODB"',
        column="bytes",
        units={"bytes": "bytes"},
        w=12,
    ),
)
NAMES = (
    "Names that are asked of strangers",
    bars(
        "DNS to resolvers outside, by resolver",
        DNS,
        "account_id, resolver, port, outcome",
        "Records of DNS, in clear (53) and over TLS (853), to resolvers outside of the own networks, per step.",
        w=10,
    ),
    who(
        "Who asks outside",
        DNS,
        "account_id, interface_id, resolver, port, outcome",
        "Records of DNS to resolvers outside of the own networks, in the time range. Their addresses are in the view.",
        column="records",
        w=14,
    ),
)

BOARD = Board(
    uid="trailflow-network",
    title="trailflow: network rejects",
    says="What the network rejects between own networks, to AWS's APIs and from the internet, what it carries, and whose names are asked outside.",
    rows=(NOW, INSIDE, OUTSIDE, NAMES, VOLUME),
    variables=(ACCOUNT, INTERFACE),
    changes="security_group|network_acl|route|vpc_endpoint|vpc_peering|vpc_attribute|subnet|gateway|transit_gateway|network_interface|mount_target|load_balancer|resolver_rule",
)
