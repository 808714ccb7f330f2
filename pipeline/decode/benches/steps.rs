//! What each step of the way from an object's bytes to its rows in a file costs, alone.
//!
//! `cargo bench --workspace --bench steps`; behind `--`, part of a step's name chooses some. In: two
//! objects that are made here, one of each kind, the same in every run. Out: bytes of inflated log a
//! second, in the fastest run and in the middle one. `benches/steps.py` in the pipeline says what share each
//! step has of a whole run; this says which change made it cheaper.

#![expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    reason = "a program for people, on input that it made itself"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{BufRead, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::ArrayRef;
use arrow::record_batch::RecordBatch;
use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::file::properties::WriterProperties;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use trailflow_decode::flow_logs::{self, OwnNetworks};
use trailflow_decode::object::decompress::inflated;
use trailflow_decode::object::digest::InflatedHash;
use trailflow_decode::{Cancelled, Provenance, RejectedRecord, Sink, Table, cloudtrail};
use trailflow_grouping::{Function, Grouping, Key, Measure};
use trailflow_parquet::Writer;

/// CloudTrail delivers objects of about so many records when an account is busy.
const RECORDS: usize = 2_000;
const FLOWS: usize = 60_000;
/// What is measured of a step, at least.
const RUNS_MIN: usize = 10;
const STEP: Duration = Duration::from_secs(1);

const PROVENANCE: Provenance<'_> = Provenance {
    bucket: "logs",
    key: "AWSLogs/a.gz",
};

#[derive(Default)]
struct Rows(Vec<RecordBatch>);

impl Sink for Rows {
    fn batch(&mut self, _: Table, batch: RecordBatch) -> Result<(), Cancelled> {
        self.0.push(batch);
        Ok(())
    }

    fn reject(&mut self, _: Table, rejected: RejectedRecord) -> Result<(), Cancelled> {
        panic!("the input is whole: {rejected:?}");
    }
}

