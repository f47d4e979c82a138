//! What a message says, found out when it goes out: to whom, whether it is still true, and in which words.

use billing::access::phone::Phone;
use billing::language::Language;
use billing::money::Rupiah;
use billing::payment::invoice::Invoice;
use billing::service::customer::Profile;
use billing::telling::event::Event;
use billing::telling::notice::{Kind, Notice, Skip, still_true, useful_until, waits_for};
use cloud::{app::App, store::NoticeContext};
use cloud::{master_key::MasterKey, pay_page_key::PayPageKey};
use messaging::Message;
use messaging::texts::{self, Facts, Link};
use time::OffsetDateTime;

use crate::Failed;

/// What is to be done about an event.
pub(crate) enum Composed {
    /// This is to be handed over.
    Say(Box<Letter>),
    /// Nothing, and nothing has to be written down.
    Nothing,
    /// Nothing, for this reason.
    Skip(Skip),
    /// It makes no sense any more.
    TooLate,
}

/// A message and whom it goes to.
pub(crate) struct Letter {
    pub(crate) phone: Phone,
    pub(crate) message: Message,
    /// Why it is not to go out yet, if so.
    pub(crate) waits_for: Option<&'static str>,
    /// Whose pay page its button opens; to be remembered before anybody is given the link.
    pub(crate) page: Option<Invoice>,
}

pub(crate) async fn compose(
    app: &App,
    notice: &Notice,
    context: &NoticeContext,
    key: &MasterKey,
) -> Result<Composed, Failed> {
    let now = app.clock.now();
    if let Event::LoginCodeRequested { request_id, .. } = &notice.event.event {
        return login_code(app, notice, context, request_id, key, now).await;
    }
    let Some(profile) = &context.profile else { return Ok(Composed::Skip(Skip::NoPhone)) };
    let Some(invoice) = &context.invoice else { return Ok(Composed::Skip(Skip::Settled)) };
    let kind = match still_true(notice.kind, &notice.event.event, invoice, app.settings.zone, now) {
        Ok(kind) => kind,
        Err(skip) => return Ok(Composed::Skip(skip)),
    };
    let Some(phone) = profile.phone.clone() else { return Ok(Composed::Skip(Skip::NoPhone)) };
    // A message that a person sends again is as good as new.
    if now >= useful_until(kind, notice.event.at.max(notice.again_at.unwrap_or(notice.event.at))) {
        return Ok(Composed::TooLate);
    }
    let token = PayPageKey::of(key).token(&invoice.id);
    let prefix = app.settings.public_url.as_ref().map(|site| site.page("/p/"));
    let language = app.settings.message_language;
    let link = prefix.as_deref().map(|prefix| Link { prefix, token: token.as_str() });
    let facts = facts(app, &notice.event.event, profile, invoice, language);
    let message = texts::message(kind, language, &facts, link, notice.id.as_str());
    let page = link.is_some().then(|| invoice.clone());
    Ok(Composed::Say(Box::new(Letter { phone, message, waits_for: waits_for(kind, invoice), page })))
}

async fn login_code(
    app: &App,
    notice: &Notice,
    context: &NoticeContext,
    request_id: &str,
    key: &MasterKey,
    now: OffsetDateTime,
) -> Result<Composed, Failed> {
    // A message that comes late must not bring a code that no longer works.
    let Some(state) = context.login.as_ref().filter(|state| state.request_id == request_id && state.used.is_none())
    else {
        return Ok(Composed::Nothing);
    };
    if now >= state.expires_at {
        // Tried until it was too late: nobody can log in as long as the provider takes nothing.
        return Ok(if notice.version > 0 { Composed::TooLate } else { Composed::Nothing });
    }
    if app.store.lines_of(&state.phone).await?.is_empty() {
        return Ok(Composed::Nothing);
    }
    let facts = Facts { code: key.code(&state.phone, request_id), ..Facts::default() };
    let message = texts::message(Kind::LoginCode, app.settings.message_language, &facts, None, notice.id.as_str());
    Ok(Composed::Say(Box::new(Letter { phone: state.phone.clone(), message, waits_for: None, page: None })))
}

fn facts(app: &App, event: &Event, profile: &Profile, invoice: &Invoice, language: Language) -> Facts {
    let due = invoice.amount_due().unwrap_or(Rupiah::ZERO);
    let amount = match event {
        // As it is now: part of it may have been paid since.
        Event::InvoiceIssued { .. } | Event::InvoiceReminder { .. } | Event::InvoiceOverdue { .. } => due,
        Event::PaymentReview { amount, .. } | Event::PaymentReversed { amount, .. } => *amount,
        _ => invoice.amount,
    };
    // A bill names what it is for; what took effect names what the customer has, also if that was changed meanwhile.
    let package = match event {
        Event::SubscriptionExtended { .. } | Event::PackageChanged { .. } => &profile.entitlement.package,
        _ => &invoice.package,
    };
    let expires = app.settings.zone.date(profile.entitlement.expires_at);
    Facts {
        name: profile.name.clone(),
        package: package.name.clone(),
        invoice: invoice.number.clone(),
        amount: amount.to_string(),
        rest: due.to_string(),
        due: language.date(invoice.due_date),
        expires: language.date(expires),
        service: texts::service(language, expires, profile.is_active(app.clock.now())),
        credit: profile.credit.to_string(),
        code: String::new(),
    }
}
