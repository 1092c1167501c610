//! The words of a server whose language is French.
//!
//! Owns the dictionary and which members of answers are words. Codes, names and the English `statusString` of
//! getInterfaces stay. Captured: that words, month names and messages follow the language, on a server in another one.

use serde_json::{Map, Value};

#[rustfmt::skip]
const WORDS: &[(&str, &str)] = &[
    ("Critical", "Critique"), ("Trouble", "Problème"), ("Attention", "Avertissement"),
    ("Service Down", "Service arrêté"), ("Clear", "Normal"), ("Unmanaged", "Non géré"), ("UnManaged", "Non géré"),
    ("Unknown", "Inconnu"), ("Up", "Actif"), ("Down", "Inactif"), ("Enabled", "Activé"), ("Disabled", "Désactivé"),
    ("Server up", "Serveur actif"), ("Normal", "Dans les limites"), ("Violated", "Dépassé"),
    ("Not Enabled", "Non activé"), ("Server", "Serveur"), ("Switch", "Commutateur"), ("Router", "Routeur"),
    ("Firewall", "Pare-feu"), ("Printer", "Imprimante"), ("Desktop", "Poste de travail"),
    ("DomainController", "Contrôleur de domaine"), ("WirelessLANController", "Contrôleur sans fil"),
    ("Wireless LAN Controller", "Contrôleur sans fil"), ("UPS", "Onduleur"), ("Storage", "Stockage"),
    ("LoadBalancer", "Répartiteur de charge"), ("Load Balancer", "Répartiteur de charge"),
];

/// Members whose whole text may be a word of the dictionary.
#[rustfmt::skip]
const WORD_MEMBERS: &[&str] = &[
    "statusStr", "statusLabel", "statusText", "status", "stringStatus", "stringstatus", "stringseverity",
    "stringpreviousseverity", "severityString", "severity", "STATUS_STR", "STATUS", "label", "Label", "operStatus",
    "adminStatus", "operState", "adminState", "OperStatus", "AdminStatus", "thresholdStatus", "serverStatus", "category",
    "Category", "displayCategory", "graphDetails",
];

/// Members that are sentences.
const SENTENCE_MEMBERS: &[&str] = &["message", "text", "logMessage"];

#[rustfmt::skip]
const PHRASES: &[(&str, &str)] = &[
    ("Device is down: no answer to the last 5 polls", "L'équipement ne répond plus aux 5 dernières interrogations"),
    ("Device is up again", "L'équipement répond de nouveau"),
    ("CPU Utilization is", "Le taux d'utilisation du processeur est de"),
    ("Memory Utilization is", "Le taux d'utilisation de la mémoire est de"),
    ("Disk Utilization is", "Le taux d'utilisation du disque est de"),
    ("(threshold ", "(seuil "), ("Free space of ", "Espace libre de "), ("Interface ", "L'interface "),
    ("is back to normal", "est revenu à la normale"), ("is down", "est hors service"), ("is up", "est en service"),
    ("does not answer", "ne répond pas"), ("runs on battery", "fonctionne sur batterie"),
    ("No Devices found.", "Aucun équipement."), ("No Interfaces found.", "Aucune interface."),
    ("No Alarms found.", "Aucune alarme."), ("No Records found.", "Aucun enregistrement."),
];

#[rustfmt::skip]
const MONTHS: [(&str, &str); 12] = [
    ("Jan", "janv."), ("Feb", "févr."), ("Mar", "mars"), ("Apr", "avr."), ("May", "mai"), ("Jun", "juin"),
    ("Jul", "juil."), ("Aug", "août"), ("Sep", "sept."), ("Oct", "oct."), ("Nov", "nov."), ("Dec", "déc."),
];

const WEEKDAYS: [(&str, &str); 7] = [
    ("Mon", "lun."),
    ("Tue", "mar."),
    ("Wed", "mer."),
    ("Thu", "jeu."),
    ("Fri", "ven."),
    ("Sat", "sam."),
    ("Sun", "dim."),
];

