//! The bytes of a Parquet flow log, against what `flow_logs` promises.
//!
//! Must hold: a damaged file is refused, whatever the Parquet library does with it, and within the
//! memory that one object may take; decoding is repeatable; every row of the file becomes a row or
//! is rejected.
#![no_main]

use std::panic;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use trailflow_decode::flow_logs::{OwnNetworks, decode_parquet};
use trailflow_fuzz::decoded::{Decoded, PROVENANCE};

fuzz_target!(init: panics_of_others_are_caught(), |bytes: &[u8]| {
    let bytes = Bytes::copy_from_slice(bytes);
    let first = decoded(bytes.clone());
    assert_eq!(decoded(bytes.clone()), first, "decoding it again");

    let told = first.told("line_no");
    let last = told.last().copied().unwrap_or(0);
    assert_eq!(u64::try_from(told.len()), Ok(last), "a row got lost");
    if first.end == Ok(()) {
        let file = ParquetMetaDataReader::new().parse_and_finish(&bytes);
        let rows: i64 = file
            .expect("it was decoded")
            .row_groups()
            .iter()
            .map(RowGroupMetaData::num_rows)
            .sum();
        assert_eq!(u64::try_from(rows), Ok(last), "rows of the footer");
    }
});

fn decoded(bytes: Bytes) -> Decoded<()> {
    let networks = OwnNetworks::default();
    Decoded::by(|sink| decode_parquet(bytes, PROVENANCE, &networks, sink))
}

/// The decoder expects the Parquet library to panic on damage, and catches that. One of ours is a
/// finding at once; one of the library that is not caught ends the process, too, by libFuzzer.
fn panics_of_others_are_caught() {
    let abort = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        let of_ours = |file: &str| !file.contains("/registry/src/") && !file.contains("/library/");
        if what.location().is_none_or(|at| of_ours(at.file())) {
            abort(what);
        }
    }));
}
