//! What customers read, in both languages. A text that one language lacks does not compile.

mod english;
mod indonesian;

use billing::access::phone::Phone;
use billing::language::Language;
use billing::payment::gateway::GatewayName;
use billing::service::package::Package;
use billing::zone::{Zone, format};
use time::OffsetDateTime;
use web::account::CREDIT;
use web::problem::{self, Problem};

/// Every text in this language.
#[must_use]
pub const fn of(language: Language) -> &'static Texts {
    language.choose(&indonesian::TEXTS, &english::TEXTS)
}

macro_rules! texts {
    ($($name:ident),* $(,)?) => {
        /// Every text of the pages, named after what it says. What customers are told in the specification's own words
        /// stands in `indonesian.rs`.
        #[derive(Debug)]
        pub struct Texts {
            $(pub $name: &'static str,)*
        }

        impl Texts {
            /// All of them, for tests.
            #[cfg(test)]
            pub(crate) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

texts! {
    // Frame
    this_language, skip, main_menu, home, history, wifi, log_out, times_in, portal, welcome,
    // Login
    log_in, login_intro, phone, phone_hint, send_code, code, code_sent_to, code_hint, enter, resend, change_number, session_ended,
    choose_line, choose_line_intro,
    // Account
    greeting, account, name, username, package, status, active, expired, valid_until, credit, owed, change_package,
    // Bills
    bills, no_bills, older_bills, newest_bills, due, left_to_pay, carried_here, carried_on, paid, unpaid, overdue, activating, network_late, cancelled, in_review, in_review_text,
    pay_now, make_link, other_methods,
    // Paying
    opening, open_payment_page, pay_failed, pay_title, link_made, back_home, checking, making_link, opened, not_received, check, check_again,
    thanks, retry, finish_title, finish_intro, nothing_to_check, no_connection, busy,
    // Public page of a bill
    share, bill_title, bill_from, receipt, bill_public, paid_on, own_account, bill_gone, bill_gone_text,
    // History
    history_title, no_payments, older_payments, newest_payments, received, refund, reversal, chargeback, became_credit, out_of_credit, amount, paid_with, for_invoice, timeline,
    link_created, moment_paid, confirmed, service_extended,
    // Modem
    device, device_status, pppoe_status, pppoe_ip, rx_power, temperature, uptime, connected_devices, model, serial_number, ssids, last_contact,
    not_available, loading, device_needs_script, refresh,
    tab_status, tab_upgrade,
    // Package
    choose_package, current_package, choose, no_packages, confirm_package, to_pay, carried_over, confirm_and_pay, confirm_free, other_package,
    upgrade_open, see_bills, one_month, months_of, one_day, days_of,
    // Trouble
    not_found, not_found_text, trouble, elsewhere, offline_title, offline_text,
    // Days
    today, days_left, one_day_left, days_over, one_day_over, wait_minutes,
}

/// The message of an error code in a URL. Only messages of known codes are ever shown: nothing of the URL is.
#[must_use]
pub fn message_of(code: &str, lang: Language) -> Option<&'static str> {
    const SHOWN: [Problem; 21] = [
        problem::NOT_FROM_HERE,
        problem::INVOICE_ID_MISSING,
        problem::UNKNOWN_GATEWAY,
        problem::INVOICE_NOT_FOUND,
        problem::GATEWAY_NOT_CONFIGURED,
        problem::LINK_FAILED,
        problem::LINK_IN_PROGRESS,
        problem::PAYMENT_IN_REVIEW,
        problem::SAME_PACKAGE,
        problem::UNKNOWN_PACKAGE,
        problem::PACKAGE_RETIRED,
        problem::AMOUNT_CHANGED,
        problem::NOTHING_TO_PAY,
        problem::UPGRADE_IN_PROGRESS,
        problem::BAD_REQUEST,
        problem::INVALID_PHONE,
        problem::WRONG_CODE,
        problem::TOO_MANY,
        problem::MESSAGING_NOT_CONFIGURED,
        problem::MESSAGING_STOPPED,
        problem::BUSY,
    ];
    SHOWN.iter().find(|problem| problem.code == code).map(|problem| problem.message(lang))
}

/// `15 Januari 2026, 14.05 WIB`, in the provider's zone.
#[must_use]
pub fn date_time(at: OffsetDateTime, zone: Zone, lang: Language) -> String {
    let local = at.checked_to_offset(zone.offset()).unwrap_or(at);
    let point = lang.choose('.', ':');
    format!("{}, {:02}{point}{:02} {}", lang.date(local.date()), local.hour(), local.minute(), abbreviation(zone))
}

/// A moment of a story that is told under its day: `14.05 WIB`, with the date if it is another.
#[must_use]
pub fn time_of_day(at: OffsetDateTime, day: OffsetDateTime, zone: Zone, lang: Language) -> String {
    let whole = date_time(at, zone, lang);
    if zone.date(at) == zone.date(day) {
        whole.split_once(", ").map_or(whole.clone(), |(_, time)| time.to_owned())
    } else {
        whole
    }
}

/// For `datetime` attributes: RFC 3339 in UTC.
#[must_use]
pub fn machine_time(at: OffsetDateTime) -> String {
    format::instant(at)
}

/// What Indonesians call the zone.
#[must_use]
pub const fn abbreviation(zone: Zone) -> &'static str {
    match zone {
        Zone::Jakarta => "WIB",
        Zone::Makassar => "WITA",
        Zone::Jayapura => "WIT",
    }
}

/// `12 hari lagi`, `hari ini`, `lewat 3 hari`. `days` as of [`Zone::days_until`].
#[must_use]
pub fn countdown(days: i64, lang: Language) -> String {
    let texts = of(lang);
    let pattern = match days {
        0 => texts.today,
        1 => texts.one_day_left,
        2.. => texts.days_left,
        -1 => texts.one_day_over,
        ..=-2 => texts.days_over,
    };
    pattern.replace("{}", &days.unsigned_abs().to_string())
}

/// `/ bulan`, `/ 3 bulan`.
#[must_use]
pub fn per_period(months: u8, lang: Language) -> String {
    let texts = of(lang);
    if months == 1 { texts.one_month.to_owned() } else { texts.months_of.replace("{}", &months.to_string()) }
}

/// `12 hari`.
#[must_use]
pub fn days(days: i64, lang: Language) -> String {
    let texts = of(lang);
    if days == 1 { texts.one_day.to_owned() } else { texts.days_of.replace("{}", &days.to_string()) }
}

/// `Tunggu 12 menit.`, if a wait is worth telling. `seconds` as of [`Problem::retry_after`].
#[must_use]
pub fn wait(seconds: i64, lang: Language) -> Option<String> {
    let minutes = seconds.saturating_add(59).div_euclid(60);
    (minutes > 1).then(|| of(lang).wait_minutes.replace("{}", &minutes.to_string()))
}

/// A phone number as people write it: `0812-3456-7890`.
#[must_use]
pub fn phone(phone: &Phone) -> String {
    let mut written = String::from("0");
    for (index, digit) in phone.as_str().chars().skip("62".len()).enumerate() {
        // The leading zero counts: after it come 3, 4 and the rest.
        if index == 3 || index == 7 {
            written.push('-');
        }
        written.push(digit);
    }
    written
}

/// A gateway's own name.
#[must_use]
pub const fn gateway(gateway: GatewayName) -> &'static str {
    match gateway {
        GatewayName::Midtrans => "Midtrans",
        GatewayName::Xendit => "Xendit",
    }
}

/// Down and up: `20/10 Mbps`.
#[must_use]
pub fn bandwidth(package: &Package) -> String {
    format!("{}/{} Mbps", package.down_mbps, package.up_mbps)
}

/// A gateway's word for a payment channel, such as `bank_transfer/bca`, as people say it. Unknown words are shown as
/// they are.
#[must_use]
pub fn method(channel: &str, lang: Language) -> String {
    let (kind, detail) = channel.split_once('/').unwrap_or((channel, ""));
    let kind_text = match (kind, lang) {
        ("bank_transfer" | "va" | "virtual_account", Language::Indonesian) => "Transfer bank".to_owned(),
        ("bank_transfer" | "va" | "virtual_account", Language::English) => "Bank transfer".to_owned(),
        ("credit_card", Language::Indonesian) => "Kartu kredit".to_owned(),
        ("credit_card", Language::English) => "Credit card".to_owned(),
        ("cstore" | "retail_outlet", Language::Indonesian) => "Gerai".to_owned(),
        ("cstore" | "retail_outlet", Language::English) => "Shop".to_owned(),
        ("ewallet", _) => "E-wallet".to_owned(),
        ("qris" | "qr_code", _) => "QRIS".to_owned(),
        ("echannel", _) => "Mandiri Bill".to_owned(),
        ("gopay", _) => "GoPay".to_owned(),
        (CREDIT, Language::Indonesian) => "Dari saldo".to_owned(),
        (CREDIT, Language::English) => "From your credit".to_owned(),
        ("shopeepay", _) => "ShopeePay".to_owned(),
        (other, _) => other.replace('_', " "),
    };
    // Banks and wallets go by short names in capitals; QRIS repeats itself.
    let detail = detail.replace('_', " ").to_uppercase();
    if detail.is_empty() || detail == kind_text { kind_text } else { format!("{kind_text} {detail}") }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn days_and_times_are_written_as_each_language_does() {
        let at = datetime!(2026-01-15 07:05 UTC);
        assert_eq!(date_time(at, Zone::Jakarta, Language::Indonesian), "15 Januari 2026, 14.05 WIB");
        assert_eq!(date_time(at, Zone::Makassar, Language::English), "15 January 2026, 15:05 WITA");
        assert_eq!(
            date_time(datetime!(2026-12-31 16:00 UTC), Zone::Jayapura, Language::Indonesian),
            "1 Januari 2027, 01.00 WIT"
        );
        assert_eq!(time_of_day(at, at, Zone::Jakarta, Language::Indonesian), "14.05 WIB");
        assert_eq!(
            time_of_day(at, datetime!(2026-01-14 16:59 UTC), Zone::Jakarta, Language::Indonesian),
            "15 Januari 2026, 14.05 WIB"
        );
    }

    #[test]
    fn the_countdown_is_in_whole_days() {
        let written = |lang| [12, 1, 0, -1, -3].map(|days| countdown(days, lang));
        assert_eq!(
            written(Language::Indonesian),
            ["12 hari lagi", "1 hari lagi", "hari ini", "lewat 1 hari", "lewat 3 hari"]
        );
        assert_eq!(written(Language::English), ["12 days left", "1 day left", "today", "1 day ago", "3 days ago"]);
    }

    #[test]
    fn a_phone_number_is_written_as_at_home() {
        assert_eq!(phone(&Phone::parse("6281234567890").unwrap()), "0812-3456-7890");
        assert_eq!(phone(&Phone::parse("62811123456").unwrap()), "0811-1234-56");
    }

    proptest::proptest! {
        #[test]
        fn a_phone_number_that_is_copied_from_a_page_is_the_same_number(digits in "8[1-35-9][0-9]{7,10}") {
            let read = Phone::parse(&digits).unwrap();
            proptest::prop_assert_eq!(Phone::parse(&phone(&read)), Ok(read));
        }
    }

    #[test]
    fn channels_are_named_as_people_say_them() {
        for (channel, id, en) in [
            ("bank_transfer/bca", "Transfer bank BCA", "Bank transfer BCA"),
            ("qr_code/qris", "QRIS", "QRIS"),
            ("cstore/alfamart", "Gerai ALFAMART", "Shop ALFAMART"),
            ("something_new", "something new", "something new"),
        ] {
            assert_eq!(
                (method(channel, Language::Indonesian).as_str(), method(channel, Language::English).as_str()),
                (id, en)
            );
        }
    }

    #[test]
    fn only_known_codes_have_a_message() {
        assert_eq!(message_of("link_failed", Language::Indonesian), Some("Gagal generate payment link, coba lagi"));
        assert_eq!(
            message_of("invoice_not_found", Language::English),
            Some("The invoice was not found or is already paid")
        );
        assert_eq!(message_of("<script>", Language::Indonesian), None);
    }

    #[test]
    fn every_text_says_something_in_both_languages() {
        for lang in Language::ALL {
            for (name, text) in of(lang).all() {
                assert!(!text.trim().is_empty(), "{name} in {lang:?}");
            }
        }
    }
}
