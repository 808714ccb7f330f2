//! The columns of the table `cloudtrail` (domain 11), in the order an analyst reads them.
//!
//! In: one [`Row`] a record. Out: Arrow batches of [`schema`]. Must hold: the list below is the
//! only place that names the columns; row, builders and schema are made from it.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use arrow::array::{
    ArrayRef, BooleanBuilder, DictionaryArray, Int32Array, Int64Builder, ListBuilder, StringArray,
    StringBuilder, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::super::Provenance;
use crate::limits::BATCH_ROWS_FIRST;

pub(super) type Text<'a> = Option<Cow<'a, str>>;

/// How a kind of column is held in a row, built and typed.
macro_rules! column {
    (row text, $a:lifetime) => { Text<$a> };
    (row flag, $a:lifetime) => { Option<bool> };
    (row number, $a:lifetime) => { Option<i64> };
    (row time, $a:lifetime) => { Option<i64> };
    (row texts, $a:lifetime) => { Vec<Cow<$a, str>> };
    (builder text) => { StringBuilder };
    (builder flag) => { BooleanBuilder };
    (builder number) => { Int64Builder };
    (builder time) => { TimestampMillisecondBuilder };
    (builder texts) => { ListBuilder<StringBuilder> };
    (new text) => { StringBuilder::with_capacity(BATCH_ROWS_FIRST, 0) };
    (new flag) => { BooleanBuilder::with_capacity(BATCH_ROWS_FIRST) };
    (new number) => { Int64Builder::with_capacity(BATCH_ROWS_FIRST) };
    (new time) => {
        TimestampMillisecondBuilder::with_capacity(BATCH_ROWS_FIRST).with_timezone("UTC")
    };
    (new texts) => {
        ListBuilder::with_capacity(StringBuilder::with_capacity(0, 0), BATCH_ROWS_FIRST)
    };
    (type text) => { DataType::Utf8 };
    (type flag) => { DataType::Boolean };
    (type number) => { DataType::Int64 };
    (type time) => { DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())) };
    (type texts) => { DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))) };
    (append text, $builder:expr, $value:expr) => { $builder.append_option($value.as_deref()) };
    (append flag, $builder:expr, $value:expr) => { $builder.append_option($value) };
    (append number, $builder:expr, $value:expr) => { $builder.append_option($value) };
    (append time, $builder:expr, $value:expr) => { $builder.append_option($value) };
    (append texts, $builder:expr, $value:expr) => {{
        for text in &$value {
            $builder.values().append_value(text);
        }
        $builder.append(!$value.is_empty());
    }};
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

            fn append(&mut self, row: &Row<'_>) {
                $(column!(append $kind, self.$name, row.$name);)*
            }

            fn finish(&mut self) -> Vec<ArrayRef> {
                vec![$(Arc::new(self.$name.finish()),)*]
            }
        }

        fn fields() -> Vec<Field> {
            vec![$(field(stringify!($name), column!(type $kind)),)*]
        }
    };
}

columns! {
    event_time: time,
    event_id: text,
    shared_event_id: text,
    // Set by the pair window after decoding: the pair's other copy was seen first (domain 2.5).
    shared_event_seen: flag,
    event_source: text,
    event_name: text,
    event_type: text,
    event_category: text,
    event_version: text,
    region: text,
    recipient_account_id: text,
    source_ip: text,
    user_agent: text,
    ua_family: text,
    error_code: text,
    error_code_norm: text,
    error_message: text,
    throttle_class: text,
    deny_class: text,
    deny_kind: text,
    denied_action: text,
    denied_resource: text,
    policy_arn: text,
    read_only: flag,
    management_event: flag,
    identity_type: text,
    principal_id: text,
    principal: text,
    arn: text,
    user_account_id: text,
    access_key_id: text,
    key_class: text,
    user_name: text,
    identity_provider: text,
    aud: text,
    k8s_cluster: text,
    k8s_ns: text,
    k8s_sa: text,
    k8s_pod: text,
    role_arn: text,
    session_name: text,
    is_node: flag,
    ec2_role_delivery: text,
    mfa_authenticated: flag,
    session_created: time,
    session_from_console: flag,
    invoked_by: text,
    on_behalf_of: text,
    source_identity: text,
    target_role_arn: text,
    issued_access_key_id: text,
    issued_session_arn: text,
    sts_endpoint: text,
    sts_serving_region: text,
    tls_host: text,
    tls_version: text,
    vpce_id: text,
    vpce_account: text,
    resource_arns: texts,
    resource_accounts: texts,
    request_id: text,
    api_version: text,
    request_parameters: text,
    response_elements: text,
    additional_event_data: text,
    service_event_details: text,
    insight_details: text,
    addendum_reason: text,
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
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let mut fields = fields();
        for name in ["src_bucket", "src_key"] {
            let kind = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
            fields.push(Field::new(name, kind, true));
        }
        Arc::new(Schema::new(fields))
    });
    Arc::clone(&SCHEMA)
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
        self.builders.append(row);
        self.len += 1;
        self.text_bytes += json_bytes;
    }

    /// The collected rows as a batch; the collector is empty afterwards.
    pub(super) fn finish(&mut self, provenance: Provenance<'_>) -> Result<RecordBatch, ArrowError> {
        let mut columns = self.builders.finish();
        for text in [provenance.bucket, provenance.key] {
            let keys = Int32Array::from(vec![0; self.len]);
            let values = Arc::new(StringArray::from(vec![text]));
            columns.push(Arc::new(DictionaryArray::<Int32Type>::try_new(
                keys, values,
            )?));
        }
        self.len = 0;
        self.text_bytes = 0;
        RecordBatch::try_new(schema(), columns)
    }
}
