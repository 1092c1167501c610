//! The shape of a sample answer, also of one that is not quite JSON.
//!
//! Owns a reader that never fails: people wrote the samples, with forgotten quotes, commas and brackets,
//! and with `...` where they grew tired. Its result is which fields there are and of which type.

use std::collections::{BTreeMap, BTreeSet};

/// Nesting that no sample has; what lies deeper is left out.
const DEEPEST: usize = 64;

/// What a sample shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    /// Types by the way from the root; several types of one field are joined with `|`.
    pub(super) fields: BTreeMap<String, String>,
    /// The first place at which it is not JSON, as `line:column` of the sample, and what is wrong there.
    pub(super) defect: Option<String>,
}

/// Reads a sample.
pub(super) fn read(text: &str) -> Sample {
    let strict: Result<serde::de::IgnoredAny, _> = serde_json::from_str(text);
    let mut reader = Reader {
        text: text.chars().collect(),
        at: 0,
        found: BTreeMap::new(),
    };
    reader.value(&mut Vec::new());
    let fields = reader.found.into_iter().map(|(way, types)| {
        let types: Vec<&str> = types.into_iter().collect();
        (way, types.join("|"))
    });
    Sample {
        fields: fields.collect(),
        defect: strict.err().map(|error| error.to_string()),
    }
}

