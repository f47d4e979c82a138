//! The commands and their arguments.

use std::path::PathBuf;

use billing::id::{MessageId, PackageId};
use billing::payment::gateway::GatewayName;
use billing::service::import::Column;
use billing::zone::{Zone, format};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use cloud::public_url::PublicUrl;
use time::Date;

const EXAMPLES: &str = "\
Examples:
  export AWS_PROFILE=my-isp AWS_REGION=ap-southeast-3 LUNAS_STAGE=prod
  lunas packages import packages.csv
  lunas packages change home20 --price 240000
  lunas --dry-run customers import customers.csv
  lunas customers import customers.csv
  lunas customers show budi@isp
  lunas invoices create --customer budi@isp --due 2026-12-10
  lunas payments show INV-2026-000001
  lunas messages failed
  lunas audit
  lunas doctor acs --customer budi@isp

AWS credentials and region are read as the AWS CLI reads them: AWS_PROFILE, ~/.aws, SSO, AWS_REGION, AWS_ENDPOINT_URL.

Exit codes: 0 all done, 1 something was refused or found, 2 nothing could be done.";

/// Packages, customers, invoices and payments of one Lunas stack.
#[derive(Debug, Parser)]
#[command(name = "lunas", version, after_help = EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The table, as the stack's output `TableName` names it; only needed if there are several for the stage
    #[arg(long, global = true, env = "LUNAS_TABLE", value_name = "NAME")]
    pub table: Option<String>,
    /// The stage: part of the secrets' names (lunas/STAGE/…), and finds the table of the stack lunas-STAGE
    #[arg(long, global = true, env = "LUNAS_STAGE", value_name = "STAGE")]
    pub stage: Option<String>,
    /// The provider's time zone, in which days end, as in the parameter `TimeZone`: Asia/Jakarta (WIB), Asia/Makassar (WITA)
    /// or Asia/Jayapura (WIT). The table keeps the first one and refuses another; needed only before that, if it is not
    /// Asia/Jakarta
    #[arg(long, global = true, env = "LUNAS_TIME_ZONE", value_name = "ZONE", value_parser = zone)]
    pub zone: Option<Zone>,
    /// Print one JSON document on stdout; messages stay on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Write nothing; say what would be written
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Do not ask before something is changed that was there
    #[arg(long, global = true)]
    pub yes: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The catalogue of packages
    #[command(subcommand)]
    Packages(PackagesCommand),
    /// Customers and their subscriptions
    #[command(subcommand)]
    Customers(CustomersCommand),
    /// Invoices of customers
    #[command(subcommand)]
    Invoices(InvoicesCommand),
    /// Payments: how far one got, and which need a person
    #[command(subcommand)]
    Payments(PaymentsCommand),
    /// Updates to the network (RADIUS, router, billing panel)
    #[command(subcommand)]
    Network(NetworkCommand),
    /// Credit of customers
    #[command(subcommand)]
    Credit(CreditCommand),
    /// Show the stack's queues: messages waiting, in flight and dead
    #[command(after_help = "\
A message that failed five times is kept in a dead-letter queue for 14 days. Find the cause first (the logs,
docs/operate/alarms.md), then send it again with lunas redrive.

Needs sqs:ListQueues and GetQueueAttributes, and for the age of dead letters ReceiveMessage and ChangeMessageVisibility.

Example: lunas queues")]
    Queues,
    /// Send dead letters back to the queue where they failed
    #[command(after_help = "\
Repeating is safe: every consumer tolerates the same message twice. A message is sent before it is deleted, so none is lost when
the command is interrupted; run it again. What fails again comes back within minutes.

Needs sqs:ListQueues, GetQueueAttributes, ReceiveMessage, SendMessage and DeleteMessage.

Examples:
  lunas --dry-run redrive
  lunas redrive
  lunas redrive --queue ApplyDeadLetters --limit 10")]
    Redrive {
        /// Only this dead-letter queue: part of its name, as lunas queues shows it
        #[arg(long, value_name = "NAME")]
        queue: Option<String>,
        /// At most this many messages
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        limit: u32,
    },
    /// Messages to customers
    #[command(subcommand)]
    Messages(MessagesCommand),
    /// Check that the books agree; changes nothing, exit code 1 means findings
    #[command(after_help = "\
