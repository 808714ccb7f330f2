//! The texts of a column chunk.
//!
//! In: arrays of text, plain or as dictionaries. Out: pages, as dictionary indices where texts come
//! again and again, else as lengths and then all texts, one behind the other
//! (DELTA_LENGTH_BYTE_ARRAY). The first page of a chunk shows which takes less.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, DictionaryArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::compute::take;
use arrow::datatypes::{DataType, Int32Type};
use arrow::error::ArrowError;
use parquet::basic::Encoding;

use crate::bounds::Bounds;
use crate::delta::{self, Wide};
use crate::dictionary::{Texts, u32_of, usize_of};
use crate::numbers::put_indices;
use crate::precedent::Form;

/// A dictionary takes no more: whoever reads one row reads all of it.
const DICTIONARY_BYTES_MAX: usize = 1024 * 1024;
/// What an index is taken to cost, when the first page is weighed.
const INDEX_BYTES: usize = 2;
/// A dictionary must save one in so many bytes: less is what compression finds for less work.
const WORTH: usize = 4;
/// A dictionary value without a number yet.
const UNNUMBERED: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(crate) struct TextPages {
    /// Known from the first page that has values on.
    form: Option<Form>,
    dictionary: Texts,
    /// Of the page at hand, as long as there is a dictionary.
    indices: Vec<u32>,
    /// The texts of the page at hand, one behind the other, and their lengths; with a dictionary the
    /// lengths alone are counted.
    bytes: Vec<u8>,
    lengths: Vec<i64>,
    /// Bytes of the texts of the page at hand.
    page_bytes: usize,
    /// The dictionary that the last array had, and the numbers of its values here, beside their lengths.
    last: Option<(ArrayRef, Vec<(u32, u32)>)>,
}

impl TextPages {
    /// For a column of this type, if it is one of texts that are written here.
    pub(crate) fn of(kind: &DataType, form: Option<Form>) -> Option<Self> {
        let takes = match kind {
            DataType::Utf8 => true,
            DataType::Dictionary(key, value) => {
                **key == DataType::Int32 && **value == DataType::Utf8
            }
            _ => false,
        };
        takes.then(|| Self {
            form,
            ..Self::default()
        })
    }

    /// Takes an array of the column's type.
    pub(crate) fn append(&mut self, array: &dyn Array) -> Result<(), ArrowError> {
        match array.as_dictionary_opt::<Int32Type>() {
            // A value of a dictionary may be missing too, as its keys may.
            Some(dictionary) if dictionary.values().null_count() > 0 => {
                let texts = take(dictionary.values(), dictionary.keys(), None)?;
                self.append_texts(texts.as_string::<i32>());
            }
            Some(dictionary) => self.append_dictionary(dictionary),
            None => self.append_texts(array.as_string::<i32>()),
        }
        Ok(())
    }

