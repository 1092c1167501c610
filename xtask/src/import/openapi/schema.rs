//! Schemas of an OpenAPI document, of 3.0 and of 3.1, as facts.
//!
//! Owns references and the mapping down of what only JSON Schema 2020-12 has. Knows no operation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::import::Broken;

/// References that lead to references, at most; more go in a circle.
const LONGEST_CHAIN: usize = 32;

/// Nesting of an answer that is followed; schemas may refer to themselves.
const DEEPEST: usize = 24;

/// Keywords of JSON Schema that a fact has no place for.
const LOST: [&str; 12] = [
    "$dynamicRef",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "dependentRequired",
    "dependentSchemas",
    "if",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "unevaluatedProperties",
];

/// What a schema says of a parameter.
#[derive(Debug, Default)]
pub(super) struct Described {
    pub(super) kind: Option<String>,
    pub(super) values: BTreeSet<String>,
    pub(super) examples: BTreeSet<String>,
    pub(super) default: Option<String>,
    pub(super) minimum: Option<i64>,
    pub(super) maximum: Option<i64>,
    /// What was left out or mapped down.
    pub(super) losses: BTreeSet<String>,
}

/// The schemas of one document.
pub(super) struct Schemas<'a> {
    root: &'a Value,
}

impl<'a> Schemas<'a> {
    pub(super) fn of(root: &'a Value) -> Self {
        Self { root }
    }