fn find(list: &[(&str, &'static str)], text: &str) -> Option<&'static str> {
    let found = list.iter().find(|(english, _)| *english == text);
    found.map(|(_, french)| *french)
}

pub(super) fn translate_answer(answer: &mut Value) {
    let is_write = answer["result"]["message"].is_string();
    walk("", answer);
    // Of writes the words are no fact: one sentence stands for all.
    if is_write {
        answer["result"]["message"] = "L'opération a été effectuée.".into();
    }
}

fn walk(member: &str, value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(french) = translate(member, text) {
                *text = french;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(member, item)),
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                walk(name, field);
            }
            // Counts by severity and by category have the words as names.
            if matches!(member, "severityVsCount" | "Details") {
                let renamed: Map<_, _> = std::mem::take(fields)
                    .into_iter()
                    .map(|(name, field)| (find(WORDS, &name).map_or(name, str::to_owned), field))
                    .collect();
                *fields = renamed;
            }
        }
        _ => {}
    }
}

fn translate(member: &str, text: &str) -> Option<String> {
    if SENTENCE_MEMBERS.contains(&member) {
        return Some(sentence(text));
    }
    let lower = member.to_lowercase();
    if lower == "prettytime" {
        return text.strip_suffix(" ago").map(|span| {
            let span = span.replace("second", "seconde").replace("hour", "heure");
            format!("il y a {}", span.replace("day", "jour"))
        });
    }
    if lower.contains("time") || lower == "lastcontact" || lower == "genat" {
        return Some(date(text));
    }
    if !WORD_MEMBERS.contains(&member) {
        return None;
    }
    // A picture and a word.
    if let Some((picture, word)) = text.split_once('\u{a0}') {
        return find(WORDS, word).map(|french| format!("{picture}\u{a0}{french}"));
    }
    find(WORDS, text).map(str::to_owned)
}

fn sentence(text: &str) -> String {
    PHRASES
        .iter()
        .fold(text.to_owned(), |text, (english, french)| {
            text.replace(english, french)
        })
}

/// A text with a year and an English month has the French one, and the French weekday.
fn date(text: &str) -> String {
    let is_year = |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !text.split(' ').any(is_year) {
        return text.to_owned();
    }
    let part = |part: &str| {
        let (word, comma) = part
            .strip_suffix(',')
            .map_or((part, ""), |word| (word, ","));
        let found = find(&MONTHS, word).or_else(|| find(&WEEKDAYS, word));
        found.map_or_else(|| part.to_owned(), |french| format!("{french}{comma}"))
    };
    text.split(' ').map(part).collect::<Vec<_>>().join(" ")
}

pub(super) fn translate_refusal(refusal: &mut Value) {
    let message = refusal["error"]["message"].as_str().unwrap_or_default();
    let quoted = message.split('\'').nth(1).unwrap_or_default();
    let french = match refusal["error"]["errorcode"].as_str() {
        Some("LESS_THAN_MIN_OCCURANCE" | "LESS_THAN_MIN_LENGTH") => {
            format!("Le paramètre « {quoted} » est absent.")
        }
        Some("MORE_THAN_MAX_OCCURANCE" | "MORE_THAN_MAX_LENGTH") => {
            format!("Le paramètre « {quoted} » est en trop.")
        }
        Some("EXTRA_PARAM_FOUND") => format!("Le paramètre « {quoted} » n'est pas prévu ici."),
        Some(code) if code.contains("THROTTLES") => "L'URL est appelée trop souvent.".to_owned(),
        Some(_) => format!("Le paramètre « {quoted} » n'a pas une valeur admise."),
        None if message.contains("API key") => "La clé d'API est absente ou invalide.".to_owned(),
        None if quoted.is_empty() => "L'opération n'est pas possible.".to_owned(),
        None => format!("L'élément « {quoted} » n'existe pas."),
    };
    refusal["error"]["message"] = french.into();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_french_months_and_nothing_else_has() {
        assert_eq!(
            date("8 Mar 2024 06:17:07 PM UTC"),
            "8 mars 2024 06:17:07 PM UTC"
        );
        assert_eq!(
            date("Fri, Aug 8, 2025 18:17:07"),
            "ven., août 8, 2025 18:17:07"
        );
        assert_eq!(date("Mar is short for March"), "Mar is short for March");
        let pretty = translate("prettyTime", "10 minutes ago");
        assert_eq!(pretty.as_deref(), Some("il y a 10 minutes"));
    }
}
