//! `lunas packages`: the catalogue.

mod edit;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::Path;

use anyhow::Context;
use billing::id::PackageId;
use billing::money::{LEAST_AMOUNT, Rupiah};
use billing::service::package::{CataloguePackage, Package};
use cloud::store::StoreError;
use serde_json::{Value, json};

use crate::changes::{Change, Progress, RowResult};
use crate::sheet::{Sheet, SheetRow};
use crate::trouble::of_store;
use crate::{ALL_DONE, Console};

pub(crate) use edit::{change, create, retire};

const COLUMNS: &[&str] = &["id", "name", "price", "downMbps", "upMbps", "periodMonths", "active"];
/// Dearer is a typing error.
const PRICE_LIMIT: i64 = 1_000_000_000;
const MBPS_LIMIT: u32 = 1_000_000;
const MONTHS_LIMIT: u32 = 24;
const NAME_LIMIT: usize = 100;

/// Writes the file's packages into the catalogue.
pub(crate) async fn import(console: &Console, path: &Path) -> anyhow::Result<u8> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let mut sheet = Sheet::open(file, COLUMNS, &[]).with_context(|| path.display().to_string())?;
    let mut known: HashMap<PackageId, CataloguePackage> =
        console.store.packages().await?.into_iter().map(|package| (package.package.id.clone(), package)).collect();
    let mut progress = Progress::begin(console.ui, console.dry_run, length)?;
    let mut seen = HashSet::new();
    while let Some(row) = sheet.next_row() {
        let result = match row {
            Err(bad) => RowResult::refused((bad.line, bad.lines), bad.reason),
            Ok(row) => match check(&row) {
                Err(reason) => RowResult::refused((row.line, row.lines), reason),
                Ok(package) if !seen.insert(package.package.id.clone()) => RowResult::refused(
                    (row.line, row.lines),
                    format!("the package {} stands in the file already", package.package.id),
                ),
                Ok(mut package) => {
                    // Not a column of the file, so not for the file to change.
                    package.changeable_to =
                        known.get(&package.package.id).and_then(|before| before.changeable_to.clone());
                    let id = Some(package.package.id.to_string());
                    match put(console, &mut known, package).await {
                        Ok(change) => {
                            RowResult { line: row.line, lines: row.lines, id, username: None, outcome: change.into() }
                        }
                        Err(error) => return progress.end(sheet.lines(), Some(&of_store(&error))),
                    }
                }
            },
        };
        progress.row(&result, sheet.position())?;
    }
    progress.end(sheet.lines(), None)
}

async fn put(
    console: &Console,
    known: &mut HashMap<PackageId, CataloguePackage>,
    package: CataloguePackage,
) -> Result<Change, StoreError> {
    let change = match known.get(&package.package.id) {
        Some(before) if *before == package => return Ok(Change::Unchanged),
        Some(_) => Change::Changed,
        None => Change::New,
    };
    if !console.dry_run {
        console.store.put_package(&package).await?;
    }
    known.insert(package.package.id.clone(), package);
    Ok(change)
}

/// Shows the catalogue.
pub(crate) async fn list(console: &Console) -> anyhow::Result<u8> {
    let packages = console.store.packages().await?;
    let mut human = String::new();
    for package in &packages {
        human.push_str(&line(package));
        human.push('\n');
    }
    if packages.is_empty() {
        human.push_str("no packages yet: lunas packages import FILE.csv");
    }
    let machine: Vec<Value> = packages.iter().map(view).collect();
    console.ui.result(&human, &json!({"packages": machine}))?;
    Ok(ALL_DONE)
}

fn line(CataloguePackage { package, active, changeable_to }: &CataloguePackage) -> String {
    let hidden = if *active { "" } else { "  (retired)" };
    let allowed = changeable_to.as_ref().map_or_else(String::new, |ids| {
        let ids: Vec<_> = ids.iter().map(PackageId::as_str).collect();
        if ids.is_empty() { "  changeable to none".to_owned() } else { format!("  changeable to {}", ids.join(", ")) }
    });
    format!(
        "{:<16} {:<28} {:>14} / {} month(s)  {}/{} Mbit/s{hidden}{allowed}",
        package.id.as_str(),
        package.name,
        package.price.to_string(),
        package.period_months,
        package.down_mbps,
        package.up_mbps
    )
}

fn view(CataloguePackage { package, active, changeable_to }: &CataloguePackage) -> Value {
    json!({
        "id": package.id, "name": package.name, "price": package.price, "downMbps": package.down_mbps, "upMbps": package.up_mbps,
        "periodMonths": package.period_months, "active": active, "changeableTo": changeable_to,
    })
}

