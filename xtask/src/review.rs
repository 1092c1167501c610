//! `cargo xtask review`: what a client sees of a change, from the recorded tools of two revisions.
//!
//! Owns the comparison of recorded tools and the version that each difference needs. Reads `snapshots/`, from git or
//! from the working tree; knows no operation.

mod revision;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use self::revision::Revision;
use crate::Error;

/// Names of tools from this likeness on may be one tool, if their arguments are the same.
const ALIKE: f64 = 0.5;

/// Tools with the same difference, up to which each has a line of its own.
const FEW: usize = 5;

/// What a difference demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// What worked does not.
    Breaking,
    /// What did not work does.
    Additive,
    /// Other words.
    Text,
}

impl Effect {
    const ALL: [Self; 3] = [Self::Breaking, Self::Additive, Self::Text];

    fn title(self) -> &'static str {
        match self {
            Self::Breaking => "Breaking",
            Self::Additive => "Additive",
            Self::Text => "Text only",
        }
    }

    /// The version that follows `from`. Before 1.0 what breaks raises the second number and all else the third.
    fn next(self, [major, minor, patch]: [u64; 3]) -> [u64; 3] {
        match (major, self) {
            (0, Self::Breaking) => [0, minor + 1, 0],
            (0, _) => [0, minor, patch + 1],
            (_, Self::Breaking) => [major + 1, 0, 0],
            (_, Self::Additive) => [major, minor + 1, 0],
            (_, Self::Text) => [major, minor, patch + 1],
        }
    }
}

/// A difference that a client sees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Difference {
    /// What it demands.
    pub effect: Effect,
    /// The tool, by its earlier name.
    pub tool: String,
    /// What it is.
    pub text: String,
}

/// The differences between two revisions.
#[derive(Debug, Serialize)]
pub struct Review {
    /// The earlier revision.
    pub from: String,
    /// The later one.
    pub to: String,
    /// The gravest first, then by tool.
    pub differences: Vec<Difference>,
    /// The version of the earlier revision.
    pub version: String,
    /// The least version that the later one needs; absent if a client sees no difference.
    pub needs: Option<String>,
    /// The version that the later revision has.
    pub has: String,
}

/// Compares two revisions of the repository at `root`. Without `from` it is the newest tag before, or `HEAD` where
/// there is none; without `to` it is the working tree.
///
/// # Errors
///
/// A revision that git does not know, and snapshots that are none.
pub fn run(root: &Path, from: Option<&str>, to: Option<&str>) -> Result<Review, Error> {
    let before = Revision::at(
        root,
        &from.map_or_else(|| revision::latest(root), str::to_owned),
    )?;
    let after = match to {
        Some(to) => Revision::at(root, to)?,
        None => Revision::in_tree(root)?,
    };
    let differences = compare(&before.tools, &after.tools);
    let gravest = differences.iter().map(|difference| difference.effect).min();
    let needs = gravest.map(|effect| dotted(effect.next(before.version)));
    Ok(Review {
        from: before.name,
        to: after.name,
        differences,
        version: dotted(before.version),
        needs,
        has: dotted(after.version),
    })
}

fn dotted([major, minor, patch]: [u64; 3]) -> String {
    format!("{major}.{minor}.{patch}")
}

/// A recorded tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tool {
    /// Its definition as clients get it.
    pub definition: Value,
    /// The access level that it needs; absent for tools that are no operation.
    pub tier: Option<String>,
    /// Its toolset; absent for tools that are no operation.
    pub toolset: Option<String>,
    /// The name that it had before, if a call by that name still finds it.
    pub was: Option<String>,
}

/// Recorded tools by name.
pub type Tools = BTreeMap<String, Tool>;