    fn append_texts(&mut self, texts: &StringArray) {
        match texts.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self.extend(texts, 0, texts.len()),
            Some(nulls) => {
                for (start, end) in NullBuffer::valid_slices(nulls) {
                    self.extend(texts, start, end);
                }
            }
        }
    }

    /// Takes the texts of these rows; each has one.
    fn extend(&mut self, texts: &StringArray, start: usize, end: usize) {
        let offsets = texts.value_offsets().get(start..=end).unwrap_or_default();
        let at = |offset: Option<&i32>| {
            offset
                .and_then(|offset| usize::try_from(*offset).ok())
                .unwrap_or_default()
        };
        let range = at(offsets.first())..at(offsets.last());
        let bytes = texts.value_data().get(range.clone()).unwrap_or_default();
        self.page_bytes += bytes.len();
        if self.form == Some(Form::Direct) {
            self.bytes.extend_from_slice(bytes);
            let lengths = offsets.iter().zip(offsets.iter().skip(1));
            self.lengths
                .extend(lengths.map(|(start, end)| i64::from(end - start)));
            return;
        }
        let mut rest = bytes;
        let mut last: Option<(&[u8], u32)> = None;
        for (start, end) in offsets.iter().zip(offsets.iter().skip(1)) {
            let length = usize::try_from(end - start).unwrap_or_default();
            let (text, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = behind;
            let index = match last {
                Some((before, index)) if before == text => index,
                _ => self.dictionary.intern(text),
            };
            last = Some((text, index));
            self.indices.push(index);
        }
    }

    fn append_dictionary(&mut self, array: &DictionaryArray<Int32Type>) {
        let texts = array.values().as_string::<i32>();
        let mut numbers = match self.last.take() {
            Some((values, numbers)) if Arc::ptr_eq(&values, array.values()) => numbers,
            _ => vec![(UNNUMBERED, 0); texts.len()],
        };
        let keys = array.keys().values();
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self.extend_keys(keys, texts, &mut numbers),
            Some(nulls) => {
                for (start, end) in NullBuffer::valid_slices(nulls) {
                    let keys = keys.get(start..end).unwrap_or_default();
                    self.extend_keys(keys, texts, &mut numbers);
                }
            }
        }
        self.last = Some((Arc::clone(array.values()), numbers));
    }

    /// Takes the texts of these keys; each has one.
    fn extend_keys(&mut self, keys: &[i32], texts: &StringArray, numbers: &mut [(u32, u32)]) {
        if self.form == Some(Form::Direct) {
            for key in keys {
                let key = usize::try_from(*key).unwrap_or_default();
                let text = texts.value(key).as_bytes();
                self.bytes.extend_from_slice(text);
                self.lengths
                    .push(i64::try_from(text.len()).unwrap_or_default());
                self.page_bytes += text.len();
            }
            return;
        }
        let mut bytes = 0;
        for key in keys {
            let key = usize::try_from(*key).unwrap_or_default();
            let Some((number, length)) = numbers.get_mut(key) else {
                continue;
            };
            if *number == UNNUMBERED {
                let text = texts.value(key).as_bytes();
                *number = self.dictionary.intern(text);
                *length = u32_of(text.len());
            }
            self.indices.push(*number);
            bytes += u64::from(*length);
        }
        self.page_bytes += usize::try_from(bytes).unwrap_or_default();
    }

    /// Bytes of the page at hand, as texts.
    pub(crate) fn page_bytes(&self) -> usize {
        self.page_bytes
    }

    pub(crate) fn form(&self) -> Option<Form> {
        self.form
    }

    /// Bytes held, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len() + 8 * self.lengths.len() + 4 * self.indices.len() + self.dictionary.bytes()
    }

    pub(crate) fn bounds(&self) -> Option<Bounds> {
        if self.form != Some(Form::Direct) {
            return self.bounds_of_indices();
        }
        let mut rest = self.bytes.as_slice();
        Bounds::of_texts(self.lengths.iter().map(|length| {
            let length = usize::try_from(*length).unwrap_or_default();
            let (text, behind) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = behind;
            text
        }))
    }

    /// Of each distinct text once.
    fn bounds_of_indices(&self) -> Option<Bounds> {
        let mut seen = vec![false; self.dictionary.len()];
        for index in &self.indices {
            if let Some(seen) = seen.get_mut(usize_of(*index)) {
                *seen = true;
            }
        }
        let numbers = (0_u32..).zip(seen).filter(|(_, seen)| *seen);
        Bounds::of_texts(numbers.map(|(number, _)| self.dictionary.get(number)))
    }

    /// Writes the values of the page at hand and forgets them.
    pub(crate) fn put_page(&mut self, out: &mut Vec<u8>) -> Encoding {
        if self.indices.is_empty() && self.lengths.is_empty() {
            // A page without values has no form, and shows none.
            return Encoding::PLAIN;
        }
        if self.form.is_none() {
            let dictionary = self.dictionary.page().len() + INDEX_BYTES * self.indices.len();
            let plain = self.page_bytes + self.indices.len();
            self.form = Some(if dictionary <= plain - plain / WORTH {
                Form::Dictionary
            } else {
                Form::Direct
            });
            if self.form == Some(Form::Direct) {
                self.spell_out();
            }
        }
        let encoding = match self.form {
            Some(Form::Direct) => {
                delta::encode(&self.lengths, Wide::Bits32, out);
                out.extend_from_slice(&self.bytes);
                Encoding::DELTA_LENGTH_BYTE_ARRAY
            }
            None | Some(Form::Dictionary) => {
                put_indices(&self.indices, self.dictionary.len(), out);
                if self.dictionary.page().len() > DICTIONARY_BYTES_MAX {
                    self.form = Some(Form::Direct);
                }
                Encoding::RLE_DICTIONARY
            }
        };
        self.indices.clear();
        self.bytes.clear();
        self.lengths.clear();
        self.page_bytes = 0;
        encoding
    }

    /// Nothing was written yet: the texts of the page at hand without a dictionary.
    fn spell_out(&mut self) {
        self.bytes.reserve(self.page_bytes);
        for index in self.indices.drain(..) {
            let text = self.dictionary.get(index);
            self.bytes.extend_from_slice(text);
            self.lengths
                .push(i64::try_from(text.len()).unwrap_or_default());
        }
        self.dictionary = Texts::default();
        self.last = None;
    }

    /// The dictionary page and the count of its values; nothing: no page needs one.
    pub(crate) fn dictionary(&self) -> Option<(Vec<u8>, usize)> {
        let count = self.dictionary.len();
        (count > 0).then(|| (self.dictionary.page().to_vec(), count))
    }
}
