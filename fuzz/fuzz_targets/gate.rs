//! Whatever others say: behind the gate it is in one line, bounded, without invisible characters, and without the key in
//! any spelling that a second look finds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use opmanager_mcp_server::foreign::{Foreign, Gate, Source};
use opmanager_mcp_server::opmanager::ApiKey;

const KEY: &str = "k3y-S3CRET";

fuzz_target!(|input: (u8, &str, &str, u16)| {
    let (source, before, after, times) = input;
    let source = Source::ALL[usize::from(source) % Source::ALL.len()];
    let key = ApiKey::new(KEY.to_owned()).unwrap();
    let redact = |text: &str| key.redact(text);
    let gate = Gate::new(&redact);
    // The key in whole and in two halves with something between them.
    let (start, end) = KEY.split_at(KEY.len() / 2);
    let before = before.repeat(usize::from(times) % 300);
    for text in [
        format!("{before}{KEY}{after}"),
        format!("{before}{start}\u{200b}{end}{after}"),
        format!("{before}{after}"),
        format!("{start}{after}{end}"),
    ] {
        let told = gate.tell(&Foreign::new(source, &text)).to_string();
        assert!(!told.to_lowercase().contains(&KEY.to_lowercase()), "{told}");
        assert_eq!(key.redact(&told), None, "{told}");
        assert!(!told.contains(|c: char| c.is_control()), "{told:?}");
        if source.longest() < usize::MAX {
            assert!(told.chars().count() <= source.longest() + 1, "{told}");
        }
        // What is clean stays as it is.
        let again = gate.tell(&Foreign::new(source, &told)).to_string();
        assert!(
            again == told || told.ends_with('\u{2026}'),
            "{told:?}: {again:?}"
        );
    }
});
