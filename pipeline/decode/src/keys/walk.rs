//! Walks a TOML document against a table of keys, one row a key.
//!
//! In: the text, and rows that name each key, its type and where its value goes. Out: the values
//! in place, where each was written, and every mistake: syntax, unknown key, wrong type, missing.
//!
//! Must hold: the walk never stops at the first mistake. A key without a row is refused.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use crate::finding::Findings;
use crate::keys::key::{Key, Kind, is_below, known_at};
use crate::keys::nearest::nearest;
use crate::keys::place::{Place, Placed, finding};
use crate::keys::quantity;

/// A table that the walk leaves to the row's function.
#[derive(Debug)]
pub struct Entry<'e> {
    /// Its name as people write it, such as `test.rows`.
    pub path: String,
    pub line: u32,
    pub table: &'e DeTable<'e>,
}

/// The walk over one file, and the mistakes found on the way.
#[derive(Debug)]
pub struct Walk<'w> {
    file: &'w Path,
    first_line: u32,
    newlines: Vec<usize>,
    findings: Findings,
}

impl<'w> Walk<'w> {
    /// A walk over `text`, which begins at this line of the file.
    pub fn new(file: &'w Path, first_line: u32, text: &str) -> Self {
        let newlines = text.match_indices('\n').map(|(offset, _)| offset).collect();
        Self {
            file,
            first_line,
            newlines,
            findings: Findings::default(),
        }
    }

    /// Walks the whole document. Returns whether it is TOML at all.
    pub fn document<T: Placed>(&mut self, keys: &[Key<T>], text: &str, into: &mut T) -> bool {
        let (document, errors) = DeTable::parse_recoverable(text);
        // After one slip the parser may report its consequences: the first is the one to mend.
        if let Some(error) = errors.first() {
            let line = error.span().map(|span| self.line(&span));
            let what = format!("not TOML: {}", error.message());
            self.report(
                line.map(Place::Line),
                &what,
                "correct the syntax; the rest is read after that",
            );
            return false;
        }
        let entry = Entry {
            path: String::new(),
            line: self.first_line,
            table: document.get_ref(),
        };
        self.table(keys, &entry, into);
        true
    }

    /// Walks one table against its rows.
    pub fn table<T: Placed>(&mut self, keys: &[Key<T>], entry: &Entry<'_>, into: &mut T) {
        into.places().begin(Place::Line(entry.line));
        self.level(keys, entry, "", into);
    }

    /// Applies the text of an environment variable to the row of this name.
    pub fn variable<T: Placed>(
        &mut self,
        keys: &[Key<T>],
        name: &str,
        variable: &'static str,
        text: &str,
        into: &mut T,
    ) {
        let Some(key) = keys.iter().find(|key| key.name == name) else {
            return;
        };
        let value = match key.kind {
            Kind::Texts(_) => DeValue::Array(
                text.split(',')
                    .map(|item| Spanned::new(0..0, DeValue::String(item.trim().into())))
                    .collect(),
            ),
            _ => DeValue::String(text.into()),
        };
        let place = Place::Variable(variable);
        self.assign(key, name, &Spanned::new(0..0, value), place, into);
    }

    /// Adds a mistake. A variable's name goes before what is wrong with it.
    pub fn report(&mut self, place: Option<Place>, what: &str, fix: &str) {
        self.findings.push(finding(self.file, place, what, fix));
    }

    /// The line on which this span begins.
    pub fn line(&self, span: &Range<usize>) -> u32 {
        let before = self
            .newlines
            .partition_point(|newline| *newline < span.start);
        self.first_line
            .saturating_add(u32::try_from(before).unwrap_or(u32::MAX))
    }

    /// What was found.
    pub fn into_findings(self) -> Findings {
        self.findings
    }

    /// One level of dotted keys: `level` is the part of the rows' names that is above it.
    fn level<T: Placed>(&mut self, keys: &[Key<T>], entry: &Entry<'_>, level: &str, into: &mut T) {
        for (name, value) in entry.table {
            let place = Place::Line(self.line(&name.span()));
            let row = join(level, name.get_ref());
            let path = join(&entry.path, name.get_ref());
            if let Some(key) = keys.iter().find(|key| key.name == row) {
                self.assign(key, &path, value, place, into);
            } else if keys.iter().any(|key| is_below(key.name, &row)) {
                into.places().record(&row, place);
                match value.get_ref() {
                    DeValue::Table(table) => {
                        let below = Entry {
                            path,
                            line: self.line(&name.span()),
                            table,
                        };
                        self.level(keys, &below, &row, into);
                    }
                    other => self.wrong_type(
                        place,
                        &path,
                        other,
                        "a table",
                        &format!("write it as [{path}]"),
                    ),
                }
            } else {
                self.unknown(keys, place, entry, level, name.get_ref());
            }
        }
        for key in keys
            .iter()
            .filter(|key| key.required && key.parent() == level)
        {
            let last = key.name.rsplit('.').next().unwrap_or(key.name);
            if !entry.table.iter().any(|(name, _)| name.get_ref() == last) {
                let what = format!("`{}` is missing", join(&entry.path, last));
                let fix = format!("add it: it is {}", key.kind.describe().0);
                self.report(Some(Place::Line(entry.line)), &what, &fix);
            }
        }
    }

