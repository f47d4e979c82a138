//! The frame of every page: plain HTML that reads well on a phone, in light and dark, without assets from elsewhere.

use std::fmt::Write;

use axum::response::Html;

const STYLE: &str = "
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--text:#1b1f24;--muted:#5c6670;--line:#dfe3e8;--accent:#0b6bcb;--good:#127a3e;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1e2327;--text:#e9edf0;--muted:#9aa5ae;--line:#343b41;--accent:#6cb2ff;--good:#5fd08d;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:34rem;margin:0 auto;padding:1rem}
.notice{font-size:.85rem;color:var(--muted);margin:.25rem 0 1rem}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem;margin-bottom:1rem}
h1{font-size:1.25rem;margin:.25rem 0}h2{font-size:1rem;margin:0 0 .5rem}
.amount{font-size:1.9rem;font-weight:700;margin:.25rem 0}
.state{display:inline-block;padding:.1rem .6rem;border-radius:99px;border:1px solid currentColor;font-size:.85rem}
.good{color:var(--good)}.bad{color:var(--bad)}.muted{color:var(--muted)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.15rem 1rem;margin:.75rem 0 0}dt{color:var(--muted)}dd{margin:0;text-align:right;overflow-wrap:anywhere}
form{margin:0}details{margin-top:.75rem}label{display:block;margin:.5rem 0 .25rem}
select,input[type=number]{width:100%;font:inherit;padding:.6rem;border:1px solid var(--line);border-radius:8px;background:var(--bg);color:var(--text)}
button,.button{display:block;width:100%;font:inherit;font-weight:600;text-align:center;text-decoration:none;padding:.75rem;margin-top:.6rem;border-radius:8px;border:1px solid var(--line);background:transparent;color:var(--text);cursor:pointer}
.primary{background:var(--accent);border-color:var(--accent);color:var(--card)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:0 .6rem}
table{width:100%;border-collapse:collapse;font-size:.9rem}td{padding:.4rem 0;border-top:1px solid var(--line);overflow-wrap:anywhere}td:last-child{text-align:right}
a{color:var(--accent)}code,pre{font-size:.85rem;overflow-wrap:anywhere;white-space:pre-wrap}
.small{display:flex;flex-wrap:wrap;gap:.4rem}.small button{width:auto;padding:.15rem .6rem;margin-top:.4rem;font-size:.8rem;font-weight:400}
.message{border-top:1px solid var(--line);padding:.6rem 0;white-space:pre-wrap;overflow-wrap:anywhere}.message:first-of-type{border-top:0}
";

/// Text as it may stand in HTML, attributes included.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A whole page; `body` is HTML, `title` text. Reloads itself every `refresh` seconds if given.
pub(crate) fn shell(title: &str, refresh: Option<u32>, body: &str) -> Html<String> {
    let title = escape(title);
    let refresh =
        refresh.map(|seconds| format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">")).unwrap_or_default();
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">{refresh}\
         <title>{title}</title><style>{STYLE}</style></head><body><main>\
         <p class=\"notice\">Lunas sandbox: no real money moves here.</p>{body}</main></body></html>"
    ))
}

/// A row of a description list.
pub(crate) fn fact(name: &str, value: &str) -> String {
    format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value))
}

/// A button that posts `outcome`.
pub(crate) fn button(outcome: &str, label: &str, primary: bool) -> String {
    let class = if primary { " class=\"primary\"" } else { "" };
    format!("<button name=\"outcome\" value=\"{outcome}\"{class}>{label}</button>")
}

/// A list to choose a payment method from.
pub(crate) fn channels<'a>(options: impl Iterator<Item = (&'a str, String)>, chosen: Option<&str>) -> String {
    let mut list =
        String::from("<label for=\"channel\">Payment method</label><select id=\"channel\" name=\"channel\">");
    for (value, label) in options {
        let selected = if chosen == Some(value) { " selected" } else { "" };
        let _ = write!(list, "<option value=\"{value}\"{selected}>{}</option>", escape(&label));
    }
    list.push_str("</select>");
    list
}

/// The amount and whether the notification gets through; both optional in the form.
pub(crate) fn extras() -> &'static str {
    "<details><summary class=\"muted\">More options</summary>\
     <label for=\"amount\">Another amount than asked (rupiah)</label>\
     <input id=\"amount\" type=\"number\" name=\"amount\" min=\"1\" inputmode=\"numeric\">\
     <label><input type=\"checkbox\" name=\"lost\" value=\"yes\"> Lose the notification</label></details>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escape("<b a=\"'\">&"), "&lt;b a=&quot;&#39;&quot;&gt;&amp;");
        assert!(shell("<x>", None, "").0.contains("<title>&lt;x&gt;</title>"));
    }
}
