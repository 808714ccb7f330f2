//! Says what kind of REJECT a record tells of, as far as a flow log can know.
//!
//! In: the columns of one batch. Out: a class for each REJECT, null for every other record.
//!
//! The tests, in this order; the first that holds names the class:
//!
//! | class | holds when |
//! |---|---|
//! | `bpa`, `encryption` | `reject-reason` says so: VPC block public access, encryption control |
//! | `late_packet` | TCP whose flags are known and have no SYN: the connection was over. TCP of unknown flags that the same interface accepted in both directions at that time |
//! | `nacl_reply` | the same interface accepted the flow in the other direction at that time, and, but for TCP with SYN, not in this one |
//! | `internal` | both addresses are own |
//! | `scan` | inbound from a public address, 1 to 3 packets of at most 60 bytes each |
//! | `external` | one side is not own |
//! | `unknown` | addresses that are missing or not readable |
//!
//! Must hold: a class depends on nothing but the batch, so that it is the same when an object is
//! read again.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, AsArray, BooleanArray, BooleanBufferBuilder, DictionaryArray, Int32Array,
    PrimitiveArray, StringArray,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type, Int64Type, TimestampMillisecondType};

use super::batch::{LoggedColumns, Names, value};
use super::nacl_reply::{Direction, accepted};
use super::networks::OwnNetworks;

const TCP: i32 = 6;
const SYN: i32 = 2;
/// A scan is a probe or two: this many packets at most, each no larger than bare headers.
const SCAN_PACKETS_MAX: i64 = 3;
const SCAN_BYTES_PER_PACKET_MAX: i64 = 60;

/// The columns that the classes are decided by; `None` where the log does not have them.
#[derive(Debug)]
pub(super) struct Flows<'a> {
    pub(super) rows: usize,
    pub(super) action: Option<Names<'a>>,
    pub(super) interface_id: Option<Names<'a>>,
    pub(super) src: Option<&'a StringArray>,
    pub(super) dst: Option<&'a StringArray>,
    pub(super) srcport: Option<&'a PrimitiveArray<Int32Type>>,
    pub(super) dstport: Option<&'a PrimitiveArray<Int32Type>>,
    pub(super) protocol: Option<&'a PrimitiveArray<Int32Type>>,
    pub(super) start: Option<&'a PrimitiveArray<TimestampMillisecondType>>,
    pub(super) end: Option<&'a PrimitiveArray<TimestampMillisecondType>>,
    pkt_src: Option<&'a StringArray>,
    reject_reason: Option<Names<'a>>,
    flow_direction: Option<Names<'a>>,
    tcp_flags: Option<&'a PrimitiveArray<Int32Type>>,
    packets: Option<&'a PrimitiveArray<Int64Type>>,
    bytes: Option<&'a PrimitiveArray<Int64Type>>,
    src_internal: Option<&'a BooleanArray>,
    dst_internal: Option<&'a BooleanArray>,
}

impl<'a> Flows<'a> {
    pub(super) fn of(
        logged: &'a LoggedColumns,
        src_internal: Option<&'a BooleanArray>,
        dst_internal: Option<&'a BooleanArray>,
    ) -> Self {
        Self {
            rows: logged.rows,
            action: logged.names("action"),
            interface_id: logged.names("interface-id"),
            src: logged.text("srcaddr"),
            dst: logged.text("dstaddr"),
            srcport: numbers(logged, "srcport"),
            dstport: numbers(logged, "dstport"),
            protocol: numbers(logged, "protocol"),
            start: numbers(logged, "start"),
            end: numbers(logged, "end"),
            pkt_src: logged.text("pkt-srcaddr"),
            reject_reason: logged.names("reject-reason"),
            flow_direction: logged.names("flow-direction"),
            tcp_flags: numbers(logged, "tcp-flags"),
            packets: numbers(logged, "packets"),
            bytes: numbers(logged, "bytes"),
            src_internal,
            dst_internal,
        }
    }
}

/// What kind of REJECT it is.
#[derive(Debug, Clone, Copy)]
enum Class {
    Bpa,
    Encryption,
    NaclReply,
    LatePacket,
    Internal,
    Scan,
    External,
    Unknown,
}

impl Class {
    /// By their keys.
    const NAMES: [&str; 8] = [
        "bpa",
        "encryption",
        "nacl_reply",
        "late_packet",
        "internal",
        "scan",
        "external",
        "unknown",
    ];

    const fn key(self) -> i32 {
        match self {
            Self::Bpa => 0,
            Self::Encryption => 1,
            Self::NaclReply => 2,
            Self::LatePacket => 3,
            Self::Internal => 4,
            Self::Scan => 5,
            Self::External => 6,
            Self::Unknown => 7,
        }
    }
}

/// What the ACCEPTs of the batch say of its REJECTs.
#[derive(Debug)]
struct Evidence {
    /// The other direction was accepted.
    other_way: HashSet<usize>,
    /// So was this one, of those that do not open a connection.
    both_ways: HashSet<usize>,
}

