//! `[resource.ID]`: what is outsourced, and how the gate reaches it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Component, Path, PathBuf};

use super::party::check_id;
use super::reader::{Fields, Node, Reader};
use crate::model::{Resource, ResourceKind};

pub(crate) const RESOURCE_KEYS: &[&str] = &[
    "kind",
    "url",
    "password_file",
    "password_env",
    "ca_file",
    "explained_roles",
];

const KINDS: [(&str, ResourceKind); 4] = [
    ("postgresql", ResourceKind::Postgresql),
    ("mysql", ResourceKind::Mysql),
    ("ssh", ResourceKind::Ssh),
    ("website", ResourceKind::Website),
];

pub(super) fn read_resource(
    reader: &mut Reader<'_>,
    id: &str,
    node: &Node<'_>,
) -> Option<Resource> {
    check_id(reader, "resource", id, node);
    let fields = reader.table(node, RESOURCE_KEYS, "a resource")?;
    let kind = reader
        .require(&fields, "kind", "kind = \"postgresql\"")
        .and_then(|kind| read_kind(reader, &kind));
    let url = reader.require(
        &fields,
        "url",
        "url = \"postgresql://steward@127.0.0.1:5432/hospital\"",
    );
    let url = url.and_then(|url| read_url(reader, &url));
    let password_file = read_path(reader, &fields, "password_file");
    let password_env = fields
        .get("password_env")
        .and_then(|name| reader.words(&name));
    if let (Some(_), Some(env)) = (&password_file, fields.get("password_env")) {
        reader.mistake(
            env.key_span,
            "both `password_file` and `password_env`",
            "expected one of them",
            "keep the one that the server shall read",
        );
    }
    let ca_file = read_path(reader, &fields, "ca_file");
    let explained_roles = read_explained_roles(reader, &fields);
    Some(Resource {
        id: id.to_owned(),
        kind: kind?,
        url: url?,
        password_file,
        password_env,
        ca_file,
        explained_roles,
    })
}

fn read_kind(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<ResourceKind> {
    let kind = reader.choice(node, &KINDS)?;
    if kind != ResourceKind::Postgresql {
        reader.mistake(
            node.span.clone(),
            "this version serves `postgresql` only",
            "expected `postgresql`",
            "leave the resource out until its listener is built",
        );
    }
    Some(kind)
}

/// Relative to the file that names it, so that it means the same from wherever `apply` was called.
fn read_path(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &str) -> Option<String> {
    let node = fields.get(key)?;
    let path = reader.words(&node)?;
    let directory = Path::new(&reader.file().name)
        .parent()
        .unwrap_or(Path::new(""))
        .to_path_buf();
    Some(
        without_dots(&directory.join(path))
            .to_string_lossy()
            .into_owned(),
    )
}

fn without_dots(path: &Path) -> PathBuf {
    path.components()
        .filter(|component| *component != Component::CurDir)
        .collect()
}

fn read_explained_roles(reader: &mut Reader<'_>, fields: &Fields<'_>) -> BTreeMap<String, String> {
    let node = fields.get("explained_roles");
    let entries = reader.entries(node.as_ref(), "role with its explanation");
    entries
        .into_iter()
        .filter_map(|(role, why)| Some((role, reader.words(&why)?)))
        .collect()
}

/// What is wrong with a URL: message, label, help.
type Wrong = (String, &'static str, &'static str);

fn read_url(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let url = reader.string(node)?;
    match check_url(&url) {
        Ok(()) => Some(url),
        // The URL itself is not repeated: it may hold a password.
        Err((message, label, help)) => {
            reader.mistake(node.span.clone(), message, label, help);
            None
        }
    }
}

const URL_FORM: &str = "expected postgresql://USER@HOST:PORT/DATABASE?sslmode=…";
const SSL_MODES: [&str; 6] = [
    "disable",
    "allow",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];
const URL_PARAMETERS: [&str; 3] = ["sslmode", "connect_timeout", "application_name"];

fn check_url(url: &str) -> Result<(), Wrong> {
    let wrong = |message: &str| -> Wrong {
        (
            message.to_owned(),
            URL_FORM,
            "for instance postgresql://steward@127.0.0.1:5432/hospital",
        )
    };
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(wrong("the url holds a space or control character"));
    }
    let rest = url
        .strip_prefix("postgresql://")
        .or_else(|| url.strip_prefix("postgres://"))
        .ok_or_else(|| wrong("the url does not begin with postgresql://"))?;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, place) = place
        .rsplit_once('@')
        .ok_or_else(|| wrong("the url names no user"))?;
    if user.contains(':')
        || query
            .split('&')
            .any(|pair| pair.to_ascii_lowercase().starts_with("password="))
    {
        let message = "a password stands in the url".to_owned();
        return Err((
            message,
            "expected no password here",
            "put it into a file and name that with `password_file`, or use `password_env`; and change the password, it was written down",
        ));
    }
    let (host, database) = place
        .split_once('/')
        .ok_or_else(|| wrong("the url names no database"))?;
    if user.is_empty() || database.is_empty() || database.contains('/') {
        return Err(wrong("the url lacks a user or one database"));
    }
    check_transport(check_host(host)?, check_query(query)?)
}

