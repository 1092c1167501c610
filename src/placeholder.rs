//! Placeholders that a client was to replace by a value.
//!
//! Owns the forms in which configurations of clients write them. Knows no argument and no header.

/// Whether a text is a placeholder in place of a value: `${NAME}`, `{{name}}`, `$NAME`, `$(NAME)`, `<name>`, `%NAME%`, in
/// quotes too; the first two also as a part of it. No key or token has such a form.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let text = text.trim().trim_matches(['"', '\'', '`']).trim();
    let holds = |open: &str, close: &str| {
        let inside = text.split_once(open).map(|(_, rest)| rest);
        inside.is_some_and(|rest| rest.contains(close))
    };
    let inside = |open: &str, close: &str| {
        let inside = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inside.is_empty()).then_some(inside)
    };
    // PowerShell and some editors write `$env:NAME`.
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '.' | '-'))
    };
    holds("${", "}")
        || holds("{{", "}}")
        || inside("<", ">").is_some()
        || inside("$(", ")").is_some()
        || inside("$", "").is_some_and(is_name)
        || inside("%", "%").is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn fl_27_placeholders_of_clients_are_known() {
        for text in [
            "${OPMANAGER_API_KEY}",
            "${env:KEY}",
            "${input:api-key}",
            "${KEY:-}",
            " \"${KEY}\" ",
            "prefix-${KEY}",
            "{{key}}",
            "{{ secrets.KEY }}",
            "${{ secrets.KEY }}",
            "$KEY",
            "$env:KEY",
            "$(KEY)",
            "<token>",
            "<your token here>",
            "%KEY%",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "",
            "0123456789abcdef",
            "$",
            "$1abc",
            "a$KEY",
            "100%",
            "%%",
            "%1%",
            "<>",
            "a<b>",
            "{key}",
            "}${",
            "$KEY rest",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