Reads every customer, order and event, and compares what must agree: invoices with the ledger, grants with what was paid, package
and expiry with the grants, credit with its entries, orders with what they booked, and whether everything that is due is found
again. What is paid and waits to be applied is counted, and is not a finding. Reads the whole table once: about 0.3 dollars per
million items. Payments may go on meanwhile. What to do about each finding: docs/operate/looking-after.md

Examples:
  lunas audit
  lunas audit --customer budi@isp
  lunas --json audit > audit.json")]
    Audit {
        /// Only this customer: id, user name or phone
        #[arg(long, value_name = "CUSTOMER")]
        customer: Option<String>,
    },
    /// Find out why something does not work
    #[command(subcommand)]
    Doctor(DoctorCommand),
}

/// Commands about the network.
#[derive(Debug, Subcommand)]
pub enum NetworkCommand {
    /// Tell the network of customers again, within a minute: after it was down for a day, or lost its data
    #[command(after_help = "\
It is told the line as it is now, with the same version unless the line changed. lunas payments show shows the result.

Example: lunas network tell budi@isp siti@isp")]
    Tell {
        /// Ids, PPPoE user names or phone numbers
        #[arg(required = true, num_args = 1..=1000)]
        customers: Vec<String>,
    },
}

/// Commands about packages.
#[derive(Debug, Subcommand)]
pub enum PackagesCommand {
    /// Write packages from a CSV file into the catalogue; the same file again changes nothing
    #[command(after_help = "\
Columns, in any order: id, name, price, downMbps, upMbps, periodMonths, active
  id,name,price,downMbps,upMbps,periodMonths,active
  home20,Home 20 Mbps,225000,20,10,1,true
Prices are whole rupiah without separators. Issued invoices keep their price. What a package may be changed to is not part of the
file: lunas packages change ID --changeable-to IDS.

Example: lunas packages import packages.csv")]
    Import {
        /// The CSV file
        file: PathBuf,
    },
    /// Add one package to the catalogue
    #[command(after_help = "\
Examples:
  lunas packages create home50 --name 'Home 50 Mbps' --price 300000 --down 50 --up 25
  lunas packages create gratis --name 'Gratis' --price 0 --down 1 --up 1 --changeable-to home20,home50")]
    Create {
        /// Id of the package: 1 to 40 of a-z, 0-9 and _
        #[arg(value_parser = package_id)]
        id: PackageId,
        /// What it is
        #[command(flatten)]
        package: NewPackage,
    },
    /// Change a package, from the next invoice on
    #[command(after_help = "\
Shows what changes and asks, unless --yes. Issued invoices and paid periods keep their price. --active sells a retired package
again.

Examples:
  lunas packages change home20 --price 240000
  lunas packages change home20 --changeable-to home50,home100
  lunas packages change home20 --changeable-to-all")]
    Change {
        /// Id of the package
        #[arg(value_parser = package_id)]
        id: PackageId,
        /// What is to change
        #[command(flatten)]
        changes: PackageChanges,
    },
    /// Stop selling a package; customers who have it keep it and are billed for it
    #[command(after_help = "\
Asks first, unless --yes.

Example: lunas packages retire home10")]
    Retire {
        /// Id of the package
        #[arg(value_parser = package_id)]
        id: PackageId,
    },
    /// List the catalogue
    #[command(after_help = "Example: lunas packages list --json")]
    List,
}

/// A new package.
#[derive(Debug, Args)]
pub struct NewPackage {
    /// Name that customers read
    #[arg(long)]
    pub name: String,
    /// Price of one period in whole rupiah; 0 = free
    #[arg(long, value_name = "RUPIAH")]
    pub price: u32,
    /// Download bandwidth, Mbit/s
    #[arg(long, value_name = "MBPS")]
    pub down: u32,
    /// Upload bandwidth, Mbit/s
    #[arg(long, value_name = "MBPS")]
    pub up: u32,
    /// Length of one period
    #[arg(long, value_name = "MONTHS", default_value_t = 1)]
    pub months: u32,
    /// Packages that its customers may change to, separated by commas; '' = none, not given = every active one
    #[arg(long, value_name = "IDS", value_parser = package_ids)]
    pub changeable_to: Option<PackageIds>,
}

