//! Thrift's compact protocol, as much of it as finds the end of a struct.
//!
//! In: bytes of a Parquet file's footer or of a page's header. Out: numbers, and where a struct ends.
//! Must hold: what is passed over takes no more steps than it has bytes.

/// Deeper than any struct that Parquet knows.
const DEPTH_MAX: u32 = 16;

/// Truth values are their types.
pub(super) const TRUE: u8 = 1;
/// The other one. In a list of types [`TRUE`] stands for both.
pub(super) const FALSE: u8 = 2;
/// A 32-bit integer.
pub(super) const INTEGER: u8 = 5;
/// A struct.
pub(super) const STRUCT: u8 = 12;

/// A reader at some place of a struct.
pub(super) struct Thrift<'a> {
    rest: &'a [u8],
    /// Whether a field may be a list.
    lists: bool,
}

impl<'a> Thrift<'a> {
    /// A struct whose fields are no lists.
    pub(super) fn without_lists(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            lists: false,
        }
    }

    /// Whether the bytes are one struct that can be passed over in as many steps as it has bytes.
    pub(super) fn is_walkable(bytes: &'a [u8]) -> bool {
        let mut thrift = Self {
            rest: bytes,
            lists: true,
        };
        thrift.skip(STRUCT).is_some()
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A signed number in zigzag. One that is wider than the format says, the library cuts.
    pub(super) fn integer(&mut self) -> Option<i32> {
        let value = u32::try_from(self.varint()?).ok()?;
        let half = i32::try_from(value >> 1).ok()?;
        Some(if value & 1 == 0 { half } else { -half - 1 })
    }

    fn over(&mut self, length: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(length).ok()?..)?;
        Some(())
    }

    /// The type of the next field, and `None` at the end of the struct; `id` moves along.
    #[expect(clippy::option_option, reason = "damage, the end, or a field")]
    pub(super) fn field(&mut self, id: &mut i16) -> Option<Option<u8>> {
        let byte = self.byte()?;
        // To the library a struct ends at a type of 0 whatever number stands with it; no writer puts
        // one there.
        let kind = byte & 0x0f;
        if kind == 0 {
            return (byte == 0).then_some(None);
        }
        *id = match byte >> 4 {
            0 => i16::try_from(self.integer()?).ok()?,
            step => id.checked_add(i16::from(step))?,
        };
        Some(Some(kind))
    }

    /// Passes over a struct whose first fields have these types.
    pub(super) fn fields(&mut self, kinds: &[u8]) -> Option<()> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            let place = usize::try_from(id).ok()?.checked_sub(1)?;
            match kinds.get(place) {
                Some(&TRUE) if matches!(kind, TRUE | FALSE) => {}
                Some(known) if *known != kind => return None,
                _ => self.skip(kind)?,
            }
        }
        Some(())
    }

    /// Passes over a field.
    pub(super) fn skip(&mut self, kind: u8) -> Option<()> {
        self.skip_within(kind, DEPTH_MAX)
    }

    fn skip_within(&mut self, kind: u8, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            TRUE | FALSE => Some(()),
            3 => self.over(1),
            4..=6 => self.varint().map(drop),
            7 => self.over(8),
            8 => {
                let length = self.varint()?;
                self.over(length)
            }
            9 | 10 if self.lists => self.skip_list(depth),
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip_within(kind, depth)?;
                }
                Some(())
            }
            // Parquet has no maps.
            _ => None,
        }
    }

    fn skip_list(&mut self, depth: u32) -> Option<()> {
        let byte = self.byte()?;
        let length = match byte >> 4 {
            15 => self.varint()?,
            short => u64::from(short),
        };
        let kind = byte & 0x0f;
        // To the library a truth value in a list takes no byte, so that a list may be as long as its
        // number; the footer has no list of them.
        if length > 0 && kind <= 2 {
            return None;
        }
        for _ in 0..length {
            self.skip_within(kind, depth)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_struct_takes_no_more_steps_than_bytes() {
        // Field 1: a list of two texts; field 2: one of a struct with a number.
        let lists = [
            0x19, 0x28, 0x01, b'a', 0x01, b'b', 0x19, 0x1c, 0x15, 0x08, 0x00, 0x00,
        ];
        assert!(Thrift::is_walkable(&lists));
        for cut in 0..lists.len() {
            assert!(!Thrift::is_walkable(&lists[..cut]), "{cut}");
        }
        let no_elements = [0x19, 0x00, 0x00];
        assert!(Thrift::is_walkable(&no_elements));
        let two_thousand_million_truths = [0x19, 0xf1, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00];
        assert!(!Thrift::is_walkable(&two_thousand_million_truths));
        let more_than_there_are = [0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00];
        assert!(!Thrift::is_walkable(&more_than_there_are));
        assert!(!Thrift::is_walkable(&[0x1b, 0x00, 0x00]), "a map");
    }

    /// The library takes any type of 0 for the end, whatever number stands with it.
    #[test]
    fn a_struct_ends_where_the_library_sees_its_end_or_nowhere() {
        for (bytes, expected) in [
            (&[0x11, 0x00][..], Some(())),
            (&[0x12, 0x00], Some(())),
            (&[0x10, 0x00], None),
            (&[0x11, 0x10, 0x00], None),
        ] {
            let mut thrift = Thrift::without_lists(bytes);
            assert_eq!(thrift.fields(&[TRUE]), expected, "{bytes:x?}");
        }
    }
}
