//! What OpManager counts beside a list.
//!
//! Owns the one rule: a counter is told only where it can be true of the rows that came, and one that counts pages is not
//! called by a name that reads as a number of rows. Knows no operation.

/// Names of counters, in lower case.
const COUNTERS: [&str; 4] = ["total", "records", "totalrecords", "totalcount"];

/// What is said of counters that are left out.
pub(super) const WRONG: &str = "OpManager's own counters contradict its rows, and are left out: read on until a page is short.";

/// What becomes of a member beside a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Counter {
    /// It is none, or may be true.
    AsItIs,
    /// It counts what came, and says nothing that is not known.
    Same,
    /// It cannot be true: it counts less than came.
    Wrong,
    /// It counts pages: the member to be told in its place.
    Pages(String),
}

/// Whether a member is a counter by its name.
pub(super) fn is_counter(name: &str, pages: &[&str]) -> bool {
    pages.contains(&name) || COUNTERS.contains(&name.to_ascii_lowercase().as_str())
}

/// What becomes of a member, written as `"name":value`, beside a list of which so many rows came. `pages` names counters
/// of pages.
pub(super) fn told(member: &str, rows: usize, pages: &[&str]) -> Counter {
    let Some((name, value)) = member
        .strip_prefix('"')
        .and_then(|member| member.split_once("\":"))
    else {
        return Counter::AsItIs;
    };
    if !is_counter(name, pages) {
        return Counter::AsItIs;
    }
    let counts_pages = pages.contains(&name);
    // Texts that are no numbers, and objects of that name, are no counters.
    let Ok(count) = value.trim_matches('"').trim().parse::<f64>() else {
        return Counter::AsItIs;
    };
    let least = if counts_pages { rows.min(1) } else { rows };
    #[allow(clippy::cast_precision_loss, reason = "rows of one answer are few")]
    if count < least as f64 {
        return Counter::Wrong;
    }
    #[allow(clippy::cast_precision_loss, reason = "rows of one answer are few")]
    let known = if counts_pages { 1.0 } else { rows as f64 };
    // As many pages as rows would be a coincidence: it counts rows, whatever the document says.
    #[allow(clippy::cast_precision_loss, reason = "rows of one answer are few")]
    if count == known || count == rows as f64 {
        return Counter::Same;
    }
    if counts_pages {
        return Counter::Pages(format!("\"pages\":{value}"));
    }
    Counter::AsItIs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_told_only_where_it_can_be_true() {
        for (member, rows, told_of) in [
            ("\"total\":0", 44, Counter::Wrong),
            ("\"total\":\"0\"", 2, Counter::Wrong),
            ("\"records\":43", 44, Counter::Wrong),
            ("\"total\":-1", 0, Counter::Wrong),
            ("\"TotalRecords\":\"1\"", 2, Counter::Wrong),
            ("\"records\":44", 44, Counter::Same),
            ("\"records\":\"4289\"", 50, Counter::AsItIs),
            ("\"total\":0", 0, Counter::Same),
            // What only looks like one.
            ("\"total\":{\"up\":0}", 3, Counter::AsItIs),
            ("\"total\":\"none\"", 3, Counter::AsItIs),
            ("\"page\":1", 44, Counter::AsItIs),
            ("\"severity\":0", 44, Counter::AsItIs),
            ("total", 3, Counter::AsItIs),
        ] {
            assert_eq!(told(member, rows, &[]), told_of, "{member} {rows}");
        }
    }

    #[test]
    fn a_counter_of_pages_is_not_called_a_total() {
        let pages = ["total"];
        assert_eq!(told("\"total\":1", 50, &pages), Counter::Same);
        let text = Counter::Pages("\"pages\":\"86\"".to_owned());
        assert_eq!(told("\"total\":\"86\"", 50, &pages), text);
        assert_eq!(told("\"total\":0", 50, &pages), Counter::Wrong);
        assert_eq!(told("\"records\":1", 50, &pages), Counter::Wrong);
    }
}