/// What is to change of a package.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub struct PackageChanges {
    /// Name that customers read
    #[arg(long)]
    pub name: Option<String>,
    /// Price of one period in whole rupiah; 0 = free
    #[arg(long, value_name = "RUPIAH")]
    pub price: Option<u32>,
    /// Download bandwidth, Mbit/s
    #[arg(long, value_name = "MBPS")]
    pub down: Option<u32>,
    /// Upload bandwidth, Mbit/s
    #[arg(long, value_name = "MBPS")]
    pub up: Option<u32>,
    /// Length of one period
    #[arg(long, value_name = "MONTHS")]
    pub months: Option<u32>,
    /// Packages that its customers may change to, separated by commas; '' = none
    #[arg(long, value_name = "IDS", value_parser = package_ids)]
    pub changeable_to: Option<PackageIds>,
    /// Its customers may change to every active package
    #[arg(long, conflicts_with = "changeable_to")]
    pub changeable_to_all: bool,
    /// Sell it again
    #[arg(long)]
    pub active: bool,
}

/// A list of packages, perhaps empty.
#[derive(Debug, Clone)]
pub struct PackageIds(pub Vec<PackageId>);

/// Commands about customers.
#[derive(Debug, Subcommand)]
pub enum CustomersCommand {
    /// Write customers from a CSV file; the same file again changes nothing
    #[command(after_help = "\
Columns, in any order: name, phone, username, packageId, expiresAt, deviceId, ontSerial
  name;phone;username;packageId;expiresAt;deviceId;ontSerial
  Budi Santoso;0812-3456-7890;budi@isp;home20;2026-12-10;;48575443A1B2C3D4
phone, deviceId and ontSerial may be empty. A customer is recognised by the username (case matters). expiresAt is the last day
of service, served to its end in the provider's zone: YYYY-MM-DD, or an instant on it such as 2026-12-10T12:00:00+07:00. A column id is
optional: the id of a new customer (1 to 40 of a-z, 0-9 and _); without it one is made.
Comma, semicolon and tab are recognised, as is Excel's \"CSV UTF-8\". Rows that cannot be read are listed with their line and
reason; all others are loaded. A customer who has paid since the last import keeps what was paid for, unless the row's expiresAt
or packageId changed. A row that would take away what somebody has (the phone; a package or time that was paid for) is refused,
unless --overwrite names the column.

Examples:
  lunas --dry-run customers import customers.csv
  lunas customers import customers.csv --overwrite phone,expiresAt
  lunas --json customers import customers.csv > result.json")]
    Import {
        /// The CSV file
        file: PathBuf,
        /// Columns of which customers may lose what they have: a phone, a package or time that was paid for; separated by
        /// commas
        #[arg(long, value_name = "COLUMNS", value_delimiter = ',', value_parser = column())]
        overwrite: Vec<Column>,
    },
    /// Show a customer: subscription, credit, open and recent invoices
    #[command(after_help = "\
Examples:
  lunas customers show budi@isp
  lunas customers show 0812-3456-7890
  lunas customers show id:c01            if several fit, say which: id:, username: or phone:")]
    Show {
        /// Id, user name or phone
        customer: String,
    },
}

