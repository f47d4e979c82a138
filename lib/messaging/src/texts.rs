//! What customers read: one file per message and language in `texts/`, and from it both the text for a linked phone and
//! the template that Meta approves. So the two cannot differ.
//!
//! A file begins with the words of its button, if it has one, and an empty line. The rest is the body; `{name}` and its
//! like are facts.

use billing::{language::Language, telling::notice::Kind};
use serde_json::{Value, json};
use time::{Date, macros::date};

use crate::message::{Category, Message};

/// The longest name that is shown.
const LONGEST_FACT: usize = 60;

/// What a message may speak of. What it does not speak of stays empty.
#[derive(Clone, Default)]
pub struct Facts {
    pub name: String,
    pub package: String,
    pub invoice: String,
    /// What it is about: to pay, paid, given back.
    pub amount: String,
    /// Still to pay.
    pub rest: String,
    pub due: String,
    pub expires: String,
    /// Until when the customer is served, or since when no more: see [`service`].
    pub service: String,
    pub credit: String,
    pub code: String,
}

impl Facts {
    fn get(&self, name: &str) -> Option<&str> {
        Some(match name {
            "name" => &self.name,
            "package" => &self.package,
            "invoice" => &self.invoice,
            "amount" => &self.amount,
            "rest" => &self.rest,
            "due" => &self.due,
            "expires" => &self.expires,
            "service" => &self.service,
            "credit" => &self.credit,
            "code" => &self.code,
            _ => return None,
        })
    }

    /// For Meta, who wants an example of every gap, and for tests.
    fn example(language: Language) -> Self {
        Self {
            name: "Budi Santoso".to_owned(),
            package: "Home 20 Mbps".to_owned(),
            invoice: "INV-2026-000123".to_owned(),
            amount: "Rp300.000".to_owned(),
            rest: "Rp100.000".to_owned(),
            due: language.date(date!(2026 - 11 - 30)),
            expires: language.date(date!(2026 - 11 - 29)),
            service: service(language, date!(2026 - 11 - 29), true),
            credit: "Rp50.000".to_owned(),
            code: "123456".to_owned(),
        }
    }
}

/// How the service stands, as the end of a sentence that begins with it. `expires`: its last day, in the provider's zone.
#[must_use]
pub fn service(language: Language, expires: Date, is_active: bool) -> String {
    let words = if is_active {
        language.choose("aktif sampai", "active until")
    } else {
        language.choose("tidak aktif; masa aktif berakhir", "not active; it ended on")
    };
    format!("{words} {}", language.date(expires))
}

/// Where the button of a message leads: the fixed beginning that Meta approves, and what follows it.
#[derive(Clone, Copy)]
pub struct Link<'a> {
    /// Such as `https://bayar.example.id/p/`.
    pub prefix: &'a str,
    pub token: &'a str,
}

/// The message, in the words of its file. `callback` is our id of it.
#[must_use]
pub fn message(kind: Kind, language: Language, facts: &Facts, link: Option<Link<'_>>, callback: &str) -> Message {
    let text = text(kind, language);
    let filled = parts(text.body).into_iter().map(|part| match part {
        Part::Words(words) => words.to_owned(),
        Part::Fact(name) => one_line(facts.get(name).unwrap_or_default()),
    });
    let mut written: String = filled.collect();
    if let (Some(button), Some(link)) = (text.button, link) {
        written = format!("{written}\n\n{button}: {}{}", link.prefix, link.token);
    }
    let parameters = gaps(text.body).into_iter().map(|name| one_line(facts.get(name).unwrap_or_default())).collect();
    let button =
        if kind == Kind::LoginCode { Some(facts.code.clone()) } else { link.map(|link| link.token.to_owned()) };
    let category = category(kind);
    Message {
        template: template_name(kind),
        category,
        language,
        parameters,
        button,
        text: written,
        callback: callback.to_owned(),
    }
}

