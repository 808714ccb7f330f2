//! What is written is read back by the library's reader: whole, by pages, and with its bounds.

use std::sync::Arc;

use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, DictionaryArray, Float64Array, Int32Array,
    Int64Array, ListArray, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection, RowSelector,
};
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{Precedents, Writer};

const SEEDS: std::ops::Range<u64> = 0..40;

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn schema() -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    let columns = [
        ("int32", DataType::Int32, true),
        ("int64", DataType::Int64, true),
        ("required", DataType::Int64, false),
        ("time", time, true),
        ("boolean", DataType::Boolean, true),
        ("text", DataType::Utf8, true),
        ("dictionary", dictionary(), true),
        ("float", DataType::Float64, true),
        ("list", DataType::List(item), true),
        ("nothing", DataType::Utf8, true),
    ];
    let field = |(name, kind, is_nullable)| Field::new(name, kind, is_nullable);
    Arc::new(Schema::new(columns.map(field).to_vec()))
}

/// How a column of one file looks: how often a row has no value, and how many distinct values there are.
#[derive(Debug, Clone, Copy)]
struct Look {
    null_percent: u32,
    distinct: i64,
    /// Rows in a row that have the same.
    run: u32,
    length: usize,
}

impl Look {
    fn any(random: &mut StdRng) -> Self {
        Self {
            null_percent: [0, 0, 1, 30, 100][random.random_range(0..5)],
            distinct: [1, 2, 13, 700, 60_000, i64::MAX][random.random_range(0..6)],
            run: [1, 1, 7, 40, 5_000][random.random_range(0..5)],
            length: [0, 3, 30, 200][random.random_range(0..4)],
        }
    }

    fn values(self, rows: usize, random: &mut StdRng) -> Vec<Option<i64>> {
        let mut last = None;
        let value = |_| {
            if last.is_none() || random.random_ratio(1, self.run) {
                let null = random.random_range(0..100) < self.null_percent;
                last = Some((!null).then(|| random.random_range(0..self.distinct)));
            }
            last.flatten()
        };
        (0..rows).map(value).collect()
    }
}

fn narrow(value: i64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

fn batch(looks: &[Look], rows: usize, random: &mut StdRng) -> RecordBatch {
    let mut looks = looks.iter();
    let mut next = || {
        let look = looks.next().unwrap();
        (look, look.values(rows, random))
    };
    let text = |look: &Look, value: i64| format!("{value:0>width$}", width = look.length);
    let int32: Int32Array = next()
        .1
        .into_iter()
        .map(|value| value.map(narrow))
        .collect();
    // Both signs, and jumps from end to end.
    let int64 = next()
        .1
        .into_iter()
        .map(|value| value.map(|value| value.wrapping_mul(-7)));
    let int64: Int64Array = int64.collect();
    let required: Int64Array = next()
        .1
        .into_iter()
        .map(Option::unwrap_or_default)
        .collect();
    let time: TimestampMillisecondArray = next().1.into_iter().collect();
    let boolean: BooleanArray = next()
        .1
        .into_iter()
        .map(|value| value.map(|one| one % 2 == 1))
        .collect();
    let (look, texts) = next();
    let texts: StringArray = texts
        .iter()
        .map(|one| one.map(|one| text(look, one)))
        .collect();
    let (look, entries) = next();
    let entries: Vec<_> = entries
        .iter()
        .map(|one| one.map(|one| text(look, one)))
        .collect();
    let entries: DictionaryArray<Int32Type> = entries.iter().map(Option::as_deref).collect();
    let floats: Float64Array = next()
        .1
        .into_iter()
        .map(|one| one.map(|one| f64::from(narrow(one))))
        .collect();
    let mut lists = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    for value in next().1 {
        match value {
            Some(value) => lists.append_value((0..value % 3).map(|item| Some(item.to_string()))),
            None => lists.append_null(),
        }
    }
    let lists: ListArray = lists.finish();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(int32),
        Arc::new(int64),
        Arc::new(required),
        Arc::new(time.with_timezone("UTC")),
        Arc::new(boolean),
        Arc::new(texts),
        Arc::new(entries),
        Arc::new(floats),
        Arc::new(lists),
        Arc::new(StringArray::new_null(rows)),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn properties(rows: usize) -> WriterProperties {
    WriterProperties::builder()
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(rows))
        .build()
}

fn written(batches: &[RecordBatch], properties: WriterProperties) -> Bytes {
    written_after(&Arc::default(), batches, properties)
}

fn written_after(
    precedents: &Arc<Precedents>,
    batches: &[RecordBatch],
    properties: WriterProperties,
) -> Bytes {
    let precedents = Arc::clone(precedents);
    let mut writer = Writer::new(batches[0].schema(), properties, precedents).unwrap();
    let mut bytes = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        writer.write(batch).unwrap();
        if number % 5 == 4 {
            writer.end_row_group().unwrap();
        }
        bytes.extend(writer.take_bytes());
    }
    let (rest, length) = writer.finish().unwrap();
    bytes.extend(rest);
    assert_eq!(bytes.len(), length);
    Bytes::from(bytes)
}

