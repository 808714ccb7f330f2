//! One column of a row group.
//!
//! In: arrays. Out: the column's chunk: its pages with their headers, and what the footer says of
//! them. Must hold: every row is in one page; the offsets are those of the bytes that are handed out.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::basic::{Encoding, Type};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::file::properties::EnabledStatistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use crate::booleans::Booleans;
use crate::bounds::{Bounds, statistics};
use crate::compression::Codec;
use crate::levels::Levels;
use crate::numbers::Numbers;
use crate::precedent::{Form, Lesson, Precedent, VALUES_MIN};
use crate::texts::TextPages;

/// A page ends with so many rows: what a reader takes to look at one.
const PAGE_ROWS_MAX: usize = 16 * 1024;
/// A page of texts ends at about so many bytes.
const PAGE_BYTES_MAX: usize = 1024 * 1024;
/// Rows that are taken before the bytes of a page are looked at again.
const STEP_ROWS: usize = 1024;

pub(crate) struct Chunk {
    column: ColumnDescPtr,
    asked: EnabledStatistics,
    values: Values,
    levels: Levels,
    /// Of its pages; the first one that has values shows, unless there is a precedent.
    codec: Option<Codec>,
    followed: Option<Precedent>,
    /// What its first page showed.
    weighed: Option<Precedent>,
    /// Pages without values, before that one.
    waiting: Vec<Ready>,
    written: Written,
    bounds: Option<Bounds>,
    /// A page had values and no bounds: the chunk has none either.
    is_unbounded: bool,
    column_index: ColumnIndexBuilder,
    nulls: usize,
    rows: usize,
}

#[derive(Debug)]
enum Values {
    Numbers(Numbers),
    Texts(TextPages),
    Booleans(Booleans),
}

/// A page that is not compressed yet.
struct Ready {
    bytes: Vec<u8>,
    rows: usize,
    values: usize,
    encoding: Encoding,
}

/// Pages with their headers.
#[derive(Debug, Default)]
struct Written {
    bytes: Vec<u8>,
    uncompressed_bytes: usize,
    encodings: Vec<Encoding>,
    /// Offset, size and rows of each data page.
    pages: Vec<(usize, usize, usize)>,
}

impl Chunk {
    /// A chunk of the column, if its type is one that is written here.
    pub(crate) fn of(
        kind: &DataType,
        column: ColumnDescPtr,
        asked: EnabledStatistics,
        followed: Option<Precedent>,
    ) -> Option<Self> {
        let form = followed.map(|precedent| precedent.form);
        let numbers = || Numbers::of(kind, form).map(Values::Numbers);
        let texts = || TextPages::of(kind, form).map(Values::Texts);
        let booleans = || Booleans::of(kind).map(Values::Booleans);
        Some(Self {
            values: numbers().or_else(texts).or_else(booleans)?,
            column_index: ColumnIndexBuilder::new(column.physical_type()),
            column,
            asked,
            levels: Levels::new(),
            codec: followed.map(|precedent| precedent.codec),
            followed,
            weighed: None,
            waiting: Vec::new(),
            written: Written::default(),
            bounds: None,
            is_unbounded: false,
            nulls: 0,
            rows: 0,
        })
    }

    /// Takes all rows of an array.
    pub(crate) fn write(&mut self, array: &ArrayRef) -> Result<(), ParquetError> {
        let mut start = 0;
        while start < array.len() {
            let rows = STEP_ROWS.min(array.len() - start);
            self.append(&array.slice(start, rows))?;
            start += rows;
            if self.levels.rows() >= PAGE_ROWS_MAX || self.page_bytes() >= PAGE_BYTES_MAX {
                self.end_page()?;
            }
        }
        Ok(())
    }

    fn append(&mut self, array: &ArrayRef) -> Result<(), ParquetError> {
        self.rows += array.len();
        self.levels
            .append(array.len(), array.logical_nulls().as_ref());
        match &mut self.values {
            Values::Numbers(numbers) => numbers.append(array),
            Values::Texts(texts) => texts.append(array)?,
            Values::Booleans(booleans) => booleans.append(array),
        }
        Ok(())
    }

    fn page_bytes(&self) -> usize {
        match &self.values {
            Values::Texts(texts) => texts.page_bytes(),
            Values::Numbers(_) | Values::Booleans(_) => 0,
        }
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        let at_hand = match &self.values {
            Values::Numbers(numbers) => numbers.bytes(),
            Values::Texts(texts) => texts.bytes(),
            Values::Booleans(booleans) => booleans.bytes(),
        };
        self.written.bytes.len() + at_hand
    }