/// The differences between two states of the tools.
pub fn compare(before: &Tools, after: &Tools) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut gone: BTreeSet<&String> = before
        .keys()
        .filter(|name| !after.contains_key(*name))
        .collect();
    let mut come: BTreeSet<&String> = after
        .keys()
        .filter(|name| !before.contains_key(*name))
        .collect();
    let mut renamed: Vec<(&String, &String)> = Vec::new();
    for name in after.keys() {
        if let Some(was) = &after[name].was
            && let Some(was) = gone.take(was)
        {
            come.remove(name);
            renamed.push((was, name));
            found.push(difference(
                Effect::Additive,
                was,
                format!("renamed to `{name}`; the old name still works"),
            ));
        }
    }
    for was in gone.clone() {
        let like = |name: &&&String| {
            before[was].definition["inputSchema"]["properties"]
                == after[**name].definition["inputSchema"]["properties"]
                && strsim::normalized_levenshtein(was, name) >= ALIKE
        };
        if let Some(name) = come.iter().find(like).copied() {
            gone.remove(was);
            come.remove(name);
            renamed.push((was, name));
            found.push(difference(
                Effect::Breaking,
                was,
                format!("renamed to `{name}` (a guess), and the old name is gone; add `was \"{was}\"` to its line"),
            ));
        }
    }
    found.extend(
        gone.into_iter()
            .map(|name| difference(Effect::Breaking, name, "removed".into())),
    );
    found.extend(
        come.into_iter()
            .map(|name| difference(Effect::Additive, name, "new".into())),
    );
    let same = before.keys().filter(|name| after.contains_key(*name));
    for (was, is) in same.map(|name| (name, name)).chain(renamed) {
        tool(&mut found, was, &before[was], &after[is]);
    }
    found.sort();
    found
}

fn difference(effect: Effect, tool: &str, text: String) -> Difference {
    Difference {
        effect,
        tool: tool.to_owned(),
        text,
    }
}

fn tool(found: &mut Vec<Difference>, name: &str, before: &Tool, after: &Tool) {
    let mut add = |effect, text| found.push(difference(effect, name, text));
    if let (Some(was), Some(is)) = (&before.tier, &after.tier)
        && was != is
    {
        let level = |tier: &str| {
            ["read", "write", "destructive"]
                .iter()
                .position(|known| *known == tier)
        };
        let text = format!("access level {was} is {is}");
        if level(is) > level(was) {
            add(
                Effect::Breaking,
                format!("{text}: operators must allow more for it"),
            );
        } else {
            add(
                Effect::Additive,
                format!("{text}: it is offered where it was not; be sure"),
            );
        }
    }
    if let (Some(was), Some(is)) = (&before.toolset, &after.toolset)
        && was != is
    {
        add(
            Effect::Breaking,
            format!("toolset {was} is {is}: operators who name toolsets lose or gain it"),
        );
    }
    if let Some(was) = &before.was
        && after.was.as_ref() != Some(was)
    {
        add(
            Effect::Breaking,
            format!("the name `{was}` no longer works"),
        );
    }
    for key in ["title", "description", "annotations", "outputSchema"] {
        if before.definition[key] != after.definition[key] {
            add(Effect::Text, format!("another {key}"));
        }
    }
    let (before, after) = (
        &before.definition["inputSchema"],
        &after.definition["inputSchema"],
    );
    arguments(&mut add, before, after);
}

fn arguments(add: &mut impl FnMut(Effect, String), before: &Value, after: &Value) {
    let required = |schema: &Value, name: &str| {
        let names = schema["required"].as_array().into_iter().flatten();
        names.into_iter().any(|required| required == name)
    };
    let names = |schema: &Value| -> BTreeSet<String> {
        let properties = schema["properties"].as_object();
        properties
            .into_iter()
            .flat_map(|properties| properties.keys().cloned())
            .collect()
    };
    for name in names(before).union(&names(after)) {
        match (
            before["properties"].get(name),
            after["properties"].get(name),
        ) {
            (Some(_), None) => add(Effect::Breaking, format!("argument `{name}` removed")),
            (None, Some(_)) if required(after, name) => {
                add(Effect::Breaking, format!("new argument `{name}`, required"));
            }
            (None, Some(_)) => add(Effect::Additive, format!("new argument `{name}`, optional")),
            (Some(was), Some(is)) => {
                match (required(before, name), required(after, name)) {
                    (false, true) => add(
                        Effect::Breaking,
                        format!("argument `{name}` is now required"),
                    ),
                    (true, false) => add(
                        Effect::Additive,
                        format!("argument `{name}` is no longer required"),
                    ),
                    _ => {}
                }
                values(add, name, was, is);
            }
            (None, None) => {}
        }
    }
    match (
        &before["additionalProperties"],
        &after["additionalProperties"],
    ) {
        (was, is) if was == is => {}
        (_, Value::Bool(false)) => add(Effect::Breaking, "no other arguments are taken".into()),
        _ => add(Effect::Additive, "other arguments are taken".into()),
    }
}

