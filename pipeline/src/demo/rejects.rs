//! Refused flows: of every class a known number, each with the look of its cause.
//!
//! Must hold: the class is what a reader of that very log can conclude (domain 7.7), in the order
//! bpa, encryption, nacl_reply, late_packet, internal, scan, external. A log without flags shows
//! no late packet; one without directions shows scans, because the interface's side is private.
//! Refused addresses appear in no accepted flow, but for refused replies.

use super::dice::Dice;
use super::flow::{Flow, Interface, SUBNET};
use super::flow_logs::FlowLog;
use super::flow_truth;
use super::outgoing::DNS;
use super::plan::Slot;
use super::truth::Truth;

/// What scanners ask for.
const SCANNED_PORTS: [i32; 8] = [22, 23, 80, 443, 3389, 5900, 8080, 8443];
/// Third octets of the clients that only refused flows have.
const STRANGERS: i64 = 200;
const UNENCRYPTED: i64 = 201;
const REQUESTERS: i64 = 202;

/// Everything that is refused at the interfaces of one log in one slot.
struct Refusals<'a> {
    log: &'a FlowLog,
    dice: &'a mut Dice,
    truth: &'a mut Truth,
    slot: Slot,
    /// Lines that must stay together and in order.
    groups: Vec<Vec<Flow>>,
}

/// Plants the slot's rejects and counts them.
pub(super) fn plant(
    log: &FlowLog,
    dice: &mut Dice,
    truth: &mut Truth,
    slot: Slot,
) -> Vec<Vec<Flow>> {
    let mut refusals = Refusals {
        log,
        dice,
        truth,
        slot,
        groups: Vec::new(),
    };
    for _ in 0..slot.times(3, 45) {
        refusals.subnet_at_guarded_port();
    }
    refusals.ping();
    refusals.datagram();
    for _ in 0..3 {
        refusals.late_inside();
        refusals.late_outside();
        refusals.attempt_from_outside();
    }
    refusals.attempt_to_outside();
    refusals.question_to_outside();
    refusals.refused_reply();
    for _ in 0..25 {
        refusals.scan();
    }
    refusals.heavier_than_a_scan();
    if log.has("tcp-flags") {
        refusals.impossible_flags();
    }
    if log.has("reject-reason") {
        for _ in 0..2 {
            refusals.public_access_blocked(true);
            refusals.public_access_blocked(false);
        }
        refusals.encryption_required();
    }
    if log.has("next-hop-interface-type") {
        for _ in 0..slot.times(1, 6) {
            refusals.at_endpoint();
            refusals.toward_endpoint();
        }
        refusals.toward_service();
        for minute in 0..5 {
            refusals.probe(minute);
        }
    }
    refusals.groups
}