/// A row as a package, or everything that is wrong with it.
fn check(row: &SheetRow) -> Result<CataloguePackage, String> {
    let [id, name, price, down, up, months, active] = row.fields.as_slice() else {
        return Err("columns missing".to_owned());
    };
    let mut problems = Vec::new();
    let mut number = |name: &str, text: &str, limit: u32| {
        // `parse` alone takes a sign.
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let read = if is_number { text.parse().ok() } else { None };
        let read = read.filter(|n| (1..=limit).contains(n));
        read.unwrap_or_else(|| {
            problems.push(format!("{name} {text:?} is not a whole number from 1 to {limit}"));
            0
        })
    };
    let (down_mbps, up_mbps) = (number("downMbps", down, MBPS_LIMIT), number("upMbps", up, MBPS_LIMIT));
    let period_months = u8::try_from(number("periodMonths", months, MONTHS_LIMIT)).unwrap_or_default();
    let id = PackageId::parse(id).map_err(|error| problems.push(format!("id {id:?} is {error}"))).ok();
    let price = rupiah(price).map_err(|problem| problems.push(problem)).ok();
    let active = flag(active).map_err(|problem| problems.push(problem)).ok();
    if !(1..=NAME_LIMIT).contains(&name.chars().count()) {
        problems.push(format!("name has to be 1 to {NAME_LIMIT} characters long"));
    }
    match (id, price, active) {
        (Some(id), Some(price), Some(active)) if problems.is_empty() => {
            let package = Package { id, name: name.clone(), price, period_months, down_mbps, up_mbps };
            Ok(CataloguePackage { package, active, changeable_to: None })
        }
        _ => Err(problems.join("; ")),
    }
}

/// Digits only. A point could be a fraction or, as Indonesia writes it, a thousand: nobody is to guess about money.
fn rupiah(text: &str) -> Result<Rupiah, String> {
    let digits = (1..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let amount = if digits { text.parse().ok() } else { None };
    let amount = amount.filter(|amount| (1..=PRICE_LIMIT).contains(amount));
    let price = amount
        .map(Rupiah::new)
        .ok_or_else(|| format!("price {text:?} is not whole rupiah without separators, such as 300000"))?;
    if price.is_too_little() { Err(too_cheap(price)) } else { Ok(price) }
}

/// A bill that nobody could pay.
fn too_cheap(price: Rupiah) -> String {
    format!("a price of {price} cannot be collected: payment gateways take {LEAST_AMOUNT} or more")
}

fn flag(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "ya" | "1" => Ok(true),
        "false" | "no" | "tidak" | "0" => Ok(false),
        _ => Err(format!("active {text:?} is neither true nor false")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [&str; 7] = ["home20", "Home 20", "300000", "20", "10", "1", "true"];

    fn checked(column: usize, text: &str) -> Result<CataloguePackage, String> {
        let mut fields = GOOD.map(str::to_owned);
        fields[column] = text.to_owned();
        check(&SheetRow { line: 2, lines: 1, fields: fields.to_vec() })
    }

    #[test]
    fn a_good_row_is_a_package() {
        let package = checked(0, "home20").unwrap();
        assert_eq!(
            (package.package.price, package.package.down_mbps, package.active),
            (Rupiah::new(300_000), 20, true)
        );
        assert_eq!(checked(2, "1000").map(|package| package.package.price), Ok(LEAST_AMOUNT));
        assert_eq!(checked(6, "Tidak").map(|package| package.active), Ok(false));
    }

    #[test]
    fn every_problem_of_a_row_is_named() {
        for (column, text, reason) in [
            (0, "Home 20", "id \"Home 20\" is not an id"),
            (0, "", "not an id"),
            (1, "", "name has to be"),
            (2, "300.000", "whole rupiah"),
            (2, "300000.50", "whole rupiah"),
            (2, "300,000", "whole rupiah"),
            (2, "Rp300000", "whole rupiah"),
            (2, "-1", "whole rupiah"),
            (2, "0", "whole rupiah"),
            (2, "3e5", "whole rupiah"),
            (2, "1", "Rp1 cannot be collected"),
            (2, "999", "gateways take Rp1.000 or more"),
            (2, "9999999999", "whole rupiah"),
            (3, "0", "downMbps"),
            (4, "2.5", "upMbps"),
            (4, "+5", "upMbps"),
            (5, "25", "periodMonths \"25\" is not a whole number from 1 to 24"),
            (6, "maybe", "neither true nor false"),
        ] {
            let actual = checked(column, text).unwrap_err();
            assert!(actual.contains(reason), "{actual}");
        }
        let all = check(&SheetRow { line: 2, lines: 1, fields: vec![String::new(); 7] }).unwrap_err();
        assert_eq!(all.split("; ").count(), 7, "{all}");
    }
}
