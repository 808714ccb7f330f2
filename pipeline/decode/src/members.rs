//! Members of an object whose names are known, in the order in which they mostly come.
//!
//! In: a cursor at an object. Out: each member's own constant, or its name where that is none of these.
//! Must hold: the order is a hint, and any order is read; so are names with white space around them.
//!
//! A name is compared as a few words, quotes and colon with it, where it should stand: that costs less than
//! to look for its end and then for who it is.

use crate::escapes::unescaped;
use crate::json::{Cursor, JsonError};

/// Bytes that are compared: a name, its quotes and its colon.
const WIDTH: usize = 32;
const WORDS: usize = WIDTH / size_of::<u64>();

/// A constant for each name of an object's members, and the list of them.
macro_rules! members {
    ($(#[$doc:meta])* $visibility:vis enum $object:ident { $($member:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $visibility enum $object {
            $($member,)*
        }

        impl $object {
            $visibility const ALL: &[Known<Self>] = &[$(const { Known::new(Self::$member, $name) },)*];
        }
    };
}
pub(crate) use members;

/// A known name, and what it stands for.
#[derive(Debug)]
pub(crate) struct Known<M> {
    member: M,
    name: &'static str,
    /// As it stands in JSON without white space, and which of these bytes count.
    image: [u64; WORDS],
    mask: [u64; WORDS],
}

/// A name as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name<'a, M> {
    Known(M),
    /// Raw, between its quotes.
    Other(&'a [u8]),
}

impl<M: Copy> Known<M> {
    /// The name must fit into [`WIDTH`] with its quotes and colon; a longer one does not compile.
    #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
    pub(crate) const fn new(member: M, name: &'static str) -> Self {
        let mut known = Self {
            member,
            name,
            image: [0; WORDS],
            mask: [0; WORDS],
        };
        let bytes = name.as_bytes();
        known.set(0, b'"');
        let mut at = 0;
        while at < bytes.len() {
            known.set(at + 1, bytes[at]);
            at += 1;
        }
        known.set(at + 1, b'"');
        known.set(at + 2, b':');
        known
    }

    #[expect(
        clippy::as_conversions,
        clippy::indexing_slicing,
        reason = "evaluated when it is compiled"
    )]
    const fn set(&mut self, at: usize, byte: u8) {
        let (word, bits) = (at / size_of::<u64>(), at % size_of::<u64>() * 8);
        self.image[word] |= (byte as u64) << bits;
        self.mask[word] |= (u8::MAX as u64) << bits;
    }

    #[inline]
    fn is_at(&self, words: &[u64; WORDS]) -> bool {
        let [first, second, third, fourth] = self.image;
        let [mask, second_mask, third_mask, fourth_mask] = self.mask;
        let [word, second_word, third_word, fourth_word] = *words;
        word & mask == first
            && (second_word & second_mask ^ second)
                | (third_word & third_mask ^ third)
                | (fourth_word & fourth_mask ^ fourth)
                == 0
    }

    /// With its quotes and its colon.
    #[inline]
    fn length(&self) -> usize {
        self.name.len() + 3
    }
}

impl<'a> Cursor<'a> {
    /// Visits the members of the object at the cursor. `member` must take each value.
    #[inline]
    pub(crate) fn members<M: Copy>(
        &mut self,
        known: &[Known<M>],
        member: impl FnMut(Name<'a, M>, &mut Self) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        let mut next = 0;
        self.named(|cursor| cursor.name(known, &mut next), member)
    }

    /// Takes a name and its colon. `next` is where to look first.
    #[inline]
    fn name<M: Copy>(
        &mut self,
        known: &[Known<M>],
        next: &mut usize,
    ) -> Result<Name<'a, M>, JsonError> {
        if let Some(words) = self.words() {
            let (before, behind) = known.split_at_checked(*next).unwrap_or((known, &[]));
            for (first, known) in [(before.len(), behind), (0, before)] {
                for (place, one) in known.iter().enumerate() {
                    if one.is_at(&words) {
                        *next = first + place + 1;
                        self.advance(one.length());
                        return Ok(Name::Known(one.member));
                    }
                }
            }
        }
        let name = self.key()?;
        // A name may be written with escapes, which no program of AWS does.
        let plain = name
            .contains(&b'\\')
            .then(|| unescaped(name).ok())
            .flatten();
        let plain = plain.as_deref().map_or(name, str::as_bytes);
        let one = known.iter().find(|one| one.name.as_bytes() == plain);
        Ok(one.map_or(Name::Other(name), |one| Name::Known(one.member)))
    }

    /// The bytes at the cursor.
    #[inline]
    fn words(&self) -> Option<[u64; WORDS]> {
        let ahead = self.ahead().first_chunk::<WIDTH>()?;
        let mut words = [0; WORDS];
        let (chunks, _) = ahead.as_chunks();
        for (word, bytes) in words.iter_mut().zip(chunks) {
            *word = u64::from_le_bytes(*bytes);
        }
        Some(words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    members! {
        enum Of {
            Type = "type",
            Longest = "sessionCredentialFromConsole",
            PrincipalId = "principalId",
        }
    }

    #[test]
    fn any_order_and_any_white_space_is_read_and_near_names_are_other_names() {
        let type_ = "\"type\":1";
        for (object, expected) in [
            (String::from("{}"), Ok(vec![])),
            (format!("{{{type_}}}"), Ok(vec![Name::Known(Of::Type)])),
            (
                format!(
                    r#"{{"principalId":[2],{type_},"sessionCredentialFromConsole":{{}},{type_}}}"#
                ),
                Ok([Of::PrincipalId, Of::Type, Of::Longest, Of::Type]
                    .map(Name::Known)
                    .to_vec()),
            ),
            (
                String::from("{ \"type\" : 1 ,\n \"typ\":\"principalId\", \"type \":2 }"),
                Ok(vec![
                    Name::Known(Of::Type),
                    Name::Other(b"typ"),
                    Name::Other(b"type "),
                ]),
            ),
            (
                String::from(r#"{"principalIdentity":1,"sessionCredentialFromConsole2":2,"":3}"#),
                Ok(vec![
                    Name::Other(b"principalIdentity"),
                    Name::Other(b"sessionCredentialFromConsole2"),
                    Name::Other(b""),
                ]),
            ),
            (format!("{{{type_} {type_}}}"), Err(JsonError::Syntax)),
            (format!("{{{type_},"), Err(JsonError::Incomplete)),
            (String::from("{\"type\""), Err(JsonError::Incomplete)),
            (String::from("[]"), Err(JsonError::Syntax)),
        ] {
            // With and without bytes behind it, which decide how names are compared.
            for behind in ["", &" ".repeat(WIDTH)] {
                let text = format!("{object}{behind}");
                let mut found = Vec::new();
                let visited = Cursor::new(text.as_bytes()).members(Of::ALL, |name, value| {
                    found.push(name);
                    value.skip_value().map(drop)
                });
                let expected = expected.as_ref().map(Vec::as_slice);
                assert_eq!(
                    visited.as_ref().map(|()| found.as_slice()),
                    expected,
                    "{text}"
                );
            }
        }
    }
}
