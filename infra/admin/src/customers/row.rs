//! One row of a customer file: the provider's own records, checked before anything is written.

use std::collections::HashMap;

use billing::access::phone::Phone;
use billing::id::{CustomerId, PackageId};
use billing::service::import::CustomerRow;
use billing::service::package::Package;
use billing::zone::{Zone, format};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::identifier::identifier;
use crate::sheet::SheetRow;

/// Columns that a file must have.
pub(super) const REQUIRED: &[&str] = &["name", "phone", "username", "packageId", "expiresAt", "deviceId", "ontSerial"];
/// Columns that a file may have.
pub(super) const OPTIONAL: &[&str] = &["id"];

const NAME_LIMIT: usize = 100;
const USERNAME_LIMIT: usize = 100;
/// An expiry outside is a typing error.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;

/// A good row: the customer, and the id that the file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) id: Option<CustomerId>,
    pub(super) row: CustomerRow,
}

/// Checks a row, or names everything that is wrong with it.
pub(super) fn check(row: &SheetRow, packages: &HashMap<PackageId, Package>, zone: Zone) -> Result<Checked, String> {
    let [name, phone, username, package, expires_at, device_id, ont_serial, id] = row.fields.as_slice() else {
        return Err("columns missing".to_owned());
    };
    let mut problems = Vec::new();
    let mut keep = |problem: Option<String>| problems.extend(problem);
    keep(check_name(name).err());
    let username = check_username(username);
    let device_id = optional(device_id, |text| check_serial("deviceId", text));
    let ont_serial = optional(ont_serial, |text| check_serial("ontSerial", text));
    keep(username.as_ref().err().cloned());
    keep(device_id.as_ref().err().cloned());
    keep(ont_serial.as_ref().err().cloned());
    let phone = optional(phone, |text| {
        Phone::parse(text).map_err(|error| format!("phone {text:?} is {error}, or leave it empty"))
    });
    let id = optional(id, |text| CustomerId::parse(text).map_err(|error| format!("id {text:?} is {error}")));
    let package = find_package(package, packages);
    let expires_at = parse_expiry(expires_at, zone);
    keep(phone.as_ref().err().cloned());
    keep(id.as_ref().err().cloned());
    keep(package.as_ref().err().cloned());
    keep(expires_at.as_ref().err().cloned());
    match (username, phone, id, package, expires_at, device_id, ont_serial) {
        (Ok(username), Ok(phone), Ok(id), Ok(package), Ok(expires_at), Ok(device_id), Ok(ont_serial))
            if problems.is_empty() =>
        {
            let name = name.clone();
            let row = CustomerRow { name, phone, username, package, expires_at, device_id, ont_serial };
            Ok(Checked { id, row })
        }
        _ => Err(problems.join("; ")),
    }
}

fn optional<T>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

fn check_name(name: &str) -> Result<(), String> {
    match name.chars().count() {
        0 => Err("name is empty".to_owned()),
        length if length > NAME_LIMIT => Err(format!("name is longer than {NAME_LIMIT} characters")),
        _ => Ok(()),
    }
}

fn check_username(username: &str) -> Result<String, String> {
    if username.is_empty() {
        return Err("username is empty".to_owned());
    }
    if username.chars().count() > USERNAME_LIMIT {
        return Err(format!("username is longer than {USERNAME_LIMIT} characters"));
    }
    if username.chars().any(char::is_whitespace) {
        return Err(format!("username {username:?} holds a space"));
    }
    check_serial("username", username)
}

/// A name or serial as everybody else writes it. `4.85754E+15`: a spreadsheet took it for a number, and digits are lost.
fn check_serial(column: &str, text: &str) -> Result<String, String> {
    let (mantissa, exponent) = text.split_once(['E', 'e']).unwrap_or((text, ""));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let point = mantissa.bytes().filter(|byte| matches!(byte, b'.' | b',')).count() <= 1;
    let lost = exponent.strip_prefix('+').is_some_and(digits) && point && digits(&mantissa.replace(['.', ','], ""));
    if lost {
        return Err(format!(
            "{column} {text:?} was shortened by the spreadsheet; format the column as text and enter it again"
        ));
    }
    identifier(text).map_err(|problem| format!("{column} {text:?} {problem}"))
}

fn find_package(text: &str, packages: &HashMap<PackageId, Package>) -> Result<Package, String> {
    let package = PackageId::parse(text).ok().and_then(|id| packages.get(&id));
    package.cloned().ok_or_else(|| format!("packageId {text:?} is not in the catalogue; see `lunas packages list`"))
}

/// A day is served to its end in the provider's zone, and so is the day of an instant.
fn parse_expiry(text: &str, zone: Zone) -> Result<OffsetDateTime, String> {
    let day = format::parse_date(text).or_else(|| OffsetDateTime::parse(text, &Rfc3339).ok().map(|at| zone.date(at)));
    day.map(|day| zone.end_of(day)).filter(|at| YEARS.contains(&at.year())).ok_or_else(|| {
        format!("expiresAt {text:?} is not a date such as 2026-12-10, nor an instant such as 2026-12-10T12:00:00+07:00")
    })
}

