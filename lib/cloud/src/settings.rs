//! Settings of the deployment: parameters of the template, handed to each function as environment variables. No
//! secrets.

use std::collections::BTreeMap;

use billing::language::Language;
use billing::payment::gateway::GatewayName;
use billing::service::entitlement::LateRenewal;
use billing::service::upgrade::UpgradePricing;
use billing::telling::notice::QuietHours;
use billing::zone::Zone;
use time::Duration;

use crate::public_url::PublicUrl;

/// What the template's parameters say.
#[derive(Debug, Clone)]
pub struct Settings {
    pub table: String,
    pub bus: String,
    /// `dev`, `staging` or `prod`; names the secrets `lunas/<stage>/…`.
    pub stage: String,
    /// Public address of portal and API; without one there are no cookie sessions and no way back from a gateway's
    /// page.
    pub public_url: Option<PublicUrl>,
    pub provider_name: Option<String>,
    /// Stand-ins of partners on loopback, by partner name; empty outside the demo and tests.
    pub partner_endpoints: BTreeMap<String, String>,
    /// The gateway of customers who do not choose.
    pub default_gateway: GatewayName,
    pub link_lifetime: Duration,
    pub session_lifetime: Duration,
    /// The provider's zone.
    pub zone: Zone,
    pub late_renewal: LateRenewal,
    pub upgrade_pricing: UpgradePricing,
    pub message_language: Language,
    /// Hours in which customers are not asked for money.
    pub quiet_hours: QuietHours,
    /// Whom customers can turn to when no code can be sent, as typed by the provider; may be empty.
    pub support_contact: String,
    /// Login requests allowed per address and hour.
    pub requests_per_address: u64,
}

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("setting {name}: {problem}")]
pub struct SettingError {
    name: &'static str,
    problem: String,
}

impl Settings {
    /// Reads the environment of the process.
    pub fn from_env() -> Result<Self, SettingError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads settings from `lookup`.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let text = |name: &'static str, default: &str| {
            lookup(name).filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
        };
        let number = |name: &'static str, default: &str, range: std::ops::RangeInclusive<i64>| {
            let value = text(name, default);
            value
                .parse::<i64>()
                .ok()
                .filter(|n| range.contains(n))
                .ok_or_else(|| SettingError { name, problem: format!("{value:?} is not a number in {range:?}") })
        };
        let stage = text("STAGE", "dev");
        let partner_endpoints = partner_endpoints(&text("PARTNER_ENDPOINTS", ""), &stage)?;
        let choice = |name: &'static str, value: String| SettingError {
            name,
            problem: format!("{value:?} is not one of the choices"),
        };
        let gateway = text("DEFAULT_GATEWAY", "midtrans");
        let zone = text("TIME_ZONE", "Asia/Jakarta");
        let late = text("LATE_RENEWAL", "from-payment");
        let public_url = lookup("PUBLIC_URL").filter(|url| !url.is_empty());
        let no_origin = |url: &String| SettingError {
            name: "PUBLIC_URL",
            problem: format!("{url:?} is not https://host, nor http on this machine"),
        };
        let quiet = text("QUIET_HOURS", "21-8");
        let pricing = text("UPGRADE_PRICING", "full-price");
        let language = text("MESSAGE_LANGUAGE", "id");
        Ok(Self {
            table: required(&lookup, "TABLE_NAME")?,
            bus: text("BUS_NAME", "default"),
            public_url: public_url.map(|url| PublicUrl::parse(&url).ok_or_else(|| no_origin(&url))).transpose()?,
            provider_name: Some(text("PROVIDER_NAME", "").trim().to_owned()).filter(|name| !name.is_empty()),
            partner_endpoints,
            default_gateway: GatewayName::parse(&gateway).ok_or_else(|| choice("DEFAULT_GATEWAY", gateway))?,
            // Midtrans takes 5 minutes to 7 days; a link under an hour would be replaced all the time.
            link_lifetime: Duration::hours(number("LINK_HOURS", "24", 1..=168)?),
            session_lifetime: Duration::days(number("SESSION_DAYS", "30", 1..=365)?),
            zone: Zone::parse(&zone).ok_or_else(|| choice("TIME_ZONE", zone))?,
            late_renewal: match late.as_str() {
                "from-payment" => LateRenewal::FromPayment,
                "from-expiry" => LateRenewal::FromExpiry,
                _ => return Err(choice("LATE_RENEWAL", late)),
            },
            upgrade_pricing: match pricing.as_str() {
                "full-price" => UpgradePricing::FullPrice,
                "prorated" => UpgradePricing::Prorated,
                _ => return Err(choice("UPGRADE_PRICING", pricing)),
            },
            message_language: Language::parse(&language).ok_or_else(|| choice("MESSAGE_LANGUAGE", language))?,
            quiet_hours: QuietHours::parse(&quiet).ok_or_else(|| choice("QUIET_HOURS", quiet))?,
            support_contact: text("SUPPORT_CONTACT", "").chars().filter(|c| !c.is_control()).take(100).collect(),
            requests_per_address: number("REQUESTS_PER_ADDRESS", "600", 1..=1_000_000)?.unsigned_abs(),
            stage,
        })
    }

    /// Real money: sandbox keys are refused.
    #[must_use]
    pub fn is_production(&self) -> bool {
        self.stage == "prod"
    }
}

