//! One flow at one interface, and its value for each column that a flow log may have.

use std::fmt::Write;

use super::dice::Dice;
use super::flow_logs::FlowLog;
use super::plan::{SLOT_SECONDS, Slot};

/// The one subnet that the logs name.
pub(super) const SUBNET: &str = "subnet-0b2c3d4e5f6071829";

/// A network interface. Its address in a flow log is always its primary one.
#[derive(Debug, Clone)]
pub(super) struct Interface {
    pub(super) id: String,
    pub(super) address: String,
    /// `-` where AWS owns the instance.
    pub(super) instance: String,
    /// Third octet of the addresses of its pods, for nodes.
    pub(super) pods: Option<u8>,
    /// The id of its availability zone.
    pub(super) zone: &'static str,
    /// What AWS runs behind it; `-` for an instance.
    pub(super) kind: &'static str,
}

/// Where outgoing traffic leaves the VPC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    /// As the log writes it.
    code: &'static str,
    /// As a label names it.
    pub(super) name: &'static str,
}

/// One line, before a flow log chooses its columns. `-` stands for nothing.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    pub(super) interface: Interface,
    pub(super) source: String,
    pub(super) destination: String,
    /// Addresses of the packets where they differ from the interface's.
    pub(super) packet_source: Option<String>,
    pub(super) packet_destination: Option<String>,
    pub(super) source_port: i32,
    pub(super) destination_port: i32,
    pub(super) protocol: u8,
    pub(super) packets: u64,
    /// None where the record does not have them.
    pub(super) bytes: Option<u64>,
    pub(super) end: i64,
    pub(super) action: &'static str,
    pub(super) tcp_flags: &'static str,
    pub(super) direction: &'static str,
    pub(super) reject_reason: &'static str,
    /// The AWS service at the destination, by its public addresses.
    pub(super) service: &'static str,
    /// What kind of interface is next.
    pub(super) next_hop: &'static str,
    /// A NAT gateway of the VPC passes it on.
    pub(super) through_nat: bool,
}

impl Flow {
    /// An accepted flow at `interface` that ends in the slot, still without peers.
    pub(super) fn new(interface: Interface, dice: &mut Dice, slot: Slot) -> Self {
        Self {
            source: interface.address.clone(),
            destination: interface.address.clone(),
            interface,
            packet_source: None,
            packet_destination: None,
            source_port: 0,
            destination_port: 0,
            protocol: 6,
            packets: 1,
            bytes: Some(40),
            end: slot.start + dice.between(0, SLOT_SECONDS - 1),
            action: "ACCEPT",
            tcp_flags: "2",
            direction: "ingress",
            reject_reason: "-",
            service: "-",
            next_hop: "-",
            through_nat: false,
        }
    }

    /// Both ends are of the company's networks.
    pub(super) fn is_inside(&self) -> bool {
        self.source.starts_with("10.") && self.destination.starts_with("10.")
    }

    /// S3 is reached by a gateway endpoint, the rest of the world by the internet gateway, or a NAT
    /// gateway before it, which is in the same VPC.
    pub(super) fn path(&self) -> Path {
        let (code, name) = if self.direction == "ingress" {
            ("-", "none")
        } else if self.destination.starts_with("10.") || self.through_nat {
            ("1", "same_vpc")
        } else if self.is_of_s3() {
            ("7", "gateway_endpoint")
        } else {
            ("8", "internet_gateway")
        };
        Path { code, name }
    }

    fn is_of_s3(&self) -> bool {
        self.destination.starts_with("198.51.100.")
    }

    /// The AWS service at the destination, as the log names it.
    pub(super) fn service(&self) -> &'static str {
        if self.is_of_s3() { "S3" } else { self.service }
    }

    /// With `peer` as the source of what comes in, or the destination of what goes out.
    pub(super) fn between(mut self, peer: &str, inwards: bool) -> Self {
        if inwards {
            self.source = peer.into();
        } else {
            self.destination = peer.into();
            self.direction = "egress";
        }
        self
    }

    pub(super) const fn on(mut self, source_port: i32, destination: i32, protocol: u8) -> Self {
        self.source_port = source_port;
        self.destination_port = destination;
        self.protocol = protocol;
        self
    }

    pub(super) const fn carrying(mut self, packets: u64, bytes: u64) -> Self {
        self.packets = packets;
        self.bytes = Some(bytes);
        self
    }

    pub(super) fn write_value(&self, line: &mut String, log: &FlowLog, column: &str) {
        let text = match column {
            "account-id" => log.account,
            "interface-id" => &self.interface.id,
            "srcaddr" => &self.source,
            "dstaddr" => &self.destination,
            "pkt-srcaddr" => self.packet_source.as_ref().unwrap_or(&self.source),
            "pkt-dstaddr" => self
                .packet_destination
                .as_ref()
                .unwrap_or(&self.destination),
            "action" => self.action,
            "log-status" => "OK",
            "vpc-id" => "vpc-0a1b2c3d4e5f60718",
            "subnet-id" => SUBNET,
            "instance-id" => &self.interface.instance,
            "tcp-flags" => self.tcp_flags,
            "type" if self.source.contains(':') => "IPv6",
            "type" => "IPv4",
            "region" => log.region,
            "az-id" => self.interface.zone,
            "flow-direction" => self.direction,
            "reject-reason" => self.reject_reason,
            "pkt-dst-aws-service" => self.service(),
            "traffic-path" => self.path().code,
            "interface-type" => self.interface.kind,
            "next-hop-interface-type" => self.next_hop,
            "bytes" if self.bytes.is_none() => "-",
            _ => return self.write_number(line, log, column),
        };
        line.push_str(text);
    }

    fn write_number(&self, line: &mut String, log: &FlowLog, column: &str) {
        let number = match column {
            "version" => i64::from(log.version),
            "srcport" => i64::from(self.source_port),
            "dstport" => i64::from(self.destination_port),
            "protocol" => i64::from(self.protocol),
            "packets" => i64::try_from(self.packets).unwrap_or_default(),
            "bytes" => i64::try_from(self.bytes.unwrap_or_default()).unwrap_or_default(),
            "start" => self.end - 55,
            "end" => self.end,
            _ => return line.push('-'),
        };
        // Writing to a String cannot fail.
        write!(line, "{number}").unwrap_or_default();
    }
}