/// Commands about invoices.
#[derive(Debug, Subcommand)]
pub enum InvoicesCommand {
    /// Issue a renewal invoice for the customer's package
    #[command(after_help = "\
A day that is over is asked about, unless --yes: the customer is overdue at once.

Example: lunas invoices create --customer budi@isp --due 2026-12-10")]
    Create {
        /// Id, user name or phone
        #[arg(long, value_name = "CUSTOMER")]
        customer: String,
        /// Last day to pay without being overdue, YYYY-MM-DD
        #[arg(long, value_name = "DATE", value_parser = day)]
        due: Date,
    },
    /// Cancel an unpaid invoice: part-payments become credit, its link is cancelled at the gateway
    #[command(after_help = "\
Shows what becomes of it and asks, unless --yes.

Example: lunas invoices cancel INV-2026-000001")]
    Cancel {
        /// Number or id
        invoice: String,
        /// Refuse unless the invoice is this customer's
        #[arg(long, value_name = "CUSTOMER")]
        customer: Option<String>,
    },
    /// List a customer's invoices, newest first
    #[command(after_help = "Example: lunas invoices list --customer budi@isp --limit 5")]
    List {
        /// Id, user name or phone
        #[arg(long, value_name = "CUSTOMER")]
        customer: String,
        /// At most this many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
}

/// Commands about payments.
#[derive(Debug, Subcommand)]
pub enum PaymentsCommand {
    /// Show how far a payment got: link, webhook, confirmation, settled, relayed, applied, network
    #[command(after_help = "\
Examples:
  lunas payments show INV-2026-000001
  lunas payments show INV-2026-000001-k3x9 --gateway midtrans")]
    Show {
        /// Order id, invoice number or invoice id
        id: String,
        /// The order's gateway, midtrans or xendit; without it both are tried
        #[arg(long, value_parser = gateway)]
        gateway: Option<GatewayName>,
    },
    /// List payments that need a person: too much, too little, refunded, charged back, taken back, unclear
    #[command(after_help = "\
Oldest first. lunas payments reviewed ID --note NOTE takes an entry off the list.

Examples:
  lunas payments review
  lunas payments review --since 2026-01-01 --all")]
    Review {
        /// From this day on, YYYY-MM-DD; without it, the last 90 days
        #[arg(long, value_name = "DATE", value_parser = day)]
        since: Option<Date>,
        /// Also entries that were marked as reviewed
        #[arg(long)]
        all: bool,
    },
    /// Mark a payment as reviewed; moves no money
    #[command(
        after_help = "Example: lunas payments reviewed 019b0c4e2f7a7c3d9e4f5a6b7c8d9e0f --note 'refunded in the dashboard'"
    )]
    Reviewed {
        /// Id that lunas payments review shows
        id: String,
        /// What was done
        #[arg(long)]
        note: String,
    },
}

/// Commands about credit.
#[derive(Debug, Subcommand)]
pub enum CreditCommand {
    /// Give a customer credit, or take some, with a reason
    #[command(after_help = "\
Books one ledger entry with the reason. Asks first, unless --yes. The same amount with the same reason within ten minutes is taken
for a repetition and refused, unless --again.

Examples:
  lunas credit adjust --customer budi@isp --amount 50000 --reason 'gangguan 21-22 November'
  lunas credit adjust --customer budi@isp --amount=-50000 --reason 'salah input' --yes")]
    Adjust {
        /// Id, user name or phone
        #[arg(long, value_name = "CUSTOMER")]
        customer: String,
        /// Whole rupiah; negative takes credit away
        #[arg(long, value_name = "RUPIAH", allow_hyphen_values = true)]
        amount: i64,
        /// Why, for whoever asks later; at most 200 characters
        #[arg(long)]
        reason: String,
        /// How
        #[command(flatten)]
        options: AdjustOptions,
    },
}

/// How credit is adjusted.
#[derive(Debug, Clone, Copy, Args)]
pub struct AdjustOptions {
    /// Allow credit below zero afterwards
    #[arg(long)]
    pub allow_negative: bool,
    /// Book it even if the same was just booked
    #[arg(long)]
    pub again: bool,
}

