//! A whole Lunas in one process, for tests: the real store on an embedded DynamoDB, stand-ins of Secrets Manager and
//! EventBridge, the sandbox's gateways, and a [`tap::Tap`] in every line between them that counts calls and breaks them
//! on demand.

#![expect(clippy::expect_used, reason = "only tests use this crate, and a test that cannot be set up has failed")]

pub mod aws;
mod broken_build;
mod line;
pub mod notification;
pub mod request;
pub mod sabotage;
pub mod table;
pub mod tap;
mod wire;

use std::{collections::BTreeMap, sync::Arc};

use aws_credential_types::Credentials;
use billing::access::phone::Phone;
use billing::id::{CustomerId, PackageId};
use billing::language::Language;
use billing::money::Rupiah;
use billing::payment::gateway::GatewayName;
use billing::payment::invoice::{Invoice, NewInvoice};
use billing::payment::renewal::issue_renewal;
use billing::service::customer::Profile;
use billing::service::import::{CustomerRow, import};
use billing::service::package::{CataloguePackage, Package};
use billing::telling::notice::QuietHours;
use billing::zone::Zone;
use cloud::app::App;
use cloud::aws::AwsAccount;
use cloud::bus::Bus;
use cloud::clock::Clock;
use cloud::public_url::PublicUrl;
use cloud::secrets::Secrets;
use cloud::settings::Settings;
use cloud::store::{Store, new_id};
use lunas_sandbox::Sandbox;
use time::{Date, Duration};

use crate::aws::StandIn;
use crate::notification::{Inbox, Notification};
use crate::tap::Tap;

/// Key of the secret `app` in tests.
pub const MASTER_KEY: &str = "test-master-key-test-master-key-0";

/// One installation.
#[derive(Debug)]
pub struct World {
    /// Secrets, bus and table.
    pub aws: StandIn,
    pub tap: Tap,
    pub sandbox: Sandbox,
    /// Notifications of the gateways, collected instead of delivered.
    pub notifications: Inbox,
    pub app: App,
    /// The bus, as relay-events uses it.
    pub bus: Bus,
}