struct Reader {
    text: Vec<char>,
    at: usize,
    found: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Reader {
    fn peek(&mut self) -> Option<char> {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn takes(&mut self, wanted: char) -> bool {
        let taken = self.peek() == Some(wanted);
        self.at += usize::from(taken);
        taken
    }

    fn note(&mut self, way: &[String], kind: &'static str) {
        self.found.entry(way.concat()).or_default().insert(kind);
    }

    fn value(&mut self, way: &mut Vec<String>) {
        match self.peek() {
            Some('{') => {
                self.note(way, "object");
                self.object(way);
            }
            Some('[') => {
                self.note(way, "array");
                self.array(way);
            }
            Some('"') => {
                self.string();
                self.note(way, "string");
            }
            Some(_) => {
                let word = self.word();
                let kind = match word.as_str() {
                    "true" | "false" => "boolean",
                    "null" => "null",
                    number if number.parse::<i64>().is_ok() => "integer",
                    number if number.parse::<f64>().is_ok() => "number",
                    _ => return,
                };
                self.note(way, kind);
            }
            None => {}
        }
    }

    fn object(&mut self, way: &mut Vec<String>) {
        self.at += 1;
        while let Some(next) = self.peek() {
            match next {
                '}' => {
                    self.at += 1;
                    return;
                }
                // The bracket of a list around this object, whose own is forgotten.
                ']' => return,
                '{' | '[' if way.len() < DEEPEST => self.value(way),
                ',' | ':' | '{' | '[' => self.at += 1,
                _ => {
                    let key = if next == '"' {
                        self.string()
                    } else {
                        self.word()
                    };
                    if self.takes(':') && !key.is_empty() && way.len() < DEEPEST {
                        let dot = if way.is_empty() { "" } else { "." };
                        way.push(format!("{dot}{}", generic(&key)));
                        self.value(way);
                        way.pop();
                    }
                }
            }
        }
    }

    fn array(&mut self, way: &mut Vec<String>) {
        self.at += 1;
        way.push("[]".into());
        while let Some(next) = self.peek() {
            match next {
                ']' => {
                    self.at += 1;
                    break;
                }
                // The bracket of an object around this list, whose own is forgotten.
                '}' => break,
                '{' | '[' if way.len() >= DEEPEST => self.at += 1,
                ',' | ':' => self.at += 1,
                _ => self.value(way),
            }
        }
        way.pop();
    }

    /// The string that begins here, without white space around it: the page puts some before each quote.
    fn string(&mut self) -> String {
        self.at += 1;
        // A doubled quote before a name is one.
        let next = |ahead: usize| self.text.get(self.at + ahead);
        if next(0) == Some(&'"') && next(1).is_some_and(|c| c.is_alphanumeric()) {
            self.at += 1;
        }
        let mut string = String::new();
        while let Some(c) = self.text.get(self.at).copied() {
            self.at += 1;
            match c {
                '"' => break,
                '\\' => self.at += 1,
                c => string.push(c),
            }
        }
        string.trim().to_owned()
    }

    /// What is neither string nor bracket, up to the next sign that ends it.
    fn word(&mut self) -> String {
        let from = self.at;
        while let Some(c) = self.text.get(self.at)
            && !matches!(c, ',' | ':' | '{' | '}' | '[' | ']' | '"')
        {
            self.at += 1;
        }
        // Whatever stands here, reading goes on.
        self.at = self.at.max(from + 1);
        let word: String = self.text[from..self.at].iter().collect();
        word.trim().to_owned()
    }
}

/// A key as a field: identifiers of objects (`1804`, `192.0.2.0.1`) are not names, so `*` stands for all.
fn generic(key: &str) -> &str {
    if key.chars().all(|c| c.is_ascii_digit() || c == '.') {
        "*"
    } else {
        key
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    fn fields(text: &str) -> Vec<String> {
        let sample = read(text);
        let fields = sample.fields.iter();
        fields.map(|(way, kind)| format!("{way}: {kind}")).collect()
    }

    #[test]
    fn a_sample_shows_its_fields_and_types() {
        let text = r#"[{"name ": "a ", "up": true, "n": 1, "x": null}, {"n": "1", "list": [1.5]}]"#;
        assert_eq!(
            fields(text),
            [
                ": array",
                "[]: object",
                "[].list: array",
                "[].list[]: number",
                "[].n: integer|string",
                "[].name: string",
                "[].up: boolean",
                "[].x: null",
            ]
        );
        assert_eq!(read(text).defect, None);
    }

    #[test]
    fn objects_by_identifier_have_one_shape() {
        let text = r#"{"1804": {"a": 1}, "192.0.2.0.1": {"a": 2}}"#;
        assert_eq!(fields(text), [": object", "*: object", "*.a: integer"]);
    }

    /// Each defect of the samples on the vendor's page, in samples of ours.
    #[test]
    fn a_broken_sample_shows_what_it_has() {
        for (defect, text, expected) in [
            ("a comma is missing", r#"{"a": 1 "b": 2}"#, "a b"),
            (
                "a quote is doubled",
                r#"{"a": 1, ""b": 2, "c": 3}"#,
                "a b c",
            ),
            (
                "a key has no quotes",
                r#"{"a": 1, b: "x", "c": 3}"#,
                "a b c",
            ),
            ("dots at the end", r#"{"a": 1, "b": 2, ...}"#, "a b"),
            ("a remark", r#"{"a": [1, //and so on]} "#, "a a[]"),
            ("a brace is missing", r#"{"a": [{"b": 1}]"#, "a a[] a[].b"),
            (
                "a bracket is missing",
                r#"{"a": [{"b": 1}, "c": 2}"#,
                "a a[] a[].b",
            ),
            ("two answers", r#"{"a": 1} or {"b": 2}"#, "a"),
            ("a sentence in braces", r#"{"All is well."}"#, ""),
        ] {
            let sample = read(text);
            assert!(sample.defect.is_some(), "{defect}");
            let found: Vec<&str> = sample.fields.keys().map(String::as_str).collect();
            assert_eq!(found.join(" ").trim(), expected, "{defect}");
        }
    }

    #[test]
    fn no_text_stops_the_reader() {
        for text in [
            "",
            "]",
            "}",
            "[[[[",
            "{{{{",
            "\"",
            "{\"a\":",
            "\\",
            ":,:,",
            "{\"a\" \"b\"}",
        ] {
            read(text);
        }
        read(&"[".repeat(5_000));
        read(&"{\"a\":".repeat(5_000));
    }
}
