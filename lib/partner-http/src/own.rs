//! Calls to a partner at the provider's own premises, whose address an admin typed in.
//!
//! Such an address can be anything, so it is looked at after the name was resolved, and the connection goes to exactly
//! the address that was looked at: a name that resolves to the machine's own services or to a cloud's metadata service
//! reaches neither.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::{RootCertStore, pki_types::CertificateDer};
use url::Host;

use crate::{Answer, Call, CallError, builder, exchange, public_roots, tls_config};

/// Certificates that are read of one text.
const MAX_AUTHORITIES: usize = 8;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// What is particular to the partner.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest time of a call, from its start to the last byte of the answer.
    pub timeout: Duration,
    /// Certificates in PEM. With them only what they issued is trusted: nobody else's certificate for that name will
    /// do.
    pub authorities: Option<String>,
    /// Plain http is admitted: the line is private, and somebody said so.
    pub plain_http: bool,
    /// This very machine is admitted: a stand-in in tests and the demo. In Lambda its services would be reached there.
    pub loopback: bool,
}

/// A client for one partner. Costs milliseconds to make and is kept.
#[derive(Debug, Clone)]
pub struct Client {
    client: reqwest::Client,
    options: Options,
}

/// The text holds no certificate that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("holds no certificate: paste the authority's certificate as PEM, from BEGIN CERTIFICATE to END CERTIFICATE")]
pub struct NoCertificate;

impl Client {
    /// Reads the certificates, if there are any.
    pub fn new(options: Options) -> Result<Self, NoCertificate> {
        let roots = options.authorities.as_deref().map_or_else(|| Ok(public_roots()), authorities)?;
        let tls = tls_config(roots).ok_or(NoCertificate)?;
        let resolver = Resolver { loopback: options.loopback };
        let client = builder(tls).dns_resolver(resolver).build().map_err(|_| NoCertificate)?;
        Ok(Self { client, options })
    }

    /// Makes the call, once, within `limit` and the client's own time limit.
    pub async fn send(&self, call: Call, limit: Duration) -> Result<Answer, CallError> {
        let not_sent = |why: &str| Err(CallError::NotSent(why.to_owned()));
        match call.url.scheme() {
            "https" => {}
            "http" if self.options.plain_http => {}
            _ => return not_sent("only https is allowed"),
        }
        // A host that is an address is never resolved.
        let literal = match call.url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return not_sent("the address has no host"),
        };
        if literal.is_some_and(|address| is_refused(address, self.options.loopback)) {
            return not_sent(REFUSED);
        }
        exchange(&self.client, call, limit.min(self.options.timeout)).await
    }
}

const REFUSED: &str = "this address is never called: it belongs to the machine itself or to a cloud's metadata service";

#[derive(Debug)]
struct Resolver {
    loopback: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let loopback = self.loopback;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One such address among others is no accident.
            if found.iter().any(|address| is_refused(address.ip(), loopback)) {
                return Err(REFUSED.into());
            }
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// Link-local addresses are where clouds keep their metadata services (169.254.169.254, `fd00:ec2::254`; Alibaba's is
/// in the carriers' range); on loopback, Lambda serves the function's own runtime. Private networks stay reachable: an
/// ACS stands in one.
fn is_refused(address: IpAddr, loopback: bool) -> bool {
    match address {
        IpAddr::V4(address) => is_refused_v4(address, loopback),
        IpAddr::V6(address) => match embedded(address) {
            Some(inner) => is_refused_v4(inner, loopback),
            None => is_refused_v6(address, loopback),
        },
    }
}

fn is_refused_v4(address: Ipv4Addr, loopback: bool) -> bool {
    address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || matches!(address.octets(), [0, ..] | [100, 100, 100, 200])
        || (address.is_loopback() && !loopback)
}

fn is_refused_v6(address: Ipv6Addr, loopback: bool) -> bool {
    let amazon = matches!(address.segments(), [0xfd00, 0x0ec2, ..]);
    address.is_unicast_link_local()
        || address.is_multicast()
        || address.is_unspecified()
        || amazon
        || (address.is_loopback() && !loopback)
}

/// The IPv4 address inside a mapped, compatible, 6to4 or NAT64 one.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x0064, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            of(high, low)
        }
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => of(high, low),
        _ => None,
    }
}

/// Reads PEM as it arrives through a console's one-line field: line breaks may be blanks or written out as `\n`.
fn authorities(pem: &str) -> Result<RootCertStore, NoCertificate> {
    let mut roots = RootCertStore::empty();
    for block in pem.split(BEGIN).skip(1).take(MAX_AUTHORITIES) {
        let (body, _) = block.split_once(END).ok_or(NoCertificate)?;
        let text: String = body.replace("\\n", "").chars().filter(|c| !c.is_whitespace()).collect();
        let der = STANDARD.decode(text).map_err(|_| NoCertificate)?;
        roots.add(CertificateDer::from(der)).map_err(|_| NoCertificate)?;
    }
    if roots.is_empty() { Err(NoCertificate) } else { Ok(roots) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, loopback: bool, refused: bool) {
        assert_eq!(is_refused(text.parse().unwrap(), loopback), refused, "{text}");
    }

    #[test]
    fn the_machine_itself_and_metadata_services_are_never_called() {
        for text in [
            "169.254.169.254",
            "169.254.100.1",
            "0.0.0.0",
            "0.1.2.3",
            "100.100.100.200",
            "224.0.0.1",
            "255.255.255.255",
            "fe80::1",
            "fd00:ec2::254",
            "::",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
        ] {
            check(text, false, true);
            check(text, true, true);
        }
        for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            check(text, false, true);
            check(text, true, false);
        }
    }

    #[test]
    fn an_acs_in_a_private_network_is_reached() {
        for text in
            ["10.8.0.2", "172.16.0.9", "192.168.1.2", "100.64.3.4", "203.0.113.9", "2001:db8::1", "fd12:3456::1"]
        {
            check(text, false, false);
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for text in
            ["", "no", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----- AAAA -----END CERTIFICATE-----"]
        {
            assert_eq!(authorities(text).map(|_| ()), Err(NoCertificate), "{text}");
        }
    }
}
