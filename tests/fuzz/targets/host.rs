//! The public host: what is taken is a bare origin that reads as itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ringfence_carrier::host::PublicHost;
use ringfence_fuzz::bounds::{Bounds, bounded};
use url::{Host, Url};

fuzz_target!(|input: &[u8]| bounded(input, Bounds::PLAIN, check));

fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(host) = text.parse::<PublicHost>() else {
        return;
    };
    let origin = host.url("");
    assert_eq!(origin.parse::<PublicHost>().as_ref(), Ok(&host));
    assert_eq!(host.url("/x?y=%20z"), format!("{origin}/x?y=%20z"));
    assert!(!origin.contains(['@', '_', '?', '#', ' ']) && origin.is_ascii());
    let url = Url::parse(&origin).expect("an origin is a URL");
    assert_eq!(url.path(), "/");
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    assert!(
        url.scheme() == "https" || (url.scheme() == "http" && is_here),
        "{origin}"
    );
}
