//! Every page, in both languages, with the worst that names can hold.

use std::io::Write as _;

use billing::language::Language;
use billing::money::Rupiah;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, InvoiceStatus};
use billing::service::upgrade::Choice;
use billing::telling::network::NetworkProgress;
use billing::zone::Zone;
use cloud::pay_page_key::Token;
use web::{account::Bill, pay_page::Receipt, problem};

use super::samples::{self, HOSTILE};
use super::{Bills, CodeForm, Finish, LineForm, Page, Pay, Payments, PhoneForm, *};
use crate::assets;

/// Name of the page and its HTML.
fn every_page(lang: Language, text: &str) -> Vec<(&'static str, String)> {
    let (profile, bills, payments) = (samples::profile(text), samples::bills(text), samples::payments(text));
    let lines = [samples::profile(text), samples::profile("Ibu Sari")];
    let page = samples::page(lang, "/customer");
    let login = Page { signed_in: false, path: "/customer/login", ..page };
    let at = |path| Page { path, ..page };
    let list = Bills { entries: &bills, next: Some("inv_1") };
    let entries = payments.as_slice();
    let message = crate::texts::message_of("link_failed", lang);
    let (current, chosen, upgrade) = (samples::package(text), samples::chosen(text), at("/customer/wifi?tab=upgrade"));
    let choices =
        [Choice { package: &current, current: true }, Choice { package: &chosen.preview.package, current: false }];
    let pages = [
        ("login", enter_phone(&PhoneForm { phone: "", ended: false, problem: None }, &login)),
        ("login-ended", enter_phone(&PhoneForm { phone: "", ended: true, problem: None }, &login)),
        (
            "login-wrong",
            enter_phone(&PhoneForm { phone: text, ended: false, problem: Some(problem::INVALID_PHONE) }, &login),
        ),
        ("code", enter_code(&CodeForm { phone: "0812-3456-7890", problem: None }, &login)),
        (
            "code-wrong",
            enter_code(&CodeForm { phone: text, problem: Some(problem::TOO_MANY.retry_after(700)) }, &login),
        ),
        ("choose", choose_line(&LineForm { phone: text, code: text, lines: &lines }, &login)),
        ("dashboard", dashboard(&profile, None, &list, None, &page)),
        ("dashboard-empty", dashboard(&profile, None, &Bills { entries: &[], next: None }, None, &page)),
        ("invoices", older_bills(&list, &at("/customer/invoices?cursor=inv_1"))),
        ("history", history(&Payments { entries, next: Some("inv_1"), newest: true }, &at("/customer/history"))),
        ("history-empty", history(&Payments { entries: &[], next: None, newest: false }, &at("/customer/history"))),
        ("wifi", wifi(Shown::Status, &at("/customer/wifi"))),
        (
            "wifi-packages",
            wifi(Shown::Upgrade(&Upgrade { choices: &choices, chosen: None, is_open: true, error: message }), &upgrade),
        ),
        (
            "wifi-no-packages",
            wifi(Shown::Upgrade(&Upgrade { choices: &[], chosen: None, is_open: false, error: None }), &upgrade),
        ),
        (
            "wifi-chosen",
            wifi(
                Shown::Upgrade(&Upgrade { choices: &choices, chosen: Some(&chosen), is_open: false, error: None }),
                &upgrade,
            ),
        ),
        ("pay", pay(&Pay { bill: &bills[0], error: None }, &at("/customer/pay/inv_6"))),
        ("pay-error", pay(&Pay { bill: &bills[0], error: message }, &at("/customer/pay/inv_6"))),
        ("pay-paid", pay(&Pay { bill: &bills[4], error: None }, &at("/customer/pay/inv_2"))),
        ("pay-in-review", pay(&Pay { bill: &samples::in_review(text), error: message }, &at("/customer/pay/inv_7"))),
        (
            "finish-in-review",
            finish(&Finish { bills: &[samples::in_review(text)], error: None }, &at("/customer/finish")),
        ),
        ("finish", finish(&Finish { bills: &bills[..1], error: None }, &at("/customer/finish/inv_6"))),
        ("finish-none", finish(&Finish { bills: &[], error: message }, &at("/customer/finish"))),
        ("offline", offline(&page)),
        ("not-found", trouble(&problem::NOT_FOUND, &page)),
        ("busy", trouble(&problem::BUSY, &login)),
    ];
    pages.map(|(name, markup)| (name, markup.into_string())).to_vec()
}

