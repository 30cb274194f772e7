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
use rustls_native_certs::{load_certs_from_paths, load_native_certs};
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

fn roots() -> RootCertStore {
    let bundle = bundle(env::var_os("SSL_CERT_DIR"));
    let found = bundle.map(|file| load_certs_from_paths(Some(&file), None).certs);
    let mut found = found.unwrap_or_default();
    if found.is_empty() {
        found = load_native_certs().certs;
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found);
    if roots.is_empty() {
        warn!("this machine trusts nobody: no connection with TLS can be made");
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
    use super::*;

    #[test]
    fn a_directory_that_is_named_is_read_instead_of_the_bundle() {
        assert_eq!(bundle(None).is_some(), cfg!(target_os = "linux"));
        assert_eq!(bundle(Some("/company/authorities".into())), None);
    }

    #[test]
    fn the_bundle_has_everybody_whom_the_machine_trusts() {
        let mut all = RootCertStore::empty();
        all.add_parsable_certificates(load_native_certs().certs);
        assert!(!all.is_empty());
        assert_eq!(roots().len(), all.len());
    }
}
