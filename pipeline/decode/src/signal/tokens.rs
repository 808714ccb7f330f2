//! Cuts a query into words and signs: enough to find forbidden words outside strings and comments.
//!
//! In: SQL. Out: tokens with their lines, or where a string or comment has no end.
//! Not here: what the words mean (`engine` plans the query).

use std::iter::Peekable;
use std::str::CharIndices;

/// A word or a sign, and its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'s> {
    pub(crate) kind: TokenKind<'s>,
    pub(crate) line: u32,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind<'s> {
    /// A keyword, a name or a number.
    Word(&'s str),
    /// A string in single quotes, or a name in double quotes.
    Quoted,
    /// Any other character.
    Sign(char),
}

/// Something was opened and not closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unclosed {
    pub(crate) what: &'static str,
    pub(crate) line: u32,
}

/// Cuts a query that begins on this line.
pub(crate) fn tokens(sql: &str, first_line: u32) -> Result<Vec<Token<'_>>, Unclosed> {
    let mut cutter = Cutter {
        sql,
        letters: sql.char_indices().peekable(),
        line: first_line,
    };
    let mut tokens = Vec::new();
    while let Some((start, letter)) = cutter.next() {
        let line = cutter.line;
        let kind = match letter {
            letter if letter.is_whitespace() => continue,
            '-' if cutter.follows('-') => {
                cutter.skip_line();
                continue;
            }
            '/' if cutter.follows('*') => {
                cutter.skip_comment(line)?;
                continue;
            }
            '\'' => cutter.quoted(
                '\'',
                Unclosed {
                    what: "a string",
                    line,
                },
            )?,
            '"' => cutter.quoted(
                '"',
                Unclosed {
                    what: "a quoted name",
                    line,
                },
            )?,
            letter if is_of_word(letter) => cutter.word(start),
            sign => TokenKind::Sign(sign),
        };
        tokens.push(Token { kind, line });
    }
    Ok(tokens)
}

impl Token<'_> {
    /// Whether this is the keyword, in any case.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        matches!(self.kind, TokenKind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// Whether this is the sign.
    pub(crate) fn is_sign(&self, sign: char) -> bool {
        self.kind == TokenKind::Sign(sign)
    }
}

struct Cutter<'s> {
    sql: &'s str,
    letters: Peekable<CharIndices<'s>>,
    line: u32,
}

impl<'s> Cutter<'s> {
    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.letters.next();
        if let Some((_, '\n')) = next {
            self.line = self.line.saturating_add(1);
        }
        next
    }

    fn follows(&mut self, letter: char) -> bool {
        self.letters.peek().is_some_and(|(_, next)| *next == letter)
    }

    fn skip_line(&mut self) {
        while self
            .letters
            .next_if(|(_, letter)| *letter != '\n')
            .is_some()
        {}
    }

    /// Comments nest, as DataFusion and PostgreSQL read them.
    fn skip_comment(&mut self, line: u32) -> Result<(), Unclosed> {
        let mut depth = 0_usize;
        let mut before = '/';
        while let Some((_, letter)) = self.next() {
            match (before, letter) {
                ('/', '*') => depth = depth.saturating_add(1),
                ('*', '/') => depth = depth.saturating_sub(1),
                _ => {
                    before = letter;
                    continue;
                }
            }
            if depth == 0 {
                return Ok(());
            }
            // The sign is used up: `/*/` opens and does not close.
            before = ' ';
        }
        Err(Unclosed {
            what: "a comment",
            line,
        })
    }

    /// To the closing quote; a doubled one stands for itself.
    fn quoted(&mut self, quote: char, unclosed: Unclosed) -> Result<TokenKind<'s>, Unclosed> {
        while let Some((_, letter)) = self.next() {
            if letter == quote {
                if !self.follows(quote) {
                    return Ok(TokenKind::Quoted);
                }
                self.next();
            }
        }
        Err(unclosed)
    }

    fn word(&mut self, start: usize) -> TokenKind<'s> {
        while self
            .letters
            .next_if(|(_, letter)| is_of_word(*letter))
            .is_some()
        {}
        let end = self
            .letters
            .peek()
            .map_or(self.sql.len(), |(offset, _)| *offset);
        TokenKind::Word(self.sql.get(start..end).unwrap_or_default())
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sql: &str) -> String {
        match tokens(sql, 1) {
            Ok(tokens) => tokens
                .iter()
                .map(|token| match token.kind {
                    TokenKind::Word(word) => format!("{word}@{}", token.line),
                    TokenKind::Quoted => format!("quoted@{}", token.line),
                    TokenKind::Sign(sign) => format!("{sign}@{}", token.line),
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(unclosed) => format!("{} of line {}", unclosed.what, unclosed.line),
        }
    }

    #[test]
    fn strings_and_comments_hide_their_words() {
        for (sql, due) in [
            ("SELECT a\nFROM b", "SELECT@1 a@1 FROM@2 b@2"),
            ("a -- now()\n;", "a@1 ;@2"),
            ("a/* now() \n /* x */ */b", "a@1 b@2"),
            ("/*/ a */ b", "b@1"),
            ("'it''s; now()' x", "quoted@1 x@1"),
            ("\"a\"\"b\"", "quoted@1"),
            ("a-b", "a@1 -@1 b@1"),
            ("'a\nb' c", "quoted@1 c@2"),
            ("x\n'a", "a string of line 2"),
            ("/* /* */", "a comment of line 1"),
            ("\"a", "a quoted name of line 1"),
        ] {
            assert_eq!(text(sql), due, "{sql}");
        }
    }
}