/// The public page of a bill: as a link opens it, back from a gateway, on the way there, as a receipt, and when it is
/// gone.
fn public_pages(lang: Language, text: &str) -> Vec<(&'static str, String)> {
    let mut bills = samples::bills(text);
    let token = Token::parse("AAAAAAAAAAAAAAAAAAAAAAAA").unwrap();
    let message = crate::texts::message_of("link_failed", lang);
    let methods = vec![(GatewayName::Midtrans, Some("bank_transfer/bca".into())), (GatewayName::Xendit, None)];
    let receipt = Receipt { methods, served_until: Some(samples::NOW) };
    let page = Page {
        signed_in: false,
        csrf: "",
        provider: Some("Nusantara Net"),
        ..samples::page(lang, "/p/AAAAAAAAAAAAAAAAAAAAAAAA")
    };
    let nameless = Page { provider: None, ..page };
    let named = bills[0].clone();
    bills[0].invoice.link.as_mut().unwrap().public = true;
    let show = |bill: &Bill, step, error, page: &Page<'_>| {
        public_bill(
            &PublicBill {
                token: &token,
                bill,
                receipt: (bill.status == InvoiceStatus::Paid).then_some(&receipt),
                step,
                error,
            },
            page,
        )
    };
    let pages = [
        ("bill", show(&bills[0], Step::Bill, None, &page)),
        ("bill-part-paid", show(&bills[1], Step::Bill, message, &nameless)),
        ("bill-finish", show(&bills[2], Step::Finish, None, &page)),
        ("bill-pay", show(&bills[0], Step::Pay, None, &page)),
        ("bill-pay-error", show(&bills[0], Step::Pay, message, &page)),
        ("bill-pay-named", show(&named, Step::Pay, None, &page)),
        ("bill-activating", show(&bills[3], Step::Finish, None, &page)),
        ("bill-in-review", show(&samples::in_review(text), Step::Bill, message, &page)),
        ("bill-pay-in-review", show(&samples::in_review(text), Step::Pay, message, &page)),
        ("receipt", show(&bills[4], Step::Bill, None, &page)),
        ("receipt-pay", show(&bills[4], Step::Pay, None, &page)),
        ("bill-gone", bill_gone(&page)),
    ];
    pages.map(|(name, markup)| (name, markup.into_string())).to_vec()
}

fn public_page(name: &str) -> String {
    public_pages(Language::Indonesian, "Home 20 – 1 bulan").into_iter().find(|(page, _)| *page == name).unwrap().1
}

#[test]
fn a_bill_says_why_it_asks_for_more_or_was_paid_with_less() {
    let page = samples::page(Language::Indonesian, "/customer/invoices");
    let shown = |carried, status| {
        let carried = Rupiah::new(carried);
        let bill = samples::bill(Invoice { received: carried, carried, status, ..samples::invoice(7, "Home 20") });
        older_bills(&Bills { entries: &[bill], next: None }, &page).into_string()
    };
    let more = shown(-500, InvoiceStatus::Unpaid);
    assert!(more.contains("Rp300.500") && more.contains("Termasuk kekurangan tagihan sebelumnya Rp500"), "{more}");
    let less = shown(500, InvoiceStatus::Paid);
    assert!(less.contains("Ditagih bersama tagihan berikutnya Rp500"), "{less}");
    let exact = shown(0, InvoiceStatus::Unpaid);
    assert!(!exact.contains("tagihan sebelumnya") && !exact.contains("tagihan berikutnya"), "{exact}");
}

#[test]
fn the_public_page_says_nothing_about_the_customer() {
    for lang in Language::ALL {
        for (name, html) in public_pages(lang, "Budi Santoso Home 20") {
            for personal in ["Budi", "Home 20", "inv_", "c1", "Mbps", "csrf", "logout"] {
                assert!(!html.contains(personal), "{personal} on {name}: {html}");
            }
            assert!(html.contains(&format!("<html lang=\"{}\">", lang.code())));
        }
    }
}

