//! The causes of an error, for people and for whoever decides by them.
//!
//! In: an error of a store or of an SDK, whose outer words leave out what was said further in. Out: its causes, the
//! outermost first; all of their words in a line, each once.

use std::error::Error;
use std::iter::successors;

/// What is behind an error, without the error itself.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(error.source(), |&cause| cause.source())
}

/// A text about an error, and behind it what its causes say and the text does not.
pub(crate) fn told(text: String, error: &(dyn Error + 'static)) -> String {
    causes(error).fold(text, |told, cause| {
        let words = cause.to_string();
        if told.contains(&words) {
            told
        } else {
            format!("{told}: {words}")
        }
    })
}
