//! The table that a prepared query reads: whatever rows the execution brings along.
//!
//! In: batches of one table, and the cheap conditions that a query asks of a row. Out: the rows for
//! which they hold, in the columns that the query uses. Most signals want few rows of a batch, and
//! many want the same ones: a condition is computed once for all queries on the same input.
//!
//! Must hold: a plan holds no data, so that it can be run again, and by several at once; a
//! condition is taken off a query only when it is a comparison of columns and constants. Rows come with
//! the dictionaries that batches have: [`super::plain`] spells them out for whoever does not expect them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array as _, AsArray as _, BooleanArray};
use arrow::compute::{and, filter_record_batch, prep_null_mask_filter};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};

use super::expression::Expression;

/// The batches of one table that queries run on, and which of their rows meet a condition.
#[derive(Debug, Default)]
pub struct Input {
    batches: Vec<RecordBatch>,
    /// By the condition's text and the batch's place.
    masks: Mutex<HashMap<(Arc<str>, usize), BooleanArray>>,
}

impl Input {
    /// Rows to run queries on. Signals of one table share it, and the work on it.
    pub fn new(batches: Vec<RecordBatch>) -> Arc<Self> {
        let masks = Mutex::default();
        Arc::new(Self { batches, masks })
    }

    /// The rows of a batch that meet the condition; no nulls.
    fn mask(&self, place: usize, condition: &Condition) -> Result<BooleanArray, DataFusionError> {
        let key = (Arc::clone(&condition.text), place);
        let masks = || self.masks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mask) = masks().get(&key) {
            return Ok(mask.clone());
        }
        let Some(batch) = self.batches.get(place) else {
            return Ok(BooleanArray::from(Vec::<bool>::new()));
        };
        let value = condition.holds.evaluate(batch)?;
        let value = value.as_boolean_opt().ok_or_else(|| {
            DataFusionError::Internal(format!("{} is no condition", condition.text))
        })?;
        let mask = match value.null_count() {
            0 => value.clone(),
            _ => prep_null_mask_filter(value),
        };
        masks().insert(key, mask.clone());
        Ok(mask)
    }
}

/// A table of that schema whose rows come with each execution.
#[derive(Debug)]
pub(super) struct InputTable {
    schema: SchemaRef,
    scans: Mutex<Vec<Arc<Scan>>>,
}

impl InputTable {
    pub(super) fn new(schema: SchemaRef) -> Arc<Self> {
        let scans = Mutex::default();
        Arc::new(Self { schema, scans })
    }

    /// The scans that queries were planned with since the last call.
    pub(super) fn take_scans(&self) -> Vec<Arc<Scan>> {
        let mut scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *scans)
    }
}

#[async_trait]
impl TableProvider for InputTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        let support = |filter: &&Expr| {
            if is_cheap(filter, &self.schema) {
                TableProviderFilterPushDown::Exact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let whole = DFSchema::try_from(Arc::clone(&self.schema))?;
        let condition = |filter: &Expr| -> Result<Condition, DataFusionError> {
            let holds = state.create_physical_expr(filter.clone(), &whole)?;
            Ok(Condition {
                text: filter.to_string().into(),
                holds: Expression::new(holds, &self.schema)?,
            })
        };
        let columns: Vec<usize> = match projection {
            Some(columns) => columns.clone(),
            None => (0..self.schema.fields().len()).collect(),
        };
        let scan = Arc::new(Scan {
            schema: Arc::new(self.schema.project(&columns)?),
            columns,
            conditions: asked_together(filters)
                .iter()
                .map(condition)
                .collect::<Result<_, _>>()?,
        });
        let mut scans = self.scans.lock().unwrap_or_else(PoisonError::into_inner);
        scans.push(Arc::clone(&scan));
        Ok(Arc::new(StreamingTableExec::try_new(
            Arc::clone(&scan.schema),
            vec![scan],
            None,
            [],
            false,
            limit,
        )?))
    }
}

/// Conditions, those of the same columns as one: whoever compares two columns spells both out, once for
/// all that is asked of them. A condition of one column stays by itself, for other queries ask the same.
fn asked_together(conditions: &[Expr]) -> Vec<Expr> {
    let mut together: Vec<(HashSet<&Column>, Expr)> = Vec::new();
    for condition in conditions {
        let columns = condition.column_refs();
        let same = together
            .iter_mut()
            .find(|(of, _)| of.len() > 1 && *of == columns);
        match same {
            Some((_, all)) => *all = all.clone().and(condition.clone()),
            None => together.push((columns, condition.clone())),
        }
    }
    together
        .into_iter()
        .map(|(_, condition)| condition)
        .collect()
}

