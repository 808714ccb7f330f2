//! The fields of flow logs, versions 2 to 11, and of transit gateway flow logs.
//!
//! In: a name from a header line or a Parquet schema. Out: the column it fills and its type.
//!
//! Must hold: a field is listed here once; the order here is the order of the table's columns.
//! The `version` value of a record is never asked: AWS writes logs whose columns are newer.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field as ColumnField, Fields, Schema, SchemaRef, TimeUnit};

use crate::Table;

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
    /// Text too, but a Parquet file may hold it as a number that lost its leading zeros.
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

const fn field(name: &'static str, column: &'static str, kind: Kind) -> Field {
    Field { name, column, kind }
}

static FLOW_LOG_FIELDS: [Field; 54] = [
    field("version", "version", Kind::Int32),
    field("account-id", "account_id", Kind::AccountId),
    text("interface-id", "interface_id"),
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
    text("action", "action"),
    text("log-status", "log_status"),
    text("vpc-id", "vpc_id"),
    text("subnet-id", "subnet_id"),
    text("instance-id", "instance_id"),
    field("tcp-flags", "tcp_flags", Kind::Int32),
    text("type", "type"),
    text("region", "region"),
    text("az-id", "az_id"),
    text("sublocation-type", "sublocation_type"),
    text("sublocation-id", "sublocation_id"),
    text("pkt-src-aws-service", "src_service"),
    text("pkt-dst-aws-service", "dst_service"),
    text("flow-direction", "flow_direction"),
    field("traffic-path", "traffic_path", Kind::Int32),
    text("ecs-cluster-arn", "ecs_cluster_arn"),
    text("ecs-cluster-name", "ecs_cluster_name"),
    text("ecs-container-instance-arn", "ecs_container_instance_arn"),
    text("ecs-container-instance-id", "ecs_container_instance_id"),
    text("ecs-container-id", "ecs_container_id"),
    text("ecs-second-container-id", "ecs_second_container_id"),
    text("ecs-service-name", "ecs_service_name"),
    text("ecs-task-definition-arn", "ecs_task_definition_arn"),
    text("ecs-task-arn", "ecs_task_arn"),
    text("ecs-task-id", "ecs_task_id"),
    text("reject-reason", "reject_reason"),
    text("resource-id", "resource_id"),
    field("encryption-status", "encryption_status", Kind::Int32),
    text("instance-tag", "instance_tag"),
    text("instance-tag-2", "instance_tag_2"),
    text("interface-tag", "interface_tag"),
    text("interface-tag-2", "interface_tag_2"),
    text("asg-tag", "asg_tag"),
    text("asg-tag-2", "asg_tag_2"),
    text("interface-type", "interface_type"),
    text("next-hop-interface-id", "next_hop_interface_id"),
    text("next-hop-subnet-id", "next_hop_subnet_id"),
    text("next-hop-az-id", "next_hop_az_id"),
    text("next-hop-vpc-id", "next_hop_vpc_id"),
    text("next-hop-interface-type", "next_hop_interface_type"),
];

static TRANSIT_GATEWAY_FIELDS: [Field; 36] = [
    field("version", "version", Kind::Int32),
    text("resource-type", "resource_type"),
    field("account-id", "account_id", Kind::AccountId),
    text("tgw-id", "tgw_id"),
    text("tgw-attachment-id", "tgw_attachment_id"),
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
    text("tgw-src-vpc-id", "tgw_src_vpc_id"),
    text("tgw-dst-vpc-id", "tgw_dst_vpc_id"),
    text("tgw-src-subnet-id", "tgw_src_subnet_id"),
    text("tgw-dst-subnet-id", "tgw_dst_subnet_id"),
    text("tgw-src-eni", "tgw_src_eni"),
    text("tgw-dst-eni", "tgw_dst_eni"),
    text("tgw-src-az-id", "tgw_src_az_id"),
    text("tgw-dst-az-id", "tgw_dst_az_id"),
    text("tgw-pair-attachment-id", "tgw_pair_attachment_id"),
    text("srcaddr", "src"),
    text("dstaddr", "dst"),
    field("srcport", "srcport", Kind::Int32),
    field("dstport", "dstport", Kind::Int32),
    field("protocol", "protocol", Kind::Int32),
    field("packets", "packets", Kind::Int64),
    field("bytes", "bytes", Kind::Int64),
    field("start", "ts_start", Kind::Seconds),
    field("end", "ts_end", Kind::End),
    text("log-status", "log_status"),
    text("type", "type"),
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
    text("region", "region"),
    text("flow-direction", "flow_direction"),
    text("pkt-src-aws-service", "src_service"),
    text("pkt-dst-aws-service", "dst_service"),
];

impl Format {
    /// The format of a log with these (normal) field names. Only transit gateway logs have fields
    /// whose names begin with `tgw-`.
    pub(super) fn of<'a>(mut normal_names: impl Iterator<Item = &'a str>) -> Self {
        if normal_names.any(|name| name.starts_with("tgw-")) {
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
        static FLOW_LOGS: LazyLock<SchemaRef> = LazyLock::new(|| {
            let derived = [
                ColumnField::new("src_internal", DataType::Boolean, true),
                ColumnField::new("dst_internal", DataType::Boolean, true),
                ColumnField::new("reject_class", DataType::Utf8, true),
            ];
            Arc::new(schema_with(Format::Vpc, derived))
        });
        static TRANSIT_GATEWAY: LazyLock<SchemaRef> =
            LazyLock::new(|| Arc::new(schema_with(Format::TransitGateway, [])));
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

fn schema_with(format: Format, derived: impl IntoIterator<Item = ColumnField>) -> Schema {
    let logged = format.fields().iter().map(|field| {
        let required = field.kind == Kind::End;
        ColumnField::new(field.column, data_type(field.kind), !required)
    });
    let source = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
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
        Kind::Text | Kind::AccountId => DataType::Utf8,
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Seconds | Kind::End => {
            DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("UTC")))
        }
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
