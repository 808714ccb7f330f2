//! The grouping against a map that is filled row by row, over columns of every kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMillisecondArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Int64Type, TimeUnit};
use arrow::util::display::array_value_to_string;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Distinct, Function, Grouping, Key, Measure};

const FUNCTIONS: [Function; 4] = [Function::Count, Function::Sum, Function::Min, Function::Max];

/// A batch: its key columns, its values, and which rows a filter lets through.
struct Batch {
    keys: Vec<ArrayRef>,
    values: Int64Array,
    filter: BooleanArray,
}

fn kinds() -> Vec<DataType> {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    vec![
        DataType::Utf8,
        dictionary,
        DataType::Int32,
        DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        DataType::Boolean,
    ]
}

fn batch(dice: &mut StdRng, rows: usize) -> Batch {
    let texts = |dice: &mut StdRng| -> StringArray {
        (0..rows)
            .map(|_| (dice.random_range(0..4) > 0).then(|| "x".repeat(dice.random_range(0..4))))
            .collect()
    };
    let numbers = |dice: &mut StdRng| -> Int64Array {
        (0..rows)
            .map(|_| (dice.random_range(0..5) > 0).then(|| dice.random_range(-2..3)))
            .collect()
    };
    let keys: Vec<ArrayRef> = kinds()
        .iter()
        .map(|kind| {
            let plain: ArrayRef = match kind {
                DataType::Utf8 | DataType::Dictionary(..) => Arc::new(texts(dice)),
                DataType::Timestamp(..) => {
                    let times = numbers(dice);
                    Arc::new(
                        times
                            .iter()
                            .collect::<TimestampMillisecondArray>()
                            .with_timezone("UTC"),
                    )
                }
                _ => Arc::new(numbers(dice)),
            };
            cast(&plain, kind).unwrap()
        })
        .collect();
    Batch {
        keys,
        values: numbers(dice),
        filter: (0..rows)
            .map(|_| [Some(true), Some(false), None][dice.random_range(0..3)])
            .collect(),
    }
}

/// The column itself, or as answers for the distinct values of another.
fn in_some_form(column: &ArrayRef, dice: &mut StdRng) -> Key {
    if dice.random() {
        return Key::Each(Arc::clone(column));
    }
    let rows = i32::try_from(column.len()).unwrap();
    let missing = new_null_array(column.data_type(), 1);
    let (keys, answers) = if dice.random() && column.null_count() < column.len() {
        // Each row is its own value, a row without one is none.
        let key = |row: i32| {
            column
                .is_valid(usize::try_from(row).unwrap())
                .then_some(row)
        };
        let keys: Int32Array = (0..rows).map(key).collect();
        (keys, concat(&[column, &missing]).unwrap())
    } else {
        // From the last to the first, behind an answer that nobody has.
        let keys = Int32Array::from_iter_values((1..=rows).rev());
        let order = UInt32Array::from_iter_values((0..u32::try_from(rows).unwrap()).rev());
        let turned = take(column, &order, None).unwrap();
        (keys, concat(&[&missing, &turned, &missing]).unwrap())
    };
    Key::Distinct(Distinct::new(keys, answers))
}

/// A value, and the missing one, which is not an empty text.
fn shown(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return String::from("missing");
    }
    format!("={}", array_value_to_string(column, row).unwrap())
}

/// By key: how many rows, and the values that are there.
type Expected = BTreeMap<Vec<String>, Vec<Option<i64>>>;

fn expected(batches: &[Batch], filtered: bool) -> Expected {
    let mut groups = Expected::new();
    for batch in batches {
        for row in 0..batch.values.len() {
            let key = batch.keys.iter().map(|key| shown(key, row)).collect();
            let group = groups.entry(key).or_default();
            if !filtered || (batch.filter.is_valid(row) && batch.filter.value(row)) {
                group.push(batch.values.is_valid(row).then(|| batch.values.value(row)));
            }
        }
    }
    groups
}