fn cloudtrail_object() -> Vec<u8> {
    let random = &mut StdRng::seed_from_u64(1);
    let mut text = String::from(r#"{"Records":["#);
    for record in 0..RECORDS {
        let comma = if record == 0 { "" } else { "," };
        let id = |random: &mut StdRng| {
            let id: u128 = random.random();
            let id = format!("{id:032x}");
            [&id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..]].join("-")
        };
        let (event, request) = (id(random), id(random));
        let role = random.random_range(0..50);
        let (source, name, parameters, answer) = match random.random_range(0..3) {
            0 => (
                "kms",
                "Decrypt",
                format!(r#"{{"keyId":"arn:aws:kms:eu-west-1:123456789012:key/{request}","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#),
                "null".to_owned(),
            ),
            1 => (
                "ec2",
                "DescribeInstances",
                r#"{"filterSet":{"items":[{"name":"tag:kubernetes.io/cluster/prod","valueSet":{"items":[{"value":"owned"}]}}]},"maxResults":1000}"#.to_owned(),
                "null".to_owned(),
            ),
            _ => (
                "sts",
                "AssumeRole",
                format!(r#"{{"roleArn":"arn:aws:iam::123456789012:role/r{role}","roleSessionName":"s"}}"#),
                format!(
                    r#"{{"credentials":{{"accessKeyId":"ASIA{:016X}","sessionToken":"{}","expiration":"Mar 1, 2026, 7:00:00 AM"}},"assumedRoleUser":{{"assumedRoleId":"AROAX:s","arn":"arn:aws:sts::123456789012:assumed-role/r{role}/s"}}}}"#,
                    random.random::<u64>(),
                    format!("{:016x}", random.random::<u64>()).repeat(20),
                ),
            ),
        };
        write!(
            text,
            r#"{comma}{{"eventVersion":"1.10","userIdentity":{{"type":"AssumedRole","principalId":"AROA{role:017}:i-{request}","arn":"arn:aws:sts::123456789012:assumed-role/r{role}/i-{request}","accountId":"123456789012","accessKeyId":"ASIA{:016X}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROA{role:017}","arn":"arn:aws:iam::123456789012:role/r{role}","accountId":"123456789012","userName":"r{role}"}},"attributes":{{"creationDate":"2026-03-01T00:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2026-03-01T00:{:02}:{:02}Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","sourceIPAddress":"10.0.{}.{}","userAgent":"aws-sdk-go-v2/1.32.6 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#amd64","requestParameters":{parameters},"responseElements":{answer},"requestID":"{request}","eventID":"{event}","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{source}.eu-west-1.amazonaws.com"}}}}"#,
            random.random::<u64>(),
            random.random_range(0..60),
            random.random_range(0..60),
            random.random_range(0..256),
            random.random_range(0..256),
        )
        .expect("memory does not fail");
    }
    text.push_str("]}");
    text.into_bytes()
}

fn flow_log_object() -> Vec<u8> {
    let random = &mut StdRng::seed_from_u64(1);
    let mut text = String::from(
        "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end \
         action log-status vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id \
         flow-direction traffic-path\n",
    );
    for _ in 0..FLOWS {
        let address = |random: &mut StdRng| {
            format!(
                "10.0.{}.{}",
                random.random_range(0..64),
                random.random_range(1..255)
            )
        };
        let (source, target) = (address(random), address(random));
        let interface = random.random_range(0..400);
        let start = 1_772_323_200 + random.random_range(0..600);
        let action = if random.random_ratio(7, 100) {
            "REJECT"
        } else {
            "ACCEPT"
        };
        writeln!(
            text,
            "5 123456789012 eni-{interface:017} {source} {target} {} {} 6 {} {} {start} {} {action} OK vpc-0a1b2c3d4e5f60718 \
             subnet-0aaaabbbbccccdddd i-{interface:017} 2 IPv4 {source} {target} eu-west-1 euw1-az1 ingress -",
            random.random_range(1024..65_536),
            [443, 80, 22, 53, 8080, 10_250][random.random_range(0..6)],
            random.random_range(1..900),
            random.random_range(40..1_000_000),
            start + 60,
        )
        .expect("memory does not fail");
    }
    text.into_bytes()
}

fn decoded(table: Table, text: &[u8]) -> Vec<RecordBatch> {
    let mut rows = Rows::default();
    let outcome = match table {
        Table::Cloudtrail => cloudtrail::decode(text, PROVENANCE, &mut rows).map(drop),
        _ => flow_logs::decode_text(text, PROVENANCE, &OwnNetworks::default(), &mut rows),
    };
    outcome.expect("the input is whole");
    rows.0
}

fn read_to_end(mut reader: impl BufRead) -> usize {
    let mut bytes = 0;
    loop {
        let length = reader.fill_buf().expect("the input is whole").len();
        if length == 0 {
            return bytes;
        }
        bytes += length;
        reader.consume(length);
    }
}

/// Two keys and a sum: about what a signal asks.
fn grouped(batches: &[RecordBatch], keys: [&str; 2], measure: &str) -> usize {
    let column = |batch: &RecordBatch, name| -> ArrayRef {
        Arc::clone(batch.column_by_name(name).expect("a column"))
    };
    let first = &batches[0];
    let kinds = keys.map(|key| column(first, key).data_type().clone());
    let mut grouping = Grouping::new(&kinds).expect("keys that are taken");
    let kind = arrow::datatypes::DataType::Int64;
    let mut sum = Measure::new(Function::Sum, &kind).expect("a measure that is taken");
    let mut numbers = Vec::new();
    for batch in batches {
        let columns = keys.map(|key| Key::Each(column(batch, key)));
        grouping
            .assign(&columns, &mut numbers)
            .expect("columns that fit");
        let value = column(batch, measure);
        let added = sum.add(&numbers, grouping.len(), Some(&value), None);
        added.expect("numbers");
    }
    grouping.finish().expect("groups").len()
}

/// Runs a step until its time is known: prints the fastest and the middle run.
fn time<T>(name: &str, bytes: usize, mut step: impl FnMut() -> T) {
    let chosen = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    if chosen.is_some_and(|chosen| !name.contains(&chosen)) {
        return;
    }
    let mut runs: Vec<Duration> = Vec::new();
    let began = Instant::now();
    while runs.len() < RUNS_MIN || began.elapsed() < STEP {
        let run = Instant::now();
        black_box(step());
        runs.push(run.elapsed());
    }
    runs.sort_unstable();
    let speed = |run: Duration| bytes as f64 / 1e6 / run.as_secs_f64();
    let (fastest, middle) = (runs[0], runs[runs.len() / 2]);
    println!(
        "{name:34} {:8.0} MB/s at best, {:8.0} in the middle of {} runs",
        speed(fastest),
        speed(middle),
        runs.len()
    );
}

fn main() {
    let keys = ["event_name", "role_arn"];
    steps(
        "CloudTrail",
        Table::Cloudtrail,
        &cloudtrail_object(),
        keys,
        "row_no",
    );
    let keys = ["interface_id", "dstport"];
    steps(
        "flow logs",
        Table::FlowLogs,
        &flow_log_object(),
        keys,
        "bytes",
    );
}

fn steps(log: &str, table: Table, text: &[u8], keys: [&str; 2], measure: &str) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).expect("memory does not fail");
    let compressed = encoder.finish().expect("memory does not fail");
    let bytes = text.len();
    time(&format!("{log}: inflate whole"), bytes, || {
        let mut inflated = inflated(compressed.as_slice(), u64::MAX);
        inflated.gather(None).expect("memory does not fail");
        read_to_end(inflated)
    });
    time(&format!("{log}: inflate as it comes"), bytes, || {
        read_to_end(inflated(compressed.as_slice(), u64::MAX))
    });
    time(&format!("{log}: hash"), bytes, || {
        InflatedHash::new(text).finish()
    });
    time(&format!("{log}: decode"), bytes, || decoded(table, text));
    let batches = decoded(table, text);
    time(&format!("{log}: group"), bytes, || {
        grouped(&batches, keys, measure)
    });
    time(&format!("{log}: write Parquet"), bytes, || {
        let mut writer = Writer::new(table.schema(), WriterProperties::default(), Arc::default())
            .expect("a schema");
        for batch in &batches {
            writer.write(batch).expect("memory does not fail");
        }
        writer.finish().expect("memory does not fail").1
    });
}