    fn end_page(&mut self) -> Result<(), ParquetError> {
        let (rows, nulls) = (self.levels.rows(), self.levels.nulls());
        if rows == 0 {
            return Ok(());
        }
        self.nulls += nulls;
        self.bound(rows == nulls, nulls);
        let mut page = Vec::new();
        if self.column.max_def_level() > 0 {
            self.levels.put(&mut page);
        } else {
            self.levels.clear();
        }
        let encoding = match &mut self.values {
            Values::Numbers(numbers) => numbers.put_page(&mut page),
            Values::Texts(texts) => texts.put_page(&mut page),
            Values::Booleans(booleans) => booleans.put_page(&mut page),
        };
        let page = Ready {
            bytes: page,
            rows,
            values: rows - nulls,
            encoding,
        };
        if self.codec.is_none() && rows == nulls {
            self.waiting.push(page);
            return Ok(());
        }
        self.put(page)
    }

    /// Writes a page, and before it those that wait for a codec.
    fn put(&mut self, page: Ready) -> Result<(), ParquetError> {
        let plain_bytes = page.bytes.len();
        let bytes = if let Some(codec) = self.codec {
            codec.put(page.bytes)?
        } else {
            let dictionary = self.dictionary();
            let dictionary = dictionary.as_ref().map(|(page, _)| page.as_slice());
            let (codec, bytes) = Codec::chosen(page.bytes, dictionary)?;
            self.codec = Some(codec);
            if page.values >= VALUES_MIN {
                let form = self.form();
                self.weighed = Some(Precedent { form, codec });
            }
            self.put_waiting(codec)?;
            bytes
        };
        self.written
            .put_data(bytes, plain_bytes, page.rows, page.encoding)
    }

    fn put_waiting(&mut self, codec: Codec) -> Result<(), ParquetError> {
        for page in std::mem::take(&mut self.waiting) {
            let plain_bytes = page.bytes.len();
            let bytes = codec.put(page.bytes)?;
            self.written
                .put_data(bytes, plain_bytes, page.rows, page.encoding)?;
        }
        Ok(())
    }

    /// Takes note of the least and the greatest value of the page at hand.
    fn bound(&mut self, is_empty: bool, nulls: usize) {
        if self.asked == EnabledStatistics::None {
            return;
        }
        let bounds = match &self.values {
            Values::Numbers(numbers) => numbers.bounds(),
            Values::Texts(texts) => texts.bounds(),
            Values::Booleans(booleans) => booleans.bounds(),
        };
        let nulls = i64::try_from(nulls).unwrap_or_default();
        match (&bounds, is_empty) {
            (Some(bounds), _) => {
                let (least, greatest) = bounds.plain(self.column.physical_type());
                self.column_index.append(false, least, greatest, nulls);
            }
            (None, true) => self
                .column_index
                .append(true, Vec::new(), Vec::new(), nulls),
            (None, false) => {
                self.column_index.to_invalid();
                self.is_unbounded = true;
            }
        }
        match (&mut self.bounds, bounds) {
            (Some(all), Some(bounds)) => all.widen(&bounds),
            (all @ None, bounds) => *all = bounds,
            (Some(_), None) => {}
        }
    }

    fn dictionary(&self) -> Option<(Vec<u8>, usize)> {
        match &self.values {
            Values::Numbers(numbers) => numbers.dictionary(),
            Values::Texts(texts) => texts.dictionary(),
            Values::Booleans(_) => None,
        }
    }

    /// How its next page is written.
    fn form(&self) -> Form {
        let form = match &self.values {
            Values::Numbers(numbers) => numbers.form(),
            Values::Texts(texts) => texts.form(),
            Values::Booleans(_) => None,
        };
        form.unwrap_or(Form::Direct)
    }

    /// What the chunk says of the ones that come next.
    fn lesson(&self) -> Lesson {
        match (self.followed, self.weighed) {
            (Some(followed), _) if followed.form != self.form() => Lesson::Unfit,
            (None, Some(weighed)) if weighed.form == self.form() => Lesson::Weighed(weighed),
            _ => Lesson::Nothing,
        }
    }

