//! What leaves a VPC and is let out: names that are asked of strangers, and what reaches AWS's
//! services by way of a NAT gateway.

use super::dice::Dice;
use super::flow::Flow;
use super::flow_logs::FlowLog;
use super::plan::Slot;

/// A resolver that everybody knows.
pub(super) const PUBLIC_RESOLVER: &str = "8.8.8.8";
/// One that nobody knows, asked over TLS.
const OTHER_RESOLVER: &str = "192.0.2.53";
/// The port of DNS, and of DNS over TLS.
pub(super) const DNS: i32 = 53;
pub(super) const DNS_OVER_TLS: i32 = 853;

/// The flows of one log in one slot.
pub(super) fn plant(log: &FlowLog, dice: &mut Dice, slot: Slot) -> Vec<Flow> {
    let mut flows = vec![over_tls(log, dice, slot)];
    for _ in 0..slot.times(1, 6) {
        flows.push(question(log, dice, slot));
    }
    if log.has("pkt-dst-aws-service") {
        for _ in 0..slot.times(1, 5) {
            flows.push(through_nat(log, dice, slot));
        }
    }
    flows
}

fn question(log: &FlowLog, dice: &mut Dice, slot: Slot) -> Flow {
    let (node, port) = (log.node(dice), dice.ephemeral_port());
    let mut flow = Flow::new(node, dice, slot)
        .between(PUBLIC_RESOLVER, false)
        .on(port, DNS, 17)
        .carrying(1, 74);
    flow.tcp_flags = "0";
    flow
}

fn over_tls(log: &FlowLog, dice: &mut Dice, slot: Slot) -> Flow {
    let (node, port) = (log.node(dice), dice.ephemeral_port());
    Flow::new(node, dice, slot)
        .between(OTHER_RESOLVER, false)
        .on(port, DNS_OVER_TLS, 6)
        .carrying(12, 1400)
}

/// The table's service has a gateway endpoint, and the route table does not know of it.
fn through_nat(log: &FlowLog, dice: &mut Dice, slot: Slot) -> Flow {
    let (node, port) = (log.node(dice), dice.ephemeral_port());
    // S3 has another of the ranges.
    let server = format!("192.0.2.{}", dice.between(100, 200));
    let packets = dice.between(10, 900).unsigned_abs();
    let mut flow = Flow::new(node, dice, slot)
        .between(&server, false)
        .on(port, 443, 6)
        .carrying(packets, packets * 600);
    flow.service = "DYNAMODB";
    flow.through_nat = true;
    flow
}
