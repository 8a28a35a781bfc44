//! `source_ip.within("10.0.0.0/8")`: whether an address is of a network.

use std::net::IpAddr;

use cel::common::types::{CelBool, CelString};
use cel::{DeclarationError, Env, ExecutionError};

use crate::network::Network;

/// What rules call it.
pub(super) const WITHIN: &str = "within";

/// Declares it.
pub(super) fn extension(env: &mut Env) -> Result<(), DeclarationError> {
    cel::add_member_overload!(env, fn within: (CelString, CelString) -> Result<CelBool>)
}

/// Whether `text` is what an address can be within.
pub(super) fn is_network(text: &str) -> bool {
    Network::parse(text).is_some()
}

fn within(address: &CelString<'_>, network: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    let failed =
        |text: &str, what| Err(ExecutionError::function_error(WITHIN, format!("{text:?} is no {what}")));
    let Ok(ip) = address.inner().parse::<IpAddr>() else { return failed(address.inner(), "address") };
    let Some(of) = Network::parse(network.inner()) else { return failed(network.inner(), "network") };
    Ok(CelBool::from(of.contains(ip)))
}
