//! Names that tell one customer or modem from another: what looks the same is the same, or refused.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

/// `text` in Unicode's composed form (NFC), so that it is the same however it was typed.
///
/// Refused, by name, is a character that nobody sees (zero width spaces, soft hyphens, marks of direction) or that only
/// looks like another one (full-width digits, ligatures): RADIUS and the modem do not know a name that holds one.
pub(crate) fn identifier(text: &str) -> Result<String, String> {
    let unseen = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let composed = ComposingNormalizerBorrowed::new_nfc();
    let compatible = ComposingNormalizerBorrowed::new_nfkc();
    let text = composed.normalize(text);
    for c in text.chars() {
        let name = u32::from(c);
        if unseen.contains(c) || c.is_control() {
            return Err(format!("holds the invisible character U+{name:04X}; type it again by hand"));
        }
        let one = c.to_string();
        let plain = compatible.normalize(&one);
        if plain != composed.normalize(&one) {
            return Err(format!(
                "holds the character {c} (U+{name:04X}), which only looks like {plain:?}; type it again"
            ));
        }
    }
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_sees_is_refused_by_its_name() {
        for (text, name) in [
            ("bu\u{200b}di", "U+200B"),
            ("budi\u{ad}", "U+00AD"),
            ("\u{feff}budi", "U+FEFF"),
            ("\u{202e}idub", "U+202E"),
            ("budi\u{2066}", "U+2066"),
            ("bu\u{034f}di", "U+034F"),
            ("budi\u{fe0f}", "U+FE0F"),
            ("budi\u{e0041}", "U+E0041"),
            ("ＺＴＥ１２", "U+FF3A"),
            ("zte１", "U+FF11"),
            ("o\u{fb01}ce", "U+FB01"),
        ] {
            let refused = identifier(text).unwrap_err();
            assert!(refused.contains(name), "{text:?}: {refused}");
        }
    }

    #[test]
    fn one_name_has_one_form() {
        assert_eq!(identifier("jose\u{301}@lunas").unwrap(), "jos\u{e9}@lunas");
        assert_eq!(identifier("jos\u{e9}@lunas").unwrap(), "jos\u{e9}@lunas");
        for same in ["budi@lunas", "00259E-HG8245H-48575443", "ZTEGC8F1A2B3", "warung-kopi_12.a"] {
            assert_eq!(identifier(same).unwrap(), same);
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_taken_again_as_it_is(text in "\\PC{0,20}|[a-z\u{301}\u{200b}\u{ff11}]{0,9}") {
            if let Ok(once) = identifier(&text) {
                prop_assert_eq!(identifier(&once), Ok(once.clone()));
            }
        }
    }
}
