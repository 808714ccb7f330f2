//! The text of a signal's file, against what `signal` promises.
//!
//! Must hold: reading is repeatable; a finding is one line and stands inside the file; the query is
//! the text below the header, at its line; what parses is refused by a catalog only with findings.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use trailflow_decode::finding::Findings;
use trailflow_decode::signal::{Catalog, Signal};

const FILE: &str = "sql/cloudtrail/fuzzed.sql";

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let parsed = Signal::parse(Path::new(FILE), text);
    assert_eq!(
        parsed,
        Signal::parse(Path::new(FILE), text),
        "reading it again"
    );
    match &parsed {
        Err(findings) => {
            assert!(!findings.is_empty(), "refused without a reason");
            check(findings, text);
        }
        Ok(signal) if signal.sql.is_empty() => {}
        Ok(signal) => {
            let above = usize::try_from(signal.sql_line - 1).expect("a line");
            let below: Vec<&str> = text.lines().skip(above).collect();
            assert_eq!(signal.sql, below.join("\n").trim_end(), "the query");
        }
    }

    let files = [(FILE.into(), text.to_owned())];
    let (catalog, findings) = Catalog::of_texts(files, Some("# Runbooks\n\n## fuzzed\n"));
    check(&findings, text);
    if let Err(refused) = &parsed {
        for mistake in refused {
            assert!(findings.iter().any(|finding| finding == mistake), "hidden");
        }
    }
    if findings.is_empty() {
        assert_eq!(
            Ok(&catalog.signals),
            parsed.map(|signal| vec![signal]).as_ref()
        );
    }
});

fn check(findings: &Findings, text: &str) {
    let lines = text.lines().count().max(1);
    for finding in findings {
        assert_eq!(finding.file, Path::new(FILE));
        if let Some(line) = finding.line {
            let line = usize::try_from(line).expect("a line");
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
        }
        let shown = finding.to_string();
        assert!(!shown.contains(['\n', '\r']), "more than a line: {shown:?}");
    }
}
