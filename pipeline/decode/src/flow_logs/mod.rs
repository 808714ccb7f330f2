//! Turns VPC and transit gateway flow logs, as text or Parquet, into batches of their table.
//!
//! In: inflated text, or the bytes of a Parquet file. Out: rows of `flow_logs` or
//! `transit_gateway_flow_logs`, and rejected records, into a [`Sink`].
//!
//! ```text
//! lines → header → layout (tokens → columns) ┐
//!                                            ├→ batch (+ own networks, reject class) → sink
//! parquet → conversion ──────────────────────┘
//! ```
//!
//! Must hold: a field is found by its name, never by its place or by the record's `version`;
//! `-` is null in every column; a field that is not known is kept in `extra`; nothing panics,
//! whatever the bytes are.

mod fields;
mod tokens;
mod lines;
mod header;
mod columns;
mod layout;
mod text;
mod conversion;
mod thrift;
mod pages;
mod parquet;
mod batch;
mod networks;
mod nacl_reply;
mod reject_class;
#[cfg(test)]
mod tests;

use std::io::BufRead;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;

pub use self::networks::{NetworkError, OWN_NETWORKS_DEFAULT, OwnNetworks};
use super::{DecodeError, Provenance, Sink};

/// Schema of the table `flow_logs`.
pub fn schema() -> SchemaRef {
    fields::Format::Vpc.schema()
}

/// Schema of the table `transit_gateway_flow_logs`.
pub fn transit_gateway_schema() -> SchemaRef {
    fields::Format::TransitGateway.schema()
}

/// Schema of the batches of `flow_logs`: as the table's, with names as dictionaries.
pub(crate) fn batch_schema() -> SchemaRef {
    fields::Format::Vpc.batch_schema()
}

/// The same of `transit_gateway_flow_logs`.
pub(crate) fn transit_gateway_batch_schema() -> SchemaRef {
    fields::Format::TransitGateway.batch_schema()
}

/// Whether a line is nothing but the names of a flow log's fields, half of them known: what an object is
/// taken for one by when its key says nothing.
pub fn is_header(line: &[u8]) -> bool {
    header::Header::of_later_line(line).is_some()
}

/// Decodes a flow log written as text, inflated.
pub fn decode_text(
    mut input: impl BufRead,
    provenance: Provenance<'_>,
    networks: &OwnNetworks,
    sink: &mut dyn Sink,
) -> Result<(), DecodeError> {
    // As it is for CloudTrail: the loop over lines is compiled once and here.
    text::decode(&mut input, provenance, networks, sink).map(|_| ())
}

/// Decodes a flow log written as Parquet, whole: its footer stands at the end.
pub fn decode_parquet(
    bytes: Bytes,
    provenance: Provenance<'_>,
    networks: &OwnNetworks,
    sink: &mut dyn Sink,
) -> Result<(), DecodeError> {
    parquet::decode(bytes, provenance, networks, sink)
}