fn values(add: &mut impl FnMut(Effect, String), name: &str, was: &Value, is: &Value) {
    let mut by = |widened: bool, text: String| {
        if widened {
            add(
                Effect::Additive,
                format!("argument `{name}` widened: {text}"),
            );
        } else {
            add(
                Effect::Breaking,
                format!("argument `{name}` narrowed: {text}"),
            );
        }
    };
    if was["type"] != is["type"] {
        let number = was["type"] == "integer" && is["type"] == "number";
        by(number, format!("type {} is {}", was["type"], is["type"]));
    }
    let list = |schema: &Value| -> Option<BTreeSet<String>> {
        let values = schema["enum"].as_array()?;
        Some(values.iter().map(Value::to_string).collect())
    };
    match (list(was), list(is)) {
        (Some(was), Some(is)) => {
            let difference = |a: &BTreeSet<String>, b: &BTreeSet<String>| {
                a.difference(b).cloned().collect::<Vec<_>>().join(", ")
            };
            let (gone, come) = (difference(&was, &is), difference(&is, &was));
            if !gone.is_empty() {
                by(false, format!("without {gone}"));
            }
            if !come.is_empty() {
                by(true, format!("also {come}"));
            }
        }
        (None, Some(_)) => by(false, "to a list of values".into()),
        (Some(_), None) => by(true, "from a list of values".into()),
        (None, None) => {}
    }
    for (key, upwards) in [("minimum", true), ("maximum", false)] {
        let bound = |schema: &Value| schema[key].as_f64();
        let narrower = match (bound(was), bound(is)) {
            (was, is) if was == is => continue,
            (None, Some(_)) => true,
            (Some(was), Some(is)) => (is > was) == upwards,
            (_, None) => false,
        };
        let said = |schema: &Value| {
            schema
                .get(key)
                .map_or("nothing".to_owned(), Value::to_string)
        };
        by(!narrower, format!("{key} {} is {}", said(was), said(is)));
    }
    if was["description"] != is["description"] {
        add(Effect::Text, format!("another description of `{name}`"));
    }
}

impl Review {
    /// For people; with `markdown`, for a pull request.
    pub fn text(&self, markdown: bool) -> String {
        let (title, heading, item) = if markdown {
            ("### ", "\n**", "- ")
        } else {
            ("", "  ", "    ")
        };
        let end = if markdown { "**\n" } else { "" };
        let mut text = format!(
            "{title}Tools from {} to {}: {} difference(s)\n",
            self.from,
            self.to,
            self.differences.len()
        );
        for effect in Effect::ALL {
            // What is alike for many tools is one thing.
            let mut of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for difference in self.differences.iter().filter(|d| d.effect == effect) {
                of.entry(&difference.text)
                    .or_default()
                    .push(&difference.tool);
            }
            let mut lines: Vec<String> = Vec::new();
            for (what, tools) in of {
                if tools.len() > FEW {
                    lines.push(format!("{} tools: {what}", tools.len()));
                } else {
                    lines.extend(tools.iter().map(|tool| format!("{tool}: {what}")));
                }
            }
            lines.sort();
            if !lines.is_empty() {
                let _ = writeln!(text, "{heading}{}{end}", effect.title());
            }
            for line in lines {
                let _ = writeln!(text, "{item}{line}");
            }
        }
        text.push('\n');
        let Self { version, has, .. } = self;
        match &self.needs {
            None => text.push_str("Clients see no difference: no version is needed for it.\n"),
            Some(needs) => {
                let rule = if version.starts_with("0.") {
                    "before 1.0, what breaks raises the second number, everything else the third"
                } else {
                    "what breaks raises the first number, what is new the second, words the third"
                };
                let _ = writeln!(
                    text,
                    "Needs version {needs} or later ({rule}); it was {version} and is {has}."
                );
            }
        }
        text
    }
}
