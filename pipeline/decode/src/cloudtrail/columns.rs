//! The columns of the table `cloudtrail` (domain 11), in the order an analyst reads them.
//!
//! In: one [`Row`] a record. Out: Arrow batches of [`batch_schema`]. Must hold: the list below is the
//! only place that names the columns; row, builders and schema are made from it.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayBuilder as _, ArrayRef, AsArray as _, BooleanBuilder, DictionaryArray, Int64Builder,
    ListBuilder, StringArray, StringBuilder, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::super::Provenance;
use super::identity;
use crate::limits::BATCH_ROWS_FIRST;
use crate::names::{self, NameColumn};

pub(super) type Text<'a> = Option<Cow<'a, str>>;

/// How a kind of column is held in a row, built and typed.
macro_rules! column {
    (row text, $a:lifetime) => { Text<$a> };
    (row name, $a:lifetime) => { Text<$a> };
    (row flag, $a:lifetime) => { Option<bool> };
    (row number, $a:lifetime) => { Option<i64> };
    (row time, $a:lifetime) => { Option<i64> };
    (row texts, $a:lifetime) => { Vec<Option<Cow<$a, str>>> };
    (builder text) => { StringBuilder };
    (builder name) => { NameColumn };
    (builder flag) => { BooleanBuilder };
    (builder number) => { Int64Builder };
    (builder time) => { TimestampMillisecondBuilder };
    (builder texts) => { ListBuilder<StringBuilder> };
    (new text) => { StringBuilder::with_capacity(BATCH_ROWS_FIRST, 0) };
    (new name) => { NameColumn::new() };
    (new flag) => { BooleanBuilder::with_capacity(BATCH_ROWS_FIRST) };
    (new number) => { Int64Builder::with_capacity(BATCH_ROWS_FIRST) };
    (new time) => {
        TimestampMillisecondBuilder::with_capacity(BATCH_ROWS_FIRST).with_timezone("UTC")
    };
    (new texts) => {
        ListBuilder::with_capacity(StringBuilder::with_capacity(0, 0), BATCH_ROWS_FIRST)
    };
    (type text) => { DataType::Utf8 };
    (type name) => { DataType::Utf8 };
    (type flag) => { DataType::Boolean };
    (type number) => { DataType::Int64 };
    (type time) => { DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())) };
    (type texts) => { DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))) };
    (batch name) => { names::data_type() };
    (batch $kind:ident) => { column!(type $kind) };
    // Most columns of most rows have no value. Such a row costs nothing until one comes that has.
    (pad name, $builder:expr, $rows:expr) => { $builder.pad($rows) };
    (pad $kind:ident, $builder:expr, $rows:expr) => {
        if let Some(missing @ 1..) = $rows.checked_sub($builder.len()) {
            $builder.append_nulls(missing);
        }
    };
    (append texts, $builder:expr, $value:expr, $row:expr) => {
        if !$value.is_empty() {
            column!(pad texts, $builder, $row);
            for text in &$value {
                $builder.values().append_option(text.as_deref());
            }
            $builder.append(true);
        }
    };
    (append $kind:ident, $builder:expr, $value:expr, $row:expr) => {
        if let Some(value) = &$value {
            column!(pad $kind, $builder, $row);
            column!(value $kind, $builder, value);
        }
    };
    (value text, $builder:expr, $value:expr) => { $builder.append_value($value.as_ref()) };
    (value name, $builder:expr, $value:expr) => { $builder.append($value.as_bytes()) };
    (value $kind:ident, $builder:expr, $value:expr) => { $builder.append_value(*$value) };
    (finish name, $builder:expr) => { $builder.take()? };
    (finish $kind:ident, $builder:expr) => { $builder.finish() };
}

