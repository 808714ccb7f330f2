//! The distinct sets of key values, each packed into as few words as its numbers need.
//!
//! In: for each key column the numbers of a batch's values. Out: the group of each row. Must hold: rows have the same
//! group if, and only if, all of their numbers are the same; groups are numbered in the order of their first rows.
//!
//! A column has as many bits as its greatest number needs. When one outgrows them, all sets are packed anew; they
//! double in the meantime, so this is paid once for each set, about. Sets of few bits, as most are, have a slot each that
//! there could be, and are found without a search.

use arrow::error::ArrowError;
use hashbrown::HashTable;

use super::ODD;
use super::numbers::Numbers;

/// At most so many slots for sets that could be: 256 KiB.
const SLOTS_MAX: usize = 1 << 16;
/// And so many for each row of the batch that they are made for: clearing them costs, too.
const SLOTS_PER_ROW_MAX: usize = 4;
/// A slot of no group.
const NONE: u32 = u32::MAX;

/// Where the numbers of a column lie in a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) word: usize,
    shift: u32,
    bits: u32,
}

impl Place {
    /// Of a column that has had no number but 0.
    fn none() -> Self {
        let (word, shift, bits) = (0, 0, 0);
        Self { word, shift, bits }
    }

    pub(super) fn shifted(&self, number: u32) -> u64 {
        u64::from(number) << self.shift
    }

