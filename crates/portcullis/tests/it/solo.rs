//! A server without a database, with officers of one's own choice.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use portcullis_harness::binary;
use serde_json::Value;

use crate::clinic::text;

pub struct Solo {
    pub tokens: Vec<String>,
    server: Child,
    dir: tempfile::TempDir,
}

impl Solo {
    pub fn start(officers: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let mut init = Command::new(binary().unwrap());
        init.args(["init", "--json", "--data"]).arg(&data);
        for officer in officers {
            init.args(["--officer", officer]);
        }
        let made: Value = serde_json::from_slice(&init.output().unwrap().stdout).unwrap();
        let officers = made["officers"].as_array().unwrap();
        let tokens = officers
            .iter()
            .map(|officer| text(officer, "/token"))
            .collect();
        let (server, ready) = serve(&data);
        assert!(ready.starts_with("ready "), "{ready}");
        Self {
            tokens,
            server,
            dir,
        }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn run(&self, token: &str, args: &[&str]) -> Output {
        let mut command = Command::new(binary().unwrap());
        command
            .args(args)
            .args(["--json", "--data"])
            .arg(self.data())
            .env("PORTCULLIS_TOKEN", token);
        command.output().unwrap()
    }

    /// A request as it stands; answers status and body.
    pub fn http(&self, request: &str) -> (u16, String) {
        let mut stream = UnixStream::connect(self.data().join("admin.sock")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, body.to_owned())
    }
}

impl Drop for Solo {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

pub fn serve(data: &std::path::Path) -> (Child, String) {
    let mut server = Command::new(binary().unwrap())
        .args(["serve", "--pg", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(server.stdout.as_mut().unwrap())
        .read_line(&mut ready)
        .unwrap();
    (server, ready)
}