macro_rules! columns {
    ($($name:ident: $kind:ident,)*) => {
        /// One event, interpreted: what a row of the table holds.
        #[derive(Debug, Default)]
        pub(super) struct Row<'a> {
            $(pub(super) $name: column!(row $kind, 'a),)*
        }

        #[derive(Debug)]
        struct Builders {
            $($name: column!(builder $kind),)*
        }

        impl Builders {
            fn new() -> Self {
                Self { $($name: column!(new $kind),)* }
            }

            /// Appends the row of this number, counted from 0.
            fn append(&mut self, row: &Row<'_>, number: usize) {
                $(column!(append $kind, self.$name, row.$name, number);)*
            }

            fn finish(&mut self, rows: usize) -> Result<Vec<ArrayRef>, ArrowError> {
                $(column!(pad $kind, self.$name, rows);)*
                Ok(vec![$(Arc::new(column!(finish $kind, self.$name)),)*])
            }
        }

        fn fields() -> Vec<Field> {
            vec![$(field(stringify!($name), column!(type $kind)),)*]
        }

        fn batch_fields() -> Vec<Field> {
            vec![$(field(stringify!($name), column!(batch $kind)),)*]
        }
    };
}

columns! {
    event_time: time,
    event_id: text,
    shared_event_id: text,
    // Set by the pair window after decoding: the pair's other copy was seen first (domain 2.5).
    shared_event_seen: flag,
    event_source: name,
    event_name: name,
    event_type: name,
    event_category: name,
    event_version: name,
    region: name,
    recipient_account_id: name,
    source_ip: text,
    user_agent: name,
    // Found out for each distinct agent, when a batch is full.
    ua_family: name,
    error_code: text,
    error_code_norm: name,
    error_message: name,
    throttle_class: name,
    deny_class: name,
    deny_kind: name,
    denied_action: name,
    denied_resource: name,
    policy_arn: name,
    read_only: flag,
    management_event: flag,
    identity_type: name,
    principal_id: text,
    principal: name,
    arn: text,
    user_account_id: name,
    access_key_id: text,
    key_class: name,
    user_name: name,
    identity_provider: name,
    aud: name,
    k8s_cluster: text,
    k8s_ns: text,
    k8s_sa: text,
    k8s_pod: text,
    role_arn: name,
    session_name: text,
    is_node: flag,
    ec2_role_delivery: name,
    mfa_authenticated: flag,
    session_created: time,
    session_from_console: flag,
    invoked_by: name,
    on_behalf_of: name,
    source_identity: name,
    target_role_arn: name,
    issued_access_key_id: text,
    issued_session_arn: text,
    sts_endpoint: name,
    sts_serving_region: name,
    tls_host: name,
    tls_version: name,
    vpce_id: name,
    vpce_account: name,
    resource_arns: texts,
    resource_accounts: texts,
    request_id: text,
    api_version: name,
    request_parameters: text,
    response_elements: text,
    additional_event_data: text,
    service_event_details: text,
    insight_details: text,
    addendum_reason: name,
    unknown_fields: text,
    row_no: number,
}

fn field(name: &str, kind: DataType) -> Field {
    // A record without these two is rejected; any other field may be missing.
    let nullable = !matches!(name, "event_id" | "event_time");
    Field::new(name, kind, nullable)
}

/// The schema of the table `cloudtrail`.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| with_source(fields()));
    Arc::clone(&SCHEMA)
}

/// The schema of its batches: the same, with names as dictionaries. Columns that are changed or asked
/// for row by row after decoding are no names, however few their values are: those of pods.
pub(crate) fn batch_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| with_source(batch_fields()));
    Arc::clone(&SCHEMA)
}

fn with_source(mut fields: Vec<Field>) -> SchemaRef {
    for name in ["src_bucket", "src_key"] {
        fields.push(Field::new(name, names::data_type(), true));
    }
    Arc::new(Schema::new(fields))
}

/// Collects rows until a batch is full.
#[derive(Debug)]
pub(super) struct Rows {
    builders: Builders,
    len: usize,
    text_bytes: usize,
}

impl Rows {
    pub(super) fn new() -> Self {
        Self {
            builders: Builders::new(),
            len: 0,
            text_bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// JSON bytes that the collected rows came from: close enough to what they weigh.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(super) fn append(&mut self, row: &Row<'_>, json_bytes: usize) {
        self.builders.append(row, self.len);
        self.len += 1;
        self.text_bytes += json_bytes;
    }

    /// The collected rows as a batch; the collector is empty afterwards.
    pub(super) fn finish(&mut self, provenance: Provenance<'_>) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.builders.finish(self.len)?;
        for text in [provenance.bucket, provenance.key] {
            columns.push(names::repeated(text, self.len)?);
        }
        self.len = 0;
        self.text_bytes = 0;
        let schema = batch_schema();
        let family = of_names(
            columns.get(schema.index_of("user_agent")?),
            identity::ua_family,
        )?;
        if let Some(column) = columns.get_mut(schema.index_of("ua_family")?) {
            *column = family;
        }
        RecordBatch::try_new(schema, columns)
    }
}

/// What is said of each distinct name of a column, for its rows.
fn of_names(
    names: Option<&ArrayRef>,
    say: fn(&str) -> &'static str,
) -> Result<ArrayRef, ArrowError> {
    let names = names.and_then(|names| names.as_dictionary_opt::<Int32Type>());
    let names = names
        .ok_or_else(|| ArrowError::SchemaError(String::from("a column of names that is none")))?;
    let said: StringArray = names
        .values()
        .as_string::<i32>()
        .iter()
        .map(|name| name.map(say))
        .collect();
    let keys = names.keys().clone();
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(said))?))
}
