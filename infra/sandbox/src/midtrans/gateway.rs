//! What can be done with an order from outside its API.

use super::notification::{canned, notification};
use super::store::Midtrans;
use super::transaction::Transaction;
use crate::core::{Gateway, Notification, OrderBooks, Outcome, Partner, Simulate, SimulateError, Simulated};

impl Gateway for Midtrans {
    fn partner(&self) -> Partner {
        self.rules.partner
    }

    fn find(&self, token: &str) -> Option<(String, bool)> {
        self.store().order_of_link(token)
    }

    fn change(&self, order_id: &str, simulate: &Simulate) -> Result<(Simulated, Vec<Notification>), SimulateError> {
        let key = self.signing_key();
        let (now, default) = (self.clock.now(), self.default_expiry());
        let mut store = self.store();
        let transaction = store.of_order(order_id).ok_or(SimulateError::UnknownLink)?;
        if transaction.look(now) {
            self.deliver_in_background(vec![notification(transaction, &key)]);
        }
        let notifies = transaction.play(simulate, now, default)?;
        let mut notifications = Vec::new();
        if notifies {
            notifications.push(notification(transaction, &key));
        }
        if simulate.outcome == Outcome::Refunded {
            transaction.confirm_refund(now);
            notifications.push(notification(transaction, &key));
        }
        let result = Simulated {
            gateway: self.rules.partner,
            state: transaction.status.word().to_owned(),
            order_id: order_id.to_owned(),
            transaction_id: transaction.transaction_id.clone(),
            webhook: None,
        };
        store.index_transaction(order_id);
        Ok((result, notifications))
    }

    fn accounts(&self) -> Vec<OrderBooks> {
        self.store().newest(usize::MAX).into_iter().rev().map(Transaction::account).collect()
    }

    fn canned_notification(&self) -> Notification {
        canned(&self.signing_key(), self.clock.now())
    }
}