#[test]
fn the_public_page_shows_where_the_bill_stands_and_what_can_be_done() {
    let (pay, check) =
        ("action=\"/api/pay/AAAAAAAAAAAAAAAAAAAAAAAA/link\"", "action=\"/api/pay/AAAAAAAAAAAAAAAAAAAAAAAA/check\"");
    for (name, state, shown, can_pay, can_check) in [
        ("bill", "unpaid", "Tagihan internet dari Nusantara Net", true, true),
        ("bill-part-paid", "unpaid", "Sisa Rp100.000", true, false),
        ("bill-finish", "overdue", "30 Oktober 2026", true, true),
        ("bill-activating", "activating", "Dibayar – mengaktifkan…", false, false),
        ("bill-in-review", "in-review", "Jangan membayar lagi", false, true),
        ("bill-pay-in-review", "in-review", "Sedang diperiksa", false, true),
        ("receipt", "paid", "Transfer bank BCA · Midtrans", false, false),
        ("receipt-pay", "paid", "23 November 2026, 10.00 WIB", false, false),
    ] {
        let html = public_page(name);
        assert!(
            html.contains(&format!("data-state=\"{state}\"")) && html.contains(shown) && html.contains("Rp300.000"),
            "{name}: {html}"
        );
        assert_eq!((html.contains(pay), html.contains(check)), (can_pay, can_check), "{name}: {html}");
    }
    assert!(public_page("receipt").contains("<h1 id=\"title\">Bukti pembayaran</h1>"));
    assert!(!public_page("bill-activating").contains("Bukti pembayaran"), "not before it has its effect");
}

#[test]
fn the_public_page_leads_to_no_link_that_may_name_the_customer() {
    let address = "content=\"0; url=https://pay.example/snap/v4?a=1&amp;b=&quot;2&quot;\"";
    assert!(public_page("bill-pay").contains(address));
    for name in ["bill-pay-error", "bill-pay-named"] {
        let html = public_page(name);
        assert!(
            !html.contains("pay.example") && html.contains("<form method=\"post\" action=\"/api/pay/"),
            "{name}: {html}"
        );
    }
}

fn dashboard_page(lang: Language) -> String {
    let bills = samples::bills("Home 20 – 1 bulan");
    dashboard(
        &samples::profile("Budi"),
        None,
        &Bills { entries: &bills, next: None },
        None,
        &samples::page(lang, "/customer"),
    )
    .into_string()
}

/// The row of an invoice.
fn row<'a>(html: &'a str, id: &str) -> &'a str {
    let start = html.find(&format!("id=\"invoice-{id}\"")).unwrap();
    let end = html[start..].find("</li>").unwrap();
    html[start..].get(..end).unwrap()
}

