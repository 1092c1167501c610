//! Repairs of messages whose sender means something unmistakable.
//!
//! Owns which values of a handshake can be read, and what is read in place of the others: PHP writes an empty object as
//! `[]`, and clients declare capabilities in forms of their own. A repair is a few bytes of the text, found in the pass that
//! checks it, so that the message is still parsed once; a message without a flaw is not copied. Never reads or changes
//! what decides about a call: the arguments and the name of a tool.

use std::ops::Range;

use super::outline::{each_member, skipped};
use crate::json::{Flaw, Kind, Scanner};

/// Most bytes that repairs add to a message. One that needs more is left as it came.
pub(in crate::transport) const LONGEST_REPAIR: usize = 1024;

/// What can be read in some place.
#[derive(Debug)]
pub(super) enum Shape {
    Text,
    Flag,
    /// One of these strings, as JSON.
    Word(&'static [&'static str]),
    /// An object with these members, and any others.
    Fields(&'static [Field]),
    /// An object whose values all have one shape.
    Each(&'static Shape),
    List(&'static Shape),
}

#[derive(Debug)]
pub(super) struct Field {
    name: &'static str,
    shape: &'static Shape,
    required: bool,
}

const fn required(name: &'static str, shape: &'static Shape) -> Field {
    Field {
        name,
        shape,
        required: true,
    }
}

const fn optional(name: &'static str, shape: &'static Shape) -> Field {
    Field {
        name,
        shape,
        required: false,
    }
}

/// Any object.
pub(super) static OBJECT: Shape = Shape::Fields(&[]);

static OBJECTS: Shape = Shape::Each(&OBJECT);

/// What a client declares that it can do.
pub(super) static CAPABILITIES: Shape = Shape::Fields(&[
    optional("experimental", &OBJECTS),
    optional("extensions", &OBJECTS),
    optional(
        "roots",
        &Shape::Fields(&[optional("listChanged", &Shape::Flag)]),
    ),
    optional(
        "sampling",
        &Shape::Fields(&[optional("tools", &OBJECT), optional("context", &OBJECT)]),
    ),
    optional(
        "elicitation",
        &Shape::Fields(&[
            optional(
                "form",
                &Shape::Fields(&[optional("schemaValidation", &Shape::Flag)]),
            ),
            optional("url", &OBJECT),
        ]),
    ),
]);

/// What a client says of itself. `sizes` was a string in a draft of the protocol.
pub(super) static CLIENT_INFO: Shape = Shape::Fields(&[
    required("name", &Shape::Text),
    required("version", &Shape::Text),
    optional("title", &Shape::Text),
    optional("description", &Shape::Text),
    optional("websiteUrl", &Shape::Text),
    optional(
        "icons",
        &Shape::List(&Shape::Fields(&[
            required("src", &Shape::Text),
            optional("mimeType", &Shape::Text),
            optional("sizes", &Shape::List(&Shape::Text)),
            optional("theme", &Shape::Word(&["\"light\"", "\"dark\""])),
        ])),
    ),
]);

/// What is read in place of parts of a text.
#[derive(Debug, Default)]
pub(super) struct Repairs(Vec<(Range<usize>, &'static str)>);

impl Repairs {
    /// Has this read in place of a part of the text.
    pub(super) fn replace(&mut self, part: Range<usize>, by: &'static str) {
        self.0.push((part, by));
    }

    /// Steps over the value that begins here, `depth` containers below the outermost, which should be of a shape. Whatever
    /// is not required and cannot be read is taken as not there.
    ///
    /// # Returns
    ///
    /// Whether it is of that shape, with the repairs.
    pub(super) fn fit(
        &mut self,
        scanner: &mut Scanner<'_>,
        shape: &Shape,
        depth: u32,
    ) -> Result<bool, Flaw> {
        let start = scanner.position();
        match (shape, scanner.kind()?) {
            (Shape::Fields(fields), Kind::Object) if !fields.is_empty() => {
                return self.fit_fields(scanner, fields, depth);
            }
            (Shape::Each(entry), Kind::Object) => {
                let mut fits = true;
                each_member(scanner, |scanner, _| {
                    fits &= self.fit(scanner, entry, depth + 1)?;
                    Ok(())
                })?;
                return Ok(fits);
            }
            (Shape::List(entry), Kind::Array) => {
                let mut fits = true;
                let mut more = scanner.open(b']')?;
                while more {
                    fits &= self.fit(scanner, entry, depth + 1)?;
                    more = scanner.next(b']')?;
                }
                return Ok(fits);
            }
            _ => {}
        }
        let kind = scanner.kind()?;
        let value = skipped(scanner, depth)?;
        Ok(match (shape, kind) {
            (Shape::Text, Kind::String) | (Shape::Fields(_), Kind::Object) => true,
            (Shape::Flag, Kind::Word) => value != "null",
            (Shape::Word(words), Kind::String) => words.contains(&value),
            (Shape::Fields(_) | Shape::Each(_), Kind::Array) if is_empty(value) => {
                self.replace(start..scanner.position(), "{}");
                !matches!(shape, Shape::Fields(fields) if fields.iter().any(|field| field.required))
            }
            _ => false,
        })
    }

    /// The same for a place where an empty object says that there is nothing.
    pub(super) fn fit_or_empty(
        &mut self,
        scanner: &mut Scanner<'_>,
        shape: &Shape,
        depth: u32,
    ) -> Result<(), Flaw> {
        let (start, before) = (scanner.position(), self.0.len());
        if !self.fit(scanner, shape, depth)? {
            self.0.truncate(before);
            self.replace(start..scanner.position(), "{}");
        }
        Ok(())
    }

    fn fit_fields(
        &mut self,
        scanner: &mut Scanner<'_>,
        fields: &[Field],
        depth: u32,
    ) -> Result<bool, Flaw> {
        let mut found = vec![false; fields.len()];
        let mut fits = true;
        each_member(scanner, |scanner, name| {
            let Some(index) = fields.iter().position(|field| field.name == name) else {
                return scanner.skip(depth + 1);
            };
            // Readers would disagree about a member that is there twice, and rmcp reads none of it.
            fits &= !std::mem::replace(&mut found[index], true);
            let field = &fields[index];
            let (start, before) = (scanner.position(), self.0.len());
            let value_fits = self.fit(scanner, field.shape, depth + 1)?;
            let value = start..scanner.position();
            if field.required {
                fits &= value_fits;
            } else if !value_fits && scanner.plain(value.clone()) != "null" {
                self.0.truncate(before);
                self.replace(value, "null");
            }
            Ok(())
        })?;
        let missing = |(field, found): (&Field, &bool)| field.required && !found;
        Ok(fits && !fields.iter().zip(&found).any(missing))
    }

    /// The text with the repairs; `None` if there are none, or more than a sender could mean.
    pub(super) fn apply(&self, text: &str) -> Option<String> {
        let added = |(part, by): &(Range<usize>, &str)| by.len().saturating_sub(part.len());
        if self.0.is_empty() || self.0.iter().map(added).sum::<usize>() > LONGEST_REPAIR {
            return None;
        }
        let mut repairs: Vec<_> = self.0.iter().collect();
        repairs.sort_by_key(|(part, _)| part.start);
        let mut repaired = String::with_capacity(text.len() + LONGEST_REPAIR);
        let mut at = 0;
        for (part, by) in repairs {
            repaired.push_str(text.get(at..part.start)?);
            repaired.push_str(by);
            at = part.end;
        }
        repaired.push_str(text.get(at..)?);
        Some(repaired)
    }
}

/// Whether an array has no entry.
pub(super) fn is_empty(array: &str) -> bool {
    let inside = array
        .strip_prefix('[')
        .and_then(|array| array.strip_suffix(']'));
    inside.is_some_and(|inside| inside.trim_ascii().is_empty())
}