fn measured(function: Function, values: &[Option<i64>]) -> Option<i64> {
    let there = values.iter().flatten().copied();
    match function {
        Function::Count => Some(i64::try_from(there.count()).unwrap()),
        Function::Sum => there.clone().next().is_some().then(|| there.sum()),
        Function::Min => there.min(),
        Function::Max => there.max(),
    }
}

#[test]
fn groups_are_those_of_a_map_however_the_rows_are_cut() {
    for seed in 0..200 {
        let mut dice = StdRng::seed_from_u64(seed);
        let used = dice.random_range(1..=kinds().len());
        let count = dice.random_range(1..5);
        let mut batches = Vec::new();
        for _ in 0..count {
            let rows = dice.random_range(0..60);
            let mut batch = batch(&mut dice, rows);
            batch.keys.truncate(used);
            batches.push(batch);
        }
        for function in FUNCTIONS {
            for filtered in [false, true] {
                let expected: BTreeMap<Vec<String>, Option<String>> = expected(&batches, filtered)
                    .into_iter()
                    .map(|(key, values)| {
                        (
                            key,
                            measured(function, &values).map(|value| value.to_string()),
                        )
                    })
                    .collect();
                let found = grouped(&batches, used, function, filtered, &mut dice);
                assert_eq!(
                    found, expected,
                    "seed {seed}, {function:?}, filtered {filtered}"
                );
            }
        }
    }
}

/// What the grouping makes of the batches, by key.
fn grouped(
    batches: &[Batch],
    used: usize,
    function: Function,
    filtered: bool,
    dice: &mut StdRng,
) -> BTreeMap<Vec<String>, Option<String>> {
    let kinds: Vec<DataType> = kinds().into_iter().take(used).collect();
    let mut grouping = Grouping::new(&kinds).unwrap();
    let mut measure = Measure::new(function, &DataType::Int64).unwrap();
    let mut groups = Vec::new();
    for batch in batches {
        let keys = batch.keys.iter().map(|key| in_some_form(key, dice));
        let keys: Vec<Key> = keys.collect();
        grouping.assign(&keys, &mut groups).unwrap();
        let values: ArrayRef = Arc::new(batch.values.clone());
        let filter = filtered.then_some(&batch.filter);
        measure
            .add(&groups, grouping.len(), Some(&values), filter)
            .unwrap();
    }
    let (keys, values) = (grouping.finish().unwrap(), measure.finish().unwrap());
    let types = keys.iter().map(|key| key.data_type().clone());
    assert_eq!(types.collect::<Vec<_>>(), kinds);
    let mut found = BTreeMap::new();
    for group in 0..grouping.len() {
        let key: Vec<String> = keys.iter().map(|key| shown(key, group)).collect();
        let value = values
            .is_valid(group)
            .then(|| array_value_to_string(&values, group).unwrap());
        assert_eq!(found.insert(key, value), None, "a group came twice");
    }
    found
}

#[test]
fn a_text_is_one_value_in_whatever_form_it_comes() {
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let plain: ArrayRef = Arc::new(StringArray::from(vec![
        Some("a"),
        None,
        Some("b"),
        Some(""),
    ]));
    let encoded = cast(&plain, &dictionary).unwrap();
    let mut grouping = Grouping::new(&[DataType::Utf8]).unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    grouping.assign(&[Key::Each(plain)], &mut first).unwrap();
    grouping.assign(&[Key::Each(encoded)], &mut second).unwrap();
    assert_eq!(
        (first.as_slice(), grouping.len()),
        ([0, 1, 2, 3].as_slice(), 4)
    );
    assert_eq!(first, second);
}

