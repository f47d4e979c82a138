//! The stand-ins together.

use std::sync::Arc;

use crate::core::{self, Core, Gateway, OrderBooks, PartnerState, Simulate, SimulateError, Simulated};
use crate::genieacs::{self, Fleet, Genieacs};
use crate::midtrans::{self, Midtrans, Orders};
use crate::network::{self, Network, Receiver};
use crate::whatsapp::{self, Account, Whatsapp};
use crate::xendit::{self, Invoices, Xendit};

/// What the control API works on.
#[derive(Clone, Debug)]
pub(crate) struct Partners {
    pub(crate) core: Arc<Core>,
    pub(crate) midtrans: Midtrans,
    pub(crate) xendit: Xendit,
    pub(crate) whatsapp: Whatsapp,
    pub(crate) genieacs: Genieacs,
    pub(crate) network: Network,
}

impl Partners {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self {
            midtrans: PartnerState::new(&core, &midtrans::RULES, Orders::default()),
            xendit: PartnerState::new(&core, &xendit::RULES, Invoices::default()),
            whatsapp: PartnerState::new(&core, &whatsapp::RULES, Account::default()),
            genieacs: PartnerState::new(&core, &genieacs::RULES, Fleet::seeded(core.clock.now())),
            network: PartnerState::new(&core, &network::RULES, Receiver::default()),
            core,
        }
    }

    pub(crate) async fn simulate(&self, simulate: &Simulate) -> Result<Simulated, SimulateError> {
        core::play(self.gateway_of(&simulate.link)?, simulate).await
    }

    pub(crate) async fn replay(
        &self,
        link: &str,
        copies: usize,
        shuffle: bool,
    ) -> Result<Vec<Option<u16>>, SimulateError> {
        core::replay(self.gateway_of(link)?, link, copies, shuffle).await
    }

    fn gateway_of(&self, link: &str) -> Result<&dyn Gateway, SimulateError> {
        let gateways: [&dyn Gateway; 2] = [&self.midtrans, &self.xendit];
        gateways.into_iter().find(|gateway| gateway.find_link(link).is_ok()).ok_or(SimulateError::UnknownLink)
    }

    /// Every order of every gateway, the oldest of each first.
    pub(crate) fn books(&self) -> Vec<OrderBooks> {
        let mut books = self.midtrans.accounts();
        books.extend(self.xendit.accounts());
        books
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::core::PartnerRules;

    fn check(rules: &PartnerRules, method: &Method, path: &str, target: Option<&str>) {
        let call = rules.call(method, path);
        assert_eq!(call.map(|(target, _)| target), target, "{path}");
    }

    #[test]
    fn every_partner_call_has_its_target() {
        check(&midtrans::RULES, &Method::POST, "/snap/v1/transactions", Some("midtrans.create"));
        check(&midtrans::RULES, &Method::GET, "/v2/INV-1/status", Some("midtrans.status"));
        check(&midtrans::RULES, &Method::POST, "/v2/INV-1/refund/online/direct", Some("midtrans.refund"));
        check(&midtrans::RULES, &Method::GET, "/snap/v3/redirection/abc", None);
        check(&xendit::RULES, &Method::POST, "/v2/invoices/", Some("xendit.create"));
        check(&xendit::RULES, &Method::GET, "/v2/invoices", Some("xendit.get"));
        check(&xendit::RULES, &Method::POST, "/invoices/1/expire!", Some("xendit.expire"));
        check(&xendit::RULES, &Method::GET, "/web/1", None);
        check(&whatsapp::RULES, &Method::POST, "/send", Some("whatsapp.send"));
        check(&whatsapp::RULES, &Method::POST, "/meta/v23.0/106540352242922/messages", Some("whatsapp.send"));
        check(&whatsapp::RULES, &Method::POST, "/fonnte/send", Some("whatsapp.send"));
        check(&whatsapp::RULES, &Method::POST, "/waha/api/sendText", Some("whatsapp.send"));
        check(&whatsapp::RULES, &Method::POST, "/meta/v23.0/1/message_templates", None);
        check(&whatsapp::RULES, &Method::GET, "/inbox", None);
        check(&genieacs::RULES, &Method::GET, "/devices/", Some("genieacs.devices"));
        check(&genieacs::RULES, &Method::POST, "/devices/00259E-HG8245H-1/tasks", Some("genieacs.tasks"));
        check(&genieacs::RULES, &Method::GET, "/tasks", Some("genieacs.tasks"));
        check(&genieacs::RULES, &Method::GET, "/virtual_parameters", None);
        check(&network::RULES, &Method::POST, "/webhook", Some("network.webhook"));
        check(&network::RULES, &Method::GET, "/lines", None);
    }
}