impl World {
    /// Starts one, with an empty table and every secret filled but the network's.
    ///
    /// # Panics
    /// When something cannot be started.
    pub async fn start() -> Self {
        let tap = Tap::default();
        let notifications = Inbox::start().await;
        let options =
            lunas_sandbox::Options { webhook_base: Some(notifications.url()), ..lunas_sandbox::Options::default() };
        let sandbox = lunas_sandbox::start(options).await.expect("the sandbox starts");
        let mut endpoints = BTreeMap::new();
        let urls = sandbox.urls();
        for (partner, url) in [
            ("midtrans", urls.midtrans),
            ("xendit", urls.xendit),
            ("whatsapp", urls.whatsapp),
            ("genieacs", urls.genieacs),
            ("network", urls.network),
        ] {
            endpoints.insert(partner.to_owned(), tap.in_front_of(partner, &url).await);
        }
        let aws = StandIn::start(&tap).await;
        aws.set_secret(
            "lunas/dev/midtrans",
            &format!(r#"{{"serverKey":"{}","isSandbox":"true"}}"#, lunas_sandbox::DEMO_MIDTRANS_SERVER_KEY),
        );
        aws.set_secret(
            "lunas/dev/xendit",
            &format!(
                r#"{{"apiKey":"{}","callbackToken":"{}"}}"#,
                lunas_sandbox::DEMO_XENDIT_API_KEY,
                lunas_sandbox::DEMO_XENDIT_CALLBACK_TOKEN
            ),
        );
        aws.set_secret("lunas/dev/app", &format!(r#"{{"masterKey":"{MASTER_KEY}"}}"#));
        aws.set_secret("lunas/dev/whatsapp", &whatsapp_rows(&endpoints));
        aws.set_secret("lunas/dev/genieacs", &genieacs_rows(&endpoints).to_string());
        aws.set_secret("lunas/dev/network", r#"{"webhookUrl":"","secret":""}"#);

        let account = AwsAccount {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("test", "test", None, None, "test"),
            endpoint: Some(aws.url.clone()),
            dynamodb_endpoint: None,
        };
        let clock = Clock::default();
        let settings = Settings {
            table: table::NAME.to_owned(),
            bus: "lunas-test".to_owned(),
            stage: "dev".to_owned(),
            public_url: PublicUrl::parse("https://portal.example"),
            provider_name: Some("Nusantara Net".to_owned()),
            partner_endpoints: endpoints,
            default_gateway: GatewayName::Midtrans,
            link_lifetime: Duration::hours(24),
            session_lifetime: Duration::days(30),
            zone: Zone::Jakarta,
            late_renewal: billing::service::entitlement::LateRenewal::FromPayment,
            upgrade_pricing: billing::service::upgrade::UpgradePricing::FullPrice,
            message_language: Language::Indonesian,
            // At no hour: tests say themselves when it is night.
            quiet_hours: QuietHours::parse("0-0").expect("hours"),
            support_contact: String::new(),
            requests_per_address: 60,
        };
        let client = account.dynamodb();
        table::create(&client, table::NAME).await;
        let app = App {
            store: Store::new(client, settings.table.clone()),
            secrets: Secrets::new(account.secretsmanager(), &settings.stage, clock.clone()),
            settings: Arc::new(settings),
            clock,
        };
        let bus = Bus::new(account.eventbridge(), app.settings.bus.clone());
        let world = Self { aws, tap, sandbox, notifications, app, bus };
        world.tap.forget();
        world
    }

    /// The same installation with other parameters, in a process of its own (an empty cache of secrets).
    #[must_use]
    pub fn with_settings(&self, change: impl FnOnce(&mut Settings)) -> App {
        let mut settings = Settings::clone(&self.app.settings);
        change(&mut settings);
        App { settings: Arc::new(settings), secrets: self.fresh_secrets(), ..self.app.clone() }
    }

    /// The message provider's rows with others beside or in place of them.
    ///
    /// # Panics
    /// Never.
    pub fn change_whatsapp(&self, rows: &[(&str, &str)]) {
        let typed = whatsapp_rows(&self.app.settings.partner_endpoints);
        let mut typed: BTreeMap<String, String> = serde_json::from_str(&typed).expect("rows");
        typed.extend(rows.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.aws.set_secret("lunas/dev/whatsapp", &serde_json::json!(typed).to_string());
    }

    /// Types the message provider's rows in again.
    pub fn repair_whatsapp(&self) {
        self.aws.set_secret("lunas/dev/whatsapp", &whatsapp_rows(&self.app.settings.partner_endpoints));
    }

    /// Lets another provider take the messages: `meta`, `fonnte` or `waha`.
    pub fn send_through(&self, provider: &str) {
        self.aws.set_secret("lunas/dev/whatsapp", &sender_rows(provider).to_string());
    }

    /// Secrets as a newly started process has them: nothing cached.
    #[must_use]
    pub fn fresh_secrets(&self) -> Secrets {
        let account = AwsAccount {
            region: "us-east-1".to_owned(),
            credentials: Credentials::new("test", "test", None, None, "test"),
            endpoint: Some(self.aws.url.clone()),
            dynamodb_endpoint: None,
        };
        Secrets::new(account.secretsmanager(), &self.app.settings.stage, self.app.clock.clone())
    }

    /// What shares nothing with others but the table: every Lambda process has a cache of secrets of its own.
    #[must_use]
    pub fn another_process(&self) -> App {
        self.with_settings(|_| {})
    }

    /// The notification that the dashboard's test button of a gateway sends.
    ///
    /// # Panics
    /// When none comes.
    pub async fn test_notification(&self, gateway: GatewayName) -> Notification {
        let url = match gateway {
            GatewayName::Midtrans => self.sandbox.urls().midtrans,
            GatewayName::Xendit => self.sandbox.urls().xendit,
        };
        reqwest::Client::new().post(format!("{url}/webhooks/test")).send().await.expect("the sandbox answers");
        self.notifications.take().pop().expect("a notification came")
    }

    /// A customer with the package Home 20 (Rp300.000 a month) whose service ends in ten days.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn customer(&self, username: &str, phone: &str) -> Profile {
        self.customer_with_device(username, phone, None, None).await
    }

    /// The same, with what the import says of the modem.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn customer_with_device(
        &self,
        username: &str,
        phone: &str,
        id: Option<&str>,
        serial: Option<&str>,
    ) -> Profile {
        let (zone, now) = (self.app.settings.zone, self.app.clock.now());
        let row = CustomerRow {
            device_id: id.map(str::to_owned),
            ont_serial: serial.map(str::to_owned),
            ..row(username, phone, zone.date(now.saturating_add(Duration::days(10))), zone)
        };
        self.imported(&row).await
    }

    /// The same, served until the end of a day.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn customer_until(&self, username: &str, phone: &str, last_day: Date) -> Profile {
        self.imported(&row(username, phone, last_day, self.app.settings.zone)).await
    }

    async fn imported(&self, row: &CustomerRow) -> Profile {
        let now = self.app.clock.now();
        let id = CustomerId::parse(&new_id("c", now)).expect("an id");
        let change = import(None, row, &[], id, self.app.settings.zone, now).expect("counts").expect("a new customer");
        self.app.store.import_customer(&change).await.expect("stored");
        self.profile(&change.profile.id).await
    }

    /// A renewal invoice, due in seven days.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn invoice(&self, customer: &Profile) -> Invoice {
        let (store, now) = (&self.app.store, self.app.clock.now());
        let profile = self.profile(&customer.id).await;
        let zone = self.app.settings.zone;
        let number = store.next_invoice_number(zone.date(now).year()).await.expect("a number");
        let id = billing::id::InvoiceId::parse(&new_id("", now)).expect("an id");
        let due_date = zone.date(now.saturating_add(Duration::days(7)));
        let issued =
            issue_renewal(&profile, None, NewInvoice { id, number, due_date }, zone, now).expect("amounts that fit");
        store.issue_invoice(&issued, now).await.expect("stored");
        self.invoice_now(&issued.invoice).await
    }

    /// Puts a package of one month into the catalogue, open to all. Its name is its id.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn offer(&self, id: &str, price: i64) -> Package {
        let (name, price) = (id.to_owned(), Rupiah::new(price));
        let package = Package { id: PackageId::parse(id).expect("an id"), name, price, ..home20() };
        let offered = CataloguePackage { package: package.clone(), active: true, changeable_to: None };
        self.app.store.put_package(&offered).await.expect("stored");
        package
    }

