//! An expression over the columns of a table, asked of its batches.
//!
//! In: DataFusion's expression, which knows texts as plain ones, and batches in which texts that repeat
//! are dictionaries. Out: a value for each row. Must hold: the same values as over plain texts. Where
//! one column alone has values in the batch, and is a dictionary, an expression is asked once for each
//! distinct text, and not of each row; else the columns that it reads are spelled out.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, Int32Array, RecordBatch, RecordBatchOptions, new_null_array,
};
use arrow::compute::{cast, concat, max, min};
use arrow::datatypes::{Int32Type, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::error::DataFusionError;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use trailflow_grouping::{Distinct, Key};

/// Numbers below this are told from each other by a table: protocols, flags, paths of traffic.
const SMALL: i32 = 256;

/// An expression, and what it reads.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    /// As DataFusion has it.
    whole: Arc<dyn PhysicalExpr>,
    /// The columns that it reads, by their place.
    columns: Vec<usize>,
    /// The same over these columns alone, and what it takes them for.
    reduced: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
}

impl Expression {
    /// An expression over columns of this schema. No query has one that gives something else each
    /// time: see [`super::plan`].
    pub(super) fn new(
        whole: Arc<dyn PhysicalExpr>,
        schema: &SchemaRef,
    ) -> Result<Self, DataFusionError> {
        let mut columns: Vec<usize> = collect_columns(&whole).iter().map(Column::index).collect();
        columns.sort_unstable();
        Ok(Self {
            reduced: reduced(&whole, &columns)?,
            schema: Arc::new(schema.project(&columns)?),
            whole,
            columns,
        })
    }

    /// As DataFusion has it.
    pub(super) fn whole(&self) -> &Arc<dyn PhysicalExpr> {
        &self.whole
    }

    /// A value for each row of a batch.
    pub(super) fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, DataFusionError> {
        let columns = self.read(batch)?;
        match self.of_distinct(&columns, batch.num_rows())? {
            Some(distinct) => Ok(distinct.spread()?),
            None => self.of_rows(columns, batch.num_rows()),
        }
    }

    /// The same, to group by: what was asked of distinct texts is left with them.
    pub(super) fn key(&self, batch: &RecordBatch) -> Result<Key, DataFusionError> {
        let columns = self.read(batch)?;
        match self.of_distinct(&columns, batch.num_rows())? {
            Some(distinct) => Ok(Key::Distinct(distinct)),
            None => Ok(Key::Each(self.of_rows(columns, batch.num_rows())?)),
        }
    }

