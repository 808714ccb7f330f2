//! The table that a prepared query reads: whatever batches the execution brings along.
//!
//! Must hold: a plan holds no data, so that it can be run again, and by several at once.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

/// The batches of one execution, carried in the session's configuration.
#[derive(Debug)]
pub(super) struct Input(pub(super) Vec<RecordBatch>);

#[derive(Debug)]
struct InputStream {
    schema: SchemaRef,
}

impl PartitionStream for InputStream {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let input = context.session_config().get_extension::<Input>();
        let batches = input.map(|input| input.0.clone()).unwrap_or_default();
        let stream = futures::stream::iter(batches.into_iter().map(Ok));
        Box::pin(RecordBatchStreamAdapter::new(
            Arc::clone(&self.schema),
            stream,
        ))
    }
}

/// A table of that schema whose rows come with each execution.
pub(super) fn table(schema: SchemaRef) -> Result<StreamingTable, DataFusionError> {
    let stream = InputStream {
        schema: Arc::clone(&schema),
    };
    StreamingTable::try_new(schema, vec![Arc::new(stream)])
}
