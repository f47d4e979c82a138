//! What customers read about a change of package.

use billing::id::PackageId;
use billing::language::Language;
use billing::service::customer::Profile;
use billing::service::package::CataloguePackage;
use billing::service::upgrade::{self, NotOffered, Preview, UpgradeRules};
use billing::zone::Zone;
use cloud::settings::Settings;
use time::OffsetDateTime;

use crate::problem::{self, Problem};

/// What a change to the package `wanted` comes to, paid now.
pub fn preview(
    profile: &Profile,
    catalogue: &[CataloguePackage],
    wanted: &str,
    settings: &Settings,
    now: OffsetDateTime,
) -> Result<Preview, Problem> {
    let id = PackageId::parse(wanted).map_err(|_| problem::UNKNOWN_PACKAGE)?;
    let package = upgrade::chosen(&profile.entitlement, catalogue, &id).map_err(|why| match why {
        NotOffered::Same => problem::SAME_PACKAGE,
        NotOffered::Unknown => problem::UNKNOWN_PACKAGE,
        NotOffered::Retired => problem::PACKAGE_RETIRED,
    })?;
    let rules = UpgradeRules { zone: settings.zone, pricing: settings.upgrade_pricing };
    upgrade::preview(profile, package, rules, now).map_err(|error| {
        tracing::error!(alarm = true, customer = profile.id.as_str(), package = package.id.as_str(), %error, "no preview can be made");
        problem::BUSY
    })
}

/// What will happen, in a few sentences: what is paid, what becomes of what is left, until when the new package is
/// active.
#[must_use]
pub fn explanation(profile: &Profile, preview: &Preview, zone: Zone, language: Language) -> String {
    let english = language == Language::English;
    let (new, old) = (preview.package.name.as_str(), profile.entitlement.package.name.as_str());
    let mut sentences = vec![price(preview, new, english)];
    // What is left of the old package buys days, unless it only makes the difference smaller or is credit.
    if preview.terms.new_period() && preview.unused.is_positive() && preview.package.price.is_positive() {
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
        sentences.push(if english {
            format!("{credit} is added to your credit.")
        } else {
            format!("{credit} menjadi saldo Anda.")
        });
    }
    let until = language.date(zone.date(preview.new_expires_at));
    sentences.push(if english {
        format!("{new} is active until {until}.")
    } else {
        format!("{new} aktif sampai {until}.")
    });
    if preview.terms.new_period() && profile.open_renewal.is_some() {
        let cancelled = if english {
            "The unpaid renewal invoice is cancelled."
        } else {
            "Tagihan perpanjangan yang belum dibayar dibatalkan."
        };
        sentences.push(cancelled.to_owned());
    }
    sentences.join(" ")
}