/// Dictionaries as texts, for two that hold the same may look different.
fn plain(batch: &RecordBatch) -> Vec<ArrayRef> {
    let column = |column: &ArrayRef| match column.data_type() {
        DataType::Dictionary(..) => arrow::compute::cast(column, &DataType::Utf8).unwrap(),
        _ => Arc::clone(column),
    };
    batch.columns().iter().map(column).collect()
}

fn builder(bytes: &Bytes) -> ParquetRecordBatchReaderBuilder<Bytes> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options).unwrap()
}

fn read(builder: ParquetRecordBatchReaderBuilder<Bytes>) -> RecordBatch {
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    // Whoever takes the file's word for its types makes no dictionary of pages that have none.
    let is_dictionary = |field: &Arc<Field>| matches!(field.data_type(), DataType::Dictionary(..));
    assert!(!schema.fields().iter().any(is_dictionary), "{schema}");
    concat_batches(&schema, &batches).unwrap()
}

#[test]
fn what_is_written_is_read_back() {
    for seed in SEEDS {
        println!("seed {seed}");
        let random = &mut StdRng::seed_from_u64(seed);
        let looks: Vec<_> = schema()
            .fields()
            .iter()
            .map(|_| Look::any(random))
            .collect();
        println!("{looks:?}");
        let count = random.random_range(1..8);
        let rows = |random: &mut StdRng| [1, 5, 900, 8192, 20_000][random.random_range(0..5)];
        let batches: Vec<_> = (0..count)
            .map(|_| {
                let rows = rows(random);
                let whole = batch(&looks, rows + 3, random);
                whole.slice(random.random_range(0..4), rows)
            })
            .collect();
        let most = [100, 1000, 50_000][random.random_range(0..3)].max(rows(random) / 3);
        // What files before it looked like shows in its size alone.
        let precedents = Arc::default();
        let others: Vec<_> = schema()
            .fields()
            .iter()
            .map(|_| Look::any(random))
            .collect();
        written_after(
            &precedents,
            &[batch(&others, 3000, random)],
            properties(most),
        );
        let bytes = written_after(&precedents, &batches, properties(most));
        let expected = concat_batches(&schema(), &batches).unwrap();
        let found = read(builder(&bytes));
        assert_eq!(plain(&expected), plain(&found));
        // Some rows, by their pages.
        let (mut selectors, mut kept, mut at) = (Vec::new(), Vec::new(), 0);
        while at < expected.num_rows() {
            let length = random.random_range(1..=expected.num_rows() - at);
            let skips = random.random();
            let selector = if skips {
                RowSelector::skip
            } else {
                RowSelector::select
            };
            selectors.push(selector(length));
            if !skips {
                kept.push(expected.slice(at, length));
            }
            at += length;
        }
        let some = read(builder(&bytes).with_row_selection(RowSelection::from(selectors)));
        assert_eq!(
            plain(&concat_batches(&schema(), &kept).unwrap()),
            plain(&some)
        );
    }
}

#[test]
fn bounds_hold_every_value() {
    for seed in SEEDS {
        println!("seed {seed}");
        let random = &mut StdRng::seed_from_u64(seed);
        let looks: Vec<_> = schema()
            .fields()
            .iter()
            .map(|_| Look::any(random))
            .collect();
        let batches = [batch(&looks, 40_000, random)];
        let bytes = written(&batches, properties(usize::MAX));
        let builder = builder(&bytes);
        let chunks = builder.metadata().row_group(0).columns();
        let numbers: &Int64Array = batches[0].column(1).as_primitive();
        let told = chunks[1].statistics().unwrap();
        let bound =
            |bytes: Option<&[u8]>| bytes.map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()));
        assert_eq!(bound(told.min_bytes_opt()), arrow::compute::min(numbers));
        assert_eq!(bound(told.max_bytes_opt()), arrow::compute::max(numbers));
        let nulls = u64::try_from(numbers.null_count()).unwrap();
        assert_eq!(told.null_count_opt(), Some(nulls));
        for column in [5, 6] {
            let texts = Arc::clone(&plain(&batches[0])[column]);
            let texts: &StringArray = texts.as_string();
            let told = chunks[column].statistics().unwrap();
            let text = |bytes: Option<&[u8]>| {
                bytes.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
            };
            assert_eq!(
                text(told.min_bytes_opt()).as_deref(),
                arrow::compute::min_string(texts)
            );
            assert_eq!(
                text(told.max_bytes_opt()).as_deref(),
                arrow::compute::max_string(texts)
            );
        }
        let index = &builder.metadata().column_index().unwrap()[0][1];
        let pages = builder.metadata().offset_index().unwrap()[0][1].page_locations();
        let ends = pages
            .iter()
            .skip(1)
            .map(|page| page.first_row_index)
            .chain([40_000]);
        let ColumnIndexMetaData::INT64(index) = index else {
            panic!("{index:?}");
        };
        let (mut least, mut greatest) = (index.min_values_iter(), index.max_values_iter());
        for (page, end) in pages.iter().zip(ends) {
            let start = usize::try_from(page.first_row_index).unwrap();
            let rows = numbers.slice(start, usize::try_from(end).unwrap() - start);
            assert_eq!(least.next().unwrap().copied(), arrow::compute::min(&rows));
            assert_eq!(
                greatest.next().unwrap().copied(),
                arrow::compute::max(&rows)
            );
        }
    }
}

