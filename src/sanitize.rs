//! Text as a reader should get it: without markup, padding, and characters that nobody sees.
//!
//! Owns which characters are invisible and what is removed from a string. Log, results, errors and questions share
//! it. Names and messages are written by whoever can reach a device; what is invisible in them serves only to
//! deceive.
//!
//! The rule: a character that is not seen is removed, unless the script around it needs it: a joiner between two
//! characters that it joins or separates (letters of a cursive script, a virama and its letter, two emoji), and a
//! variation selector behind a character that has such variations.

use std::borrow::Cow;

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, Emoji, EmojiModifier, ExtendedPictographic,
    GeneralCategory, JoiningType, NoncharacterCodePoint, PrependedConcatenationMark, Script,
    UnifiedIdeograph, VariationSelector,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Longest text in which markup is looked for, in bytes. Documented ones have some fifty characters.
const LONGEST_MARKUP: usize = 1024;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
const MONGOLIAN_VOWEL_SEPARATOR: char = '\u{180e}';
const BLACK_FLAG: char = '\u{1f3f4}';
const BRAILLE_BLANK: char = '\u{2800}';
const COMBINING_KEYCAP: char = '\u{20e3}';
/// The tags behind a black flag that make a flag of it: England, Scotland, Wales. There are no others.
const SUBDIVISIONS: [&str; 3] = [
    "\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
    "\u{e0067}\u{e0062}\u{e0077}\u{e006c}\u{e0073}\u{e007f}",
];

/// The text without what does not belong into it; without markup too, if the field is known for it.
pub(crate) fn clean(text: &str, markup: bool) -> Cow<'_, str> {
    let markup = markup && text.len() <= LONGEST_MARKUP;
    if is_clean(text, markup) {
        return Cow::Borrowed(text);
    }
    let mut current = visible(text).trim().to_owned();
    // Entities can hide tags and invisible characters, and invisible characters can hide tags. Each turn makes the
    // text shorter, so this ends.
    while markup && current.contains(['<', '&']) {
        let next = visible(&decode_entities(&strip_tags(&current)))
            .trim()
            .to_owned();
        if next == current {
            break;
        }
        current = next;
    }
    Cow::Owned(current)
}

/// The same in one line: what would end a line or begin a column is a blank.
pub(crate) fn clean_line(text: &str) -> Cow<'_, str> {
    match clean(text, false) {
        Cow::Borrowed(text) if !text.contains(['\n', '\t']) => Cow::Borrowed(text),
        text => Cow::Owned(text.replace(['\n', '\t'], " ")),
    }
}

fn is_clean(text: &str, markup: bool) -> bool {
    let visible = is_printable(text.as_bytes()) || !text.chars().any(may_be_invisible);
    visible && text.trim().len() == text.len() && !(markup && text.contains(['<', '&']))
}

/// Whether the text is printable ASCII without padding: clean, unless there is markup in it.
pub(crate) fn is_plain(text: &str) -> bool {
    let text = text.as_bytes();
    text.first() != Some(&b' ') && text.last() != Some(&b' ') && is_printable(text)
}

/// Whether all is printable ASCII, which most texts are. Eight bytes at a time.
fn is_printable(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let (chunks, rest) = text.as_chunks::<8>();
    chunks.iter().all(|chunk| {
        let chunk = u64::from_le_bytes(*chunk);
        // A high bit is set by each byte above 0x7e, and by the first one below 0x20.
        (chunk | chunk.wrapping_add(ONES) | chunk.wrapping_sub(ONES * 0x20)) & HIGHS == 0
    }) && rest.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The text without its invisible characters.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if is_printable(text.as_bytes()) || !text.chars().any(may_be_invisible) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        Characters::of(text)
            .filter_map(|(c, seen)| seen.then_some(c))
            .collect(),
    )
}

