//! Cuts a line into values, and reads numbers from them.
//!
//! In: a line whose end is trimmed, and its separator. Out: values as slices of the line.
//!
//! Must hold: no allocation and no copy; every separator of a line is found once, in one pass. Runs of
//! spaces are one separator (AWS's own examples have double ones); between two commas there is a value.

use std::slice;

/// What a missing value looks like in a text log.
const MISSING: &[u8] = b"-";

/// Where the values of a line end. Kept from line to line for its memory.
#[derive(Debug, Default)]
pub(super) struct Ends(Vec<usize>);

/// The values of one line, in order.
#[derive(Debug)]
pub(super) struct Tokens<'a, 'e> {
    line: &'a [u8],
    ends: slice::Iter<'e, usize>,
    /// Where the next value begins.
    start: usize,
    separator: u8,
}

/// A value that is read as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Integer {
    /// The number.
    Value(i64),
    /// `-`, or nothing between two commas.
    Missing,
    /// Something else.
    Malformed,
}

impl Ends {
    /// The values of a line that ends in no white space.
    pub(super) fn tokens<'a>(&mut self, line: &'a [u8], separator: u8) -> Tokens<'a, '_> {
        self.0.clear();
        let pattern = u64::from(separator) * ONES;
        let (words, tail) = line.as_chunks::<WORD_BYTES>();
        let mut before = 0;
        for word in words {
            // A byte of `differs` is zero where a separator stands; adding 0x7F to any other sets its high
            // bit, and carries nothing into the next byte.
            let differs = u64::from_le_bytes(*word) ^ pattern;
            let mut zeros = !(((differs & !HIGHS) + !HIGHS) | differs) & HIGHS;
            while zeros != 0 {
                self.0.push(before + lowest_byte(zeros));
                zeros &= zeros - 1;
            }
            before += WORD_BYTES;
        }
        let in_tail = tail.iter().enumerate();
        let in_tail = in_tail.filter(|(_, byte)| **byte == separator);
        self.0.extend(in_tail.map(|(place, _)| before + place));
        self.0.push(line.len());
        Tokens {
            line,
            ends: self.0.iter(),
            start: 0,
            separator,
        }
    }
}

impl<'a> Tokens<'a, '_> {
    /// The next value; `None` behind the last one.
    #[inline]
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let end = *self.ends.next()?;
            let token = self.line.get(self.start..end).unwrap_or_default();
            self.start = end + 1;
            if self.separator != b' ' {
                return Some(token.trim_ascii());
            }
            if !token.is_empty() {
                return Some(token);
            }
        }
    }

    /// The next value as a number; `None` behind the last one.
    #[inline]
    pub(super) fn next_integer(&mut self) -> Option<Integer> {
        let token = self.next()?;
        let short = token.len() <= WORD_BYTES && self.separator == b' ';
        // The word may reach into the next value: there a separator ends the digits.
        let start = (self.start - 1).checked_sub(token.len());
        let word = start
            .filter(|_| short)
            .and_then(|start| self.line.get(start..)?.first_chunk());
        if let Some((value, digits)) = word.map(|word| leading_number(*word))
            && digits == token.len()
        {
            return Some(Integer::Value(value));
        }
        Some(read_integer(token))
    }
}

/// For what is longer than a word, at the line's end, missing, a float, or no number at all.
fn read_integer(token: &[u8]) -> Integer {
    if token.len() <= DIGITS_SAFE
        && let Some((word, rest)) = token.split_first_chunk()
        && let (value, WORD_BYTES) = leading_number(*word)
    {
        let number = rest.iter().try_fold(value, |value, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit <= 9).then(|| value * 10 + i64::from(digit))
        });
        if let Some(number) = number {
            return Integer::Value(number);
        }
    }
    if is_missing(token) {
        return Integer::Missing;
    }
    integer(token).map_or(Integer::Malformed, Integer::Value)
}

/// As many decimal digits always fit into an `i64`.
const DIGITS_SAFE: usize = 18;

