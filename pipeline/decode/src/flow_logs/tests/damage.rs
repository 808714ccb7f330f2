//! Random bytes and damaged fixtures: nothing panics, and no line gets lost.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};

use memchr::memchr_iter;
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

use super::{Collected, PROVENANCE, fixtures, parquet_of};
use crate::DecodeError;
use crate::flow_logs::{OwnNetworks, decode_parquet, text};

const ROUNDS: usize = 3000;
/// What tends to mean something in a flow log.
const PIECES: [&[u8]; 12] = [
    b" ",
    b"\n",
    b"-",
    b",",
    b"\r\n",
    b".0",
    b"\xFF",
    b"end",
    b"tgw-id",
    b"99999999999999999999",
    b"version account-id end\n",
    b"\xEF\xBB\xBF",
];

fn random() -> StdRng {
    let seed = RandomState::new().build_hasher().finish();
    println!("seed {seed}: to run it again, use it in place of this line");
    StdRng::seed_from_u64(seed)
}

#[test]
fn damaged_text_loses_no_line() {
    let mut random = random();
    let logs: Vec<Vec<u8>> = fixtures()
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .map(|path| fs::read(path).unwrap())
        .collect();
    for round in 0..ROUNDS {
        let mut bytes = logs[random.random_range(0..logs.len())].clone();
        if round % 10 == 0 {
            bytes = vec![0; random.random_range(0..2000)];
            random.fill_bytes(&mut bytes);
        } else if round % 10 == 1 {
            bytes.extend_from_slice(&logs[random.random_range(0..logs.len())]);
        }
        damage(&mut bytes, &mut random);
        let mut collected = Collected::default();
        let tally = text::decode(
            &mut &bytes[..],
            PROVENANCE,
            &OwnNetworks::default(),
            &mut collected,
        )
        .unwrap();
        let unended = usize::from(bytes.last().is_some_and(|last| *last != b'\n'));
        let lines = memchr_iter(b'\n', &bytes).count() + unended;
        let told = u64::try_from(lines).unwrap();
        let found = (collected.rows() + collected.rejected.len())
            .try_into()
            .unwrap_or(u64::MAX);
        assert_eq!(tally.lines, told, "round {round}");
        assert_eq!(found + tally.headers + tally.blank, told, "round {round}");
    }
}

#[test]
fn damaged_parquet_is_refused_or_read() {
    let mut random = random();
    let files: Vec<_> = fixtures()
        .iter()
        .filter(|path| path.to_str().unwrap().ends_with(".columns.json"))
        .map(|path| parquet_of(path))
        .collect();
    for round in 0..ROUNDS / 3 {
        let mut bytes = files[random.random_range(0..files.len())].to_vec();
        damage(&mut bytes, &mut random);
        let mut collected = Collected::default();
        let networks = OwnNetworks::default();
        let outcome = decode_parquet(bytes.into(), PROVENANCE, &networks, &mut collected);
        assert!(
            matches!(outcome, Ok(()) | Err(DecodeError::Malformed(_))),
            "round {round}: {outcome:?}"
        );
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut StdRng) {
    for _ in 0..random.random_range(0..8) {
        let at = random.random_range(0..=bytes.len());
        let rest = bytes.len() - at;
        match random.random_range(0..4) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..at + random.random_range(0..=rest.min(40)))),
            2 if rest > 0 => bytes[at] = random.random(),
            _ => {
                let piece = PIECES[random.random_range(0..PIECES.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
        }
    }
}