/// The text in one line, with its invisible characters as escapes that JSON knows too: for readers who must see what is
/// there.
pub(crate) fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for (c, seen) in Characters::of(text) {
        // Line feeds and tabs shape a text, and would end or shift a line.
        if seen && !c.is_control() {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// The characters of a text, each with whether it is seen, or needed by what is.
pub(crate) struct Characters<'a> {
    rest: &'a str,
    /// The last character that is kept.
    before: Option<char>,
    /// Bytes at the start of `rest` that belong to the character before.
    tied: usize,
}

impl<'a> Characters<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        Self {
            rest: text,
            before: None,
            tied: 0,
        }
    }
}

impl Iterator for Characters<'_> {
    type Item = (char, bool);

    fn next(&mut self) -> Option<(char, bool)> {
        let mut rest = self.rest.chars();
        let c = rest.next()?;
        self.rest = rest.as_str();
        let seen = if self.tied > 0 {
            self.tied -= c.len_utf8();
            true
        } else {
            !may_be_invisible(c) || is_needed(c, self.before, self.rest)
        };
        if seen {
            self.before = Some(c);
        }
        if c == BLACK_FLAG {
            let tags = SUBDIVISIONS
                .iter()
                .find(|tags| self.rest.starts_with(**tags));
            self.tied = tags.map_or(0, |tags| tags.len());
        }
        Some((c, seen))
    }
}

/// Whether a character is invisible by itself. Line feeds and tabs are not: they shape a text.
///
/// By property and not by list: what Unicode says to ignore where it is not supported, controls, format characters
/// but those that show a mark of their own, line and paragraph separators, and what will never be a character.
/// Two more are drawn as nothing: the blank braille pattern and the null notehead.
fn may_be_invisible(c: char) -> bool {
    match c {
        ' '..='~' | '\n' | '\t' | '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{2ff}' => false,
        BRAILLE_BLANK | '\u{1d159}' => true,
        _ => {
            CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
                || match CodePointMapData::<GeneralCategory>::new().get(c) {
                    GeneralCategory::Control
                    | GeneralCategory::LineSeparator
                    | GeneralCategory::ParagraphSeparator => true,
                    GeneralCategory::Format => {
                        !CodePointSetData::new::<PrependedConcatenationMark>().contains(c)
                    }
                    GeneralCategory::Unassigned => {
                        CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
                    }
                    _ => false,
                }
        }
    }
}

/// Whether the characters around an invisible one need it.
fn is_needed(c: char, before: Option<char>, rest: &str) -> bool {
    let Some(before) = before else {
        return false;
    };
    let mut rest = rest.chars();
    let after = rest.next();
    match c {
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => {
            !matches!(before, ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER) && joins(c, before, after)
        }
        MONGOLIAN_VOWEL_SEPARATOR => {
            is_of(before, Script::Mongolian) && after.is_some_and(|c| is_of(c, Script::Mongolian))
        }
        BRAILLE_BLANK => is_of(before, Script::Braille),
        _ => varies(c, before, after),
    }
}

/// Whether a joiner does something between two characters.
fn joins(joiner: char, before: char, after: Option<char>) -> bool {
    let is_virama = |c: char| {
        CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama
    };
    // Marks on a letter of a cursive script lie between it and the joiner.
    let joining = |c: char| CodePointMapData::<JoiningType>::new().get(c);
    let is_cursive = |c: char| {
        matches!(
            joining(c),
            JoiningType::DualJoining | JoiningType::RightJoining | JoiningType::LeftJoining
        ) || joining(c) == JoiningType::Transparent && is_of(c, Script::Inherited)
    };
    let is_letter = |c: char| c.is_alphabetic();
    if is_virama(before) {
        return true;
    }
    if joiner == ZERO_WIDTH_JOINER {
        let follows_emoji = CodePointSetData::new::<ExtendedPictographic>().contains(before)
            || CodePointSetData::new::<EmojiModifier>().contains(before)
            || before == '\u{fe0f}';
        if follows_emoji {
            return after
                .is_some_and(|c| CodePointSetData::new::<ExtendedPictographic>().contains(c));
        }
        if after.is_some_and(is_virama) {
            return is_letter(before);
        }
        // A letter at the end of a word that keeps the form it has within one.
        if joining(before) == JoiningType::DualJoining {
            return true;
        }
    }
    is_cursive(before) && after.is_some_and(is_cursive)
}

