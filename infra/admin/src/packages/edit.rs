//! `lunas packages create`, `change` and `retire`: one package at a time.

use billing::id::PackageId;
use billing::money::Rupiah;
use billing::service::package::{CataloguePackage, Package};
use serde_json::json;

use super::{MBPS_LIMIT, MONTHS_LIMIT, NAME_LIMIT, PRICE_LIMIT, line, too_cheap, view};
use crate::cli::{NewPackage, PackageChanges};
use crate::{ALL_DONE, Console, refuse};

/// Puts a package into the catalogue that was not there.
pub(crate) async fn create(console: &Console, id: PackageId, new: NewPackage) -> anyhow::Result<u8> {
    if console.store.package(&id).await?.is_some() {
        return refuse(format!("the package {id} exists already; to change it: lunas packages change {id} …"));
    }
    let package = Package {
        id,
        name: new.name,
        price: Rupiah::new(new.price.into()),
        period_months: u8::try_from(new.months).unwrap_or(u8::MAX),
        down_mbps: new.down,
        up_mbps: new.up,
    };
    let created = CataloguePackage { package, active: true, changeable_to: new.changeable_to.map(|ids| ids.0) };
    check(console, &created).await?;
    write(console, "created", &created).await
}

/// Changes what was asked for and nothing else.
pub(crate) async fn change(console: &Console, id: &PackageId, changes: PackageChanges) -> anyhow::Result<u8> {
    let before = existing(console, id).await?;
    let mut sold = before.clone();
    let package = &mut sold.package;
    package.name = changes.name.unwrap_or_else(|| package.name.clone());
    package.price = changes.price.map_or(package.price, |price| Rupiah::new(price.into()));
    package.period_months =
        changes.months.map_or(package.period_months, |months| u8::try_from(months).unwrap_or(u8::MAX));
    package.down_mbps = changes.down.unwrap_or(package.down_mbps);
    package.up_mbps = changes.up.unwrap_or(package.up_mbps);
    sold.active |= changes.active;
    if changes.changeable_to_all {
        sold.changeable_to = None;
    } else if let Some(ids) = changes.changeable_to {
        sold.changeable_to = Some(ids.0);
    }
    overwrite(console, "changed", &before, &sold).await
}

/// Takes a package out of what customers may choose.
pub(crate) async fn retire(console: &Console, id: &PackageId) -> anyhow::Result<u8> {
    let before = existing(console, id).await?;
    let retired = CataloguePackage { active: false, ..before.clone() };
    overwrite(console, "retired", &before, &retired).await
}

async fn existing(console: &Console, id: &PackageId) -> anyhow::Result<CataloguePackage> {
    match console.store.package(id).await? {
        Some(package) => Ok(package),
        None => refuse(format!("no package has the id {id}; see `lunas packages list`")),
    }
}

async fn overwrite(
    console: &Console,
    done: &str,
    before: &CataloguePackage,
    after: &CataloguePackage,
) -> anyhow::Result<u8> {
    check(console, after).await?;
    if before != after {
        console.confirm(&format!("before: {}\nafter:  {}\n", line(before), line(after)))?;
    }
    write(console, done, after).await
}

async fn check(console: &Console, package: &CataloguePackage) -> anyhow::Result<()> {
    let problems = problems(console, package).await?;
    if problems.is_empty() { Ok(()) } else { refuse(problems.join("; ")) }
}

async fn write(console: &Console, done: &str, package: &CataloguePackage) -> anyhow::Result<u8> {
    if !console.dry_run {
        console.store.put_package(package).await?;
    }
    let done = if console.dry_run { format!("dry run, not {done}") } else { done.to_owned() };
    let machine = json!({"success": true, "dryRun": console.dry_run, "package": view(package)});
    console.ui.result(&format!("{done}: {}", line(package)), &machine)?;
    Ok(ALL_DONE)
}

/// Everything that is wrong with a package.
async fn problems(
    console: &Console,
    CataloguePackage { package, changeable_to, .. }: &CataloguePackage,
) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    if !(1..=NAME_LIMIT).contains(&package.name.chars().count()) {
        problems.push(format!("the name has to be 1 to {NAME_LIMIT} characters long"));
    }
    if package.price.is_too_little() {
        problems.push(format!("{}; a package that costs nothing has the price 0", too_cheap(package.price)));
    }
    if package.price > Rupiah::new(PRICE_LIMIT) {
        problems.push(format!("the price is more than {}", Rupiah::new(PRICE_LIMIT)));
    }
    if !(1..=MBPS_LIMIT).contains(&package.down_mbps) || !(1..=MBPS_LIMIT).contains(&package.up_mbps) {
        problems.push(format!("bandwidth is 1 to {MBPS_LIMIT} Mbit/s"));
    }
    if !(1..=MONTHS_LIMIT).contains(&package.period_months.into()) {
        problems.push(format!("a period is 1 to {MONTHS_LIMIT} months long"));
    }
    let known = console.store.packages().await?;
    for id in changeable_to.iter().flatten() {
        if !known.iter().any(|known| known.package.id == *id) {
            problems.push(format!("no package has the id {id}, so none can be sold to it"));
        }
    }
    Ok(problems)
}
