//! Who is believed to be who they say: whom this machine trusts.
//!
//! There is one configuration of TLS, for the carrier and for AWS, since a start that reads
//! the machine's certificates more than once takes longer than all that it does besides.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use tracing::warn;

/// The configuration of every connection that is opened.
pub fn config() -> ClientConfig {
    static CONFIG: OnceLock<ClientConfig> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider knows the versions of TLS")
            .with_root_certificates(roots(bundle(env::var_os("SSL_CERT_DIR"))))
            .with_no_client_auth()
    });
    config.clone()
}

/// Those whom a bundle has or, if that is nobody, whom this machine trusts.
fn roots(bundle: Option<PathBuf>) -> RootCertStore {
    let found = bundle.map(|file| load_certs_from_paths(Some(&file), None));
    let has_somebody = |found: &CertificateResult| !found.certs.is_empty();
    let found = found.filter(has_somebody).unwrap_or_else(load_native_certs);
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let errors = found.errors;
        warn!("this machine trusts nobody, so no connection with TLS can be made: {errors:?}");
    }
    roots
}

/// The file that has all authorities on Linux, which `SSL_CERT_FILE` may name; unless somebody
/// names a `directory`. It has everything that the directory of single files beside it has, and
/// reads in a fraction of the time.
fn bundle(directory: Option<OsString>) -> Option<PathBuf> {
    let is_enough = cfg!(target_os = "linux") && directory.is_none();
    is_enough.then(openssl_probe::probe)?.cert_file
}

#[cfg(test)]
mod tests {
    use std::{fs, process};

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    #[test]
    fn a_directory_that_is_named_is_read_instead_of_the_bundle() {
        assert_eq!(bundle(None).is_some(), cfg!(target_os = "linux"));
        assert_eq!(bundle(Some("/company/authorities".into())), None);
    }

    #[test]
    fn a_bundle_with_somebody_is_enough() {
        let certificate = BASE64_STANDARD.encode(load_native_certs().certs.swap_remove(0));
        let text =
            format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
        let file = env::temp_dir().join(format!("bundle-{}.pem", process::id()));
        fs::write(&file, text).unwrap();
        let roots = roots(Some(file.clone()));
        fs::remove_file(file).unwrap();
        assert_eq!(roots.len(), 1);
    }

    #[test]
    fn whom_the_machine_trusts_makes_up_for_a_bundle_with_nobody() {
        assert!(roots(Some("/dev/null".into())).len() > 1);
    }
}
