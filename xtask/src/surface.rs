//! Which tool, toolset file and snapshot an operation has.
//!
//! Owns the reading of the lines of `src/tools/`, as text: this crate must run when the server does not build.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use opmanager_codegen::document::{Document, pascal_name, snake_name};
use regex::Regex;
use serde::Serialize;

use crate::Error;

#[expect(
    clippy::expect_used,
    reason = "a constant pattern, compiled by the tests"
)]
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^ +(?:(\w+)\()?(\w+)Args\)?: ").expect("a regular expression")
});

/// What a change of an operation touches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Touched {
    /// The tool; absent where the operation is hidden.
    pub tool: Option<String>,
    /// The file of its toolset.
    pub toolset: String,
    /// The file of its snapshot, which may not exist yet.
    pub snapshot: Option<String>,
}

/// The lines of all toolsets, and where new operations of a tag go.
#[derive(Debug, Default)]
pub struct Surface {
    /// By the operation's name in `PascalCase`: the tool, if any, and the file.
    lines: BTreeMap<String, (Option<String>, String)>,
    /// By tag: the file that most of its operations are in.
    files: BTreeMap<String, String>,
}

impl Surface {
    /// Reads the toolsets below `root`.
    ///
    /// # Errors
    ///
    /// A folder or a file that cannot be read.
    pub fn read(root: &Path, document: &Document) -> Result<Self, Error> {
        let mut surface = Self::default();
        let folder = root.join("src/tools");
        let entries = std::fs::read_dir(&folder).map_err(|error| Error::file(&folder, error))?;
        for entry in entries {
            let path = entry.map_err(|error| Error::file(&folder, error))?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text =
                    std::fs::read_to_string(&path).map_err(|error| Error::file(&path, error))?;
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                surface.file(&format!("src/tools/{name}"), &text);
            }
        }
        surface.tags(document);
        Ok(surface)
    }

    fn file(&mut self, name: &str, text: &str) {
        // The macro's own documentation and tests show toolsets that are none.
        let (text, _) = text.split_once("#[cfg(test)]").unwrap_or((text, ""));
        for line in LINE.captures_iter(text) {
            let tool = line.get(1).map(|tool| tool.as_str().to_owned());
            self.lines
                .insert(line[2].to_owned(), (tool, name.to_owned()));
        }
    }

    fn tags(&mut self, document: &Document) {
        let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
        for operation in &document.operations {
            if let Some((_, file)) = self.lines.get(&operation.pascal_name()) {
                let files = counts.entry(&operation.tag).or_default();
                *files.entry(file).or_default() += 1;
            }
        }
        let most = counts.into_iter().filter_map(|(tag, files)| {
            let (file, _) = files.into_iter().max_by_key(|(_, count)| *count)?;
            Some((tag.to_lowercase(), file.to_owned()))
        });
        self.files = most.collect();
    }

    /// What a change of an operation touches; `tag` tells where a new one belongs.
    pub fn touched(&self, id: &str, tag: &str) -> Touched {
        let (tool, toolset) = match self.lines.get(&pascal_name(id)) {
            Some((tool, file)) => (tool.clone(), file.clone()),
            None => {
                let file = self.files.get(&tag.to_lowercase()).cloned();
                let file = file.unwrap_or_else(|| "src/tools/ (a new toolset)".into());
                (Some(snake_name(id)), file)
            }
        };
        Touched {
            snapshot: tool
                .as_ref()
                .map(|tool| format!("snapshots/tools/{tool}.snap")),
            tool,
            toolset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Surface;

    #[test]
    fn lines_of_toolsets_name_tools_and_hidden_operations() {
        let mut surface = Surface::default();
        surface.file(
            "src/tools/lamps.rs",
            "toolset! {\n    tools {\n        \
             list_lamps(ListLampsArgs): \"Lamps\", read;\n        \
             get_lamp(GetLampByNameArgs): \"Lamp\", read was \"lamp\";\n    }\n    hidden {\n        \
             DeleteLampArgs: \"no way back\";\n    }\n}\n//!         not_a_line(AtAllArgs): \"x\", read;\n\
             #[cfg(test)]\n    of_a_test(ListLampsArgs): \"x\", read;\n",
        );
        surface
            .files
            .insert("lamps".into(), "src/tools/lamps.rs".into());
        let touched = |id: &str, tag: &str| {
            let touched = surface.touched(id, tag);
            (touched.tool.unwrap_or_default(), touched.toolset)
        };
        let lamps = || "src/tools/lamps.rs".to_owned();
        assert_eq!(touched("listLamps", ""), ("list_lamps".into(), lamps()));
        assert_eq!(touched("getLampByName", ""), ("get_lamp".into(), lamps()));
        assert_eq!(touched("deleteLamp", ""), (String::new(), lamps()));
        assert_eq!(touched("newLamp", "Lamps"), ("new_lamp".into(), lamps()));
        let (tool, file) = touched("addRoom", "Rooms");
        assert_eq!(
            (tool.as_str(), file.as_str()),
            ("add_room", "src/tools/ (a new toolset)")
        );
        assert_eq!(surface.lines.len(), 3);
    }
}
