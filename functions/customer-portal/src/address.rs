//! The address that was meant. Links come by message, are copied by hand and typed in capitals: a slash, a full stop or
//! a bracket too many is no reason to show nothing.

use percent_encoding::percent_decode_str;

/// Words of our addresses, which open whatever their case. Tokens and ids are no words: their case counts.
const PAGES: [&str; 10] =
    ["finish", "history", "invoices", "login", "logout", "manifest.webmanifest", "offline", "pay", "share", "wifi"];
const STEPS: [&str; 2] = ["finish", "pay"];
/// What sentences and messages put behind a link. None of it ends an address of ours.
const APPENDED: &str = ".,;:!?)]}>\"'*`|”’»…";

/// The path that `path` was meant to be; `None` if it is that already, or none of ours.
pub(crate) fn meant(path: &str) -> Option<String> {
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let whole = decoded.trim_end_matches(|c: char| c == '/' || c.is_whitespace() || APPENDED.contains(c));
    let mut parts: Vec<String> = whole.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    match parts.as_mut_slice() {
        [] => {}
        [first, rest @ ..] => {
            lower(first, &["customer", "p", "sw.js", "assets"]);
            match (first.as_str(), rest) {
                ("customer", [page, ..]) => lower(page, &PAGES),
                ("p", [_, step, ..]) => lower(step, &STEPS),
                ("customer" | "p" | "sw.js" | "assets", _) => {}
                _ => return None,
            }
        }
    }
    let meant = format!("/{}", parts.join("/"));
    // Only what one of our addresses can consist of goes into an answer.
    let is_plain = meant.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b));
    (is_plain && meant != path).then_some(meant)
}

fn lower(part: &mut str, words: &[&str]) {
    if words.iter().any(|word| part.eq_ignore_ascii_case(word)) {
        part.make_ascii_lowercase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "AbC-dEf_gHiJkLmNoPqRsTuV";

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let meant = meant(path);
        assert_eq!(meant.as_deref().unwrap_or(path), expected);
        assert_eq!(super::meant(expected), None, "an address that was meant is one");
    }

    #[test]
    fn what_a_message_puts_behind_a_link_is_no_part_of_it() {
        let bill = format!("/p/{TOKEN}");
        for behind in [
            "",
            "/",
            ".",
            ",",
            ";",
            ":",
            "!",
            "?",
            ")",
            "]",
            "\"",
            "'",
            "%22",
            "%27",
            "%3E",
            "%3F",
            "*",
            "%20",
            "%E2%80%9D",
            "%C2%A0",
            ").",
            "/).",
            "./",
            "//",
        ] {
            check(&format!("{bill}{behind}"), &bill);
            check(&format!("{bill}/finish{behind}"), &format!("{bill}/finish"));
            check(&format!("/customer{behind}"), "/customer");
            check(&format!("/{behind}"), "/");
        }
    }

    #[test]
    fn words_of_ours_open_in_any_case_and_tokens_in_theirs() {
        check("/CUSTOMER", "/customer");
        check("/Customer/History/", "/customer/history");
        check("//customer//wifi", "/customer/wifi");
        check("/CUSTOMER/Pay/inv_1", "/customer/pay/inv_1");
        check(&format!("/P/{TOKEN}/FINISH"), &format!("/p/{TOKEN}/finish"));
        check("/customer/pay/INV_1", "/customer/pay/INV_1");
        check("/customer/Nowhere", "/customer/Nowhere");
        check(&format!("//p/{}", TOKEN.to_lowercase()), &format!("/p/{}", TOKEN.to_lowercase()));
    }

    #[test]
    fn what_is_none_of_ours_is_left_alone() {
        for path in [
            "/api/customer/me/",
            "/favicon.ico",
            "/wp-login.php",
            "/customer/%E2%82%AC",
            "/p/%FF",
            "/customer/a%0Ab",
            "/p/-",
        ] {
            assert_eq!(meant(path), None, "{path}");
        }
    }
}
