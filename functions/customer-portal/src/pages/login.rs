//! Logging in: phone, then code, then which line if there are several.

use billing::service::customer::Profile;
use maud::{Markup, html};
use web::problem::Problem;

use super::Page;
use super::layout::{self, Frame, alert, csrf};
use crate::texts;

/// The first step.
#[derive(Debug, Clone, Copy)]
pub struct PhoneForm<'a> {
    /// As typed before, or empty.
    pub phone: &'a str,
    pub ended: bool,
    pub problem: Option<Problem>,
}

/// The second step.
#[derive(Debug, Clone, Copy)]
pub struct CodeForm<'a> {
    pub phone: &'a str,
    /// What was wrong with the last code, or with sending another.
    pub problem: Option<Problem>,
}

/// The third step, only when several lines share the phone.
#[derive(Debug, Clone, Copy)]
pub struct LineForm<'a> {
    pub phone: &'a str,
    /// As typed in the second step.
    pub code: &'a str,
    pub lines: &'a [Profile],
}

/// Asks for the phone number.
#[must_use]
pub fn enter_phone(form: &PhoneForm<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let content = html! {
        h1 { (texts.log_in) }
        @if form.ended { p.notice role="status" { (texts.session_ended) } }
        (trouble(form.problem.as_ref(), page))
        p.intro { (texts.login_intro) }
        form #phone-form method="post" action="/customer/login" {
            (csrf(page))
            label for="phone" { (texts.phone) }
            input #phone name="phone" type="tel" autocomplete="tel" inputmode="tel" required maxlength="40" value=(form.phone)
                aria-describedby=(described_by("phone-hint", form.problem)) aria-invalid=[form.problem.map(|_| "true")] autofocus;
            p.hint #phone-hint { (texts.phone_hint) }
            button.primary type="submit" { (texts.send_code) }
        }
    };
    document(page, texts.log_in, &content)
}

/// Asks for the code that was sent.
#[must_use]
pub fn enter_code(form: &CodeForm<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let content = html! {
        h1 { (texts.code) }
        (trouble(form.problem.as_ref(), page))
        p.intro { (texts.code_sent_to) " " strong { (form.phone) } "." }
        form #code-form method="post" action="/customer/login" {
            (csrf(page))
            (hidden("phone", form.phone))
            label for="code" { (texts.code) }
            input.code #code name="code" type="text" inputmode="numeric" autocomplete="one-time-code" pattern=r"\d{6}" maxlength="6" required
                aria-describedby=(described_by("code-hint", form.problem)) aria-invalid=[form.problem.map(|_| "true")] autofocus;
            p.hint #code-hint { (texts.code_hint) }
            button.primary type="submit" { (texts.enter) }
        }
        div.choices {
            form method="post" action="/customer/login" {
                (csrf(page))
                (hidden("phone", form.phone))
                button.link type="submit" { (texts.resend) }
            }
            a.link href="/customer/login" { (texts.change_number) }
        }
    };
    document(page, texts.code, &content)
}

/// Asks which of several lines it is about.
#[must_use]
pub fn choose_line(form: &LineForm<'_>, page: &Page<'_>) -> Markup {
    let texts = page.texts();
    let content = html! {
        h1 { (texts.choose_line) }
        p.intro { (texts.choose_line_intro) }
        form #line-form method="post" action="/customer/login" {
            (csrf(page))
            (hidden("phone", form.phone))
            (hidden("code", form.code))
            @for line in form.lines {
                button.line type="submit" name="customerId" value=(line.id) {
                    strong { (line.name) }
                    " "
                    span { (line.username) " · " (line.entitlement.package.name) }
                }
            }
        }
    };
    document(page, texts.choose_line, &content)
}

fn document(page: &Page<'_>, title: &str, content: &Markup) -> Markup {
    let card = html! { div.card { (content) } };
    layout::document(page, &Frame { name: "login", title, menu: None, leads_to: None }, &card)
}

fn trouble(problem: Option<&Problem>, page: &Page<'_>) -> Markup {
    let wait = problem.and_then(|problem| problem.retry_after).and_then(|seconds| texts::wait(seconds, page.lang));
    let text = problem.map(|problem| {
        let says = if problem.is_about_messages() && !page.support.is_empty() {
            problem.naming(page.support, page.lang)
        } else {
            problem.message(page.lang).to_owned()
        };
        wait.map_or(says.clone(), |wait| format!("{says}. {wait}"))
    });
    alert(text.as_deref())
}

/// What is read out with a field: first what was wrong.
fn described_by(hint: &str, problem: Option<Problem>) -> String {
    if problem.is_some() { format!("problem {hint}") } else { hint.to_owned() }
}

fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}