/// Answers whether the host is this machine.
fn check_host(host_and_port: &str) -> Result<bool, Wrong> {
    let wrong = |message: &str| -> Wrong {
        (
            message.to_owned(),
            URL_FORM,
            "one host, in brackets if it is an IPv6 address, and a port from 1 to 65535",
        )
    };
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest
                .split_once(']')
                .ok_or_else(|| wrong("the url's host has no closing bracket"))?;
            (host, after.strip_prefix(':'))
        }
        None => host_and_port
            .split_once(':')
            .map_or((host_and_port, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || host.contains(',') {
        return Err(wrong("the url must name one host"));
    }
    if port.is_some_and(|port| !port.parse::<u16>().is_ok_and(|number| number > 0)) {
        return Err(wrong("the url's port is not a port"));
    }
    let address: Option<IpAddr> = host.parse().ok();
    Ok(host == "localhost"
        || host.starts_with("%2F")
        || host.starts_with("%2f")
        || address.is_some_and(|ip| ip.to_canonical().is_loopback()))
}

/// Answers the `sslmode`, if given.
fn check_query(query: &str) -> Result<Option<&str>, Wrong> {
    let mut sslmode = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if !URL_PARAMETERS.contains(&name) {
            let message = format!("the url has a parameter that is not passed on: `{name}`");
            return Err((
                message,
                "expected sslmode, connect_timeout or application_name",
                "leave it out",
            ));
        }
        if name == "sslmode" {
            if !SSL_MODES.contains(&value) {
                return Err((
                    format!("unknown sslmode `{value}`"),
                    "expected an sslmode of PostgreSQL",
                    "disable, allow, prefer, require, verify-ca or verify-full",
                ));
            }
            sslmode = Some(value);
        }
    }
    Ok(sslmode)
}

fn check_transport(is_loopback: bool, sslmode: Option<&str>) -> Result<(), Wrong> {
    if is_loopback || sslmode == Some("verify-full") {
        return Ok(());
    }
    let message = format!(
        "sslmode `{}` towards another machine",
        sslmode.unwrap_or("prefer")
    );
    Err((
        message,
        "expected sslmode=verify-full",
        "whoever stands between could read every row; name the database's CA with `ca_file`",
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn urls_are_taken_or_refused_for_their_reason() {
        for good in [
            "postgresql://steward@127.0.0.1:5432/hospital?sslmode=prefer",
            "postgres://s@localhost/h",
            "postgresql://s@[::1]:5432/h",
            "postgresql://s@%2Fvar%2Frun%2Fpostgresql/h",
            "postgresql://s@db.example.org/h?sslmode=verify-full",
        ] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for (bad, part) in [
            ("postgresql://s:secret@localhost/h", "password"),
            ("postgresql://s@localhost/h?password=secret", "password"),
            ("mysql://s@localhost/h", "begin with"),
            ("postgresql://localhost/h", "no user"),
            ("postgresql://s@localhost", "no database"),
            ("postgresql://s@localhost/", "lacks"),
            ("postgresql://s@localhost:0/h", "port"),
            ("postgresql://s@a,b/h", "one host"),
            (
                "postgresql://s@db.example.org/h?sslmode=require",
                "another machine",
            ),
            ("postgresql://s@db.example.org/h", "another machine"),
            ("postgresql://s@localhost/h?sslmode=yes", "unknown sslmode"),
            ("postgresql://s@localhost/h?options=-c", "not passed on"),
        ] {
            let (message, ..) = check_url(bad).unwrap_err();
            assert!(message.contains(part), "{bad}: {message}");
            assert!(!message.contains("secret"));
        }
    }

    #[test]
    fn dots_in_paths_are_taken_out() {
        assert_eq!(
            without_dots(Path::new("/etc/portcullis/./steward.password")),
            Path::new("/etc/portcullis/steward.password")
        );
    }
}
