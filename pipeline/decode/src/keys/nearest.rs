//! Finds the word that was probably meant.
//!
//! In: what was written, and the words that exist. Out: the nearest, if it is near enough.

/// The nearest word, at most one slip for every three letters away.
pub fn nearest<'w>(written: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    let slips_max = (written.chars().count() / 3).max(1);
    words
        .map(|word| (distance(written, word), word))
        .filter(|(slips, _)| *slips <= slips_max)
        .min()
        .map(|(_, word)| word)
}

/// Letters to insert, remove or replace to turn one word into the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        let mut left = index.saturating_add(1);
        next.push(left);
        for ((other, diagonal), above) in to.iter().zip(&row).zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(letter != *other);
            left = replaced.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_slips() {
        for (from, to, slips) in [
            ("", "", 0),
            ("", "abc", 3),
            ("rows_mx", "rows_max", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(from, to), slips, "{from} to {to}");
            assert_eq!(distance(to, from), slips, "{to} to {from}");
        }
    }

    #[test]
    fn what_is_far_is_not_suggested() {
        let words = ["queue_url", "buckets"];
        assert_eq!(nearest("queue_ulr", words.into_iter()), Some("queue_url"));
        assert_eq!(nearest("bucket", words.into_iter()), Some("buckets"));
        assert_eq!(nearest("concurrency", words.into_iter()), None);
    }
}
