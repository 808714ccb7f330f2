//! What one flow adds to the signals about flow logs.
//!
//! Must hold: it is what a reader of that very log can see; a log without a column does not tell.

use super::flow::{Flow, SUBNET};
use super::flow_logs::FlowLog;
use super::outgoing::{DNS, DNS_OVER_TLS, PUBLIC_RESOLVER};
use super::truth::Truth;

/// Ports below are those of services; clients take the others.
const CLIENT_PORTS: i32 = 32_768;

/// Counts a line with a flow.
pub(super) fn count(log: &FlowLog, flow: &Flow, truth: &mut Truth) {
    count_line(log, "OK", flow.end, truth);
    if log.has("az-id") && flow.interface.instance != "-" {
        truth.add(("node_zones", "records"), &[flow.interface.zone], 1);
    }
    if flow.action == "ACCEPT" {
        let (path, kind) = (flow.path(), flow.interface.kind);
        let labels = [
            log.account,
            direction(log, flow),
            if log.has("traffic-path") {
                path.name
            } else {
                "none"
            },
            if kind == "-" { "other" } else { kind },
        ];
        let bytes = flow.bytes.unwrap_or_default();
        truth.add(("flow_bytes", "bytes"), &labels, bytes);
    }
    count_service(log, flow, truth);
    count_question(log, flow, truth);
    if may_be_a_probe(log, flow) {
        let port = flow.destination_port.to_string();
        let labels = [log.account, &flow.interface.id, &port];
        let measure = if flow.action == "ACCEPT" {
            "accepts"
        } else {
            "rejects"
        };
        truth.add(("health_check_minutes", measure), &labels, 1);
    }
}

/// Counts a line of any status.
pub(super) fn count_line(log: &FlowLog, status: &str, end: i64, truth: &mut Truth) {
    truth.flow_rows += 1;
    truth.add(("flow_log_gaps", "records"), &[log.account, status], 1);
    truth.newest(
        ("flow_freshness", "newest"),
        &[log.account, log.region],
        end,
    );
}

/// What an instance sends to one of AWS's services.
fn count_service(log: &FlowLog, flow: &Flow, truth: &mut Truth) {
    let is_named = log.has("pkt-dst-aws-service") && flow.service() != "-";
    let is_sent = flow.direction == "egress" && flow.interface.instance != "-";
    if flow.action == "ACCEPT" && is_named && is_sent {
        let way = match flow.path().name {
            "same_vpc" => "nat_or_appliance",
            name => name,
        };
        let labels = [log.account, SUBNET, flow.service(), way];
        let bytes = flow.bytes.unwrap_or_default();
        truth.add(("aws_service_bytes", "bytes"), &labels, bytes);
    }
}

/// Somebody inside asks a resolver outside.
fn count_question(log: &FlowLog, flow: &Flow, truth: &mut Truth) {
    let is_dns = matches!(flow.destination_port, DNS | DNS_OVER_TLS);
    let leaves = flow.source.starts_with("10.") && !flow.destination.starts_with("10.");
    if is_dns && leaves && matches!(flow.protocol, 6 | 17) && direction(log, flow) != "ingress" {
        let resolver = if flow.destination == PUBLIC_RESOLVER {
            "google"
        } else {
            "other"
        };
        let port = flow.destination_port.to_string();
        let outcome = if flow.action == "ACCEPT" {
            "accepted"
        } else {
            "rejected"
        };
        let labels = [log.account, &flow.interface.id, resolver, &port, outcome];
        truth.add(("outside_dns", "records"), &labels, 1);
    }
}

/// Somebody inside connects to a service inside.
fn may_be_a_probe(log: &FlowLog, flow: &Flow) -> bool {
    let begins = matches!(flow.tcp_flags, "-" | "2" | "3");
    flow.protocol == 6
        && flow.destination_port < CLIENT_PORTS
        && flow.is_inside()
        && direction(log, flow) != "egress"
        && matches!(flow.next_hop, "-" | "network_load_balancer")
        && (begins || !log.has("tcp-flags"))
}

/// Counts a refused flow, of the class that a reader of this log concludes.
pub(super) fn count_reject(log: &FlowLog, flow: &Flow, class: &str, truth: &mut Truth) {
    let (id, port) = (&flow.interface.id, flow.destination_port.to_string());
    let direction = direction(log, flow);
    // A reply goes to a client's port: the service is where it comes from.
    let answers = flow.protocol == 6 && flow.tcp_flags == "18";
    let service = if class == "nacl_reply" || answers {
        flow.source_port.to_string()
    } else {
        port.clone()
    };
    let place = (log.account, id.as_str(), service.as_str());
    truth.aftermath.reject(class, place, flow.end);
    let is_within = matches!(class, "internal" | "nacl_reply" | "encryption");
    let shown = if is_within { service.as_str() } else { "any" };
    let labels = [id, shown, direction, class];
    for (measure, amount) in [
        ("records", 1),
        ("packets", flow.packets),
        ("bytes", flow.bytes.unwrap_or_default()),
    ] {
        truth.add(("flow_rejects", measure), &labels, amount);
    }
    if flow.is_inside() {
        if is_within {
            let labels = [id, service.as_str(), direction];
            truth.add(("internal_rejects", "records"), &labels, 1);
            // The first packet of a connection has SYN and no ACK.
            let begins = flow.protocol == 6 && flow.tcp_flags == "2" && log.has("tcp-flags");
            let attempts = u64::from(begins);
            truth.add(("internal_rejects", "attempts"), &labels, attempts);
        }
    } else if class != "late_packet" {
        let labels = [log.account, port.as_str()];
        truth.add(("internet_rejects", "records"), &labels, 1);
    }
}

fn direction(log: &FlowLog, flow: &Flow) -> &'static str {
    if log.has("flow-direction") {
        flow.direction
    } else {
        "unknown"
    }
}
