//! The fields of flow logs, versions 2 to 11, and of transit gateway flow logs.
//!
//! In: a name from a header line or a Parquet schema. Out: the column it fills and its type.
//!
//! Must hold: a field is listed here once; the order here is the order of the table's columns.
//! The `version` value of a record is never asked: AWS writes logs whose columns are newer.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field as ColumnField, Fields, Schema, SchemaRef, TimeUnit};

use crate::{Table, names};

/// The header of the default format (version 2), which a file without a header is read by.
pub(super) const DEFAULT_HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport \
     dstport protocol packets bytes start end action log-status";

/// The two kinds of log; each has its own fields and its own table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// VPC Flow Logs.
    Vpc,
    /// Transit gateway flow logs: no action, four counters of lost packets.
    TransitGateway,
}

/// The last second that SQL can bin: it counts in nanoseconds, which end in the year 2262. More is
/// not seconds, but perhaps milliseconds.
const SECONDS_MAX: i64 = i64::MAX / 1_000_000_000;

/// How the values of a field are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Kept as written.
    Text,
    /// Kept as written too; a log has few different ones, so that batches hold each of them once.
    Name,
    /// A name, but a Parquet file may hold it as a number that lost its leading zeros.
    AccountId,
    /// A non-negative number up to `i32::MAX`.
    Int32,
    /// A non-negative number up to `i64::MAX`.
    Int64,
    /// Seconds since 1970, kept as a time in milliseconds.
    Seconds,
    /// As `Seconds`, and a record without it is rejected, because it belongs to no window.
    End,
}

/// One field of a log format.
#[derive(Debug)]
pub(super) struct Field {
    /// The name in a header line; Parquet writes `_` for each `-`.
    pub(super) name: &'static str,
    /// The name of our column.
    pub(super) column: &'static str,
    /// How its values are read.
    pub(super) kind: Kind,
}

const fn text(name: &'static str, column: &'static str) -> Field {
    field(name, column, Kind::Text)
}

const fn name(name: &'static str, column: &'static str) -> Field {
    field(name, column, Kind::Name)
}

const fn field(name: &'static str, column: &'static str, kind: Kind) -> Field {
    Field { name, column, kind }
}

static FLOW_LOG_FIELDS: [Field; 54] = [
    field("version", "version", Kind::Int32),
    field("account-id", "account_id", Kind::AccountId),
    name("interface-id", "interface_id"),
    text("srcaddr", "src"),
    text("dstaddr", "dst"),
    text("pkt-srcaddr", "pkt_src"),
    text("pkt-dstaddr", "pkt_dst"),
    field("srcport", "srcport", Kind::Int32),
    field("dstport", "dstport", Kind::Int32),
    field("protocol", "protocol", Kind::Int32),
    field("packets", "packets", Kind::Int64),
    field("bytes", "bytes", Kind::Int64),
    field("start", "ts_start", Kind::Seconds),
    field("end", "ts_end", Kind::End),
    name("action", "action"),
    name("log-status", "log_status"),
    name("vpc-id", "vpc_id"),
    name("subnet-id", "subnet_id"),
    name("instance-id", "instance_id"),
    field("tcp-flags", "tcp_flags", Kind::Int32),
    name("type", "type"),
    name("region", "region"),
    name("az-id", "az_id"),
    name("sublocation-type", "sublocation_type"),
    name("sublocation-id", "sublocation_id"),
    name("pkt-src-aws-service", "src_service"),
    name("pkt-dst-aws-service", "dst_service"),
    name("flow-direction", "flow_direction"),
    field("traffic-path", "traffic_path", Kind::Int32),
    name("ecs-cluster-arn", "ecs_cluster_arn"),
    name("ecs-cluster-name", "ecs_cluster_name"),
    name("ecs-container-instance-arn", "ecs_container_instance_arn"),
    name("ecs-container-instance-id", "ecs_container_instance_id"),
    name("ecs-container-id", "ecs_container_id"),
    name("ecs-second-container-id", "ecs_second_container_id"),
    name("ecs-service-name", "ecs_service_name"),
    name("ecs-task-definition-arn", "ecs_task_definition_arn"),
    name("ecs-task-arn", "ecs_task_arn"),
    name("ecs-task-id", "ecs_task_id"),
    name("reject-reason", "reject_reason"),
    name("resource-id", "resource_id"),
    field("encryption-status", "encryption_status", Kind::Int32),
    name("instance-tag", "instance_tag"),
    name("instance-tag-2", "instance_tag_2"),
    name("interface-tag", "interface_tag"),
    name("interface-tag-2", "interface_tag_2"),
    name("asg-tag", "asg_tag"),
    name("asg-tag-2", "asg_tag_2"),
    name("interface-type", "interface_type"),
    name("next-hop-interface-id", "next_hop_interface_id"),
    name("next-hop-subnet-id", "next_hop_subnet_id"),
    name("next-hop-az-id", "next_hop_az_id"),
    name("next-hop-vpc-id", "next_hop_vpc_id"),
    name("next-hop-interface-type", "next_hop_interface_type"),
];

