//! Reference tables: what the configuration knows and a signal may join.
//!
//! `expected_audiences(audience)`, `clusters(oidc_id, cluster_name)`, `node_roles(role_arn)`,
//! `watched_roles(role_arn)`, `own_networks(cidr)`. Empty tables are there too, so that a query
//! plans the same everywhere.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use datafusion::catalog::TableProvider;
use datafusion::common::DFSchema;
use datafusion::datasource::{MemTable, ViewTable};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{EmptyRelation, LogicalPlan};
use datafusion::prelude::SessionContext;

use super::dates;
use crate::config::{Cluster, Reference};
use crate::signal::TestReference;

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

/// Those of a test. One that names none has those of the default configuration: it says what the
/// signal does, not what the configuration of the day makes of it.
pub fn of_test(
    test: Option<&TestReference>,
) -> Result<Vec<(&'static str, RecordBatch)>, ArrowError> {
    let Some(test) = test else {
        return tables(&Reference::default());
    };
    let clusters = test.clusters.iter().map(|cluster| Cluster {
        oidc_id: cluster.oidc_id.clone(),
        name: cluster.name.clone(),
    });
    tables(&Reference {
        expected_audiences: test.expected_audiences.clone(),
        own_networks: test.own_networks.clone(),
        clusters: clusters.collect(),
        node_roles: test.node_roles.clone(),
        watched_roles: test.watched_roles.clone(),
    })
}

/// Makes them, the JSON functions and dates beside times known to a session.
pub fn register(
    context: &mut SessionContext,
    tables: &[(&'static str, RecordBatch)],
) -> Result<(), DataFusionError> {
    datafusion_functions_json::register_all(context)?;
    dates::register(context)?;
    for (name, rows) in tables {
        let table: Arc<dyn TableProvider> = if rows.num_rows() == 0 {
            // The planner sees that there is nothing to join, and joins nothing.
            Arc::new(ViewTable::new(nothing(rows)?, None))
        } else {
            Arc::new(MemTable::try_new(rows.schema(), vec![vec![rows.clone()]])?)
        };
        context.register_table(*name, table)?;
    }
    Ok(())
}

fn nothing(like: &RecordBatch) -> Result<LogicalPlan, DataFusionError> {
    Ok(LogicalPlan::EmptyRelation(EmptyRelation {
        produce_one_row: false,
        schema: Arc::new(DFSchema::try_from(like.schema())?),
    }))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Table;
    use crate::engine::scheduled::SCHEDULE;
    use crate::signal::is_table;

    #[test]
    fn no_signal_may_take_the_name_of_a_table() {
        let tables = tables(&Reference::default()).unwrap();
        let joined = tables.iter().map(|(name, _)| *name);
        let read = Table::ALL.iter().map(|table| table.name());
        for name in joined.chain(read).chain([SCHEDULE]) {
            assert!(is_table(name), "{name}");
        }
    }
}
