//! VPC flow logs: which there are, their columns, and the lines of one object.
//!
//! Must hold: every line has as many values as its header has names.

use super::dice::Dice;
use super::flow::{Flow, Interface};
use super::object::{Layout, flow_log_key};
use super::plan::{SLOT_SECONDS, Slot};
use super::truth::Truth;
use super::world::{EU, NODES, SHARED, US, WORKLOAD, instance_id, interface_name, zone};
use super::{flow_truth, outgoing, rejects};

/// A configured flow log of one VPC.
#[derive(Debug)]
pub(super) struct FlowLog {
    id: &'static str,
    pub(super) account: &'static str,
    pub(super) region: &'static str,
    /// Second octet of the VPC's network.
    pub(super) network: u8,
    /// The highest version of its columns.
    pub(super) version: u8,
    columns: &'static [&'static str],
    layout: Layout,
    /// A quiet VPC has lines in every n-th slot only.
    every: u32,
    /// The port that refuses a subnet.
    pub(super) guarded_port: i32,
}

/// Default columns; default columns in Hive folders for a quiet VPC; a format made for EKS, and
/// another one in an order of its own.
pub(super) const FLOW_LOGS: [FlowLog; 4] = [
    FlowLog {
        id: "fl-0a1b2c3d4e5f60718",
        account: WORKLOAD,
        region: EU,
        network: 20,
        version: 2,
        columns: &[
            "version",
            "account-id",
            "interface-id",
            "srcaddr",
            "dstaddr",
            "srcport",
            "dstport",
            "protocol",
            "packets",
            "bytes",
            "start",
            "end",
            "action",
            "log-status",
        ],
        layout: Layout::Daily,
        every: 1,
        guarded_port: 6379,
    },
    FlowLog {
        id: "fl-0b2c3d4e5f6071829",
        account: WORKLOAD,
        region: EU,
        network: 21,
        version: 11,
        columns: &[
            "version",
            "account-id",
            "interface-id",
            "srcaddr",
            "dstaddr",
            "srcport",
            "dstport",
            "protocol",
            "packets",
            "bytes",
            "start",
            "end",
            "action",
            "log-status",
            "vpc-id",
            "subnet-id",
            "instance-id",
            "tcp-flags",
            "type",
            "pkt-srcaddr",
            "pkt-dstaddr",
            "az-id",
            "flow-direction",
            "traffic-path",
            "pkt-dst-aws-service",
            "reject-reason",
            "interface-type",
            "next-hop-interface-type",
        ],
        layout: Layout::Hive,
        every: 1,
        guarded_port: 5432,
    },
    FlowLog {
        id: "fl-0c3d4e5f60718293a",
        account: SHARED,
        region: US,
        network: 30,
        version: 5,
        columns: &[
            "account-id",
            "vpc-id",
            "interface-id",
            "action",
            "log-status",
            "flow-direction",
            "pkt-srcaddr",
            "srcaddr",
            "srcport",
            "pkt-dstaddr",
            "dstaddr",
            "dstport",
            "protocol",
            "tcp-flags",
            "packets",
            "bytes",
            "start",
            "end",
            "region",
            "traffic-path",
            "type",
            "version",
        ],
        layout: Layout::Hourly,
        every: 1,
        guarded_port: 5432,
    },
    FlowLog {
        id: "fl-0d4e5f60718293a4b",
        account: SHARED,
        region: US,
        network: 31,
        version: 2,
        columns: &[
            "version",
            "account-id",
            "interface-id",
            "srcaddr",
            "dstaddr",
            "srcport",
            "dstport",
            "protocol",
            "packets",
            "bytes",
            "start",
            "end",
            "action",
            "log-status",
        ],
        layout: Layout::Hive,
        every: 3,
        guarded_port: 9200,
    },
];

/// Interfaces of one VPC that appear in its flow log: nodes first, then what AWS runs there.
const ENDPOINT: u8 = NODES + 3;
const TARGET: u8 = 3;

impl FlowLog {
    pub(super) fn has(&self, column: &str) -> bool {
        self.columns.contains(&column)
    }

    /// Whether this log has an object for the slot.
    pub(super) const fn publishes(&self, slot: Slot) -> bool {
        slot.index.is_multiple_of(self.every)
    }

    pub(super) fn key(&self, slot: Slot, unique: &str) -> String {
        let names = [self.account, self.region, self.id];
        flow_log_key(self.layout, names, slot.start, unique)
    }

    /// The interface that stands for number `index` of this VPC.
    fn interface(&self, index: u8) -> Interface {
        let id = interface_name(self.id, index);
        let node = index < NODES;
        Interface {
            address: format!("10.{}.{}.{}", self.network, index % 3, 10 + index),
            instance: if node {
                instance_id(self.id, index)
            } else {
                "-".to_owned()
            },
            pods: node.then_some(100 + index),
            zone: zone(index),
            kind: if index == ENDPOINT && self.has("interface-type") {
                "vpc_endpoint"
            } else {
                "-"
            },
            id: format!("eni-0{id}"),
        }
    }