impl Evidence {
    fn of(flows: &Flows<'_>, rejects: &[usize]) -> Self {
        let other_way = accepted(flows, rejects.iter().copied(), Direction::Other);
        let asked = other_way.iter().copied();
        let asked = asked.filter(|row| !flows.is_opening(*row));
        Self {
            both_ways: accepted(flows, asked, Direction::Same),
            other_way,
        }
    }

    fn is_blocked_reply(&self, row: usize) -> bool {
        self.other_way.contains(&row) && !self.both_ways.contains(&row)
    }
}

/// The classes of a batch; `None` when it has no REJECT.
pub(super) fn classes(
    flows: &Flows<'_>,
    networks: &OwnNetworks,
) -> Option<DictionaryArray<Int32Type>> {
    let rejects = flows.action?.rows_of("REJECT");
    if rejects.is_empty() {
        return None;
    }
    let evidence = Evidence::of(flows, &rejects);
    let mut keys = Vec::with_capacity(flows.rows);
    let mut known = BooleanBufferBuilder::new(flows.rows);
    for row in rejects {
        // The rows since the last REJECT have no class.
        keys.resize(row, 0);
        known.append_n(row - known.len(), false);
        let class = flows.class(row, &evidence, networks);
        keys.push(class.key());
        known.append(true);
    }
    keys.resize(flows.rows, 0);
    known.append_n(flows.rows - known.len(), false);
    let nulls = NullBuffer::new(known.finish());
    let keys = Int32Array::new(ScalarBuffer::from(keys), Some(nulls));
    let names = Arc::new(StringArray::from_iter_values(Class::NAMES));
    // The keys are places of the names.
    DictionaryArray::try_new(keys, names).ok()
}

impl Flows<'_> {
    fn class(&self, row: usize, evidence: &Evidence, networks: &OwnNetworks) -> Class {
        let src_internal = flag(self.src_internal, row);
        let dst_internal = flag(self.dst_internal, row);
        match name(self.reject_reason, row) {
            Some("BPA") => Class::Bpa,
            Some("EC") => Class::Encryption,
            _ if self.is_late_packet(row, evidence) => Class::LatePacket,
            _ if evidence.is_blocked_reply(row) => Class::NaclReply,
            _ if src_internal == Some(true) && dst_internal == Some(true) => Class::Internal,
            _ if self.is_scan(row, networks) => Class::Scan,
            _ if src_internal == Some(false) || dst_internal == Some(false) => Class::External,
            _ => Class::Unknown,
        }
    }

    /// A blocked reply to SYN has SYN itself, and where it is blocked nothing else follows.
    fn is_late_packet(&self, row: usize, evidence: &Evidence) -> bool {
        number(self.protocol, row) == Some(TCP)
            && match number(self.tcp_flags, row) {
                Some(flags) => flags & SYN == 0,
                None => evidence.both_ways.contains(&row),
            }
    }

    fn is_opening(&self, row: usize) -> bool {
        let flags = number(self.tcp_flags, row);
        number(self.protocol, row) == Some(TCP) && flags.is_some_and(|flags| flags & SYN != 0)
    }

    fn is_scan(&self, row: usize, networks: &OwnNetworks) -> bool {
        let (Some(packets), Some(bytes)) = (number(self.packets, row), number(self.bytes, row))
        else {
            return false;
        };
        (1..=SCAN_PACKETS_MAX).contains(&packets)
            && bytes <= packets * SCAN_BYTES_PER_PACKET_MAX
            && self.is_inbound(row)
            && value(self.pkt_src, row)
                .or_else(|| value(self.src, row))
                .is_some_and(|src| networks.is_public(src))
    }

    /// The default format has no direction; there a flow to an own address from a public one can
    /// only be inbound, because the interface's side bears the interface's private address.
    fn is_inbound(&self, row: usize) -> bool {
        match name(self.flow_direction, row) {
            Some(direction) => direction == "ingress",
            None => flag(self.dst_internal, row) == Some(true),
        }
    }
}

/// The name in a column at a row, if the log has the column and the row a name.
#[inline]
pub(super) fn name(column: Option<Names<'_>>, row: usize) -> Option<&str> {
    column.and_then(|column| column.name(row))
}

fn numbers<'a, T: ArrowPrimitiveType>(
    logged: &'a LoggedColumns,
    name: &str,
) -> Option<&'a PrimitiveArray<T>> {
    logged.get(name)?.as_primitive_opt()
}

/// The number in a column at a row, if the log has the column and the row a value.
#[inline]
pub(super) fn number<T: ArrowPrimitiveType>(
    column: Option<&PrimitiveArray<T>>,
    row: usize,
) -> Option<T::Native> {
    column
        .filter(|column| column.is_valid(row))
        .map(|column| column.value(row))
}

fn flag(column: Option<&BooleanArray>, row: usize) -> Option<bool> {
    column
        .filter(|column| column.is_valid(row))
        .map(|column| column.value(row))
}