#[test]
fn names_from_outside_are_text_on_every_page() {
    for lang in Language::ALL {
        for (name, html) in every_page(lang, HOSTILE) {
            assert!(!html.contains("<script>"), "{name}");
            assert!(!html.contains("alert(1)</script>"), "{name}");
            // In attributes, too: every quote of the name is written as an entity.
            assert!(!html.contains("\"'&") && !html.contains("\"'&amp;"), "{name}");
        }
    }
    assert!(
        every_page(Language::Indonesian, HOSTILE)
            .iter()
            .any(|(_, html)| html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"))
    );
}

#[test]
fn nothing_on_any_page_needs_more_than_the_strict_content_policy() {
    for (name, html) in
        every_page(Language::Indonesian, "Budi").into_iter().chain(public_pages(Language::Indonesian, "Budi"))
    {
        for refused in [
            " style=",
            "<style",
            "javascript:",
            "data:",
            " onclick",
            " onload",
            " onsubmit",
            " onerror",
            " onchange",
            "<iframe",
        ] {
            assert!(!html.contains(refused), "{refused} on {name}");
        }
        let scripts: Vec<&str> = html.split("<script").skip(1).collect();
        assert!(
            scripts.len() == 1 && scripts[0].contains(assets::PORTAL_JS) && scripts[0].contains("></script>"),
            "{name}"
        );
    }
}

#[test]
fn every_page_has_its_language_its_heading_and_the_way_into_the_other_language() {
    for lang in Language::ALL {
        for (name, html) in every_page(lang, "Budi").into_iter().chain(public_pages(lang, "Budi")) {
            assert!(
                html.starts_with("<!DOCTYPE html>") && html.contains(&format!("<html lang=\"{}\">", lang.code())),
                "{name}"
            );
            assert_eq!(html.matches("<h1").count(), 1, "{name}");
            assert!(html.contains(&format!("lang={}\" lang=\"{0}\"", lang.other().code())), "{name}");
            assert!(html.contains(crate::texts::of(lang.other()).this_language), "{name}");
        }
    }
    let none = Upgrade { choices: &[], chosen: None, is_open: false, error: None };
    let upgrade =
        wifi(Shown::Upgrade(&none), &samples::page(Language::Indonesian, "/customer/wifi?tab=upgrade")).into_string();
    assert!(upgrade.contains("href=\"/customer/wifi?tab=upgrade&amp;lang=en\""));
}

#[test]
fn labels_are_word_for_word() {
    let html = dashboard_page(Language::Indonesian);
    for label in [
        "Informasi Akun",
        "20/10 Mbps",
        "Aktif",
        "12 hari lagi",
        "5 Desember 2026",
        "Rp25.000",
        "0812-3456-7890",
        "ONT/WiFi",
        "Status ONT",
        "Status PPPoE",
        "IP PPPoE",
        "RX Power",
        "Temperature",
        "Uptime",
        "Connected Devices",
        "Belum tersedia",
        "Tagihan",
        "Ganti Paket",
        "Rp300.000",
        "Sisa Rp100.000",
        "30 November 2026",
        "Metode lain",
        "Midtrans",
        "Xendit",
        "Beranda",
        "Riwayat",
        "WiFi",
        "Keluar",
    ] {
        assert!(html.contains(label), "{label}");
    }
    let login = enter_phone(
        &PhoneForm { phone: "", ended: true, problem: None },
        &samples::page(Language::Indonesian, "/customer/login"),
    );
    assert!(login.into_string().contains("Sesi berakhir, silakan masuk lagi"));
    let pages = every_page(Language::Indonesian, "Budi");
    let page = |name| pages.iter().find(|(other, _)| *other == name).map(|(_, html)| html.as_str()).unwrap();
    for (name, label) in [
        ("login", "Kirim Kode"),
        ("code", "Kirim ulang kode"),
        ("code", "Ganti nomor"),
        ("dashboard-empty", "Tidak ada tagihan"),
        ("history-empty", "Belum ada pembayaran"),
        ("finish", "Periksa pembayaran"),
        ("pay", "Membuka halaman pembayaran…"),
        ("pay-error", "Gagal generate payment link, coba lagi"),
        ("code-wrong", "Terlalu banyak percobaan, coba lagi nanti. Tunggu 12 menit."),
    ] {
        assert!(page(name).contains(label), "{label} on {name}");
    }
}

#[test]
fn an_expired_account_says_so() {
    let late =
        Page { now: samples::NOW + time::Duration::days(15), ..samples::page(Language::Indonesian, "/customer") };
    let html =
        dashboard(&samples::profile("Budi"), None, &Bills { entries: &[], next: None }, None, &late).into_string();
    assert!(html.contains(">Expired</span>") && html.contains("lewat 3 hari"), "{html}");
    let eastern = Page { zone: Zone::Jayapura, ..late };
    let html =
        dashboard(&samples::profile("Budi"), None, &Bills { entries: &[], next: None }, None, &eastern).into_string();
    assert!(html.contains("6 Desember 2026") && html.contains("lewat 2 hari"), "{html}");
}

#[test]
fn an_account_says_what_the_network_knows_of_it() {
    let page = samples::page(Language::Indonesian, "/customer");
    let shown = |standing| {
        dashboard(&samples::profile("Budi"), standing, &Bills { entries: &[], next: None }, None, &page).into_string()
    };
    let late = "jaringan kami terlambat diberi tahu";
    for (standing, badge, is_late) in [
        (None, "badge green\">Aktif<", false),
        (Some(NetworkProgress::Told), "badge green\">Aktif<", false),
        (Some(NetworkProgress::Activating), "badge blue\">Dibayar – mengaktifkan…<", false),
        (Some(NetworkProgress::Late), "badge green\">Aktif<", true),
    ] {
        let html = shown(standing);
        assert!(html.contains(badge) && html.contains(late) == is_late, "{standing:?}: {html}");
    }
    let bills =
        [web::account::Bill { network: Some(NetworkProgress::Late), ..samples::bills("Home 20").swap_remove(4) }];
    let html = finish(&Finish { bills: &bills, error: None }, &samples::page(Language::Indonesian, "/customer/finish"))
        .into_string();
    assert!(html.contains(late) && html.contains("hubungi kami") && html.contains("data-state=\"paid\""), "{html}");
}

#[test]
fn only_what_is_still_to_pay_can_be_paid() {
    let html = dashboard_page(Language::Indonesian);
    for (id, state, badge, button) in [
        (
            "inv_6",
            "unpaid",
            "badge yellow\">Belum Bayar<",
            Some("data-has-link aria-describedby=\"about-inv_6\">Bayar Sekarang<"),
        ),
        ("inv_5", "unpaid", "badge yellow\">Belum Bayar<", Some("\">Generate Link Pembayaran<")),
        ("inv_4", "overdue", "badge red\">Terlambat<", Some("\">Generate Link Pembayaran<")),
        ("inv_3", "activating", "badge blue\">Dibayar – mengaktifkan…<", None),
        ("inv_2", "paid", "badge green\">Lunas<", None),
        ("inv_1", "cancelled", "badge grey\">Dibatalkan<", None),
    ] {
        let row = row(&html, id);
        assert!(row.contains(&format!("data-state=\"{state}\"")) && row.contains(badge), "{row}");
        match button {
            Some(button) => assert!(row.contains("<form data-pay") && row.contains(button), "{row}"),
            None => assert!(!row.contains("<form") && !row.contains("<button"), "{row}"),
        }
    }
}

#[test]
fn a_form_carries_the_token_of_its_page() {
    for (name, html) in every_page(Language::Indonesian, "Budi") {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("name=\"csrf\" value=\"token-of-the-page\""), "{name}: {form}");
            assert!(form.contains("method=\"post\""), "{name}: {form}");
        }
    }
}