    fn read(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>, ArrowError> {
        Ok(batch.project(&self.columns)?.columns().to_vec())
    }

    /// What it says of the distinct texts; nothing: the rows are to be asked.
    fn of_distinct(
        &self,
        columns: &[ArrayRef],
        rows: usize,
    ) -> Result<Option<Distinct>, DataFusionError> {
        let has_values = |array: &&ArrayRef| array.null_count() < array.len();
        let mut live = columns.iter().filter(has_values);
        let (keys, values) = match (live.next(), live.next()) {
            // No row has a value: one answer is that of all.
            (None, _) => (Int32Array::new_null(rows), None),
            (Some(column), None) => match dictionary_of(column) {
                Some((keys, values)) => (keys, Some(values)),
                None => return Ok(None),
            },
            (Some(_), Some(_)) => return Ok(None),
        };
        let known = values.as_ref().map_or(0, Array::len);
        // A dictionary that most rows have left behind is worth less than the rows.
        if known * 2 > rows {
            return Ok(None);
        }
        let values = match values {
            Some(values) => {
                let missing = new_null_array(values.data_type(), 1);
                Some(concat(&[values.as_ref(), missing.as_ref()])?)
            }
            None => None,
        };
        let each = |column: &ArrayRef| match &values {
            Some(values) if has_values(&column) => Arc::clone(values),
            _ => new_null_array(column.data_type(), known + 1),
        };
        // A text that no row has may be one that the expression fails on: then the rows are asked.
        let Ok(values) = self.of_rows(columns.iter().map(each).collect(), known + 1) else {
            return Ok(None);
        };
        Ok(Some(Distinct::new(keys, values)))
    }

    /// Of columns of so many rows, each of the type that the expression takes it for, or spelled out.
    fn of_rows(&self, columns: Vec<ArrayRef>, rows: usize) -> Result<ArrayRef, DataFusionError> {
        let columns = columns.into_iter().zip(self.schema.fields());
        let columns = columns.map(|(array, field)| {
            if array.data_type() == field.data_type() {
                Ok(array)
            } else {
                cast(&array, field.data_type())
            }
        });
        let columns = columns.collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        let batch = RecordBatch::try_new_with_options(schema, columns, &options)?;
        self.reduced.evaluate(&batch)?.into_array(rows)
    }
}

/// The keys and the values of a dictionary. Small numbers are their own keys.
fn dictionary_of(column: &ArrayRef) -> Option<(Int32Array, ArrayRef)> {
    if let Some(dictionary) = column.as_dictionary_opt::<Int32Type>() {
        return Some((dictionary.keys().clone(), Arc::clone(dictionary.values())));
    }
    let numbers: &Int32Array = column.as_primitive_opt()?;
    let (least, greatest) = (min(numbers)?, max(numbers)?);
    let small = least >= 0 && greatest < SMALL;
    small.then(|| {
        let values: ArrayRef = Arc::new(Int32Array::from_iter_values(0..=greatest));
        (numbers.clone(), values)
    })
}

/// The expression over these columns of its table, and no others.
fn reduced(
    expression: &Arc<dyn PhysicalExpr>,
    columns: &[usize],
) -> Result<Arc<dyn PhysicalExpr>, DataFusionError> {
    let moved = Arc::clone(expression).transform(|part| {
        let moved = part.downcast_ref::<Column>().and_then(|column| {
            let place = columns.iter().position(|place| *place == column.index());
            place.map(|place| Column::new(column.name(), place))
        });
        Ok(match moved {
            Some(column) => {
                let column: Arc<dyn PhysicalExpr> = Arc::new(column);
                Transformed::yes(column)
            }
            None => Transformed::no(part),
        })
    });
    moved.data()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use arrow::array::{DictionaryArray, Int64Array, StringArray};
    use arrow::compute::concat_batches;
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::util::display::array_value_to_string;

    use datafusion::physical_expr::expressions;

    use super::*;
    use crate::config::Reference;
    use crate::decode::Table;
    use crate::engine::proof::decoded;
    use crate::engine::{Engine, Input, Planned};
    use crate::signal::Catalog;

    /// So often that the distinct texts of a test's rows are fewer than its rows.
    const TIMES: usize = 40;

    /// The rows of a signal's tests, many times over.
    fn inputs(planned: &Planned, table: Table) -> Vec<RecordBatch> {
        let testdata = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata"));
        let tests = planned.signal.header.tests.iter();
        let rows = tests.flat_map(|test| decoded(table, &test.input, testdata).unwrap());
        let rows: Vec<_> = rows.collect();
        let many = rows.iter().cycle().take(TIMES * rows.len());
        vec![concat_batches(&table.batch_schema(), many).unwrap()]
    }

    fn plain(batch: &RecordBatch, schema: &SchemaRef) -> RecordBatch {
        let columns = batch.columns().iter().zip(schema.fields());
        let columns = columns.map(|(array, field)| cast(array, field.data_type()).unwrap());
        RecordBatch::try_new(Arc::clone(schema), columns.collect()).unwrap()
    }

    async fn said(planned: &Planned, input: Vec<RecordBatch>) -> Vec<String> {
        let rows = planned.evaluate(&Input::new(input)).await.unwrap();
        let merged = planned.merge(&rows).unwrap();
        let shown = |batch: &RecordBatch, row: usize| -> String {
            let columns = batch.columns().iter();
            let values = columns.map(|column| array_value_to_string(column, row).unwrap());
            values.collect::<Vec<_>>().join("|")
        };
        let rows = merged
            .iter()
            .flat_map(|batch| (0..batch.num_rows()).map(|row| shown(batch, row)));
        let mut rows: Vec<_> = rows.collect();
        rows.sort_unstable();
        rows
    }

    #[test]
    fn a_text_that_no_row_has_fails_nothing() {
        let text = Field::new("text", DataType::Utf8, true);
        let schema: SchemaRef = Arc::new(Schema::new(vec![text]));
        let number = expressions::col("text", &schema).unwrap();
        let number = expressions::cast(number, &schema, DataType::Int64).unwrap();
        let number = Expression::new(number, &schema).unwrap();
        let keys = Int32Array::from(vec![0; 8]);
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["12", "no number"]));
        let texts = DictionaryArray::<Int32Type>::try_new(keys, texts).unwrap();
        let texts: ArrayRef = Arc::new(texts);
        let rows = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let expected: ArrayRef = Arc::new(Int64Array::from(vec![12; 8]));
        assert_eq!(&number.evaluate(&rows).unwrap(), &expected);
    }

    #[tokio::test]
    async fn signals_say_the_same_of_dictionaries_and_of_texts() {
        let catalog = Catalog::built_in().unwrap();
        let reference = Reference::default();
        let engine = Engine::new(catalog, &reference, 256 << 20);
        let engine = engine.await.unwrap();
        let mut rows = 0;
        for planned in engine.signals() {
            let table = planned.source().unwrap();
            let compact = inputs(planned, table);
            let spelled_out = compact.iter().map(|one| plain(one, &table.schema()));
            let of_texts = said(planned, spelled_out.collect()).await;
            let of_dictionaries = said(planned, compact).await;
            assert_eq!(of_dictionaries, of_texts, "{}", planned.name());
            rows += of_texts.len();
        }
        assert!(rows > engine.signals().len(), "{rows} rows");
    }
}
