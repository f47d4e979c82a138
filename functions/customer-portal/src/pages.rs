//! The pages: pure functions from what a customer may see to HTML. Whatever comes from outside is text to them.

mod dashboard;
mod device;
mod finish;
mod history;
mod invoice_row;
mod layout;
mod login;
mod offline;
mod pay;
mod public_bill;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
mod trouble;
mod upgrade;
mod wifi;

use billing::{language::Language, zone::Zone};
use time::OffsetDateTime;

pub use self::dashboard::{Bills, Said, dashboard, older_bills};
pub use self::finish::{Finish, finish};
pub use self::history::{Payments, history};
pub use self::login::{CodeForm, LineForm, PhoneForm, choose_line, enter_code, enter_phone};
pub use self::offline::offline;
pub use self::pay::{Pay, pay};
pub use self::public_bill::{PublicBill, Step, bill_gone, public_bill};
pub use self::trouble::{elsewhere, trouble};
pub use self::upgrade::{Chosen, Upgrade};
pub use self::wifi::{Shown, Tab, wifi};
use crate::texts::{self, Texts};

/// What every page is told.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    pub lang: Language,
    /// The token for forms and scripts; empty on pages without any.
    pub csrf: &'a str,
    /// Path and query of this page without `lang`, such as `/customer/wifi?tab=upgrade`: the language switch leads
    /// here.
    pub path: &'a str,
    pub zone: Zone,
    pub now: OffsetDateTime,
    pub provider: Option<&'a str>,
    /// Is somebody logged in? Else there is no menu.
    pub signed_in: bool,
    /// Whom customers can turn to, in the provider's words; may be empty.
    pub support: &'a str,
}

impl Page<'_> {
    const fn texts(&self) -> &'static Texts {
        texts::of(self.lang)
    }
}