/// Whether a variation selector changes how the character before it is drawn.
fn varies(selector: char, before: char, after: Option<char>) -> bool {
    if !CodePointSetData::new::<VariationSelector>().contains(selector) {
        return false;
    }
    let ideograph = || CodePointSetData::new::<UnifiedIdeograph>().contains(before);
    match selector {
        // As text or as emoji. A digit has the two only as a keycap.
        '\u{fe0e}' | '\u{fe0f}' if before.is_ascii() => {
            matches!(before, '0'..='9' | '#' | '*') && after == Some(COMBINING_KEYCAP)
        }
        '\u{fe0e}' | '\u{fe0f}' => CodePointSetData::new::<Emoji>().contains(before),
        '\u{180b}'..='\u{180d}' | '\u{180f}' => is_of(before, Script::Mongolian),
        '\u{fe00}' => {
            ideograph()
                || CodePointMapData::<GeneralCategory>::new().get(before)
                    == GeneralCategory::MathSymbol
                    && !before.is_ascii()
                || [Script::Myanmar, Script::PhagsPa, Script::Manichaean]
                    .into_iter()
                    .any(|script| is_of(before, script))
        }
        '\u{fe01}' | '\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => ideograph(),
        _ => false,
    }
}

fn is_of(c: char, script: Script) -> bool {
    !may_be_invisible(c) && CodePointMapData::<Script>::new().get(c) == script
}

/// The text without what looks like a tag.
pub(crate) fn strip_tags(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    // Where the next tag may end, looked for once for all `<` before it.
    let mut close = text.find('>');
    while let Some(open) = text[from..].find('<').map(|at| from + at) {
        kept.push_str(&text[from..open]);
        if close.is_some_and(|close| close < open) {
            close = text[open..].find('>').map(|at| open + at);
        }
        let named = text[open + 1..]
            .starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'));
        from = match close {
            None => {
                from = open;
                break;
            }
            Some(close) if named => close + 1,
            Some(_) => {
                kept.push('<');
                open + 1
            }
        };
    }
    kept.push_str(&text[from..]);
    kept
}

/// The text with the characters that its entities stand for.
pub(crate) fn decode_entities(text: &str) -> String {
    /// Longest name or number of an entity, in bytes; leading zeros are of no use to anybody.
    const LONGEST: usize = 24;
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, entity) = rest.split_at(start);
        decoded.push_str(before);
        let end = entity
            .bytes()
            .take(LONGEST + 2)
            .position(|byte| byte == b';');
        let whole = end.and_then(|end| Some((character(&entity[1..end])?, end + 1)));
        match whole.or_else(|| unfinished(entity)) {
            Some((character, end)) => {
                decoded.push(character);
                rest = &entity[end..];
            }
            None => {
                decoded.push('&');
                rest = &entity[1..];
            }
        }
    }
    decoded.push_str(rest);
    decoded
}

/// The character of a number without its `;`, which browsers read too, and where it ends.
fn unfinished(entity: &str) -> Option<(char, usize)> {
    let number = entity.strip_prefix("&#")?;
    let (digits, radix, before) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16, 3),
        None => (number, 10, 2),
    };
    let length = digits
        .bytes()
        .take(7)
        .take_while(|byte| char::from(*byte).is_digit(radix))
        .count();
    let code = u32::from_str_radix(digits.get(..length)?, radix).ok()?;
    Some((char::from_u32(code)?, before + length))
}

