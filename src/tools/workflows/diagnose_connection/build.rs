//! What one harmless read tells of the build that answers: its language, its kind, and the form of its lists.
//!
//! Owns what may be concluded. What the answer does not show is unknown, and is said to be.

use std::ops::ControlFlow;

use crate::opmanager::types::{Device, ListDevicesArgs};
use crate::opmanager::{Client, Error, Integer, RawResponse};
use crate::result;
use crate::tools::failure_text;
use crate::tools::workflows::diagnose_connection::Diagnosis;
use crate::upstream::{Reduce, Upstream};

/// Rows of the one page that is asked for: enough to see words and names in, and a short answer.
const ROWS: u32 = 5;
/// Digits of the number that a Central puts behind the names of a probe's devices.
const PROBE_DIGITS: std::ops::RangeInclusive<usize> = 10..=12;
/// The English words of states, by code, without spaces and in lower case.
const STATES: [(i64, &str); 6] = [
    (1, "critical"),
    (2, "trouble"),
    (3, "attention"),
    (4, "servicedown"),
    (5, "clear"),
    (7, "unmanaged"),
];

/// What a page of devices shows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether the list came bare, and not in an object with its pages.
    bare: bool,
    /// States whose word is the English one of their code, and others.
    english: usize,
    other: usize,
    /// Names that end in the number of a probe, and others.
    of_probes: usize,
    plain: usize,
}

impl Seen {
    fn row(&mut self, row: &Device) {
        let code = row.status_num.as_ref().and_then(Integer::get);
        let word = row.status_str.as_deref().unwrap_or_default();
        let word: String = word
            .chars()
            .filter(|c| !c.is_whitespace())
            .flat_map(char::to_lowercase)
            .collect();
        let known = STATES.iter().find(|(known, _)| Some(*known) == code);
        match known {
            Some((_, english)) if *english == word => self.english += 1,
            Some(_) if !word.is_empty() => self.other += 1,
            _ => {}
        }
        let name = row.device_name.as_deref().unwrap_or_default();
        let probe = name.rsplit_once('.').is_some_and(|(_, end)| {
            PROBE_DIGITS.contains(&end.len()) && end.chars().all(|c| c.is_ascii_digit())
        });
        if probe {
            self.of_probes += 1;
        } else if !name.is_empty() {
            self.plain += 1;
        }
    }

    /// The line about it.
    pub(super) fn text(&self) -> String {
        let language = match (self.english, self.other) {
            (0, 0) => "unknown",
            (_, 0) => "English",
            _ => "not English, so go by codes such as statusNum and never by words of states",
        };
        let kind = match (self.of_probes, self.plain) {
            (0, 0) => "unknown",
            (0, _) => "no sign of a Central",
            _ => "a Central, as names end in the number of a probe",
        };
        let lists = if self.bare { "bare" } else { "in pages" };
        format!(
            "language: {language}; kind: {kind}; lists of devices: {lists}; MSP and add-ons: unknown"
        )
    }
}

/// Reduces a page of devices to what it shows.
struct Look;

impl Reduce for Look {
    type Output = Seen;

    fn reduce(self, raw: &RawResponse, client: &Client) -> Result<Seen, Error> {
        let mut seen = Seen {
            bare: raw.body.trim_ascii_start().starts_with(b"["),
            ..Seen::default()
        };
        let walked = result::rows(raw.received(), raw.plan(), |item| {
            if let Ok(row) = serde_json::from_str(item) {
                seen.row(&row);
            }
            ControlFlow::Continue(())
        });
        match walked {
            Ok(_) => Ok(seen),
            Err(failure) => Err(client.tell_failure(failure).into()),
        }
    }
}

/// Asks for a few devices and says what the answer shows. It is no failure of the connection if it shows nothing.
pub(super) async fn learn(upstream: &Upstream<'_, Diagnosis>) -> String {
    let page = serde_json::json!({ "page": 1, "rows": ROWS });
    let arguments: ListDevicesArgs = serde_json::from_value(page).unwrap_or_default();
    match upstream.read(&arguments, Look).await {
        Ok(seen) => seen.text(),
        Err(failed) if failure_text::blames_parameters(&failed.error) => {
            "refuses parameters that it does not know, page and rows of list_devices among them; language and kind: unknown".to_owned()
        }
        Err(_) => "unknown: list_devices was not answered".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rows: &[(&str, &str, &str)]) -> Seen {
        let mut seen = Seen::default();
        for (name, code, word) in rows {
            let row =
                serde_json::json!({ "deviceName": name, "statusNum": code, "statusStr": word });
            seen.row(&serde_json::from_value(row).unwrap());
        }
        seen
    }

    #[test]
    fn what_rows_do_not_show_is_unknown() {
        let text = seen(&[]).text();
        assert!(text.contains("language: unknown; kind: unknown"), "{text}");
        let text = seen(&[("a", "5", ""), ("b", "99", "Odd")]).text();
        assert!(
            text.contains("language: unknown; kind: no sign of a Central"),
            "{text}"
        );
    }

    #[test]
    fn a_language_shows_in_the_words_of_states_and_not_in_their_codes() {
        let english = [
            ("a", "1", "Critical"),
            ("b", "4", "Service Down"),
            ("c", "7", "UnManaged"),
        ];
        assert!(seen(&english).text().contains("language: English"));
        let mixed = [("a", "1", "Critical"), ("b", "5", "Sans alarme")];
        for rows in [&mixed[..], &mixed[1..]] {
            assert!(seen(rows).text().contains("language: not English"));
        }
    }

    #[test]
    fn a_central_shows_in_the_names_of_devices() {
        for (name, central) in [
            ("10.0.0.5.10000000001", true),
            ("sw.130000000001", true),
            ("10.0.0.5", false),
            ("sw.2024", false),
            ("sw.1300000000012345", false),
            ("10000000001", false),
        ] {
            let text = seen(&[(name, "5", "Clear")]).text();
            assert_eq!(text.contains("kind: a Central"), central, "{name}: {text}");
        }
    }
}
