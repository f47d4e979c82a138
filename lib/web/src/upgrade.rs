//! What customers read about a change of package.

use billing::{customer::Profile, upgrade::Preview, zone::Zone};
use time::{Date, OffsetDateTime};

/// What will happen, in a few sentences: what is paid, what becomes of what is left, until when the new package is active.
#[must_use]
pub fn explanation(profile: &Profile, preview: &Preview, zone: Zone, english: bool) -> String {
    let (new, old) = (preview.package.name.as_str(), profile.entitlement.package.name.as_str());
    let mut sentences = vec![price(preview, new, english)];
    // What is left of the old package buys days, unless it only makes the difference smaller or is credit.
    if preview.terms.new_period && preview.unused.is_positive() && preview.package.price.is_positive() {
        let (days, worth) = (preview.carried_over_days, preview.unused);
        sentences.push(match (english, days) {
            (false, 0) => format!("Sisa {old} senilai {worth} menjadi tambahan kurang dari sehari."),
            (false, _) => format!("Sisa {old} senilai {worth} menjadi tambahan {days} hari."),
            (true, 0) => format!("What is left of {old}, worth {worth}, adds less than a day."),
            (true, 1) => format!("What is left of {old}, worth {worth}, adds 1 day."),
            (true, _) => format!("What is left of {old}, worth {worth}, adds {days} days."),
        });
    }
    if preview.to_credit.is_positive() {
        let credit = preview.to_credit;
        sentences.push(if english { format!("{credit} is added to your credit.") } else { format!("{credit} menjadi saldo Anda.") });
    }
    let until = day(preview.new_expires_at, zone, english);
    sentences.push(if english { format!("{new} is active until {until}.") } else { format!("{new} aktif sampai {until}.") });
    if preview.terms.new_period && profile.open_renewal.is_some() {
        let cancelled =
            if english { "The unpaid renewal invoice is cancelled." } else { "Tagihan perpanjangan yang belum dibayar dibatalkan." };
        sentences.push(cancelled.to_owned());
    }
    sentences.join(" ")
}

fn price(preview: &Preview, new: &str, english: bool) -> String {
    let (amount, months) = (preview.amount, preview.package.period_months);
    match (amount.is_positive(), preview.terms.new_period) {
        (false, _) if english => "The package is changed at once, there is nothing to pay.".to_owned(),
        (false, _) => "Paket langsung diganti, tidak ada yang perlu dibayar.".to_owned(),
        (true, true) if english => {
            let unit = if months == 1 { "month" } else { "months" };
            format!("You pay {amount} for {months} {unit} of {new}, starting with your payment.")
        }
        (true, true) => format!("Anda membayar {amount} untuk {months} bulan {new}, mulai saat pembayaran."),
        (true, false) if english => format!("You pay {amount}, the difference for the time you have left."),
        (true, false) => format!("Anda membayar {amount}, selisih untuk sisa masa aktif Anda."),
    }
}

/// A day in the provider's zone as people write it, such as `24 Desember 2026`.
#[must_use]
pub fn day(at: OffsetDateTime, zone: Zone, english: bool) -> String {
    const INDONESIAN: [&str; 12] =
        ["Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"];
    let date: Date = zone.date(at);
    let name = date.month().to_string();
    let index = usize::from(u8::from(date.month()).saturating_sub(1));
    let month = if english { name.as_str() } else { INDONESIAN.get(index).copied().unwrap_or(name.as_str()) };
    format!("{} {month} {}", date.day(), date.year())
}