/// Whether a condition costs little on every row: comparisons of columns and constants, and cases of
/// one column, such as what a missing value stands for. Functions wait until the rows are few, and so do
/// casts, but for those of whole numbers to wider ones: others may fail on rows that are not asked for.
fn is_cheap(condition: &Expr, schema: &Schema) -> bool {
    let is_int32 = |part: &Expr| match part {
        Expr::Column(column) => schema
            .field_with_name(column.name())
            .is_ok_and(|field| *field.data_type() == DataType::Int32),
        _ => false,
    };

    let (mut cheap, mut has_cases) = (true, false);
    let visited = condition.apply(|part| {
        has_cases |= matches!(part, Expr::Case(_) | Expr::Cast(_));
        cheap = matches!(
            part,
            Expr::Column(_)
                | Expr::Literal(..)
                | Expr::BinaryExpr(_)
                | Expr::Like(_)
                | Expr::Not(_)
                | Expr::IsNull(_)
                | Expr::IsNotNull(_)
                | Expr::IsTrue(_)
                | Expr::IsNotTrue(_)
                | Expr::IsFalse(_)
                | Expr::IsNotFalse(_)
                | Expr::Between(_)
                | Expr::InList(_)
                | Expr::Case(_)
        ) || matches!(part, Expr::Cast(cast)
            if is_int32(&cast.expr) && *cast.field.data_type() == DataType::Int64);
        Ok(if cheap {
            TreeNodeRecursion::Continue
        } else {
            TreeNodeRecursion::Stop
        })
    });
    let of_one_column = || condition.column_refs().len() == 1;
    cheap && visited.is_ok() && (!has_cases || of_one_column())
}

/// A condition on the rows of a table.
#[derive(Debug)]
struct Condition {
    /// As DataFusion writes it: the same text is the same condition.
    text: Arc<str>,
    /// On the table's whole schema.
    holds: Expression,
}

/// What one query reads of the table: some columns, of the rows that meet every condition.
#[derive(Debug)]
pub(super) struct Scan {
    schema: SchemaRef,
    columns: Vec<usize>,
    conditions: Vec<Condition>,
}

impl Scan {
    /// Whether the query would see a row of this input.
    pub(super) fn selects_any(&self, input: &Input) -> Result<bool, DataFusionError> {
        for place in 0..input.batches.len() {
            if self.selected(input, place)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The rows that meet every condition; nothing: no row does.
    fn selected(&self, input: &Input, place: usize) -> Result<Option<Selection>, DataFusionError> {
        let rows = input.batches.get(place).map_or(0, RecordBatch::num_rows);
        let mut selected: Option<BooleanArray> = None;
        for condition in &self.conditions {
            let mask = input.mask(place, condition)?;
            let both = match selected {
                None => mask,
                Some(before) => and(&before, &mask)?,
            };
            if both.true_count() == 0 {
                return Ok(None);
            }
            selected = Some(both);
        }
        Ok(match selected {
            _ if rows == 0 => None,
            Some(mask) if mask.true_count() < rows => Some(Selection::Some(mask)),
            Some(_) | None => Some(Selection::All),
        })
    }

    fn rows(&self, input: &Input, place: usize) -> Result<Option<RecordBatch>, DataFusionError> {
        let (Some(batch), Some(selection)) =
            (input.batches.get(place), self.selected(input, place)?)
        else {
            return Ok(None);
        };
        let rows = batch.project(&self.columns)?;
        Ok(Some(match selection {
            Selection::All => rows,
            Selection::Some(mask) => filter_record_batch(&rows, &mask)?,
        }))
    }
}

/// Which rows of a batch; one at least.
enum Selection {
    All,
    Some(BooleanArray),
}

impl PartitionStream for Scan {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let input = context.session_config().get_extension::<Input>();
        let input = input.unwrap_or_default();
        let mut rows = Vec::new();
        for place in 0..input.batches.len() {
            rows.extend(self.rows(&input, place).transpose());
        }
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            futures::stream::iter(rows),
        ))
    }
}