#[cfg(test)]
mod tests {
    use billing::money::Rupiah;
    use time::macros::datetime;

    use super::*;

    const GOOD: [&str; 8] =
        ["Budi", "0812-3456-7890", "budi@isp", "home20", "2026-12-10", "00259E-HG8245H-1", "48575443A1B2C3D4", ""];

    fn packages() -> HashMap<PackageId, Package> {
        let id = PackageId::parse("home20").unwrap();
        let package = Package {
            id: id.clone(),
            name: "Home 20".into(),
            price: Rupiah::new(1),
            period_months: 1,
            down_mbps: 1,
            up_mbps: 1,
        };
        HashMap::from([(id, package)])
    }

    fn checked(column: usize, text: &str) -> Result<Checked, String> {
        let mut fields = GOOD.map(str::to_owned);
        fields[column] = text.to_owned();
        check(&SheetRow { line: 2, lines: 1, fields: fields.to_vec() }, &packages(), Zone::Jakarta)
    }

    #[test]
    fn a_good_row_is_a_customer() {
        let good = checked(0, "Budi").unwrap();
        assert_eq!(good.id, None);
        assert_eq!(good.row.phone.map(String::from).as_deref(), Some("6281234567890"));
        assert_eq!(good.row.expires_at, datetime!(2026-12-10 23:59:59 +7));
        for column in [1, 5, 6] {
            assert!(checked(column, "").is_ok(), "column {column} may be empty");
        }
        assert_eq!(checked(7, "c01").unwrap().id, CustomerId::parse("c01").ok());
    }

    #[test]
    fn an_expiry_is_the_end_of_a_day_of_the_provider() {
        let at = |text: &str, zone| parse_expiry(text, zone).unwrap();
        assert_eq!(at("2026-12-10", Zone::Jayapura), datetime!(2026-12-10 14:59:59 UTC));
        for (instant, zone) in [
            ("2026-12-10T12:00:00.5+07:00", Zone::Jakarta),
            ("2026-12-10T15:30:00Z", Zone::Makassar),
            ("2026-12-09T15:30:00Z", Zone::Jayapura),
        ] {
            assert_eq!(at(instant, zone), at("2026-12-10", zone), "{instant} {zone}");
        }
    }

    #[test]
    fn every_problem_of_a_row_is_named() {
        let long = "x".repeat(101);
        for (column, text, reason) in [
            (0, "", "name is empty"),
            (0, long.as_str(), "name is longer than 100"),
            (1, "021-5551234", "phone \"021-5551234\" is not an Indonesian mobile number"),
            (1, "6.28123E+12", "phone"),
            (1, "0812345678 / 0813345678", "phone"),
            (2, "", "username is empty"),
            (2, "budi santoso", "holds a space"),
            (2, "8,12E+11", "shortened by the spreadsheet"),
            (2, "bu\u{200b}di", "username \"bu\\u{200b}di\" holds the invisible character U+200B"),
            (5, "0025\u{feff}9E", "deviceId"),
            (6, "ZTE１２", "ontSerial \"ZTE１２\" holds the character １ (U+FF11)"),
            (1, "0812-3456-7890#2", "phone \"0812-3456-7890#2\" is not"),
            (2, long.as_str(), "username is longer"),
            (3, "home99", "packageId \"home99\" is not in the catalogue"),
            (3, "", "not in the catalogue"),
            (4, "", "expiresAt \"\" is not a date such as 2026-12-10"),
            (4, "10/12/2026", "not a date such as"),
            (4, "10-12-2026", "not a date such as"),
            (4, "2026-02-30", "not a date such as"),
            (4, "2026-12-10 12:00", "nor an instant such as"),
            (4, "2026-12-10T12:00:00", "nor an instant such as"),
            (4, "0026-12-10", "not a date such as"),
            (4, "46366", "not a date such as"),
            (5, "4E+15", "deviceId"),
            (6, "4.85754E+15", "ontSerial \"4.85754E+15\" was shortened by the spreadsheet"),
            (7, "C 01", "id \"C 01\" is not an id"),
        ] {
            let actual = checked(column, text).unwrap_err();
            assert!(actual.contains(reason), "{actual}");
        }
        for fine in ["4857E443", "48575443A1B2C3D4", "E+", "1.2.3E+4"] {
            assert_eq!(check_serial("ontSerial", fine).as_deref(), Ok(fine), "{fine}");
        }
        let all = check(&SheetRow { line: 2, lines: 1, fields: vec![String::new(); 8] }, &packages(), Zone::Jakarta)
            .unwrap_err();
        assert_eq!(all.split("; ").filter(|problem| problem.starts_with(['n', 'u', 'p', 'e'])).count(), 4, "{all}");
    }
}