/// Commands about messages to customers.
#[derive(Debug, Subcommand)]
pub enum MessagesCommand {
    /// List messages that wait: for the morning, for their turn, or for the provider
    #[command(after_help = "Example: lunas messages pending --since 2026-12-01")]
    Pending {
        /// Only messages about events from this day on, YYYY-MM-DD
        #[arg(long, value_name = "DATE", value_parser = day)]
        since: Option<Date>,
    },
    /// List messages that failed, or of which nobody knows whether they arrived; without --since, of the last 7 days
    #[command(after_help = "Example: lunas messages failed --since 2026-12-01")]
    Failed {
        /// From this day on, YYYY-MM-DD
        #[arg(long, value_name = "DATE", value_parser = day)]
        since: Option<Date>,
    },
    /// Send again a message that failed, or of which nobody knows whether it arrived
    #[command(after_help = "\
It is sent within a minute if it is still true: a customer who has paid is not reminded. An unknown one may have arrived already.

Example: lunas messages resend 01926f5e7b1a7c3d9e4f5a6b7c8d9e0f")]
    Resend {
        /// Id that `lunas messages failed` shows
        #[arg(value_parser = message_id)]
        id: MessageId,
    },
    /// Try the message provider at once, after repairing what stopped it
    #[command(after_help = "Example: lunas messages resume")]
    Resume,
    /// Print the templates that Meta has to approve, as its API takes them; needs no table
    #[command(after_help = "Example: lunas messages templates --url https://bayar.example.id")]
    Templates {
        /// Where customers reach Lunas, as in the parameter `PublicUrl`; it is part of the templates
        #[arg(long, value_name = "URL", value_parser = public_url)]
        url: PublicUrl,
    },
}

/// Commands that look for what is wrong.
#[derive(Debug, Subcommand)]
pub enum DoctorCommand {
    /// Ask GenieACS as the functions do and show what it answers; changes nothing
    #[command(after_help = "\
Tells whether GenieACS is reached and how fast, whether the modem has virtual parameters, whether pppUsername exists, when it
last informed, what the raw answer looks like, and which name won for each value. Asks from this machine; the functions ask from
AWS. Needs secretsmanager:GetSecretValue on lunas/STAGE/genieacs.

Examples:
  lunas doctor acs
  lunas doctor acs --customer budi@isp")]
    Acs {
        /// Whose modem: id, user name or phone
        #[arg(long, value_name = "CUSTOMER")]
        customer: Option<String>,
    },
}

fn column() -> impl TypedValueParser<Value = Column> {
    let find = |name: String| Column::ALL.into_iter().find(|column| column.as_str() == name);
    PossibleValuesParser::new(Column::ALL.map(Column::as_str)).try_map(move |name| find(name).ok_or("no column"))
}

fn zone(text: &str) -> Result<Zone, String> {
    Zone::parse(text).ok_or_else(|| "use Asia/Jakarta, Asia/Makassar or Asia/Jayapura".to_owned())
}

fn day(text: &str) -> Result<Date, String> {
    format::parse_date(text)
        .filter(|day| (2000..=2099).contains(&day.year()))
        .ok_or_else(|| "write the date as YYYY-MM-DD".to_owned())
}

fn package_id(text: &str) -> Result<PackageId, String> {
    PackageId::parse(text).map_err(|error| error.to_string())
}

fn message_id(text: &str) -> Result<MessageId, String> {
    MessageId::parse(text).map_err(|error| error.to_string())
}

fn public_url(text: &str) -> Result<PublicUrl, String> {
    PublicUrl::parse(text).ok_or_else(|| "write it as https://bayar.example.id".to_owned())
}

fn package_ids(text: &str) -> Result<PackageIds, String> {
    let ids = text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(package_id);
    ids.collect::<Result<_, _>>().map(PackageIds)
}

fn gateway(text: &str) -> Result<GatewayName, String> {
    GatewayName::parse(text).ok_or_else(|| "use midtrans or xendit".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn dates_and_zones_are_read_in_one_form_only() {
        assert!(day("2026-12-10").is_ok() && zone("Asia/Makassar").is_ok());
        for refused in ["10/12/2026", "2026-13-01", "0026-12-10", "2026-12-10T00:00:00Z", ""] {
            assert!(day(refused).is_err(), "{refused}");
        }
        assert!(zone("Europe/Berlin").is_err());
    }
}