impl Refusals<'_> {
    fn flow(&mut self, interface: Interface) -> Flow {
        let mut flow = Flow::new(interface, self.dice, self.slot);
        flow.action = "REJECT";
        flow
    }

    fn inside_address(&mut self, subnet: i64) -> String {
        format!(
            "10.{}.{subnet}.{}",
            self.log.network,
            self.dice.between(4, 250)
        )
    }

    /// Counts the flow as a reader of this log can know it.
    fn count(&mut self, flow: &Flow, class: &str) {
        flow_truth::count_reject(self.log, flow, class, self.truth);
    }

    fn refuse(&mut self, flow: Flow, class: &str) {
        self.count(&flow, class);
        self.groups.push(vec![flow]);
    }

    /// A subnet that lost its way to the database: the finding that matters.
    fn subnet_at_guarded_port(&mut self) {
        let client = self.inside_address(STRANGERS);
        let packets = self.dice.between(1, 6).unsigned_abs();
        let mut flow = self
            .flow(self.log.guarded())
            .between(&client, true)
            .on(self.dice.ephemeral_port(), self.log.guarded_port, 6)
            .carrying(packets, packets * 60);
        flow.packet_source = Some(client);
        self.refuse(flow, "internal");
    }

    /// ICMP has no ports.
    fn ping(&mut self) {
        let client = self.inside_address(STRANGERS);
        let mut flow = self
            .flow(self.log.guarded())
            .between(&client, true)
            .on(0, 0, 1)
            .carrying(2, 168);
        flow.tcp_flags = "0";
        self.refuse(flow, "internal");
    }

    /// UDP has no flags, so that flags of 0 do not make it late.
    fn datagram(&mut self) {
        let client = self.inside_address(STRANGERS);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(self.log.guarded())
            .between(&client, true)
            .on(port, 53, 17)
            .carrying(1, 74);
        flow.tcp_flags = "0";
        self.refuse(flow, "internal");
    }

    /// A packet after the connection was closed; without flags it looks like the rest.
    fn late_inside(&mut self) {
        let client = self.inside_address(STRANGERS);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(self.log.guarded())
            .between(&client, true)
            .on(port, 443, 6)
            .carrying(1, 40);
        flow.tcp_flags = self.dice.pick(&["0", "1", "4", "5"]);
        let class = if self.log.has("tcp-flags") {
            "late_packet"
        } else {
            "internal"
        };
        self.refuse(flow, class);
    }

    /// The same from the internet. Where flags are known it is small like a scan, and is none;
    /// where they are not, it is too long for one.
    fn late_outside(&mut self) {
        let (packets, class) = if self.log.has("tcp-flags") {
            (self.dice.between(1, 3).unsigned_abs(), "late_packet")
        } else {
            (self.dice.between(4, 9).unsigned_abs(), "external")
        };
        let client = self.dice.refused_internet_address();
        let interface = self.log.public(self.dice);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(interface)
            .between(&client, true)
            .on(port, 443, 6)
            .carrying(packets, packets * 40);
        flow.tcp_flags = self.dice.pick(&["0", "1", "4", "5"]);
        self.refuse(flow, class);
    }

    /// Somebody outside who insists.
    fn attempt_from_outside(&mut self) {
        let client = self.dice.refused_internet_address();
        let interface = self.log.public(self.dice);
        let port = self.dice.ephemeral_port();
        let packets = self.dice.between(4, 20).unsigned_abs();
        let flow = self
            .flow(interface)
            .between(&client, true)
            .on(port, 8443, 6)
            .carrying(packets, packets * 60);
        self.refuse(flow, "external");
    }

    /// Something inside that may not go out.
    fn attempt_to_outside(&mut self) {
        let server = self.dice.refused_internet_address();
        let port = self.dice.ephemeral_port();
        let flow = self
            .flow(self.log.guarded())
            .between(&server, false)
            .on(port, 25, 6)
            .carrying(3, 180);
        self.refuse(flow, "external");
    }

    /// A name that may not be asked of strangers.
    fn question_to_outside(&mut self) {
        let server = self.dice.refused_internet_address();
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(self.log.guarded())
            .between(&server, false)
            .on(port, DNS, 17)
            .carrying(1, 74);
        flow.tcp_flags = "0";
        self.refuse(flow, "external");
    }

    /// The request was let in and its answer was not: only a stateless list does that.
    fn refused_reply(&mut self) {
        let client = self.inside_address(REQUESTERS);
        let interface = self.log.guarded();
        let port = self.dice.ephemeral_port();
        let mut request = self
            .flow(interface.clone())
            .between(&client, true)
            .on(port, 8443, 6)
            .carrying(4, 240);
        request.action = "ACCEPT";
        let mut reply = self
            .flow(interface)
            .between(&client, false)
            .on(8443, port, 6)
            .carrying(4, 240);
        reply.end = request.end;
        reply.tcp_flags = "18";
        self.count(&reply, "nacl_reply");
        self.groups.push(vec![request, reply]);
    }

    /// One to three small packets to a well-known port.
    fn scan(&mut self) {
        let client = self.dice.refused_internet_address();
        let interface = self.log.public(self.dice);
        let packets = self.dice.between(1, 3).unsigned_abs();
        let bytes = packets * self.dice.pick(&[40, 44, 60]);
        let (source, port) = (self.dice.ephemeral_port(), self.dice.pick(&SCANNED_PORTS));
        let flow = self
            .flow(interface)
            .between(&client, true)
            .on(source, port, 6)
            .carrying(packets, bytes);
        self.refuse(flow, "scan");
    }

    /// As few packets as a scan, but too large for one.
    fn heavier_than_a_scan(&mut self) {
        let client = self.dice.refused_internet_address();
        let interface = self.log.public(self.dice);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(interface)
            .between(&client, true)
            .on(port, 443, 17)
            .carrying(3, 3600);
        flow.tcp_flags = "0";
        self.refuse(flow, "external");
    }

    /// The log could not tell the flags: that proves nothing.
    fn impossible_flags(&mut self) {
        let client = self.inside_address(STRANGERS);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(self.log.guarded())
            .between(&client, true)
            .on(port, 443, 6)
            .carrying(1, 40);
        flow.tcp_flags = "-";
        if self.log.has("subnet-id") {
            self.count_endpoint(&flow, "managed_interface");
        }
        self.refuse(flow, "internal");
    }

    fn count_endpoint(&mut self, flow: &Flow, destination: &str) {
        let labels = [&flow.interface.id, SUBNET, destination];
        self.truth.add(("endpoint_rejects", "records"), &labels, 1);
    }

    /// The endpoint of an AWS service, whose security group has forgotten a subnet.
    fn at_endpoint(&mut self) {
        let client = self.inside_address(STRANGERS);
        let port = self.dice.ephemeral_port();
        let flow = self
            .flow(self.log.endpoint())
            .between(&client, true)
            .on(port, 443, 6)
            .carrying(3, 180);
        self.count_endpoint(&flow, "vpc_endpoint");
        self.refuse(flow, "internal");
    }

    /// The same from the other side: the node's own security group.
    fn toward_endpoint(&mut self) {
        let node = self.log.node(self.dice);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(node)
            .between(&self.log.endpoint().address, false)
            .on(port, 443, 6)
            .carrying(3, 180);
        flow.next_hop = "vpc_endpoint";
        self.count_endpoint(&flow, "vpc_endpoint");
        self.refuse(flow, "internal");
    }

    /// A service without an endpoint, by its public address.
    fn toward_service(&mut self) {
        let node = self.log.node(self.dice);
        let server = self.dice.refused_internet_address();
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(node)
            .between(&server, false)
            .on(port, 443, 6)
            .carrying(3, 180);
        flow.service = "DYNAMODB";
        self.count_endpoint(&flow, "DYNAMODB");
        self.refuse(flow, "external");
    }

    /// A load balancer asks a target each minute, which lets it in every other time.
    fn probe(&mut self, minute: i64) {
        let balancer = format!("10.{}.64.9", self.log.network);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(self.log.target())
            .between(&balancer, true)
            .on(port, 31_080, 6)
            .carrying(4, 240);
        flow.end = self.slot.start + minute * 60 + self.dice.between(10, 50);
        flow.next_hop = "network_load_balancer";
        // Each minute is another answer than the one before. The last ten count for nobody yet.
        let first = self.slot.index == 0 && minute == 0;
        if !first && self.slot.left >= 2 {
            let labels = [flow.interface.id.as_str(), "31080"];
            self.truth.add(("health_check_flaps", "flaps"), &labels, 1);
        }
        if (self.slot.start / 60 + minute) % 2 == 0 {
            flow.action = "ACCEPT";
            self.groups.push(vec![flow]);
        } else {
            self.refuse(flow, "internal");
        }
    }

    /// The VPC lets nothing in or out; such a record has no bytes.
    fn public_access_blocked(&mut self, inwards: bool) {
        let peer = self.dice.refused_internet_address();
        let interface = self.log.public(self.dice);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(interface)
            .between(&peer, inwards)
            .on(port, 443, 6)
            .carrying(2, 0);
        flow.bytes = None;
        flow.reject_reason = "BPA";
        self.refuse(flow, "bpa");
    }

    /// The VPC takes encrypted traffic only.
    fn encryption_required(&mut self) {
        let client = self.inside_address(UNENCRYPTED);
        let port = self.dice.ephemeral_port();
        let mut flow = self
            .flow(self.log.guarded())
            .between(&client, true)
            .on(port, 80, 6)
            .carrying(3, 180);
        flow.reject_reason = "EC";
        self.refuse(flow, "encryption");
    }
}
