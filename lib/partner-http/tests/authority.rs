//! https with a certificate of the partner's own authority. `authority/` holds one and what it issued for `localhost`,
//! for tests only; both end in a hundred years.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method};
use partner_http::own::{Client, Options};
use partner_http::{Answer, Call, CallError};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

const AUTHORITY: &str = include_str!("authority/ca.pem");

/// Serves `OK` over https; answers the port.
async fn serve() -> u16 {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("authority/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("authority/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let acceptor =
        TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A caller that does not trust the certificate goes away in the middle.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0_u8; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nOK").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

async fn ask(authorities: Option<&str>, url: String) -> Result<Answer, CallError> {
    let authorities = authorities.map(str::to_owned);
    let options = Options { timeout: Duration::from_secs(4), authorities, plain_http: false, loopback: true };
    let url = Url::parse(&url).unwrap();
    let call = Call { method: Method::GET, url, headers: HeaderMap::new(), body: None, max_answer_bytes: 100 };
    Client::new(options).unwrap().send(call, Duration::from_secs(4)).await
}

#[tokio::test]
async fn an_own_authority_is_trusted_however_its_certificate_was_pasted() {
    let port = serve().await;
    for pasted in [
        AUTHORITY.to_owned(),
        AUTHORITY.replace('\n', " "),
        AUTHORITY.replace('\n', "\\n"),
        format!("text before\n{AUTHORITY}{AUTHORITY}"),
    ] {
        let answer = ask(Some(&pasted), format!("https://localhost:{port}/")).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"OK".as_slice()));
    }
}

#[tokio::test]
async fn a_certificate_of_nobody_known_or_for_another_name_is_refused() {
    let port = serve().await;
    for (authorities, host) in [(None, "localhost"), (Some(AUTHORITY), "127.0.0.1")] {
        let error = ask(authorities, format!("https://{host}:{port}/")).await.unwrap_err();
        assert!(matches!(error, CallError::NotSent(_)), "{host}: {error}");
    }
}