/// Whether a value says that there is none.
#[inline]
pub(super) fn is_missing(token: &[u8]) -> bool {
    token.is_empty() || token == MISSING
}

/// A non-negative whole number, also written as a float: `443` and `443.0`.
pub(super) fn integer(token: &[u8]) -> Option<i64> {
    let point = token
        .iter()
        .position(|byte| *byte == b'.')
        .unwrap_or(token.len());
    let (whole, fraction) = token.split_at_checked(point)?;
    let fraction_is_zero = match fraction.split_first() {
        None => true,
        Some((_, zeros)) => !zeros.is_empty() && zeros.iter().all(|byte| *byte == b'0'),
    };
    if whole.is_empty() || !fraction_is_zero {
        return None;
    }
    whole.iter().try_fold(0_i64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| i64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// Values are too short for a call of `memchr`, or for a loop over their bytes whose end the
/// processor has to guess, so eight bytes are looked at at a time.
const WORD_BYTES: usize = 8;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The number that the digits at the beginning of a word make, and how many digits these are.
#[inline]
fn leading_number(word: [u8; WORD_BYTES]) -> (i64, usize) {
    // Digits become 0 to 9; adding 0x76 to anything more sets the high bit of its byte.
    let values = u64::from_le_bytes(word) ^ (u64::from(b'0') * ONES);
    let others = (((values & !HIGHS) + 0x76 * ONES) | values) & HIGHS;
    let digits = lowest_byte(others);
    // The last digit goes to the highest byte; the zeros below it are leading zeros.
    let number = match u32::try_from(digits) {
        Ok(digits @ 1..=8) => values << (64 - 8 * digits),
        _ => 0,
    };
    let pairs = number.wrapping_mul(10).wrapping_add(number >> 8);
    let left = (pairs & 0x0000_00FF_0000_00FF).wrapping_mul(0x000F_4240_0000_0064);
    let right = ((pairs >> 16) & 0x0000_00FF_0000_00FF).wrapping_mul(0x0000_2710_0000_0001);
    let number = left.wrapping_add(right) >> 32;
    (i64::try_from(number).unwrap_or_default(), digits)
}

/// Which byte of a word, from the lowest, is the first with a bit set; 8 when none is.
#[inline]
fn lowest_byte(word: u64) -> usize {
    usize::try_from(word.trailing_zeros() / 8).unwrap_or(WORD_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_run_together_and_commas_do_not() {
        for (line, separator, expected) in [
            ("a b  c", b' ', vec!["a", "b", "c"]),
            ("  a", b' ', vec!["a"]),
            (
                "eni-0123456789abcdef0 10.0.0.1 - OK",
                b' ',
                vec!["eni-0123456789abcdef0", "10.0.0.1", "-", "OK"],
            ),
            ("a, b,,c d,", b',', vec!["a", "b", "", "c d", ""]),
            ("a", b',', vec!["a"]),
        ] {
            let mut ends = Ends::default();
            let mut tokens = ends.tokens(line.as_bytes(), separator);
            let mut found = Vec::new();
            while let Some(token) = tokens.next() {
                found.push(str::from_utf8(token).unwrap());
            }
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn numbers_are_whole_and_not_negative() {
        for (token, expected) in [
            ("0", Some(0)),
            ("443", Some(443)),
            ("443.0", Some(443)),
            ("443.000", Some(443)),
            ("443.5", None),
            ("443.", None),
            (".0", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("0x1f", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("000000000000000000000000012", Some(12)),
            ("", None),
        ] {
            assert_eq!(integer(token.as_bytes()), expected, "{token}");
            if !token.is_empty() {
                let line = format!("{token} next");
                let mut ends = Ends::default();
                let mut tokens = ends.tokens(line.as_bytes(), b' ');
                let read = expected.map_or(Integer::Malformed, Integer::Value);
                assert_eq!(tokens.next_integer(), Some(read), "{token}");
                assert_eq!(tokens.next(), Some(&b"next"[..]), "{token}");
                assert_eq!(tokens.next_integer(), None);
            }
        }
    }
}
