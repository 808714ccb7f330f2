//! Cuts a line into values, and reads numbers from them.
//!
//! In: a line whose end is trimmed, and its separator. Out: values as slices of the line.
//!
//! Must hold: no allocation and no copy; every byte of a line is looked at once, or twice where another
//! value was expected. Runs of spaces
//! are one separator (AWS's own examples have double ones); between two commas there is a value.

use crate::names::is_same;

/// What a missing value looks like in a text log.
const MISSING: &[u8] = b"-";

/// The values of one line, in order.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
    separator: u8,
    more: bool,
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

impl<'a> Tokens<'a> {
    /// The values of a line that ends in no white space.
    pub(super) fn of(line: &'a [u8], separator: u8) -> Self {
        Self {
            rest: line,
            separator,
            more: true,
        }
    }

    /// The next value; `None` behind the last one.
    #[inline]
    pub(super) fn next(&mut self) -> Option<&'a [u8]> {
        if !self.more {
            return None;
        }
        if self.separator == b' ' {
            self.pass_spaces();
        }
        let (token, rest) = if let Some(end) = find(self.rest, self.separator) {
            let (token, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, &[]));
            (token, rest.get(1..).unwrap_or_default())
        } else {
            self.more = false;
            (self.rest, &[][..])
        };
        self.rest = rest;
        Some(if self.separator == b' ' {
            token
        } else {
            token.trim_ascii()
        })
    }

    /// Takes the next value if it is this one, which is not missing, and as it is mostly written: then its end
    /// need not be looked for.
    #[inline]
    pub(super) fn next_is(&mut self, value: &[u8]) -> bool {
        let Some((next, behind)) = self.rest.split_at_checked(value.len()) else {
            return false;
        };
        if value.is_empty() || !is_same(next, value) {
            return false;
        }
        match behind.split_first() {
            Some((byte, rest)) if *byte == self.separator => self.rest = rest,
            Some(_) => return false,
            None => {
                self.rest = &[];
                self.more = false;
            }
        }
        true
    }

    /// The next value as a number; `None` behind the last one.
    #[inline]
    pub(super) fn next_integer(&mut self) -> Option<Integer> {
        let (mut value, mut digits) = self
            .rest
            .first_chunk()
            .map_or((0, 0), |word| leading_number(*word));
        if digits == 0 || digits == WORD_BYTES {
            for byte in self.rest.get(digits..).unwrap_or_default() {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    break;
                }
                value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
                digits += 1;
            }
        }
        if digits == 0 || digits > DIGITS_SAFE {
            return self.next_integer_with_care();
        }
        match self.rest.get(digits) {
            Some(byte) if *byte == self.separator => {
                self.rest = self.rest.get(digits + 1..).unwrap_or_default();
            }
            None => {
                self.rest = &[];
                self.more = false;
            }
            Some(_) => return self.next_integer_with_care(),
        }
        Some(Integer::Value(value))
    }

    /// For a missing value, a float, a double space, or no number at all.
    fn next_integer_with_care(&mut self) -> Option<Integer> {
        let token = self.next()?;
        if is_missing(token) {
            return Some(Integer::Missing);
        }
        Some(integer(token).map_or(Integer::Malformed, Integer::Value))
    }

    #[inline]
    fn pass_spaces(&mut self) {
        while let Some((b' ', rest)) = self.rest.split_first() {
            self.rest = rest;
        }
    }
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
/// processor has to guess, so both below look at eight bytes at a time.
const WORD_BYTES: usize = 8;
const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Where the separator stands.
#[inline]
fn find(haystack: &[u8], separator: u8) -> Option<usize> {
    let pattern = u64::from(separator) * ONES;
    let (words, tail) = haystack.as_chunks::<WORD_BYTES>();
    let mut before = 0;
    for word in words {
        // A byte of `differs` is zero where the separator stands; the lowest such byte is exact.
        let differs = u64::from_le_bytes(*word) ^ pattern;
        let zeros = differs.wrapping_sub(ONES) & !differs & HIGHS;
        if zeros != 0 {
            return Some(before + lowest_byte(zeros));
        }
        before += WORD_BYTES;
    }
    tail.iter()
        .position(|byte| *byte == separator)
        .map(|at| before + at)
}

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
            let mut tokens = Tokens::of(line.as_bytes(), separator);
            let mut found = Vec::new();
            while let Some(token) = tokens.next() {
                found.push(str::from_utf8(token).unwrap());
            }
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn a_value_that_is_expected_is_taken_whole_or_not_at_all() {
        for (line, separator, expected, rest) in [
            ("vpc-1 OK", b' ', "vpc-1", Some("OK")),
            ("vpc-1  OK", b' ', "vpc-1", Some("OK")),
            ("vpc-1", b' ', "vpc-1", None),
            ("vpc-1,OK", b',', "vpc-1", Some("OK")),
            ("vpc-1,", b',', "vpc-1", Some("")),
            // Taken by `next`, which knows more ways of writing it, or is another.
            (" vpc-1 OK", b' ', "vpc-1", Some("vpc-1")),
            ("vpc-1 ,OK", b',', "vpc-1", Some("vpc-1")),
            ("vpc-12 OK", b' ', "vpc-1", Some("vpc-12")),
            ("vpc-1 OK", b' ', "vpc-12", Some("vpc-1")),
            ("vpc OK", b' ', "vpc-1 OK and more", Some("vpc")),
            ("", b' ', "vpc-1", Some("")),
            (" OK", b' ', "", Some("OK")),
            (",OK", b',', "", Some("")),
        ] {
            let mut tokens = Tokens::of(line.as_bytes(), separator);
            let taken = tokens.next_is(expected.as_bytes());
            let found = tokens.next().map(|token| str::from_utf8(token).unwrap());
            assert_eq!(found, rest, "{line}, {taken}");
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
                let mut tokens = Tokens::of(line.as_bytes(), b' ');
                let read = expected.map_or(Integer::Malformed, Integer::Value);
                assert_eq!(tokens.next_integer(), Some(read), "{token}");
                assert_eq!(tokens.next(), Some(&b"next"[..]), "{token}");
                assert_eq!(tokens.next_integer(), None);
            }
        }
    }
}
