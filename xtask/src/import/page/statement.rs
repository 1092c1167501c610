//! What the description of a parameter states in a form that can be relied on.
//!
//! Owns the patterns of lists, ranges and defaults. Anything else in a description is prose and stays behind:
//! a fact that none of these patterns finds is no fact.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::facts::Parameter;

macro_rules! pattern {
    ($name:ident, $pattern:literal) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("the pattern is a regular expression"));
    };
}

pattern!(
    CLOSED,
    r"(?i)(?:allowed values(?: are)?|can be any of the following)\s*:?\s*([^)\].]+)"
);
pattern!(CODE_LINE, r"(?m)^(-?\d+) ?=");
pattern!(CODE, r"(-?\d+) ?(?:=|\(\s*[A-Za-z])");
pattern!(EXAMPLE, r"(?i)\[\s*example[:,]?\s*([^\]]+)\]");
pattern!(PIPES, r"[A-Za-z][\w-]*(?: ?\| ?[\w-]+)+");
pattern!(SLASHES, r"^[A-Za-z]\w*(?:/[A-Za-z]\w*)+$");
pattern!(EITHER, r"^(\w+) or (\w+)$");
pattern!(
    BOOLEAN,
    r"(?i)\bboolean value\b|\btrue ?/ ?false\b|\btrue \(or\) false\b|\beither true or false\b"
);
pattern!(RANGE, r"(?i)(?:from |\()(\d+) to (\d+)\b");
pattern!(
    SET_BY_DEFAULT,
    r"(?i)\bset (?:value )?as '?(\w+)'? by default"
);
pattern!(
    OWN_DEFAULT,
    r"\b(?:will be set as (\w+)|(\w+) will be sent) by default"
);

/// Adds to a parameter what its description states.
pub(super) fn apply(parameter: &mut Parameter, description: &str) {
    let stated = Stated::of(description.trim());
    parameter.values.extend(stated.values);
    parameter.examples.extend(stated.examples);
    parameter.kind = parameter.kind.take().or(stated.kind.map(str::to_owned));
    parameter.default = parameter.default.take().or(stated.default);
    parameter.minimum = parameter.minimum.or(stated.minimum);
    parameter.maximum = parameter.maximum.or(stated.maximum);
}

#[derive(Default)]
struct Stated {
    kind: Option<&'static str>,
    values: BTreeSet<String>,
    examples: BTreeSet<String>,
    default: Option<String>,
    minimum: Option<i64>,
    maximum: Option<i64>,
}

impl Stated {
    fn of(description: &str) -> Self {
        let mut stated = Self::default();
        if BOOLEAN.is_match(description) {
            stated.kind = Some("boolean");
        }
        let default = SET_BY_DEFAULT
            .captures(description)
            .or_else(|| OWN_DEFAULT.captures(description));
        if let Some(captures) = default {
            stated.default = captures
                .iter()
                .skip(1)
                .flatten()
                .next()
                .map(|word| of_a_boolean(word.as_str()));
        }
        if let Some(range) = RANGE.captures(description) {
            stated.kind = Some("integer");
            stated.minimum = range[1].parse().ok();
            stated.maximum = range[2].parse().ok();
        }
        stated.lists(description);
        if stated
            .values
            .iter()
            .all(|value| value == "true" || value == "false")
        {
            if !stated.values.is_empty() {
                stated.kind = Some("boolean");
            }
            stated.values.clear();
        }
        stated
    }

    fn lists(&mut self, description: &str) {
        if let Some(closed) = CLOSED.captures(description) {
            self.values = words(&closed[1], ',');
            return;
        }
        if let Some(example) = EXAMPLE.captures(description) {
            self.examples = list(&example[1]);
            return;
        }
        let lines = codes(&CODE_LINE, description);
        if lines.len() > 1 {
            self.values = lines;
        } else if let Some(list) = PIPES.find(description) {
            self.values = words(list.as_str(), '|');
        } else if SLASHES.is_match(description) {
            let lower = description.to_lowercase();
            let text = if lower == "true/false" {
                &lower
            } else {
                description
            };
            self.values = words(text, '/');
        } else if let Some(values) = titles(description) {
            self.values = values;
        } else if let Some(either) = EITHER.captures(description) {
            self.values = [&either[1], &either[2]].map(str::to_owned).into();
        } else if CODE.find_iter(description).count() > 1 {
            self.values = codes(&CODE, description);
        }
    }
}

/// The values of a list of examples: `a|b`, `name(3),other(6)`, `1 (Critical), 2 (Trouble)`, `a, b, etc.`
fn list(text: &str) -> BTreeSet<String> {
    if text.contains('|') {
        return words(text, '|');
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return codes(&CODE, text);
    }
    // `a, b, severity - 1 (Red), 2 (Green)`: the codes after the dash are of something else.
    let (text, _) = text.split_once(" - ").unwrap_or((text, ""));
    // `page=1, rows=200` is a request, and `sortByType=asc Or sortByType=desc` too.
    if text.contains('=') {
        let values = text
            .split_whitespace()
            .filter_map(|word| word.split_once('='));
        let values: BTreeSet<String> = values.map(|(_, value)| value.to_owned()).collect();
        let named = text.contains(" Or ") || text.split('=').count() == 2;
        return if named { values } else { BTreeSet::new() };
    }
    // `name(3)` is a name with its code; the name is the value.
    let mut bare = String::new();
    let mut depth = 0_u32;
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            c if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    words(&bare, ',')
}