static TRANSIT_GATEWAY_FIELDS: [Field; 36] = [
    field("version", "version", Kind::Int32),
    name("resource-type", "resource_type"),
    field("account-id", "account_id", Kind::AccountId),
    name("tgw-id", "tgw_id"),
    name("tgw-attachment-id", "tgw_attachment_id"),
    field(
        "tgw-src-vpc-account-id",
        "tgw_src_vpc_account_id",
        Kind::AccountId,
    ),
    field(
        "tgw-dst-vpc-account-id",
        "tgw_dst_vpc_account_id",
        Kind::AccountId,
    ),
    name("tgw-src-vpc-id", "tgw_src_vpc_id"),
    name("tgw-dst-vpc-id", "tgw_dst_vpc_id"),
    name("tgw-src-subnet-id", "tgw_src_subnet_id"),
    name("tgw-dst-subnet-id", "tgw_dst_subnet_id"),
    name("tgw-src-eni", "tgw_src_eni"),
    name("tgw-dst-eni", "tgw_dst_eni"),
    name("tgw-src-az-id", "tgw_src_az_id"),
    name("tgw-dst-az-id", "tgw_dst_az_id"),
    name("tgw-pair-attachment-id", "tgw_pair_attachment_id"),
    text("srcaddr", "src"),
    text("dstaddr", "dst"),
    field("srcport", "srcport", Kind::Int32),
    field("dstport", "dstport", Kind::Int32),
    field("protocol", "protocol", Kind::Int32),
    field("packets", "packets", Kind::Int64),
    field("bytes", "bytes", Kind::Int64),
    field("start", "ts_start", Kind::Seconds),
    field("end", "ts_end", Kind::End),
    name("log-status", "log_status"),
    name("type", "type"),
    field(
        "packets-lost-no-route",
        "packets_lost_no_route",
        Kind::Int64,
    ),
    field(
        "packets-lost-blackhole",
        "packets_lost_blackhole",
        Kind::Int64,
    ),
    field(
        "packets-lost-mtu-exceeded",
        "packets_lost_mtu_exceeded",
        Kind::Int64,
    ),
    field(
        "packets-lost-ttl-expired",
        "packets_lost_ttl_expired",
        Kind::Int64,
    ),
    field("tcp-flags", "tcp_flags", Kind::Int32),
    name("region", "region"),
    name("flow-direction", "flow_direction"),
    name("pkt-src-aws-service", "src_service"),
    name("pkt-dst-aws-service", "dst_service"),
];