fn required(lookup: impl Fn(&str) -> Option<String>, name: &'static str) -> Result<String, SettingError> {
    lookup(name)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| SettingError { name, problem: "is not set".to_owned() })
}

/// `midtrans=http://127.0.0.1:4601,xendit=…`: a redirected partner is a redirected payment, so only to this machine,
/// never on prod.
fn partner_endpoints(text: &str, stage: &str) -> Result<BTreeMap<String, String>, SettingError> {
    let refused = |problem: &str| SettingError { name: "PARTNER_ENDPOINTS", problem: problem.to_owned() };
    let mut endpoints = BTreeMap::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (partner, url) = pair.split_once('=').ok_or_else(|| refused("expected partner=url pairs"))?;
        let loopback =
            ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].iter().any(|start| url.starts_with(start));
        if !loopback || url.contains('@') {
            return Err(refused("only loopback addresses can stand in for a partner"));
        }
        endpoints.insert(partner.to_owned(), url.trim_end_matches('/').to_owned());
    }
    if stage == "prod" && !endpoints.is_empty() {
        return Err(refused("must be empty on the stage prod"));
    }
    Ok(endpoints)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::read(|name| {
            let table = (name == "TABLE_NAME").then(|| "t".to_owned());
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()).or(table)
        })
    }

    #[test]
    fn everything_but_the_table_has_a_default() {
        let settings = read(&[]).unwrap();
        assert_eq!(
            (settings.default_gateway, settings.zone, settings.link_lifetime, settings.upgrade_pricing),
            (GatewayName::Midtrans, Zone::Jakarta, Duration::hours(24), UpgradePricing::FullPrice)
        );
        assert!(read(&[("TABLE_NAME", "")]).is_err());
    }

    #[test]
    fn partners_are_redirected_to_loopback_only_and_never_on_prod() {
        let endpoints = read(&[("PARTNER_ENDPOINTS", "midtrans=http://127.0.0.1:1/, xendit=http://127.0.0.1:2")])
            .unwrap()
            .partner_endpoints;
        assert_eq!(endpoints.get("midtrans").map(String::as_str), Some("http://127.0.0.1:1"));
        for refused in [
            "midtrans",
            "midtrans=http://10.0.0.1:1",
            "midtrans=https://example.com",
            "midtrans=http://127.0.0.1:1@evil.example",
            "midtrans=http://127.0.0.1.evil.example",
        ] {
            assert!(read(&[("PARTNER_ENDPOINTS", refused)]).is_err(), "{refused}");
        }
        assert!(read(&[("STAGE", "prod"), ("PARTNER_ENDPOINTS", "midtrans=http://127.0.0.1:1")]).is_err());
    }

    #[test]
    fn what_is_not_a_choice_is_refused_with_its_name() {
        for (name, value) in [
            ("LINK_HOURS", "0"),
            ("LINK_HOURS", "x"),
            ("SESSION_DAYS", "9999"),
            ("TIME_ZONE", "Europe/Berlin"),
            ("DEFAULT_GATEWAY", "paypal"),
            ("LATE_RENEWAL", "never"),
            ("PUBLIC_URL", "http://bayar.example.id"),
            ("UPGRADE_PRICING", "half"),
            ("MESSAGE_LANGUAGE", "fr"),
            ("QUIET_HOURS", "25-8"),
        ] {
            assert!(read(&[(name, value)]).unwrap_err().to_string().contains(name), "{name}={value}");
        }
    }
}