/// The character of an entity, without `&` and `;`: a number, or the name of a character of ASCII or of the blank that
/// web pages are full of.
fn character(entity: &str) -> Option<char> {
    if let Some(number) = entity.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match entity {
        "Tab" => '\t',
        "NewLine" => '\n',
        "excl" => '!',
        "quot" | "QUOT" => '"',
        "num" => '#',
        "dollar" => '$',
        "percnt" => '%',
        "amp" | "AMP" => '&',
        "apos" => '\'',
        "lpar" => '(',
        "rpar" => ')',
        "ast" | "midast" => '*',
        "plus" => '+',
        "comma" => ',',
        "period" => '.',
        "sol" => '/',
        "colon" => ':',
        "semi" => ';',
        "lt" | "LT" => '<',
        "equals" => '=',
        "gt" | "GT" => '>',
        "quest" => '?',
        "commat" => '@',
        "lsqb" | "lbrack" => '[',
        "bsol" => '\\',
        "rsqb" | "rbrack" => ']',
        "Hat" => '^',
        "lowbar" | "UnderBar" => '_',
        "grave" => '`',
        "lcub" | "lbrace" => '{',
        "verbar" | "vert" | "VerticalLine" => '|',
        "rcub" | "rbrace" => '}',
        "nbsp" => '\u{a0}',
        "shy" => '\u{ad}',
        "ZeroWidthSpace"
        | "NegativeVeryThinSpace"
        | "NegativeThinSpace"
        | "NegativeMediumSpace"
        | "NegativeThickSpace" => '\u{200b}',
        "NoBreak" => '\u{2060}',
        "ApplyFunction" | "af" => '\u{2061}',
        "InvisibleTimes" | "it" => '\u{2062}',
        "InvisibleComma" | "ic" => '\u{2063}',
        "zwnj" => ZERO_WIDTH_NON_JOINER,
        "zwj" => ZERO_WIDTH_JOINER,
        "lrm" => '\u{200e}',
        "rlm" => '\u{200f}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_documented_severity_becomes_its_word() {
        let documented = "<img src='/images/devices/status3.gif'>&nbsp;Attention ";
        assert_eq!(clean(documented, true), "Attention");
        assert_eq!(clean(documented, false), documented.trim());
    }

    #[test]
    fn comparisons_in_a_message_are_no_tags() {
        for text in [
            "load < 5 and > 3",
            "a <b",
            "5 <= 6",
            "AT&T",
            "x &unknown; y",
            "a < b <c",
        ] {
            assert_eq!(clean(text, true), text);
        }
        assert_eq!(strip_tags("1 < 2 <b>3</b> < 4"), "1 < 2 3 < 4");
        assert_eq!(strip_tags("a > b < c"), "a > b < c");
    }

    #[test]
    fn what_nobody_sees_is_removed() {
        let hidden = "a\u{202e}b\u{200b}c\u{e0041}d\u{feff}e\u{7f}f\u{85}g\u{e0101}";
        assert_eq!(clean(hidden, false), "abcdefg");
        assert_eq!(
            clean("two\nlines\tand a tab", false),
            "two\nlines\tand a tab"
        );
        assert_eq!(clean("\u{a0} padded \n", false), "padded");
        assert_eq!(
            clean_line("two\nlines\tand\u{2028} a tab"),
            "two lines and a tab"
        );
    }

    #[test]
    fn hidden_tags_are_found_and_cleaning_twice_changes_nothing() {
        for text in [
            "<\u{200b}img>x",
            "&lt;b&gt;x",
            "&amp;lt;b&amp;gt;x",
            "&#60;b>x",
            "&#x200b;x",
            "&lt;&zwj;b&gt;x&shy;",
        ] {
            let once = clean(text, true).into_owned();
            assert_eq!(once, "x", "{text:?}");
            assert_eq!(clean(&once, true), once);
        }
    }

    /// What Unicode says to ignore, and what controls, formats or separates without a mark: looked at between letters
    /// that need none of it.
    #[test]
    fn rt_13_every_invisible_character_is_removed_between_letters() {
        let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        let mut count = 0;
        for c in '\0'..=char::MAX {
            let bidi = matches!(c, '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            let control = c.is_control() && !matches!(c, '\n' | '\t');
            let others = matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{fdd0}'..='\u{fdef}' | '\u{2800}');
            if ignorable.contains(c) || bidi || control || others {
                count += 1;
                for text in [
                    format!("a{c}b"),
                    format!("{c}ab"),
                    format!("ab{c}"),
                    format!("a{c}{c}{c}b"),
                ] {
                    assert_eq!(clean(&text, false), "ab", "U+{:04X}", u32::from(c));
                }
            }
        }
        assert!(count > 4174, "{count}");
    }

    #[test]
    fn scripts_and_emoji_keep_the_joiners_and_selectors_that_they_need() {
        for text in [
            // Persian: "I want", "the houses", "the books"; an abbreviation that ends in a joined letter.
            "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}",
            "\u{62e}\u{627}\u{646}\u{647}\u{200c}\u{647}\u{627}",
            "\u{6a9}\u{627}\u{631}\u{628}\u{631}\u{200c}\u{647}\u{627}",
            "\u{647}\u{200d}.",
            // Hindi: a half letter, and a virama that shows; Bengali: ya-phalaa behind ra; Malayalam: a chillu.
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{915}\u{94d}\u{200c}\u{937}",
            "\u{9b0}\u{200d}\u{9cd}\u{9af}",
            "\u{d28}\u{d4d}\u{200d}",
            // Emoji: a family, a heart on fire, a technician with a skin tone, a keycap, text style, Scotland.
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "\u{1f469}\u{1f3fd}\u{200d}\u{1f4bb}",
            "1\u{fe0f}\u{20e3}",
            "\u{2714}\u{fe0e}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}",
            // An ideograph in the form that a name is written with, Mongolian, braille with a blank.
            "\u{845b}\u{e0100}",
            "\u{182d}\u{180b}\u{1828}\u{180e}\u{1820}",
            "\u{2801}\u{2800}\u{2803}",
            // Signs that Unicode calls format characters, and that are seen.
            "\u{600}1\u{6dd}",
            // Marks that combine are seen.
            "e\u{301} Stra\u{df}e \u{65e5}\u{672c}",
        ] {
            assert_eq!(clean(text, false), text, "{text:?}");
        }
    }

    #[test]
    fn what_looks_needed_and_is_not_is_removed() {
        for (text, expected) in [
            // A joiner between letters that have nothing to join, and one too many.
            ("a\u{200d}b\u{200c}c", "abc"),
            ("\u{645}\u{200c}\u{200c}\u{62e}", "\u{645}\u{200c}\u{62e}"),
            (
                "\u{915}\u{94d}\u{200d}\u{200d}\u{937}",
                "\u{915}\u{94d}\u{200d}\u{937}",
            ),
            // A second selector, one behind a digit that is no keycap, one behind a letter.
            ("\u{2764}\u{fe0f}\u{fe0f}\u{fe0e}", "\u{2764}\u{fe0f}"),
            ("1\u{fe0f}2\u{fe0e}", "12"),
            ("x\u{fe00}\u{e0100}", "x"),
            ("\u{2764}\u{e0101}", "\u{2764}"),
            // Tags that are no subdivision, and tags behind another emoji.
            ("\u{1f3f4}\u{e0061}\u{e0062}\u{e007f}", "\u{1f3f4}"),
            (
                "\u{1f600}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
                "\u{1f600}",
            ),
        ] {
            assert_eq!(clean(text, false), expected, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn cleaning_is_final_and_keeps_all_that_is_seen(
            text in prop::collection::vec(
                prop_oneof![
                    4 => any::<char>(),
                    2 => prop::sample::select(vec!['a', '1', ' ', '\u{645}', '\u{62e}', '\u{915}', '\u{94d}', '\u{2764}', '\u{1f468}', '\u{1f3f4}', '\u{845b}', '\u{182d}', '\u{2801}']),
                    3 => prop::sample::select(vec!['\u{200c}', '\u{200d}', '\u{fe00}', '\u{fe0f}', '\u{20e3}', '\u{e0100}', '\u{e0067}', '\u{e007f}', '\u{180b}', '\u{180e}', '\u{2800}', '\u{ad}']),
                ],
                0..24,
            )
        ) {
            let text: String = text.into_iter().collect();
            let once = visible(&text).into_owned();
            prop_assert_eq!(visible(&once), once.as_str(), "{:?}", text);
            let seen = |text: &str| -> String { text.chars().filter(|c| !may_be_invisible(*c)).collect() };
            prop_assert_eq!(seen(&once), seen(&text));
        }
    }
}