    /// Follows references. `scope` is the schema around a reference, whose own `$defs` it may mean.
    pub(super) fn resolve<'b>(
        &self,
        value: &'b Value,
        scope: &'b Value,
        place: &str,
    ) -> Result<&'b Value, Broken>
    where
        'a: 'b,
    {
        let mut value = value;
        for _ in 0..LONGEST_CHAIN {
            let Some(reference) = value["$ref"].as_str() else {
                return Ok(value);
            };
            let pointer = reference.strip_prefix('#').ok_or_else(|| {
                Broken::new(
                    place,
                    format!("the reference `{reference}` leads to another document"),
                    "name a document that holds everything",
                )
            })?;
            value = self
                .root
                .pointer(pointer)
                .or_else(|| scope.pointer(pointer))
                .ok_or_else(|| {
                    Broken::new(
                        place,
                        format!("the reference `{reference}` leads nowhere"),
                        "correct it in a copy, or fetch the document again",
                    )
                })?;
        }
        Err(Broken::new(
            place,
            "a reference leads to itself",
            "correct it in a copy, or fetch the document again",
        ))
    }

    /// What a schema says of a value.
    pub(super) fn describe(
        &self,
        schema: &Value,
        scope: &Value,
        place: &str,
    ) -> Result<Described, Broken> {
        let mut described = Described::default();
        self.merge(&mut described, schema, scope, place, 0)?;
        if described.kind.as_deref() == Some("boolean") {
            // That it takes `true` and `false` is its type.
            described
                .values
                .retain(|value| value != "true" && value != "false");
        }
        Ok(described)
    }

    fn merge(
        &self,
        described: &mut Described,
        schema: &Value,
        scope: &Value,
        place: &str,
        depth: usize,
    ) -> Result<(), Broken> {
        if depth > LONGEST_CHAIN {
            return Ok(());
        }
        let schema = self.resolve(schema, scope, place)?;
        Self::kind(described, schema);
        if let Some(constant) = schema.get("const") {
            described.values.insert(text(constant));
            described
                .losses
                .insert("`const` is taken as a list of one value".into());
        }
        let values = schema["enum"].as_array().into_iter().flatten();
        described
            .values
            .extend(values.filter(|value| !value.is_null()).map(text));
        if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
            described.default = Some(text(default));
        }
        if let Some(example) = schema.get("example") {
            described.examples.insert(text(example));
        }
        let examples = schema["examples"].as_array().into_iter().flatten();
        described.examples.extend(examples.map(text));
        bounds(described, schema);
        for keyword in LOST
            .iter()
            .filter(|keyword| schema.get(**keyword).is_some())
        {
            described.losses.insert(format!("`{keyword}` is left out"));
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.merge(described, part, scope, place, depth + 1)?;
        }
        for choice in ["anyOf", "oneOf"] {
            let Some(options) = schema[choice].as_array() else {
                continue;
            };
            let mut real = Vec::new();
            for option in options {
                let option = self.resolve(option, scope, place)?;
                if option["type"] != "null" {
                    real.push(option);
                }
            }
            if real.len() < options.len() {
                described
                    .losses
                    .insert("`null` is left out: a query has none".into());
            }
            if real.len() == 1 || real.iter().all(|option| option.get("const").is_some()) {
                for option in real {
                    self.merge(described, option, scope, place, depth + 1)?;
                }
            } else {
                described
                    .losses
                    .insert(format!("`{choice}` of {} schemas is left out", real.len()));
            }
        }
        Ok(())
    }

    fn kind(described: &mut Described, schema: &Value) {
        let several = schema["type"].as_array();
        let mut kinds: Vec<&str> = match several {
            Some(list) => list.iter().filter_map(Value::as_str).collect(),
            None => schema["type"].as_str().into_iter().collect(),
        };
        if several.is_some() {
            let all = kinds.len();
            kinds.retain(|kind| *kind != "null");
            if kinds.len() < all {
                described
                    .losses
                    .insert("`null` is left out: a query has none".into());
            }
        }
        match kinds.as_slice() {
            [] => {}
            [one] => described.kind = Some((*one).to_owned()),
            many => {
                described
                    .losses
                    .insert(format!("the types {} are left open", many.join(" and ")));
            }
        }
    }

    /// Adds the type of each field of an answer by its way from the root.
    pub(super) fn outline(
        &self,
        schema: &Value,
        place: &str,
        fields: &mut BTreeMap<String, String>,
    ) -> Result<(), Broken> {
        let mut around = Vec::new();
        self.field(schema, schema, place, "", &mut around, fields)
    }

    /// `around` are the references that lead here: one that leads back ends the way.
    fn field(
        &self,
        schema: &Value,
        scope: &Value,
        place: &str,
        way: &str,
        around: &mut Vec<String>,
        fields: &mut BTreeMap<String, String>,
    ) -> Result<(), Broken> {
        let reference = schema["$ref"].as_str().unwrap_or_default().to_owned();
        if around.len() > DEEPEST || (!reference.is_empty() && around.contains(&reference)) {
            return Ok(());
        }
        let schema = self.resolve(schema, scope, place)?;
        around.push(reference);
        let mut described = Described::default();
        Self::kind(&mut described, schema);
        let mut kinds: BTreeSet<String> = described.kind.into_iter().collect();
        let several = strings(&schema["type"]);
        kinds.extend(several.into_iter().filter(|kind| kind != "null"));
        for choice in ["anyOf", "oneOf", "allOf"] {
            for option in schema[choice].as_array().into_iter().flatten() {
                let resolved = self.resolve(option, scope, place)?;
                if resolved["properties"].is_object() || resolved.get("items").is_some() {
                    self.field(option, scope, place, way, around, fields)?;
                } else {
                    let mut described = Described::default();
                    Self::kind(&mut described, resolved);
                    kinds.extend(described.kind.filter(|kind| kind != "null"));
                }
            }
        }
        if !kinds.is_empty() {
            let kinds: Vec<String> = kinds.into_iter().collect();
            fields.insert(way.to_owned(), kinds.join("|"));
        }
        let dot = if way.is_empty() { "" } else { "." };
        let properties = schema["properties"].as_object().into_iter().flatten();
        let mut nested: Vec<(String, &Value)> = properties
            .map(|(name, property)| (format!("{way}{dot}{name}"), property))
            .collect();
        let further = [
            (format!("{way}[]"), "items"),
            (format!("{way}{dot}*"), "additionalProperties"),
        ];
        nested.extend(
            further
                .map(|(way, key)| (way, &schema[key]))
                .into_iter()
                .filter(|(_, of)| of.is_object()),
        );
        for (way, property) in nested {
            self.field(property, scope, place, &way, around, fields)?;
        }
        around.pop();
        Ok(())
    }
}

fn bounds(described: &mut Described, schema: &Value) {
    described.minimum = schema["minimum"].as_i64().or(described.minimum);
    described.maximum = schema["maximum"].as_i64().or(described.maximum);
    for (keyword, step) in [("exclusiveMinimum", 1), ("exclusiveMaximum", -1)] {
        let bound = if step > 0 {
            &mut described.minimum
        } else {
            &mut described.maximum
        };
        match &schema[keyword] {
            // 3.0: a flag that makes the bound beside it exclusive.
            Value::Bool(true) => *bound = bound.map(|bound| bound + step),
            Value::Number(number) => {
                *bound = number.as_i64().map(|number| number + step);
                described
                    .losses
                    .insert(format!("`{keyword}` is taken as the next whole number"));
            }
            _ => {}
        }
    }
}

fn strings(list: &Value) -> Vec<String> {
    let texts = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

/// A value as it travels in a query.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
