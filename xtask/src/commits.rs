//! `cargo xtask commits`: whether the subjects of new commits are of the form that CONTRIBUTING.md asks for.

use std::path::Path;
use std::process::Command;

use crate::Error;

const LONGEST: usize = 72;

/// Checks the commits that are on the current branch and not on main; merges have no rule.
///
/// # Errors
///
/// Every commit that breaks the rule.
pub fn run(root: &Path) -> Result<(), Error> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(root)
            .output();
        let output = output.ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // A shallow clone has no main, and nothing to compare with.
    let mains = ["origin/main", "main"].into_iter();
    let log = mains.into_iter().find_map(|main| {
        let range = format!("{main}..HEAD");
        git(&["log", "--no-merges", "--format=%h %s", &range])
    });
    let log = log.unwrap_or_default();
    let broken: Vec<String> = log
        .lines()
        .filter_map(|line| {
            let (hash, subject) = line.split_once(' ')?;
            let problem = problem(subject)?;
            Some(format!("{hash} \"{subject}\": {problem}"))
        })
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    let rule = format!("a subject is `area: verb object` with at most {LONGEST} characters");
    Err(Error::Command(format!("{rule}\n{}", broken.join("\n"))))
}

/// What is wrong with a subject, if anything.
fn problem(subject: &str) -> Option<String> {
    let count = subject.chars().count();
    if count > LONGEST {
        return Some(format!("it has {count} characters"));
    }
    let area = |area: &str| {
        !area.is_empty()
            && area
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
    };
    match subject.split_once(": ") {
        Some((before, after)) if area(before) && after.contains(' ') => None,
        _ => Some("it names no area, or no verb with an object".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn a_subject_has_an_area_a_verb_and_an_object_in_72_characters() {
        let longest = format!("server: a {}", "b".repeat(62));
        for good in ["server: answer pings", "xtask/ci: add a step", &longest] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in [
            "wip",
            "server:answer pings",
            "server: pings",
            "Let the server answer pings",
            "the server: answer pings",
            &format!("{longest} and more"),
        ] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }
}
