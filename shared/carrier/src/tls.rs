//! Who is believed to be who they say: whom this machine trusts.
//!
//! There is one configuration of TLS, for the carrier and for AWS, since a start that reads
//! the machine's certificates more than once takes longer than all that it does besides.

use std::sync::{Arc, OnceLock};
use std::{env, fs};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use tracing::warn;

/// The configuration of every connection that is opened.
pub fn config() -> ClientConfig {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the versions of TLS")
            .with_root_certificates(roots())
            .with_no_client_auth()
    });
    config.clone()
}

/// On Linux the authorities are in one file, which `SSL_CERT_FILE` may name. It has everything
/// that the directory of single files beside it has, and reads in a fraction of the time.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    if cfg!(target_os = "linux")
        && env::var_os("SSL_CERT_DIR").is_none()
        && let Some(file) = openssl_probe::probe().cert_file
        && let Ok(bundle) = fs::read(file)
    {
        roots.add_parsable_certificates(certificates(&String::from_utf8_lossy(&bundle)));
    }
    if roots.is_empty() {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        warn!("this machine trusts nobody: no connection with TLS can be made");
    }
    roots
}

/// The certificates in a file; what is around them are comments.
fn certificates(pem: &str) -> impl Iterator<Item = CertificateDer<'static>> {
    let after_begins = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    after_begins.filter_map(|after| {
        let (lines, _) = after.split_once("-----END CERTIFICATE-----")?;
        let text: String = lines.split_ascii_whitespace().collect();
        STANDARD.decode(text).ok().map(CertificateDer::from)
    })
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn certificates_are_read_and_all_else_is_passed_over() {
        let begin = "-----BEGIN CERTIFICATE-----";
        let end = "-----END CERTIFICATE-----";
        let pem = format!(
            "# first, named Málaga\n{begin}\nAAEC\nAwQ=\n{end}\n\
             {begin}\nnot base64\n{end}\n\
             -----BEGIN TRUSTED CERTIFICATE-----\nBgc=\n-----END TRUSTED CERTIFICATE-----\n\
             {begin}\r\nBQ==\r\n{end}\r\n{begin}\nBg==\n"
        );
        let read: Vec<_> = certificates(&pem).map(|one| one.to_vec()).collect();
        assert_eq!(read, [vec![0, 1, 2, 3, 4], vec![5]]);
    }

    #[test]
    fn the_machine_s_certificates_are_read_as_others_read_them() {
        let file = openssl_probe::probe().cert_file;
        // Elsewhere they may be kept in another way.
        if !cfg!(target_os = "linux") && file.is_none() {
            return;
        }
        let file = file.expect("Linux keeps them in a file");
        let bundle = fs::read_to_string(&file).unwrap();
        let read: Vec<_> = certificates(&bundle).collect();
        let theirs = CertificateDer::pem_file_iter(&file).unwrap();
        assert_eq!(read, theirs.map(Result::unwrap).collect::<Vec<_>>());
        assert!(!roots().is_empty());
    }
}
