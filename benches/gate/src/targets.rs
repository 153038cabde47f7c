//! The three ways to the same database: direct, through pgbouncer, through the gate.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use portcullis_harness::{
    Child, Connect, Gate, GateOptions, Launch, PgCluster, PgOptions, PgVersions,
    SUPERUSER_PASSWORD, free_port, give_to_server_account, sample, server_account,
};

/// The account that pgbench uses direct and through pgbouncer: no superuser, as the gate's isn't.
const BENCH_USER: &str = "bench";

pub const DATABASE: &str = "bench";

/// One way to the database.
pub struct Target {
    pub name: &'static str,
    pub connect: Connect,
    /// The process in between, if there is one.
    pub proxy: Option<u32>,
}

/// All of them, and what keeps them alive; dropped front to back.
pub struct Targets {
    pub list: Vec<Target>,
    pub gate: Option<Gate>,
    _pgbouncer: Child,
    _cluster: PgCluster,
}

impl Targets {
    pub fn start(folder: &Path, scale: u32, with_gate: bool) -> Result<Self> {
        let cluster = PgCluster::start_with(
            &PgVersions::usual()?,
            PgOptions {
                fsync: true,
                settings: vec![
                    ("max_connections".to_owned(), "400".to_owned()),
                    ("shared_buffers".to_owned(), "512MB".to_owned()),
                ],
                within: Some(folder.to_owned()),
            },
        )?;
        sample::load_pgbench(&cluster, DATABASE, scale)?;
        cluster.execute(&format!(
            "create role {BENCH_USER} login password '{SUPERUSER_PASSWORD}'"
        ))?;
        cluster.execute_in(
            DATABASE,
            &format!("grant select on all tables in schema public to {BENCH_USER}"),
        )?;
        cluster.execute_in(DATABASE, "vacuum analyze")?;

        let direct = Target {
            name: "direct",
            connect: connect_on(cluster.port()),
            proxy: None,
        };
        let (pgbouncer, port) = start_pgbouncer(folder, &cluster)?;
        let pooled = Target {
            name: "pgbouncer",
            connect: connect_on(port),
            proxy: Some(pgbouncer.id()),
        };
        let mut list = vec![direct, pooled];
        let mut gate = None;
        if with_gate {
            let started = Gate::start_with(GateOptions {
                within: Some(folder.to_owned()),
                ..Default::default()
            })?;
            let connect = started.apply_pgbench(&cluster, DATABASE)?;
            list.push(Target {
                name: "gate",
                connect,
                proxy: started.pid(),
            });
            gate = Some(started);
        }
        Ok(Self {
            list,
            gate,
            _pgbouncer: pgbouncer,
            _cluster: cluster,
        })
    }
}

fn connect_on(port: u16) -> Connect {
    Connect {
        grant: String::new(),
        host: "127.0.0.1".to_owned(),
        port,
        user: BENCH_USER.to_owned(),
        database: DATABASE.to_owned(),
        password: SUPERUSER_PASSWORD.to_owned(),
    }
}

/// Session pooling, SCRAM on both sides: what the goals are measured against.
fn start_pgbouncer(folder: &Path, cluster: &PgCluster) -> Result<(Child, u16)> {
    let own = folder.join("pgbouncer");
    fs::create_dir(&own)?;
    let port = free_port()?;
    fs::write(
        own.join("users.txt"),
        format!("\"{BENCH_USER}\" \"{SUPERUSER_PASSWORD}\"\n"),
    )?;
    let config = format!(
        "[databases]\n{DATABASE} = host=127.0.0.1 port={} dbname={DATABASE}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = {}\npool_mode = session\n\
         max_client_conn = 1000\ndefault_pool_size = 200\nlog_connections = 0\nlog_disconnections = 0\n",
        cluster.port(),
        own.join("users.txt").display(),
    );
    fs::write(own.join("pgbouncer.ini"), config)?;
    for path in [
        own.clone(),
        own.join("users.txt"),
        own.join("pgbouncer.ini"),
    ] {
        give_to_server_account(&path)?;
    }
    let log = fs::File::create(own.join("log"))?;
    let mut child = Launch::new(Path::new("/usr/sbin/pgbouncer"), server_account(), "KILL")
        .args([own.join("pgbouncer.ini")])
        .stdout(Stdio::null())
        .stderr(Stdio::from(log))
        .start()?;
    let until = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        if child.ended().is_some() || Instant::now() > until {
            bail!("pgbouncer: {}", fs::read_to_string(own.join("log"))?);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok((child, port))
}
