//! Web applications behind a proxy.

use crate::arn::RoleArn;

/// A web application whose proxy asks us about each request.
#[derive(Debug)]
pub struct Application {
    /// What the proxy calls it.
    pub name: String,
    /// Where people use it, as browsers send it.
    pub origin: String,
    /// Whether that is HTTPS, so that its cookies may be `Secure`.
    pub is_https: bool,
    /// The roles that may enter: a person enters as the first that they may have.
    pub roles: Vec<RoleArn>,
}
