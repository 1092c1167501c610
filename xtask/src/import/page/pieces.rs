//! A page as a row of pieces: headings, paragraphs, rows of tables.
//!
//! Owns what HTML means here. Knows of no operation and of no parameter.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

/// A piece and the byte of the page at which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) at: usize,
    pub(super) content: Content,
}

/// What a piece is. Texts have their entities resolved and single spaces; lines stay lines.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// The heading of a chapter.
    Chapter(String),
    /// The heading of an operation.
    Operation(String),
    /// A paragraph outside of tables.
    Paragraph(String),
    /// The headings of a table.
    Heads(Vec<String>),
    /// A row of a table.
    Row(Vec<String>),
}

/// Takes a page apart.
pub(super) fn of(page: &str) -> Vec<Piece> {
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    // Scripts are skipped as HTML wants it.
    emitter.naively_switch_states(true);
    let mut cutter = Cutter::default();
    for Ok(token) in Tokenizer::new_with_emitter(page, emitter) {
        match token {
            Token::StartTag(tag) => cutter.open(&tag),
            Token::EndTag(tag) => cutter.close(&tag.name),
            Token::String(text) => {
                if let Some(open) = &mut cutter.text {
                    let text = String::from_utf8_lossy(&text.value);
                    open.text.push_str(&text.replace(['\n', '\r'], " "));
                }
            }
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    cutter.end_row();
    cutter.end_text();
    cutter.pieces
}

#[derive(Default)]
struct Cutter {
    pieces: Vec<Piece>,
    /// Elements `div` that are open.
    depth: usize,
    text: Option<Text>,
    row: Option<Row>,
    /// Whether rows are headings of a table.
    heads: bool,
}

struct Text {
    at: usize,
    kind: Kind,
    text: String,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Chapter,
    Operation,
    /// A heading that is neither.
    Other,
    Paragraph,
    /// A cell, ended by the `div` at this depth.
    Cell(usize),
}

struct Row {
    at: usize,
    depth: usize,
    heads: bool,
    cells: Vec<String>,
}

impl Cutter {
    fn open(&mut self, tag: &StartTag<usize>) {
        let at = tag.span.start;
        let class = tag.attributes.get(b"class".as_slice());
        let class = class.map_or(String::new(), |class| {
            String::from_utf8_lossy(&class.value).into_owned()
        });
        let has = |name: &str| class.split_whitespace().any(|class| class == name);
        let in_cell = matches!(
            &self.text,
            Some(Text {
                kind: Kind::Cell(_),
                ..
            })
        );
        match tag.name.as_slice() {
            b"br" | b"li" | b"p" if in_cell => self.new_line(),
            b"br" | b"li" => self.new_line(),
            b"p" => self.begin(at, Kind::Paragraph),
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => {
                self.end_row();
                let kind = match tag.name.as_slice() {
                    _ if has("mod-title") => Kind::Operation,
                    b"h1" => Kind::Chapter,
                    _ => Kind::Other,
                };
                self.begin(at, kind);
            }
            b"div" => {
                self.depth += 1;
                if has("divTableHeading") {
                    self.heads = true;
                } else if has("divTableBody") {
                    self.end_row();
                    self.heads = false;
                } else if has("divTableRow") {
                    self.begin_row(at, self.heads);
                } else if has("divTableCell") {
                    self.begin_cell(at);
                }
            }
            b"tr" => self.begin_row(at, false),
            b"th" | b"td" => {
                self.begin_cell(at);
                if let Some(row) = &mut self.row {
                    row.heads |= tag.name.as_slice() == b"th";
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &[u8]) {
        match name {
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => self.end_text(),
            b"p" => match &self.text {
                Some(Text {
                    kind: Kind::Cell(_),
                    ..
                }) => self.new_line(),
                _ => self.end_text(),
            },
            b"div" => {
                if matches!(&self.text, Some(Text { kind: Kind::Cell(depth), .. }) if *depth == self.depth)
                {
                    self.end_text();
                }
                if self.row.as_ref().is_some_and(|row| row.depth == self.depth) {
                    self.end_row();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b"td" | b"th" => self.end_text(),
            b"tr" | b"table" => self.end_row(),
            _ => {}
        }
    }

    fn new_line(&mut self) {
        if let Some(open) = &mut self.text {
            open.text.push('\n');
        }
    }

    fn begin(&mut self, at: usize, kind: Kind) {
        self.end_text();
        self.text = Some(Text {
            at,
            kind,
            text: String::new(),
        });
    }

    fn begin_row(&mut self, at: usize, heads: bool) {
        self.end_row();
        self.row = Some(Row {
            at,
            depth: self.depth,
            heads,
            cells: Vec::new(),
        });
    }

    fn begin_cell(&mut self, at: usize) {
        if self.row.is_none() {
            self.begin_row(at, self.heads);
        }
        self.begin(at, Kind::Cell(self.depth));
    }

    fn end_text(&mut self) {
        let Some(Text { at, kind, text }) = self.text.take() else {
            return;
        };
        let text = single_spaces(&text);
        let content = match kind {
            Kind::Cell(_) => {
                if let Some(row) = &mut self.row {
                    row.cells.push(text);
                }
                return;
            }
            _ if text.is_empty() => return,
            Kind::Chapter => Content::Chapter(text),
            Kind::Operation => Content::Operation(text),
            Kind::Paragraph => Content::Paragraph(text),
            Kind::Other => return,
        };
        self.pieces.push(Piece { at, content });
    }

    fn end_row(&mut self) {
        if matches!(
            &self.text,
            Some(Text {
                kind: Kind::Cell(_),
                ..
            })
        ) {
            self.end_text();
        }
        let Some(row) = self.row.take() else {
            return;
        };
        if row.cells.iter().any(|cell| !cell.is_empty()) {
            let content = if row.heads {
                Content::Heads(row.cells)
            } else {
                Content::Row(row.cells)
            };
            self.pieces.push(Piece {
                at: row.at,
                content,
            });
        }
    }
}

/// One space between words, no empty lines.
///
/// Only `br`, `li` and `p` break lines; a line break of the source is a space.
fn single_spaces(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ")
    });
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}