fn price(preview: &Preview, new: &str, english: bool) -> String {
    let (amount, months) = (preview.amount, preview.package.period_months);
    if amount.is_too_little() {
        return if english {
            format!("The package is changed at once; {amount} is added to your next bill.")
        } else {
            format!("Paket langsung diganti; {amount} ditagih bersama tagihan berikutnya.")
        };
    }
    match (amount.is_positive(), preview.terms.new_period()) {
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

#[cfg(test)]
mod tests {
    use billing::{
        id::{CustomerId, InvoiceId, PackageId},
        money::Rupiah,
        service::{
            entitlement::Entitlement,
            import::{CustomerRow, import},
            package::Package,
            upgrade::{UpgradePricing, UpgradeRules, preview},
        },
    };
    use time::macros::datetime;

    use super::*;

    fn package(name: &str, price: i64) -> Package {
        let id = PackageId::parse(&name.to_lowercase().replace(' ', "")).unwrap();
        Package { id, name: name.to_owned(), price: Rupiah::new(price), period_months: 1, down_mbps: 20, up_mbps: 10 }
    }

    /// Half of the month that ends with 30 November is left: Rp150.000 of Rp300.000.
    fn told(to: &Package, pricing: UpgradePricing, renewal_open: bool) -> [String; 2] {
        let (from, at) = (datetime!(2026-10-30 23:59:59 +7), datetime!(2026-11-15 11:59:59 +7));
        let expires_at = datetime!(2026-11-30 23:59:59 +7);
        let row = CustomerRow {
            name: "Budi".into(),
            phone: None,
            username: "budi".into(),
            package: package("Home 20", 300_000),
            expires_at,
            device_id: None,
            ont_serial: None,
        };
        let mut profile =
            import(None, &row, &[], CustomerId::parse("c1").unwrap(), Zone::Jakarta, from).unwrap().unwrap().profile;
        profile.entitlement = Entitlement::imported(&row.package, expires_at, from, Zone::Jakarta);
        // As if a payment had been recorded for it: what was only imported never becomes credit.
        profile.entitlement.stretches.iter_mut().for_each(|stretch| stretch.unrecorded = Rupiah::ZERO);
        profile.open_renewal = renewal_open.then(|| InvoiceId::parse("inv_1").unwrap());
        let preview = preview(&profile, to, UpgradeRules { zone: Zone::Jakarta, pricing }, at).unwrap();
        Language::ALL.map(|language| explanation(&profile, &preview, Zone::Jakarta, language))
    }

    #[track_caller]
    fn check(to: &Package, pricing: UpgradePricing, renewal_open: bool, indonesian: &str, english: &str) {
        assert_eq!(told(to, pricing, renewal_open), [indonesian, english]);
    }

    #[test]
    fn a_full_price_says_what_is_carried_over_and_what_is_cancelled() {
        check(
            &package("Home 50", 500_000),
            UpgradePricing::FullPrice,
            true,
            "Anda membayar Rp500.000 untuk 1 bulan Home 50, mulai saat pembayaran. Sisa Home 20 senilai Rp150.000 menjadi tambahan 9 \
             hari. Home 50 aktif sampai 24 Desember 2026. Tagihan perpanjangan yang belum dibayar dibatalkan.",
            "You pay Rp500.000 for 1 month of Home 50, starting with your payment. What is left of Home 20, worth Rp150.000, adds 9 \
             days. Home 50 is active until 24 December 2026. The unpaid renewal invoice is cancelled.",
        );
    }

    #[test]
    fn a_difference_says_that_it_is_one_and_leaves_the_renewal_alone() {
        check(
            &package("Home 50", 500_000),
            UpgradePricing::Prorated,
            true,
            "Anda membayar Rp111.828, selisih untuk sisa masa aktif Anda. Rp3.495 menjadi saldo Anda. Home 50 aktif sampai 30 November 2026.",
            "You pay Rp111.828, the difference for the time you have left. Rp3.495 is added to your credit. Home 50 is active until 30 November 2026.",
        );
    }

    #[test]
    fn what_becomes_credit_is_said() {
        check(
            &package("Home 10", 100_000),
            UpgradePricing::Prorated,
            false,
            "Paket langsung diganti, tidak ada yang perlu dibayar. Rp98.334 menjadi saldo Anda. Home 10 aktif sampai 30 November 2026.",
            "The package is changed at once, there is nothing to pay. Rp98.334 is added to your credit. Home 10 is active until 30 November 2026.",
        );
        check(
            &package("Gratis", 0),
            UpgradePricing::FullPrice,
            false,
            "Paket langsung diganti, tidak ada yang perlu dibayar. Rp150.000 menjadi saldo Anda. Gratis aktif sampai 15 Desember 2026.",
            "The package is changed at once, there is nothing to pay. Rp150.000 is added to your credit. Gratis is active until 15 December 2026.",
        );
    }

    #[test]
    fn what_no_gateway_takes_is_said_to_be_asked_with_the_next_bill() {
        let [indonesian, english] = told(&package("Mini", 999), UpgradePricing::FullPrice, false);
        assert!(
            indonesian.starts_with("Paket langsung diganti; Rp999 ditagih bersama tagihan berikutnya."),
            "{indonesian}"
        );
        assert!(english.starts_with("The package is changed at once; Rp999 is added to your next bill."), "{english}");
    }

    #[test]
    fn little_is_said_as_little() {
        check(
            &package("Kantor", 20_000_000),
            UpgradePricing::FullPrice,
            false,
            "Anda membayar Rp20.000.000 untuk 1 bulan Kantor, mulai saat pembayaran. Sisa Home 20 senilai Rp150.000 menjadi tambahan \
             kurang dari sehari. Kantor aktif sampai 15 Desember 2026.",
            "You pay Rp20.000.000 for 1 month of Kantor, starting with your payment. What is left of Home 20, worth Rp150.000, adds less \
             than a day. Kantor is active until 15 December 2026.",
        );
    }
}
