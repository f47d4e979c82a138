//! The token that opens the public pay page `/p/<token>`.
//!
//! It is the one page without a session. Its token is all there is to know, so it is as long as a key: 144 bits,
//! computed from the invoice's id with a key of the deployment. Nobody can guess one, find out a customer by one, or
//! tell from one what another is. What is stored is its hash; so what is asked for is looked up by its hash, and no id
//! is ever read out of a token.
//!
//! Who sends a link does this, in this order:
//!
//! ```text
//! let token = PayPageKey::read(&app.secrets).await?.token(&invoice.id);
//! app.store.remember_pay_page(&token.hash(), &invoice.customer_id, &invoice.id, now).await?;
//! let address = token.url(site);
//! ```

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use billing::id::InvoiceId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::master_key::{KeyError, MasterKey};
use crate::public_url::PublicUrl;
use crate::secrets::Secrets;

/// Bytes of a token: 144 bits, which are 24 characters without one that has bits to spare.
const TOKEN_BYTES: usize = 18;

/// The key that tokens are made with, derived from the deployment's.
pub struct PayPageKey([u8; 32]);

impl PayPageKey {
    #[must_use]
    pub fn of(master: &MasterKey) -> Self {
        Self(master.pay_page())
    }

    /// Reads the deployment's key.
    pub async fn read(secrets: &Secrets) -> Result<Self, KeyError> {
        MasterKey::read(secrets).await.map(|master| Self::of(&master))
    }

    /// The token of an invoice's page: always the same.
    #[must_use]
    pub fn token(&self, invoice: &InvoiceId) -> Token {
        // HMAC takes keys of any length.
        let mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .map(|mac| mac.chain_update(invoice.as_str()).finalize().into_bytes());
        let cut = mac.ok().and_then(|mac| mac.first_chunk::<TOKEN_BYTES>().copied()).unwrap_or_default();
        Token(URL_SAFE_NO_PAD.encode(cut))
    }
}

/// What opens one page: 24 characters of `A-Z`, `a-z`, `0-9`, `-`, `_`. A secret, so it has no `Debug` and no
/// `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Reads a token out of an address. `None` when it cannot be one. One that is read need not exist.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok()?;
        (decoded.len() == TOKEN_BYTES).then(|| Self(text.to_owned()))
    }

    /// What it is stored by: SHA-256 in hex.
    #[must_use]
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    /// The page's path, `/p/<token>`, or that of a step of paying, `/p/<token>/<step>`.
    #[must_use]
    pub fn page(&self, step: Option<&str>) -> String {
        step.map_or_else(|| format!("/p/{}", self.0), |step| format!("/p/{}/{step}", self.0))
    }

    /// The page's address, for messages.
    #[must_use]
    pub fn url(&self, site: &PublicUrl) -> String {
        site.page(&self.page(None))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> InvoiceId {
        InvoiceId::parse(text).unwrap()
    }

    #[test]
    fn a_token_belongs_to_one_invoice_and_one_installation() {
        let key = PayPageKey::of(&MasterKey::example());
        let token = key.token(&id("inv_1"));
        assert_eq!(token.as_str().len(), 24);
        assert!(Token::parse(token.as_str()) == Some(token.clone()) && key.token(&id("inv_1")) == token);
        assert!(key.token(&id("inv_2")) != token);
        assert!(PayPageKey([7; 32]).token(&id("inv_1")) != token);
        assert!(!token.hash().contains(token.as_str()) && token.hash().len() == 64);
    }

    #[test]
    fn an_address_holds_the_token_and_nothing_else_is_one() {
        let token = PayPageKey::of(&MasterKey::example()).token(&id("inv_1"));
        let site = PublicUrl::parse("https://bayar.example.id").unwrap();
        assert_eq!(token.url(&site), format!("https://bayar.example.id/p/{}", token.as_str()));
        for refused in [
            "",
            "inv_1",
            "AAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAAAA",
            "AAAAAAAAAAAAAAAAAAAAAAA=",
            "AAAAAAAAAAAAAAAAAAAAAAA#",
        ] {
            assert!(Token::parse(refused).is_none(), "{refused}");
        }
    }
}