    /// The interface that refuses a subnet on the guarded port.
    pub(super) fn guarded(&self) -> Interface {
        self.interface(NODES)
    }

    /// An interface that the internet can reach.
    pub(super) fn public(&self, dice: &mut Dice) -> Interface {
        self.interface(dice.pick(&[NODES + 1, NODES + 2]))
    }

    /// The interface of an endpoint of an AWS service.
    pub(super) fn endpoint(&self) -> Interface {
        self.interface(ENDPOINT)
    }

    /// The node behind the load balancer.
    pub(super) fn target(&self) -> Interface {
        self.interface(TARGET)
    }

    pub(super) fn node(&self, dice: &mut Dice) -> Interface {
        let index = dice.between(0, i64::from(NODES) - 1);
        self.interface(u8::try_from(index).unwrap_or_default())
    }

    /// The text of one object: the header, `lines` lines, and what the slot plants.
    pub(super) fn object_text(
        &self,
        dice: &mut Dice,
        truth: &mut Truth,
        slot: Slot,
        lines: u32,
    ) -> String {
        let mut groups: Vec<Vec<String>> = Vec::new();
        for flows in rejects::plant(self, dice, truth, slot) {
            groups.push(flows.iter().map(|flow| self.counted(flow, truth)).collect());
        }
        for flow in outgoing::plant(self, dice, slot) {
            groups.push(vec![self.counted(&flow, truth)]);
        }
        for index in 0..7 {
            groups.push(vec![self.no_data_line(dice, truth, slot, index == 6)]);
        }
        let planted: usize = groups.iter().map(Vec::len).sum();
        let ordinary = usize::try_from(lines)
            .unwrap_or_default()
            .saturating_sub(planted);
        for _ in 0..ordinary {
            let flow = self.accepted(dice, slot);
            groups.push(vec![self.counted(&flow, truth)]);
        }
        // A group keeps its order: a refused reply follows the request that was let in.
        dice.shuffle(&mut groups);

        let mut text = format!("{}\n", self.columns.join(" "));
        for line in groups.into_iter().flatten() {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    fn counted(&self, flow: &Flow, truth: &mut Truth) -> String {
        flow_truth::count(self, flow, truth);
        self.line(flow)
    }

    /// Ordinary traffic of a node, seen at its interface.
    fn accepted(&self, dice: &mut Dice, slot: Slot) -> Flow {
        let node = self.node(dice);
        let inwards = dice.chance(50);
        let (peer, port) = if dice.chance(60) {
            (
                self.node(dice).address,
                dice.pick(&[8080, 9443, 10250, 5432, 443, 53]),
            )
        } else if dice.chance(10) {
            (format!("2001:db8:ffff::{}", dice.hex(4)), 443)
        } else {
            (dice.internet_address(), 443)
        };
        let packets = dice.between(2, 900).unsigned_abs();
        let bytes = packets * dice.between(52, 1400).unsigned_abs();
        let protocol = if port == 53 { 17 } else { 6 };
        let mut flow = Flow::new(node, dice, slot)
            .between(&peer, inwards)
            .on(dice.ephemeral_port(), port, protocol)
            .carrying(packets, bytes);
        flow.tcp_flags = if protocol == 6 {
            dice.pick(&["2", "3", "18", "19", "0"])
        } else {
            "0"
        };
        if peer.contains(':') {
            let own = format!("2001:db8:{}::{}", self.network, dice.hex(4));
            if inwards {
                flow.destination = own;
            } else {
                flow.source = own;
            }
        } else if let (Some(pods), true) = (flow.interface.pods, dice.chance(70)) {
            let pod = format!("10.{}.{pods}.{}", self.network, dice.between(4, 250));
            if inwards {
                flow.packet_destination = Some(pod);
            } else {
                flow.packet_source = Some(pod);
            }
        }
        flow
    }

    fn line(&self, flow: &Flow) -> String {
        let mut line = String::with_capacity(256);
        for column in self.columns {
            if !line.is_empty() {
                line.push(' ');
            }
            flow.write_value(&mut line, self, column);
        }
        line
    }

    /// Nothing to see, or too much of it: only who and when.
    fn no_data_line(
        &self,
        dice: &mut Dice,
        truth: &mut Truth,
        slot: Slot,
        skipped: bool,
    ) -> String {
        let interface = self.node(dice).id;
        let end = slot.start + dice.between(0, SLOT_SECONDS - 1);
        let status = if skipped { "SKIPDATA" } else { "NODATA" };
        flow_truth::count_line(self, status, end, truth);
        let values = self.columns.iter().map(|column| match *column {
            "version" => self.version.to_string(),
            "account-id" => self.account.to_owned(),
            "interface-id" => interface.clone(),
            "start" => (end - 60).to_string(),
            "end" => end.to_string(),
            "log-status" => status.to_owned(),
            _ => "-".to_owned(),
        });
        values.collect::<Vec<_>>().join(" ")
    }
}