    /// Gives one value to its row, if it is of the row's type.
    fn assign<T: Placed>(
        &mut self,
        key: &Key<T>,
        path: &str,
        value: &Spanned<DeValue<'_>>,
        place: Place,
        into: &mut T,
    ) {
        into.places().record(key.name, place);
        match (&key.kind, value.get_ref()) {
            (Kind::Text(set), DeValue::String(text)) => {
                if self.not_blank(place, &format!("`{path}`"), text) {
                    set(into, text.to_string());
                }
            }
            (Kind::Texts(set), DeValue::Array(items)) => {
                let texts = self.texts(key.name, path, items, place, into);
                set(into, texts);
            }
            (Kind::Word(words, set), DeValue::String(text)) => {
                if words.contains(&text.as_ref()) {
                    set(into, text);
                } else {
                    self.wrong_word(place, path, text, words);
                }
            }
            (Kind::Boolean(set), DeValue::Boolean(boolean)) => set(into, *boolean),
            (Kind::Count(set) | Kind::Bytes(set), DeValue::Integer(number)) => {
                if let Some(count) = self.count(place, path, number) {
                    set(into, count);
                }
            }
            (Kind::Bytes(set), DeValue::String(text)) => {
                if let Some(bytes) = self.quantity(place, path, quantity::bytes(text)) {
                    set(into, bytes);
                }
            }
            (Kind::Seconds(set), DeValue::String(text)) => {
                if let Some(seconds) = self.quantity(place, path, quantity::seconds(text)) {
                    set(into, seconds);
                }
            }
            (Kind::Instant(set), DeValue::Datetime(time)) => match quantity::epoch_millis(time) {
                Some(millis) => set(into, millis),
                None => self.report(
                    Some(place),
                    &format!("`{path}` has no offset"),
                    "write the time in UTC, such as 2024-05-01T12:00:00Z",
                ),
            },
            (Kind::Tables(each), DeValue::Table(_)) => self.entry(*each, path, value, into),
            (Kind::Tables(each), DeValue::Array(items)) => {
                for item in items {
                    self.entry(*each, path, item, into);
                }
            }
            (kind, other) => {
                let (due, fix) = kind.describe();
                self.wrong_type(place, path, other, due, fix);
            }
        }
    }

    /// Hands one table to the function of its row.
    fn entry<T>(
        &mut self,
        each: fn(&mut Walk<'_>, &mut T, &Entry<'_>),
        path: &str,
        value: &Spanned<DeValue<'_>>,
        into: &mut T,
    ) {
        let line = self.line(&value.span());
        match value.get_ref() {
            DeValue::Table(table) => {
                each(
                    self,
                    into,
                    &Entry {
                        path: path.to_owned(),
                        line,
                        table,
                    },
                );
            }
            other => {
                let fix = "write every item as a table";
                self.wrong_type(Place::Line(line), path, other, "a table", fix);
            }
        }
    }

    fn texts<T: Placed>(
        &mut self,
        name: &str,
        path: &str,
        items: &[Spanned<DeValue<'_>>],
        place: Place,
        into: &mut T,
    ) -> Vec<String> {
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            let place = match place {
                Place::Line(_) => Place::Line(self.line(&item.span())),
                variable @ Place::Variable(_) => variable,
            };
            let item_name = format!("an item of `{path}`");
            match item.get_ref() {
                DeValue::String(text) => {
                    if self.not_blank(place, &item_name, text) {
                        into.places()
                            .record(&format!("{name}[{}]", texts.len()), place);
                        texts.push(text.to_string());
                    }
                }
                other => {
                    let what = format!("{item_name} is {}", article(other));
                    self.report(Some(place), &what, "write every item in double quotes");
                }
            }
        }
        texts
    }

    fn not_blank(&mut self, place: Place, name: &str, text: &str) -> bool {
        let blank = text.trim().is_empty();
        if blank {
            self.report(
                Some(place),
                &format!("{name} is blank"),
                "write it, or leave it out",
            );
        }
        !blank
    }

    fn count(&mut self, place: Place, path: &str, number: &DeInteger<'_>) -> Option<u64> {
        let count = u64::from_str_radix(number.as_str(), number.radix()).ok();
        if count.is_none() {
            let fix = "write a whole number that is not negative";
            self.report(Some(place), &format!("`{path}` is {number}"), fix);
        }
        count
    }

    fn quantity(
        &mut self,
        place: Place,
        path: &str,
        read: Result<u64, quantity::NotAQuantity>,
    ) -> Option<u64> {
        read.map_err(|error| {
            self.report(
                Some(place),
                &format!("`{path}` is {}", error.what),
                error.fix,
            );
        })
        .ok()
    }

    fn wrong_type(&mut self, place: Place, path: &str, value: &DeValue<'_>, due: &str, fix: &str) {
        let what = format!("`{path}` is {}, and {due} is due", article(value));
        self.report(Some(place), &what, fix);
    }

    fn wrong_word(&mut self, place: Place, path: &str, word: &str, words: &[&str]) {
        let fix = match nearest(word, words.iter().copied()) {
            Some(near) => format!("write \"{near}\""),
            None => format!("write one of {}", list(words, '"')),
        };
        self.report(Some(place), &format!("`{path}` is \"{word}\""), &fix);
    }

    fn unknown<T>(
        &mut self,
        keys: &[Key<T>],
        place: Place,
        entry: &Entry<'_>,
        level: &str,
        name: &str,
    ) {
        let here: Vec<&str> = known_at(keys, level);
        let fix = match nearest(name, here.iter().copied()) {
            Some(near) => format!("write `{}`", join(&entry.path, near)),
            None => format!("remove it; the keys here are {}", list(&here, '`')),
        };
        self.report(
            Some(place),
            &format!("unknown key `{}`", join(&entry.path, name)),
            &fix,
        );
    }
}

/// `items` in the quotes that are given, with commas.
pub fn list(items: &[&str], quote: char) -> String {
    let quoted: Vec<String> = items
        .iter()
        .map(|item| format!("{quote}{item}{quote}"))
        .collect();
    quoted.join(", ")
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn article(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