    /// The invoice as it stands.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn invoice_now(&self, invoice: &Invoice) -> Invoice {
        self.app.store.invoice(&invoice.customer_id, &invoice.id).await.expect("readable").expect("there")
    }

    /// The profile as it stands.
    ///
    /// # Panics
    /// When it is not there.
    pub async fn profile(&self, customer: &CustomerId) -> Profile {
        self.app.store.profile(customer).await.expect("readable").expect("there")
    }

    /// A login of the customer, without the detour of a code: the bearer token.
    ///
    /// # Panics
    /// When it cannot be stored.
    pub async fn token(&self, customer: &Profile) -> String {
        let random = request::random_token();
        let token = format!("{}.{random}", customer.id);
        table::put_session(&self.aws.direct, customer, &token, self.app.clock.now().saturating_add(Duration::days(1)))
            .await;
        token
    }
}

fn row(username: &str, phone: &str, last_day: Date, zone: Zone) -> CustomerRow {
    CustomerRow {
        name: format!("Pelanggan {username}"),
        phone: Phone::parse(phone).ok(),
        username: username.to_owned(),
        package: home20(),
        expires_at: zone.end_of(last_day),
        device_id: None,
        ont_serial: None,
    }
}

/// The package of [`World::customer`].
///
/// # Panics
/// Never.
#[must_use]
pub fn home20() -> Package {
    let id = PackageId::parse("home20").expect("an id");
    Package {
        id,
        name: "Home 20".to_owned(),
        price: Rupiah::new(300_000),
        period_months: 1,
        down_mbps: 20,
        up_mbps: 10,
    }
}

/// The rows of the secret `genieacs` that lead to the sandbox.
#[must_use]
pub fn genieacs_rows(endpoints: &BTreeMap<String, String>) -> serde_json::Value {
    serde_json::json!({
        "url": endpoints.get("genieacs").map_or("", String::as_str),
        "username": lunas_sandbox::DEMO_GENIEACS_USERNAME,
        "password": lunas_sandbox::DEMO_GENIEACS_PASSWORD,
    })
}

/// The rows of the secret `whatsapp` for the sandbox's Meta, Fonnte and WAHA; `provider` takes messages, and webhooks
/// of all are known.
#[must_use]
pub fn sender_rows(provider: &str) -> serde_json::Value {
    serde_json::json!({
        "provider": provider,
        "metaToken": lunas_sandbox::DEMO_META_TOKEN,
        "metaPhoneNumberId": lunas_sandbox::DEMO_META_PHONE_NUMBER_ID,
        "metaAppSecret": lunas_sandbox::DEMO_META_APP_SECRET,
        "metaVerifyToken": lunas_sandbox::DEMO_META_VERIFY_TOKEN,
        "fonnteToken": lunas_sandbox::DEMO_FONNTE_TOKEN,
        "fonnteWebhookToken": lunas_sandbox::DEMO_FONNTE_WEBHOOK_TOKEN,
        "wahaApiKey": lunas_sandbox::DEMO_WAHA_API_KEY,
        "wahaHmacKey": lunas_sandbox::DEMO_WAHA_HMAC_KEY,
    })
}

fn whatsapp_rows(endpoints: &BTreeMap<String, String>) -> String {
    let url = endpoints.get("whatsapp").map_or("", String::as_str);
    serde_json::json!({
        "provider": "http",
        "url": format!("{url}/send"),
        "headers": serde_json::json!({"Authorization": lunas_sandbox::DEMO_WHATSAPP_API_KEY}).to_string(),
        "body": serde_json::json!({"to": "{{phone}}", "text": "{{text}}"}).to_string(),
        "successPointer": "/status",
        "successValue": "true",
        // As fast as tests like; those about the pace of a linked phone say so.
        "linkedPhone": "false",
    })
    .to_string()
}