    /// The bytes of the chunk, what the footer says of them, and what was learnt.
    pub(crate) fn close(mut self) -> Result<(Bytes, ColumnCloseResult, Lesson), ParquetError> {
        self.end_page()?;
        let lesson = self.lesson();
        let codec = self.codec.unwrap_or(Codec::Plain);
        // There are some still if no page has a value.
        self.put_waiting(codec)?;
        let mut all = Written::default();
        if let Some((page, values)) = self.dictionary() {
            let plain_bytes = page.len();
            all.put_dictionary(codec.put(page)?, plain_bytes, values)?;
        }
        let dictionary_bytes = all.bytes.len();
        all.append(self.written);
        let mut metadata = ColumnChunkMetaData::builder(Arc::clone(&self.column))
            .set_compression(codec.name()?)
            .set_encodings(all.encodings)
            .set_num_values(signed(self.rows))
            .set_total_compressed_size(signed(all.bytes.len()))
            .set_total_uncompressed_size(signed(all.uncompressed_bytes))
            .set_data_page_offset(signed(dictionary_bytes))
            .set_dictionary_page_offset((dictionary_bytes > 0).then_some(0));
        if self.asked != EnabledStatistics::None {
            let bounds = self.bounds.filter(|_| !self.is_unbounded);
            let nulls = u64::try_from(self.nulls).unwrap_or_default();
            let physical: Type = self.column.physical_type();
            metadata = metadata.set_statistics(statistics(bounds.as_ref(), nulls, physical));
        }
        let has_index = self.asked == EnabledStatistics::Page && self.column_index.valid();
        let column_index = has_index.then(|| self.column_index.build()).transpose()?;
        let mut offset_index = OffsetIndexBuilder::new();
        for (offset, bytes, rows) in all.pages {
            offset_index.append_row_count(signed(rows));
            let bytes = i32::try_from(bytes).unwrap_or(i32::MAX);
            offset_index.append_offset_and_size(signed(offset), bytes);
        }
        let result = ColumnCloseResult {
            bytes_written: u64::try_from(all.bytes.len()).unwrap_or_default(),
            rows_written: u64::try_from(self.rows).unwrap_or_default(),
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index,
            offset_index: Some(offset_index.build()),
        };
        Ok((Bytes::from(all.bytes), result, lesson))
    }
}

impl Written {
    fn put_data(
        &mut self,
        page: Vec<u8>,
        plain_bytes: usize,
        rows: usize,
        encoding: Encoding,
    ) -> Result<(), ParquetError> {
        let page = Page::DataPage {
            buf: Bytes::from(page),
            num_values: u32::try_from(rows).unwrap_or(u32::MAX),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let offset = self.bytes.len();
        let spec = self.put(page, plain_bytes)?;
        self.pages.push((offset, spec.compressed_size, rows));
        self.note(encoding);
        self.note(Encoding::RLE);
        Ok(())
    }

    fn put_dictionary(
        &mut self,
        page: Vec<u8>,
        plain_bytes: usize,
        values: usize,
    ) -> Result<(), ParquetError> {
        let page = Page::DictionaryPage {
            buf: Bytes::from(page),
            num_values: u32::try_from(values).unwrap_or(u32::MAX),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        self.note(Encoding::PLAIN);
        self.put(page, plain_bytes).map(drop)
    }

    fn put(&mut self, page: Page, plain_bytes: usize) -> Result<PageWriteSpec, ParquetError> {
        let mut sink = TrackedWrite::new(std::mem::take(&mut self.bytes));
        let spec = SerializedPageWriter::new(&mut sink)
            .write_page(CompressedPage::new(page, plain_bytes))?;
        self.bytes = sink.into_inner()?;
        self.uncompressed_bytes += spec.uncompressed_size;
        Ok(spec)
    }

    fn note(&mut self, encoding: Encoding) {
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
    }

    /// Takes the pages of another behind its own.
    fn append(&mut self, other: Self) {
        let before = self.bytes.len();
        if before == 0 {
            self.bytes = other.bytes;
        } else {
            self.bytes.extend_from_slice(&other.bytes);
        }
        self.uncompressed_bytes += other.uncompressed_bytes;
        other.encodings.into_iter().for_each(|one| self.note(one));
        let moved = other.pages.into_iter();
        self.pages
            .extend(moved.map(|(offset, bytes, rows)| (offset + before, bytes, rows)));
    }
}

/// As the footer counts.
fn signed(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