impl Format {
    /// The format of a log with these (normal) field names. Only transit gateway logs have fields
    /// whose names begin with `tgw-`; one that selects none of them has others that no VPC's log has,
    /// and none of those that only a VPC's has.
    pub(super) fn of<'a>(normal_names: impl Iterator<Item = &'a str>) -> Self {
        let (mut own, mut foreign) = (false, false);
        for name in normal_names {
            if name.starts_with("tgw-") {
                return Self::TransitGateway;
            }
            let (here, there) = (
                Self::TransitGateway.position(name),
                Self::Vpc.position(name),
            );
            own |= here.is_some() && there.is_none();
            foreign |= here.is_none() && there.is_some();
        }
        if own && !foreign {
            Self::TransitGateway
        } else {
            Self::Vpc
        }
    }

    /// The table that its records go to.
    pub(super) const fn table(self) -> Table {
        match self {
            Self::Vpc => Table::FlowLogs,
            Self::TransitGateway => Table::TransitGatewayFlowLogs,
        }
    }

    /// Its fields, in the order of the table's columns.
    pub(super) fn fields(self) -> &'static [Field] {
        match self {
            Self::Vpc => &FLOW_LOG_FIELDS,
            Self::TransitGateway => &TRANSIT_GATEWAY_FIELDS,
        }
    }

    /// The place of a field in [`Self::fields`], by its normal name.
    pub(super) fn position(self, normal_name: &str) -> Option<usize> {
        self.fields()
            .iter()
            .position(|field| field.name == normal_name)
    }

    /// The schema of its table.
    pub(super) fn schema(self) -> SchemaRef {
        static FLOW_LOGS: LazyLock<SchemaRef> =
            LazyLock::new(|| Arc::new(schema_with(Format::Vpc, data_type)));
        static TRANSIT_GATEWAY: LazyLock<SchemaRef> =
            LazyLock::new(|| Arc::new(schema_with(Format::TransitGateway, data_type)));
        match self {
            Self::Vpc => Arc::clone(&FLOW_LOGS),
            Self::TransitGateway => Arc::clone(&TRANSIT_GATEWAY),
        }
    }

    /// The schema of its batches: as its table's, with names as dictionaries.
    pub(super) fn batch_schema(self) -> SchemaRef {
        static FLOW_LOGS: LazyLock<SchemaRef> =
            LazyLock::new(|| Arc::new(schema_with(Format::Vpc, batch_type)));
        static TRANSIT_GATEWAY: LazyLock<SchemaRef> =
            LazyLock::new(|| Arc::new(schema_with(Format::TransitGateway, batch_type)));
        match self {
            Self::Vpc => Arc::clone(&FLOW_LOGS),
            Self::TransitGateway => Arc::clone(&TRANSIT_GATEWAY),
        }
    }
}

/// The spelling that the tables of fields use: hyphens, no white space around.
pub(super) fn normal_name(name: &str) -> String {
    name.trim().replace('_', "-")
}

/// The key in `extra` of a field that the table does not know: spelled as our columns are, whether
/// a text or a Parquet file had it.
pub(super) fn extra_name(normal_name: &str) -> String {
    normal_name.replace('-', "_")
}

/// Whether either kind of log has a field of this normal name.
pub(super) fn is_known(normal_name: &str) -> bool {
    Format::Vpc.position(normal_name).is_some()
        || Format::TransitGateway.position(normal_name).is_some()
}

fn schema_with(format: Format, type_of: fn(Kind) -> DataType) -> Schema {
    let logged = format.fields().iter().map(|field| {
        let required = field.kind == Kind::End;
        ColumnField::new(field.column, type_of(field.kind), !required)
    });
    let derived = match format {
        Format::Vpc => vec![
            ColumnField::new("src_internal", DataType::Boolean, true),
            ColumnField::new("dst_internal", DataType::Boolean, true),
            ColumnField::new("reject_class", type_of(Kind::Name), true),
        ],
        Format::TransitGateway => Vec::new(),
    };
    let source = names::data_type();
    let provenance = [
        ColumnField::new("extra", extra_type(), true),
        ColumnField::new("src_bucket", source.clone(), true),
        ColumnField::new("src_key", source, true),
        ColumnField::new("line_no", DataType::Int64, true),
    ];
    Schema::new(logged.chain(derived).chain(provenance).collect::<Fields>())
}

/// The Arrow type of a field's column.
pub(super) fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Text | Kind::Name | Kind::AccountId => DataType::Utf8,
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Seconds | Kind::End => {
            DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("UTC")))
        }
    }
}

/// The type of a field's arrays in a batch.
pub(super) fn batch_type(kind: Kind) -> DataType {
    match kind {
        Kind::Name | Kind::AccountId => names::data_type(),
        Kind::Text | Kind::Int32 | Kind::Int64 | Kind::Seconds | Kind::End => data_type(kind),
    }
}

/// A time as our columns hold it; `None` when it is before 1970 or too far ahead to be one.
#[inline]
pub(super) fn milliseconds(seconds: i64) -> Option<i64> {
    (0..=SECONDS_MAX).contains(&seconds).then(|| seconds * 1000)
}

/// The type of `extra`: field name to value, for the fields that this table does not know.
fn extra_type() -> DataType {
    let entries = DataType::Struct(extra_entry_fields());
    DataType::Map(Arc::new(ColumnField::new("entries", entries, false)), false)
}

/// Key and value of one entry of `extra`.
pub(super) fn extra_entry_fields() -> Fields {
    Fields::from(vec![
        ColumnField::new("key", DataType::Utf8, false),
        ColumnField::new("value", DataType::Utf8, true),
    ])
}
