//! The rules of what a reader gets of an answer: default fields, page layout, series.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Lint, strings, text};
use crate::answer::each_property;
use crate::document::{Operation, Series, Shape};
use crate::schema::{properties, resolve};

/// What a series may state.
const SERIES_KEYS: [&str; 4] = ["path", "time", "value", "unit"];

impl Lint {
    /// What an operation states of the shape that a reader gets.
    pub(super) fn shape(&mut self, operation: &Value) -> Shape {
        let mut names = |key: &str| match operation.get(key) {
            None => Vec::new(),
            Some(list) => strings(list).unwrap_or_else(|| {
                self.defect(
                    format!("its {key} is not a list of names"),
                    "write names of members as the schema of its answer has them",
                );
                Vec::new()
            }),
        };
        let (default_fields, layout) = (names("x-default-fields"), names("x-layout"));
        let beside = names("x-beside");
        let stated = match operation.get("x-series") {
            None => &[],
            Some(list) => list.as_array().map(Vec::as_slice).unwrap_or_else(|| {
                self.defect(
                    "its x-series is not a list",
                    "write a list of `path`, `time`, `value` and `unit`",
                );
                &[]
            }),
        };
        let series = stated.iter().filter_map(|one| self.series(one)).collect();
        Shape {
            default_fields,
            beside,
            layout,
            series,
        }
    }

    fn series(&mut self, stated: &Value) -> Option<Series> {
        self.known_keys("x-series", stated, &SERIES_KEYS);
        let unit = stated.get("unit").map_or(Some(Vec::new()), strings);
        let (time, value) = (text(stated, "time"), text(stated, "value"));
        let series = strings(&stated["path"])
            .zip(unit)
            .map(|(path, unit)| Series {
                path,
                time: time.to_owned(),
                value: value.to_owned(),
                unit,
            });
        if series.is_none() || value.is_empty() {
            self.defect(
                "a series of x-series has no path or no value",
                "write the keys that lead to its points as `path`, `*` for any, and the members `time` and `value` of a point",
            );
        }
        series
    }

    /// Checks that what is named exists.
    pub(super) fn shapes(&mut self, operations: &[Operation], schemas: &Map<String, Value>) {
        for operation in operations {
            self.at(&operation.id);
            let mut nowhere = Vec::new();
            let mut visit = |name: &str, property: &Value, within: &Value| {
                let code = property["x-code-in"].as_str();
                if let Some(code) = code.filter(|code| within["properties"].get(code).is_none()) {
                    nowhere.push(format!("x-code-in of `{name}` names `{code}`"));
                }
            };
            each_property(
                &operation.response,
                schemas,
                &mut BTreeSet::new(),
                &mut visit,
            );
            for what in nowhere {
                self.defect(
                    format!("{what}, which does not stand beside it"),
                    "write the name of the member that holds the code of the same fact",
                );
            }
            let Shape {
                default_fields,
                beside,
                layout,
                series,
            } = &operation.shape;
            let around = operation.around(schemas);
            for name in beside.iter().filter(|name| !around.contains(*name)) {
                self.defect(
                    format!("x-beside names `{name}`, which does not stand beside the list of its answer"),
                    "write the name as the schema has it, or describe the member",
                );
            }
            let list = operation.list(schemas);
            let item = list.as_ref().map(|path| {
                let list = path
                    .iter()
                    .fold(resolve(&operation.response, schemas), |at, key| {
                        resolve(&at["properties"][key.as_str()], schemas)
                    });
                resolve(&list["items"], schemas)
            });
            let answer = resolve(&operation.response, schemas);
            for (key, names, of) in [
                ("x-default-fields", default_fields, item),
                ("x-layout", layout, item.is_none().then_some(answer)),
            ] {
                let Some(of) = of else {
                    if !names.is_empty() {
                        self.defect(
                            format!("{key} does not fit an answer of this kind"),
                            "x-default-fields is for answers with a list, x-layout for those without",
                        );
                    }
                    continue;
                };
                for name in names {
                    if !has(of, name, schemas) {
                        self.defect(
                            format!(
                                "{key} names `{name}`, which the schema of its answer does not have"
                            ),
                            "write the name as the schema has it, or describe the member",
                        );
                    }
                }
            }
            for series in series {
                if list.is_some() || !leads(answer, &series.path, schemas) {
                    self.defect(
                        format!(
                            "x-series: no points at {}",
                            series.path.join("."),
                        ),
                        "write the keys that lead to an array in an answer without a list, `*` for any",
                    );
                }
            }
        }
    }
}

/// Whether an object schema has a member, of members in members with dots between their names.
fn has(schema: &Value, name: &str, schemas: &Map<String, Value>) -> bool {
    let own = |name: &str| {
        properties(schema)
            .find(|(own, _)| *own == name)
            .map(|(_, property)| resolve(property, schemas))
    };
    match name.split_once('.') {
        _ if own(name).is_some() => true,
        Some((first, rest)) => own(first).is_some_and(|inner| {
            let inner = match inner["type"] == "array" {
                true => resolve(&inner["items"], schemas),
                false => inner,
            };
            has(inner, rest, schemas)
        }),
        None => false,
    }
}

/// Whether keys lead to an array, as far as the schema says what is there.
fn leads(schema: &Value, path: &[String], schemas: &Map<String, Value>) -> bool {
    let schema = resolve(schema, schemas);
    let Some((first, rest)) = path.split_first() else {
        // A schema that says nothing may be anything.
        return schema["type"] == "array" || schema.as_object().is_some_and(Map::is_empty);
    };
    let further = &schema["additionalProperties"];
    let any = first == "*";
    if any && schema["type"] == "array" {
        return leads(&schema["items"], rest, schemas);
    }
    let mut named = properties(schema).filter(|(name, _)| any || *name == first);
    named.any(|(_, property)| leads(property, rest, schemas))
        || further.is_object() && leads(further, rest, schemas)
        || *further == true && properties(schema).next().is_none()
}