#[test]
fn a_text_too_long_to_be_a_bound_leaves_none() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["a".repeat(5000), "b".to_owned()]));
    let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
    let bytes = written(&[batch], properties(usize::MAX));
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let told = builder
        .metadata()
        .row_group(0)
        .column(0)
        .statistics()
        .unwrap();
    assert_eq!((told.min_bytes_opt(), told.max_bytes_opt()), (None, None));
}

#[test]
fn values_choose_the_form_of_their_column() {
    let rows = 100_000;
    let random = &mut StdRng::seed_from_u64(7);
    let mut bytes_of = |length: usize, look: Look| {
        let texts = look.values(rows, random);
        let texts: StringArray = texts
            .iter()
            .map(|one| one.map(|one| format!("{one:0>length$}")))
            .collect();
        let texts: ArrayRef = Arc::new(texts);
        let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        written(&[batch], properties(usize::MAX)).len()
    };
    let look = |distinct, run| Look {
        null_percent: 0,
        distinct,
        run,
        length: 0,
    };
    // One text: runs. Sixteen: four bits each. All different: about their own size.
    assert!(bytes_of(20, look(1, 1)) < 1_500);
    assert!(bytes_of(20, look(16, 1)) < rows / 2 + 3_000);
    assert!(bytes_of(19, look(i64::MAX, 1)) < rows * 10);
}

#[test]
fn the_next_chunks_follow_and_one_of_sixteen_is_weighed() {
    const ROWS: i64 = 5000;
    let precedents = Arc::default();
    let random = &mut StdRng::seed_from_u64(7);
    let mut encoding = |rows: i64, distinct: i64| {
        let numbers = (0..rows).map(|_| random.random_range(0..distinct) << 20);
        let numbers: Int64Array = numbers.collect();
        let texts = numbers
            .iter()
            .map(|one| one.map(|one| format!("{one:>30}")));
        let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
        let numbers: ArrayRef = Arc::new(numbers);
        let columns = [("number", numbers), ("text", texts)];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let bytes = written_after(&precedents, &[batch], properties(usize::MAX));
        let columns = builder(&bytes).metadata().row_group(0).columns().to_vec();
        let has_dictionary = |chunk: &ColumnChunkMetaData| chunk.dictionary_page_offset().is_some();
        (has_dictionary(&columns[0]), has_dictionary(&columns[1]))
    };
    let (all, few) = (i64::MAX >> 20, 4);
    assert_eq!(encoding(100, few), (true, true));
    assert_eq!(encoding(ROWS, all), (false, false), "so few show nothing");
    for _ in 0..15 {
        assert_eq!(encoding(ROWS, few), (false, false), "followed");
    }
    assert_eq!(encoding(ROWS, few), (true, true), "weighed");
    // Dictionaries that grow too large are no precedent: many numbers in a page, a mebibyte of texts.
    assert_eq!(encoding(60_000, all), (true, true), "followed at first");
    assert_eq!(encoding(ROWS, all), (false, false), "weighed");
    assert_eq!(encoding(ROWS, all), (false, false), "followed");
}

#[test]
fn pages_without_values_decide_nothing() {
    let rows = 0..100_000;
    // Texts that all differ, and are mostly the same: compression is what pays.
    let text = |row: u32| format!("{row:08} and then the same words in every row, again and again");
    let texts = |from: u32| -> usize {
        let texts: StringArray = rows
            .clone()
            .map(|row| (row >= from).then(|| text(row)))
            .collect();
        let texts: ArrayRef = Arc::new(texts);
        let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let bytes = written(std::slice::from_ref(&batch), properties(usize::MAX));
        let found = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
        let found: Vec<_> = found.build().unwrap().map(Result::unwrap).collect();
        let schema = batch.schema();
        assert_eq!(
            concat_batches(&schema, &found).unwrap().columns(),
            batch.columns()
        );
        bytes.len()
    };
    let (whole, half) = (texts(0), texts(50_000));
    assert!(half < whole * 2 / 3, "{half} bytes beside {whole}");
    assert!(texts(100_000) < 1_000);
}

#[test]
fn a_missing_value_of_a_dictionary_is_missing() {
    let keys = Int32Array::from(vec![Some(0), Some(1), None, Some(1), Some(0)]);
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let entries = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
    let entries: ArrayRef = Arc::new(entries);
    let batch = RecordBatch::try_from_iter([("text", entries)]).unwrap();
    let bytes = written(&[batch], properties(usize::MAX));
    let found = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let found = found.build().unwrap().next().unwrap().unwrap();
    let texts = Arc::clone(&plain(&found)[0]);
    let texts: Vec<_> = texts.as_string::<i32>().iter().collect();
    assert_eq!(texts, [Some("a"), None, None, None, Some("a")]);
}