#[test]
fn sets_of_many_values_are_told_from_each_other_while_they_grow() {
    // Few columns in slots, more in a word, many in several; and from one to the next with each batch.
    for columns in [1, 2, 4, 7, 12] {
        for seed in 0..20 {
            let mut dice = StdRng::seed_from_u64(seed);
            let mut grouping = Grouping::new(&vec![DataType::Int64; columns]).unwrap();
            let mut known: BTreeMap<Vec<Option<i64>>, u32> = BTreeMap::new();
            let mut groups = Vec::new();
            for batch in 0..4 {
                let values = 1_i64 << (batch * dice.random_range(1..5));
                let rows: Vec<Vec<Option<i64>>> = (0..300)
                    .map(|_| {
                        let value =
                            |_| (dice.random_range(0..9) > 0).then(|| dice.random_range(0..values));
                        (0..columns).map(value).collect()
                    })
                    .collect();
                let column = |place: usize| -> Key {
                    let values = rows.iter().filter_map(|row| row.get(place).copied());
                    Key::Each(Arc::new(values.collect::<Int64Array>()))
                };
                let keys: Vec<Key> = (0..columns).map(column).collect();
                grouping.assign(&keys, &mut groups).unwrap();
                let expected = rows.into_iter().map(|row| {
                    let next = u32::try_from(known.len()).unwrap();
                    *known.entry(row).or_insert(next)
                });
                let expected: Vec<u32> = expected.collect();
                assert_eq!(
                    groups, expected,
                    "{columns} columns, seed {seed}, batch {batch}"
                );
            }
            assert_eq!(grouping.len(), known.len());
            let found = grouping.finish().unwrap();
            for (set, group) in &known {
                let group = usize::try_from(*group).unwrap();
                let values = found.iter().map(AsArray::as_primitive::<Int64Type>);
                let values =
                    values.map(|column| column.is_valid(group).then(|| column.value(group)));
                assert_eq!(&values.collect::<Vec<_>>(), set);
            }
        }
    }
}

#[test]
fn measures_keep_their_type_and_sqls_rules_for_what_is_missing() {
    let groups = [0, 0, 1, 2, 2];
    let columns: [(ArrayRef, [&str; 4]); 3] = [
        (
            Arc::new(UInt64Array::from(vec![
                Some(u64::MAX),
                None,
                None,
                Some(1),
                Some(3),
            ])),
            [
                "1 0 2",
                "18446744073709551615  4",
                "18446744073709551615  1",
                "18446744073709551615  3",
            ],
        ),
        (
            Arc::new(Float64Array::from(vec![
                Some(0.5),
                None,
                None,
                Some(-1.0),
                Some(3.0),
            ])),
            ["1 0 2", "0.5  2.0", "0.5  -1.0", "0.5  3.0"],
        ),
        (
            Arc::new(Int32Array::from(vec![
                Some(i32::MAX),
                Some(1),
                None,
                Some(-1),
                Some(-3),
            ])),
            ["2 0 2", "2147483648  -4", "1  -3", "2147483647  -1"],
        ),
    ];
    for (column, expected) in columns {
        for (function, expected) in FUNCTIONS.iter().zip(expected) {
            let kind = match (function, column.data_type()) {
                (Function::Count, _) | (Function::Sum, DataType::Int32) => DataType::Int64,
                (_, kind) => kind.clone(),
            };
            let mut measure = Measure::new(*function, &kind).unwrap();
            measure.add(&groups, 3, Some(&column), None).unwrap();
            let found = measure.finish().unwrap();
            assert_eq!(found.data_type(), &kind);
            let shown: Vec<String> = (0..3)
                .map(|row| array_value_to_string(&found, row).unwrap())
                .collect();
            assert_eq!(
                shown.join(" "),
                expected,
                "{function:?} of {}",
                column.data_type()
            );
        }
    }
    assert!(!Measure::takes(Function::Sum, &DataType::Utf8));
    assert!(Measure::takes(Function::Count, &DataType::Utf8));
    assert!(Grouping::new(&[]).is_err() && Grouping::new(&[DataType::Float64]).is_err());
}
