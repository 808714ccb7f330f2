//! Values of any type, which `->` gives, as JSON texts.
//!
//! In: rows of an answer. Out: the same rows, that every format can write: a column of such values is one of
//! JSON texts. Must hold: a missing value, and JSON's null, are missing; other columns stay as they are.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion_functions_json::{JsonUnionEncoder, JsonUnionValue};

use crate::engine::any_type::is_one;

/// The columns as they are written.
pub(super) fn written(schema: SchemaRef) -> SchemaRef {
    if !schema
        .fields()
        .iter()
        .any(|field| is_one(field.data_type()))
    {
        return schema;
    }
    let fields = schema.fields().iter().map(|field| {
        if is_one(field.data_type()) {
            Arc::new(Field::new(field.name(), DataType::Utf8, true))
        } else {
            Arc::clone(field)
        }
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The rows in these columns.
pub(super) fn as_json(rows: &RecordBatch, written: &SchemaRef) -> anyhow::Result<RecordBatch> {
    if rows.schema_ref().fields() == written.fields() {
        return Ok(rows.clone());
    }
    let columns = rows.columns().iter().map(|column| {
        if is_one(column.data_type()) {
            texts(column)
        } else {
            Ok(Arc::clone(column))
        }
    });
    let columns = columns.collect::<anyhow::Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new(Arc::clone(written), columns)?)
}

fn texts(column: &ArrayRef) -> anyhow::Result<ArrayRef> {
    let Some(values) = JsonUnionEncoder::from_union(column.as_union().clone()) else {
        anyhow::bail!("a column of {} cannot be written", column.data_type());
    };
    let texts = (0..values.len()).map(|row| {
        Ok(match values.get_value(row) {
            JsonUnionValue::JsonNull => None,
            JsonUnionValue::Bool(value) => Some(value.to_string()),
            JsonUnionValue::Int(value) => Some(value.to_string()),
            JsonUnionValue::Float(value) => Some(serde_json::to_string(&value)?),
            JsonUnionValue::Str(value) => Some(serde_json::to_string(value)?),
            // They are JSON already.
            JsonUnionValue::Array(json) | JsonUnionValue::Object(json) => Some(json.to_owned()),
        })
    });
    let texts = texts.collect::<anyhow::Result<StringArray>>()?;
    Ok(Arc::new(texts))
}
