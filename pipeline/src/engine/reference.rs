//! Reference tables: what the configuration knows and a signal may join.
//!
//! `expected_audiences(audience)`, `clusters(oidc_id, cluster_name)`, `node_roles(role_arn)`,
//! `watched_roles(role_arn)`, `own_networks(cidr)`. Empty tables are there too, so that a query
//! plans the same everywhere.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;

use crate::config::Reference;

/// The names and rows of the reference tables.
pub fn tables(reference: &Reference) -> Result<Vec<(&'static str, RecordBatch)>, ArrowError> {
    let clusters = &reference.clusters;
    Ok(vec![
        (
            "expected_audiences",
            table(&[("audience", reference.expected_audiences.clone())])?,
        ),
        (
            "clusters",
            table(&[
                (
                    "oidc_id",
                    clusters
                        .iter()
                        .map(|cluster| cluster.oidc_id.clone())
                        .collect(),
                ),
                (
                    "cluster_name",
                    clusters
                        .iter()
                        .map(|cluster| cluster.name.clone())
                        .collect(),
                ),
            ])?,
        ),
        (
            "node_roles",
            table(&[("role_arn", reference.node_roles.clone())])?,
        ),
        (
            "watched_roles",
            table(&[("role_arn", reference.watched_roles.clone())])?,
        ),
        (
            "own_networks",
            table(&[("cidr", reference.own_networks.clone())])?,
        ),
    ])
}

fn table(columns: &[(&str, Vec<String>)]) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, _)| Field::new(*name, DataType::Utf8, false))
        .collect();
    let arrays: Vec<ArrayRef> = columns
        .iter()
        .map(|(_, values)| -> ArrayRef { Arc::new(StringArray::from(values.clone())) })
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}