    fn number(&self, set: &[u64]) -> u32 {
        let word = set.get(self.word).copied().unwrap_or_default();
        let number = (word >> self.shift) & ((1 << self.bits) - 1);
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    fn holds(&self, number: u32) -> bool {
        u64::from(number) < 1 << self.bits
    }
}

/// The sets so far, and how they are found.
#[derive(Debug)]
pub(super) struct Sets {
    places: Vec<Place>,
    /// Words of a set.
    words: usize,
    /// By group.
    packed: Vec<u64>,
    len: u32,
    index: Index,
    /// By row of the batch at hand.
    rows: Vec<u64>,
}

#[derive(Debug)]
enum Index {
    /// Groups by the set itself.
    Slots(Vec<u32>),
    /// The first word of a set and its group, by the hash of the set.
    Hashed(HashTable<(u64, u32)>),
}

impl Sets {
    /// Of so many columns.
    pub(super) fn new(columns: usize) -> Self {
        Self {
            places: vec![Place::none(); columns],
            words: 1,
            packed: Vec::new(),
            len: 0,
            // There is one set of no bits: all values are missing.
            index: Index::Slots(vec![NONE]),
            rows: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> u32 {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        let index = match &self.index {
            Index::Slots(slots) => 4 * slots.capacity(),
            Index::Hashed(groups) => 17 * groups.capacity(),
        };
        8 * (self.packed.capacity() + self.rows.capacity()) + index
    }

    /// Adds the group of each row to `groups`, of so many rows.
    pub(super) fn assign(
        &mut self,
        columns: &[Numbers],
        rows: usize,
        groups: &mut Vec<u32>,
    ) -> Result<(), ArrowError> {
        self.rows.clear();
        self.rows.resize(rows * self.words, 0);
        for (numbers, place) in columns.iter().zip(&self.places) {
            numbers.put(place, self.words, &mut self.rows);
        }
        let Self { packed, len, .. } = self;
        match &mut self.index {
            Index::Slots(slots) => {
                for set in &self.rows {
                    groups.push(group_in(slots, *set, packed, len)?);
                }
            }
            Index::Hashed(hashed) => {
                let mut last: Option<(&[u64], u32)> = None;
                for set in self.rows.chunks_exact(self.words) {
                    // Logs repeat themselves: a row is often in the group of the one before it.
                    let group = match last {
                        Some((same, group)) if same == set => group,
                        _ => find(hashed, set, packed, len)?,
                    };
                    last = Some((set, group));
                    groups.push(group);
                }
            }
        }
        Ok(())
    }

    /// The number that each group has in a column.
    pub(super) fn numbers(&self, column: usize) -> Vec<u32> {
        let Some(place) = self.places.get(column) else {
            return Vec::new();
        };
        let sets = self.packed.chunks_exact(self.words);
        sets.map(|set| place.number(set)).collect()
    }

    /// Sees to it that each column has bits for its greatest number, and that sets are found well in
    /// a batch of so many rows.
    pub(super) fn make_room(&mut self, greatest: &[u32], rows: usize) -> Result<(), ArrowError> {
        let mut columns = self.places.iter().zip(greatest);
        if columns.all(|(place, number)| place.holds(*number)) {
            return Ok(());
        }
        let (places, words) = self.places_for(greatest);
        let mut packed = vec![0; self.packed.len() / self.words * words];
        for (column, place) in places.iter().enumerate() {
            Numbers::Each(self.numbers(column)).put(place, words, &mut packed);
        }
        (self.places, self.words, self.packed) = (places, words, packed);
        self.find_anew(rows)
    }

    /// As many bits as the greatest numbers need; one more where a column has outgrown what it had.
    fn places_for(&self, greatest: &[u32]) -> (Vec<Place>, usize) {
        let (mut word, mut shift) = (0, 0);
        let mut places = Vec::with_capacity(greatest.len());
        for (before, number) in self.places.iter().zip(greatest) {
            let needed = u32::BITS - number.leading_zeros();
            let bits = match before.bits {
                0 => needed,
                enough if enough >= needed => enough,
                _ => (needed + 1).min(u32::BITS),
            };
            if shift + bits.max(1) > u64::BITS {
                (word, shift) = (word + 1, 0);
            }
            places.push(Place { word, shift, bits });
            shift += bits;
        }
        (places, word + 1)
    }

    /// Makes the index of the sets as they are packed now.
    fn find_anew(&mut self, rows: usize) -> Result<(), ArrowError> {
        let bits: u32 = self.places.iter().map(|place| place.bits).sum();
        let slots = 1_usize.checked_shl(bits).unwrap_or(usize::MAX);
        let slots_max = SLOTS_MAX.min(rows.saturating_mul(SLOTS_PER_ROW_MAX));
        let sets = std::mem::take(&mut self.packed);
        self.len = 0;
        let Self { packed, len, .. } = self;
        if self.words == 1 && slots <= slots_max {
            let mut slots = vec![NONE; slots];
            for set in sets {
                group_in(&mut slots, set, packed, len)?;
            }
            self.index = Index::Slots(slots);
        } else {
            let mut hashed = HashTable::with_capacity(sets.len() / self.words);
            for set in sets.chunks_exact(self.words) {
                find(&mut hashed, set, packed, len)?;
            }
            self.index = Index::Hashed(hashed);
        }
        Ok(())
    }
}

/// The group in the set's slot; a new one if there is none.
fn group_in(
    slots: &mut [u32],
    set: u64,
    packed: &mut Vec<u64>,
    len: &mut u32,
) -> Result<u32, ArrowError> {
    let slot = usize::try_from(set).ok();
    let slot = slot
        .and_then(|slot| slots.get_mut(slot))
        .ok_or_else(|| ArrowError::ComputeError(String::from("a set that has no slot")))?;
    if *slot == NONE {
        *slot = next(len)?;
        packed.push(set);
    }
    Ok(*slot)
}

/// The group of this set; a new one if there is none.
fn find(
    hashed: &mut HashTable<(u64, u32)>,
    set: &[u64],
    packed: &mut Vec<u64>,
    len: &mut u32,
) -> Result<u32, ArrowError> {
    let first = set.first().copied().unwrap_or_default();
    let hash = hash(set);
    let found = hashed.find(hash, |(word, group)| {
        *word == first && (set.len() == 1 || set_of(packed, *group, set.len()) == set)
    });
    if let Some((_, group)) = found {
        return Ok(*group);
    }
    let group = next(len)?;
    packed.extend_from_slice(set);
    let known: &[u64] = packed;
    hashed.insert_unique(hash, (first, group), |(_, group)| {
        self::hash(set_of(known, *group, set.len()))
    });
    Ok(group)
}

fn set_of(packed: &[u64], group: u32, words: usize) -> &[u64] {
    let start = usize::try_from(group)
        .ok()
        .and_then(|group| group.checked_mul(words));
    let set = start.and_then(|start| packed.get(start..start.checked_add(words)?));
    set.unwrap_or_default()
}

fn next(len: &mut u32) -> Result<u32, ArrowError> {
    let group = *len;
    *len = group
        .checked_add(1)
        .filter(|len| *len < NONE)
        .ok_or_else(|| {
            ArrowError::ComputeError(String::from("more groups than fit into memory"))
        })?;
    Ok(group)
}

/// Sets may differ in any bits, low or high, and a table looks at the lowest and the highest. A product spreads
/// bits upwards alone, so its upper half is folded onto the lower one, after each of two rounds.
fn hash(set: &[u64]) -> u64 {
    let folded = |bits: u64| bits ^ (bits >> 32);
    let mixed = set
        .iter()
        .fold(ODD, |hash, word| folded((hash ^ word).wrapping_mul(ODD)));
    folded(mixed.wrapping_mul(ODD))
}
