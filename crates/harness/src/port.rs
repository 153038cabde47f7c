//! Free TCP ports on the loopback.

use std::net::{Ipv4Addr, TcpListener};

/// A port that was free a moment ago. Another process may take it first: whoever binds it must be
/// ready to ask again.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}