/// The template as Meta's `POST /<WABA id>/message_templates` takes it. Meta fixes the words of login codes and adds a
/// button that copies the code
/// (<https://developers.facebook.com/docs/whatsapp/business-management-api/authentication-templates>).
#[must_use]
pub fn template(kind: Kind, language: Language, link_prefix: &str) -> Value {
    let text = text(kind, language);
    let components = if kind == Kind::LoginCode {
        json!([
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]},
        ])
    } else {
        let facts = Facts::example(language);
        let examples: Vec<&str> = gaps(text.body).into_iter().filter_map(|name| facts.get(name)).collect();
        let url = format!("{link_prefix}{{{{1}}}}");
        let example = format!("{link_prefix}AbCdEfGhIjKlMnOpQrStUvWx");
        let button = json!({"type": "URL", "text": text.button.unwrap_or_default(), "url": url, "example": [example]});
        json!([
            {"type": "BODY", "text": numbered(text.body), "example": {"body_text": [examples]}},
            {"type": "BUTTONS", "buttons": [button]},
        ])
    };
    let category = match category(kind) {
        Category::Authentication => "AUTHENTICATION",
        Category::Utility => "UTILITY",
    };
    json!({"name": template_name(kind), "language": language.code(), "category": category, "components": components})
}

/// Every template in both languages.
#[must_use]
pub fn templates(link_prefix: &str) -> Vec<Value> {
    let of = |language| Kind::ALL.into_iter().map(move |kind| template(kind, language, link_prefix));
    of(Language::Indonesian).chain(of(Language::English)).collect()
}

const fn category(kind: Kind) -> Category {
    if matches!(kind, Kind::LoginCode) { Category::Authentication } else { Category::Utility }
}

struct Text {
    button: Option<&'static str>,
    body: &'static str,
}

macro_rules! files {
    ($($kind:ident: $name:literal),* $(,)?) => {
        const fn template_name(kind: Kind) -> &'static str {
            match kind { $(Kind::$kind => concat!("lunas_", $name),)* }
        }

        const fn file(kind: Kind, language: Language) -> &'static str {
            match (kind, language) {
                $(
                    (Kind::$kind, Language::Indonesian) => include_str!(concat!("../texts/id/", $name, ".txt")),
                    (Kind::$kind, Language::English) => include_str!(concat!("../texts/en/", $name, ".txt")),
                )*
            }
        }
    };
}

files! {
    LoginCode: "login_code",
    InvoiceIssued: "invoice_issued",
    DueSoon: "due_soon",
    DueToday: "due_today",
    Overdue: "overdue",
    PaymentReceived: "payment_received",
    PackageChanged: "package_changed",
    CreditAdded: "credit_added",
    PartlyPaid: "partly_paid",
    PaymentReversed: "payment_reversed",
    PaymentRefunded: "payment_refunded",
}

fn text(kind: Kind, language: Language) -> Text {
    let file = file(kind, language).trim_end();
    match file.strip_prefix("button: ").and_then(|rest| rest.split_once("\n\n")) {
        Some((button, body)) => Text { button: Some(button), body },
        None => Text { button: None, body: file },
    }
}

#[derive(Clone, Copy)]
enum Part<'a> {
    Words(&'a str),
    Fact(&'a str),
}

fn parts(body: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for (index, piece) in body.split('{').enumerate() {
        match piece.split_once('}') {
            Some((name, words)) if index > 0 => parts.extend([Part::Fact(name), Part::Words(words)]),
            _ => parts.push(Part::Words(piece)),
        }
    }
    parts
}

/// The facts in the order of their gaps.
fn gaps(body: &str) -> Vec<&str> {
    parts(body).into_iter().filter_map(|part| if let Part::Fact(name) = part { Some(name) } else { None }).collect()
}

/// The body with `{{1}}`, `{{2}}` … for its gaps.
fn numbered(body: &str) -> String {
    let mut count: u32 = 0;
    let numbered = parts(body).into_iter().map(|part| match part {
        Part::Words(words) => words.to_owned(),
        Part::Fact(_) => {
            count = count.saturating_add(1);
            format!("{{{{{count}}}}}")
        }
    });
    numbered.collect()
}

/// Names come from the provider's own sheets: on one line, and no longer than a name.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(LONGEST_FACT).collect()
}

#[cfg(test)]
mod tests;