#[test]
fn the_way_to_the_gateway_is_taken_only_if_nothing_went_wrong() {
    let bills = samples::bills("Home 20");
    let page = samples::page(Language::Indonesian, "/customer/pay/inv_6");
    let address = "content=\"0; url=https://pay.example/snap/v4?a=1&amp;b=&quot;2&quot;\"";
    assert!(pay(&Pay { bill: &bills[0], error: None }, &page).into_string().contains(address));
    let failed = pay(&Pay { bill: &bills[0], error: Some("Gagal") }, &page).into_string();
    assert!(!failed.contains("http-equiv") && failed.contains(">Coba lagi</button>"));
    assert!(
        !pay(&Pay { bill: &bills[4], error: None }, &page)
            .into_string()
            .contains("<form method=\"post\" action=\"/api")
    );
}

#[test]
fn the_kept_offline_page_knows_nobody() {
    let html = offline(&samples::page(Language::English, "/customer/offline")).into_string();
    assert!(!html.contains("token-of-the-page") && !html.contains("logout"));
    assert!(html.contains("No connection") && html.contains("Tidak ada koneksi"));
}

#[test]
fn a_first_visit_stays_far_below_its_budget() {
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().len()
    };
    let kept: usize =
        assets::ASSETS.iter().filter(|asset| asset.gzip.is_some()).map(|asset| asset.encoded("gzip").1.len()).sum();
    for (name, html) in every_page(Language::Indonesian, "Budi Santoso")
        .into_iter()
        .chain(public_pages(Language::Indonesian, "Budi Santoso"))
    {
        let (plain, packed) = (html.len() + kept, gzip(html.as_bytes()) + kept);
        // The limit is 60 KB. Even uncompressed HTML keeps it.
        assert!(plain < 40_000 && packed < 20_000, "{name}: {plain} with plain HTML, {packed} compressed");
    }
}

#[test]
fn the_script_finds_every_text_in_the_page() {
    let html = dashboard_page(Language::Indonesian);
    let script = include_str!("../../assets/portal.js");
    let used = |object: &'static str| {
        script.split(object).skip(1).map(|rest| rest.split(|c: char| !c.is_alphabetic()).next().unwrap())
    };
    let names: Vec<&str> = used("page.text").chain(used("texts.text")).collect();
    assert!(names.len() > 10);
    for name in names {
        let attribute: String = name
            .chars()
            .map(|c| if c.is_uppercase() { format!("-{}", c.to_lowercase()) } else { c.to_string() })
            .collect();
        assert!(html.contains(&format!(" data-text{attribute}=\"")), "data-text{attribute}");
    }
}
