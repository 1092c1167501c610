//! `cargo xtask regenerate`: from the vendor's document to the recorded facts, the report, and the stubs.
//!
//! Owns the files below `openapi/` and the order of the work. Reads everything before it writes anything.

use std::path::{Path, PathBuf};

use opmanager_codegen::document::Document;

use crate::Error;
use crate::apply;
use crate::captured::{self, Captured};
use crate::coverage::{self, Coverage};
use crate::diff::{self, Change};
use crate::facts::Facts;
use crate::import;
use crate::report::{Entry, Report};
use crate::summary;
use crate::surface::Surface;

const VENDOR: &str = "openapi/vendor.json";
const SUMMARY: &str = "openapi/vendor-summary.md";
const CURATED: &str = "openapi/opmanager.yaml";
const CAPTURED: &str = "openapi/captured.json";

/// What to do.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The vendor's new document; without one, the recorded facts are taken.
    pub from: Option<PathBuf>,
    /// The document covers a part of the API: what it lacks stays as recorded.
    pub partial: bool,
    /// The day on which the document was taken from the vendor, `yyyy-mm-dd`.
    pub captured: String,
    /// Write what is out of date.
    pub write: bool,
}

/// The root of the repository in which the program runs. It is looked for, and not built in: programs of several
/// checkouts may share a folder of build artifacts.
///
/// # Errors
///
/// No folder from here upwards has the curated document.
pub fn root() -> Result<PathBuf, Error> {
    let here = std::env::current_dir().map_err(|error| Error::Command(error.to_string()))?;
    let root = here
        .ancestors()
        .find(|folder| folder.join(CURATED).is_file());
    root.map(Path::to_owned).ok_or_else(|| {
        Error::Command(format!(
            "no folder from {} upwards has {CURATED}; go into the repository, or name it with --root",
            here.display()
        ))
    })
}

/// Does the work below the root of the repository.
///
/// # Errors
///
/// A file that cannot be read or written, and a document that is not understood; then nothing was written.
pub fn run(root: &Path, options: &Options) -> Result<Report, Error> {
    let recorded_text = read_if_there(&root.join(VENDOR))?;
    let recorded = match &recorded_text {
        Some(text) => parse_facts(text)?,
        None => Facts::default(),
    };
    let facts = match &options.from {
        Some(path) => import(path, options, &recorded)?,
        None => recorded.clone(),
    };
    let curated_text = read(&root.join(CURATED))?;
    let document = draft(&curated_text)?;
    let surface = Surface::read(root, &document)?;
    let applied = apply::apply(&curated_text, &document, &facts)?;

    let mut outdated: Vec<(&str, String)> = Vec::new();
    let vendor_text = facts.to_json();
    if recorded_text.as_ref() != Some(&vendor_text) {
        outdated.push((VENDOR, vendor_text));
    }
    let summary = summary::of(&facts);
    if read_if_there(&root.join(SUMMARY))?.as_ref() != Some(&summary) {
        outdated.push((SUMMARY, summary));
    }
    if !applied.insertions.is_empty() {
        outdated.push((CURATED, applied.text.clone()));
    }
    if options.write {
        for (name, text) in &outdated {
            let path = root.join(name);
            std::fs::write(&path, text).map_err(|error| Error::file(&path, error))?;
        }
    }
    let now = if options.write {
        &applied.text
    } else {
        &curated_text
    };
    let mut report = stand(root, now, &facts, &surface)?;
    let entry = |change| entry(change, &surface, &document, &facts);
    report.vendor = diff::compare(&recorded, &facts)
        .into_iter()
        .map(entry)
        .collect();
    report.insertions = applied.insertions;
    report.files = outdated
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect();
    report.written = options.write;
    if options.from.is_some() {
        let notes = facts
            .operations
            .iter()
            .filter(|operation| operation.source == 0);
        let notes = notes.flat_map(|operation| {
            let notes = operation.notes.iter();
            notes.map(|note| format!("{}: {note}", operation.id))
        });
        report.notes = facts.notes.iter().cloned().chain(notes).collect();
    }
    Ok(report)
}

/// How the curated document stands to the recorded facts; for `cargo xtask coverage`.
///
/// # Errors
///
/// A file that cannot be read or is not understood.
pub fn coverage(root: &Path) -> Result<Report, Error> {
    let facts = parse_facts(&read(&root.join(VENDOR))?)?;
    let text = read(&root.join(CURATED))?;
    let surface = Surface::read(root, &draft(&text)?)?;
    stand(root, &text, &facts, &surface)
}

/// The part of the report that is about the curated document.
fn stand(root: &Path, text: &str, facts: &Facts, surface: &Surface) -> Result<Report, Error> {
    let document = draft(text)?;
    let (captured, unfollowed) = match read_if_there(&root.join(CAPTURED))? {
        Some(text) => {
            let captured = Captured::from_json(&text)
                .map_err(|error| Error::Command(format!("{CAPTURED}: {error}")))?;
            let unfollowed = captured::unfollowed(&document, &captured, facts);
            (captured, unfollowed)
        }
        None => Default::default(),
    };
    let coverage: Coverage = coverage::of(&document, facts);
    let defects = Document::parse(text)
        .err()
        .map(|defects| defects.0)
        .unwrap_or_default();
    let defects = defects
        .into_iter()
        .map(|defect| format!("{}: {}; {}", defect.place, defect.problem, defect.fix));
    let curated = coverage.open.iter().cloned();
    Ok(Report {
        curated: curated
            .map(|change| entry(change, surface, &document, facts))
            .collect(),
        captured: unfollowed,
        captured_facts: captured.facts.len(),
        coverage,
        defects: defects.collect(),
        ..Report::default()
    })
}

fn entry(change: Change, surface: &Surface, document: &Document, facts: &Facts) -> Entry {
    let id = change.operation.as_str();
    let curated = document
        .operations
        .iter()
        .find(|o| o.id == id)
        .map(|o| o.tag.as_str());
    let vendor = facts
        .operations
        .iter()
        .find(|o| o.id == id)
        .map(|o| o.tag.as_str());
    let tag = curated.or(vendor).unwrap_or_default();
    Entry {
        text: change.text(),
        touches: (!id.is_empty()).then(|| surface.touched(id, tag)),
        change,
    }
}

fn import(path: &Path, options: &Options, recorded: &Facts) -> Result<Facts, Error> {
    let bytes = std::fs::read(path).map_err(|error| Error::file(path, error))?;
    let mut facts = import::read(&bytes, &options.captured).map_err(|broken| Error::Broken {
        path: path.display().to_string(),
        broken,
    })?;
    // The same bytes were taken when they were first recorded.
    for source in &mut facts.sources {
        let known = recorded
            .sources
            .iter()
            .find(|known| known.sha256 == source.sha256);
        if let Some(known) = known {
            source.captured.clone_from(&known.captured);
        }
    }
    if options.partial {
        facts.complete(recorded);
    }
    Ok(facts)
}

fn parse_facts(text: &str) -> Result<Facts, Error> {
    Facts::from_json(text).map_err(|error| {
        Error::Command(format!(
            "{VENDOR}: {error}; it is written by `cargo xtask regenerate --from FILE --write` and by nothing else"
        ))
    })
}

fn draft(text: &str) -> Result<Document, Error> {
    Document::parse_draft(text)
        .map_err(|defects| Error::Command(format!("{CURATED}: {defects}").trim_end().to_owned()))
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::file(path, error))
}

fn read_if_there(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file(path, error)),
    }
}