/// The values of `All / Some of them / None (further words)`.
fn titles(description: &str) -> Option<BTreeSet<String>> {
    let list = description.split('(').next()?;
    let title = |word: &str| {
        let named = word.chars().all(|c| c.is_alphanumeric() || c == ' ');
        named && word.starts_with(|c: char| c.is_ascii_uppercase())
    };
    let several = list.split(" / ").count() > 2;
    let titles = list.split(" / ").all(|word| title(word.trim()));
    (several && titles).then(|| words(list, '/'))
}

fn words(list: &str, separator: char) -> BTreeSet<String> {
    let words = list.split(separator).map(str::trim);
    let words = words.filter(|word| {
        let etc = word.trim_end_matches('.').eq_ignore_ascii_case("etc");
        !word.is_empty() && !etc && word.len() <= 40
    });
    words.map(str::to_owned).collect()
}

fn codes(pattern: &Regex, text: &str) -> BTreeSet<String> {
    let codes = pattern.captures_iter(text);
    codes.map(|captures| captures[1].to_owned()).collect()
}

fn of_a_boolean(word: &str) -> String {
    let lower = word.to_lowercase();
    if lower == "true" || lower == "false" {
        lower
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::facts::Parameter;

    /// The facts of a description, in a line.
    fn stated(description: &str) -> String {
        let mut parameter = Parameter::default();
        apply(&mut parameter, description);
        let mut facts: Vec<String> = parameter.kind.into_iter().collect();
        let list = |values: std::collections::BTreeSet<String>| {
            values.into_iter().collect::<Vec<_>>().join(" ")
        };
        if !parameter.values.is_empty() {
            facts.push(format!("one of {}", list(parameter.values)));
        }
        if !parameter.examples.is_empty() {
            facts.push(format!("such as {}", list(parameter.examples)));
        }
        facts.extend(parameter.minimum.map(|minimum| format!("from {minimum}")));
        facts.extend(parameter.maximum.map(|maximum| format!("to {maximum}")));
        facts.extend(parameter.default.map(|default| format!("else {default}")));
        facts.join(", ")
    }

    #[test]
    fn closed_lists_are_values() {
        for (description, facts) in [
            (
                "Kind of thing (Allowed values: RED, GREEN-1 , BLUE)",
                "one of BLUE GREEN-1 RED",
            ),
            ("Allowed values are A-1 , B-2", "one of A-1 B-2"),
            (
                "It can be any of the following: One, Two .",
                "one of One Two",
            ),
            (
                "Frequency (Once | Often | Never).",
                "one of Never Often Once",
            ),
            ("Enabled/Disabled", "one of Disabled Enabled"),
            (
                "Start / Stop / Stop it / Leave a N / G (Start - begins)",
                "one of G Leave a N Start Stop Stop it",
            ),
            ("start or stop", "one of start stop"),
            (
                "How long.\n0= Never\n-1= Always\n60000= A minute",
                "one of -1 0 60000",
            ),
            ("The kind. 1 = Red, 2 = Green", "one of 1 2"),
        ] {
            assert_eq!(stated(description), facts, "{description}");
        }
    }

    #[test]
    fn lists_that_are_called_examples_stay_open() {
        for (description, facts) in [
            ("Filter. [Example: a|b-c|D]", "such as D a b-c"),
            ("Period. [Example: day(6),week(8)]", "such as day week"),
            ("Filter [Example: 1 (Red), 2 (dark green)]", "such as 1 2"),
            (
                "Kind [Example: Server, Switch, etc.]",
                "such as Server Switch",
            ),
            ("Sort  [Example, sort=up Or sort=down]", "such as down up"),
            (
                "Sort [Example: speed, state - 1 (Red), 2 (Green)]",
                "such as speed state",
            ),
            ("In parts [Example: page=1, rows=200, page=2, rows=200]", ""),
        ] {
            assert_eq!(stated(description), facts, "{description}");
        }
    }

    #[test]
    fn ranges_booleans_and_defaults_are_stated() {
        for (description, facts) in [
            (
                "Rows -- range is from 1 to 1000",
                "integer, from 1, to 1000",
            ),
            ("Minute (00 to 59) of the hour", "integer, from 0, to 59"),
            ("Boolean value to show it or not.", "boolean"),
            ("With parts. Boolean value: TRUE/FALSE", "boolean"),
            ("true (or) false.", "boolean"),
            ("Set value as 'true' by default.(internal)", "else true"),
            ("Set as 'true' by default", "else true"),
            ("Status will be set as Enabled by default.", "else Enabled"),
            ("Edit will be sent by default (Edit).", "else Edit"),
            ("By default, the thing will be assumed as a device.", ""),
        ] {
            assert_eq!(stated(description), facts, "{description}");
        }
    }

    #[test]
    fn prose_states_nothing() {
        for description in [
            "",
            "Name of the device or interface",
            "Name of the group and its number, as in list 1 or 2",
            "End time for the range, yyyy-mm-dd or yyyy-mm-dd hh:mm:ss (i.e. so)",
            "The name (the 'x' field OR the 'y' field of the answer)",
        ] {
            assert_eq!(stated(description), "", "{description}");
        }
    }
}
