//! A client that speaks the protocol message by message: what drivers never send, an attacker does.
//! Plain text over the loopback; everything that comes back is kept, nothing is interpreted for it.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf as _, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;

use crate::Connect;

/// For one answer of a debug build on a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
const HEAD_BYTES: usize = 5;

const SASL: i32 = 10;
const SASL_CONTINUE: i32 = 11;
const SASL_FINAL: i32 = 12;
const PASSED: i32 = 0;

/// Messages to be sent in one write.
#[derive(Debug, Clone, Default)]
pub struct Pipeline(BytesMut);

/// One message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub tag: u8,
    pub body: Vec<u8>,
}

/// An ErrorResponse.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    pub sqlstate: String,
    pub message: String,
    pub detail: String,
    pub hint: String,
}

/// What came, up to a ReadyForQuery.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    pub messages: Vec<Message>,
}

/// A logged-in connection.
#[derive(Debug)]
pub struct Raw {
    socket: TcpStream,
    input: BytesMut,
    answer_limit: Duration,
    /// What came at login, up to the first ReadyForQuery.
    greeting: Answers,
}

impl Pipeline {
    pub fn new() -> Self {
        Self::default()
    }

    fn with(mut self, write: impl FnOnce(&mut BytesMut) -> std::io::Result<()>) -> Self {
        // Only a text with a NUL or of gigabytes fails; then the message is missing and the trial says so.
        if let Err(error) = write(&mut self.0) {
            eprintln!("a message that cannot be written: {error}");
        }
        self
    }

    pub fn query(self, sql: &str) -> Self {
        self.with(|out| frontend::query(sql, out))
    }

    pub fn parse(self, name: &str, sql: &str) -> Self {
        self.parse_typed(name, sql, &[])
    }

    /// Parameter types by OID; 0: the server infers it.
    pub fn parse_typed(self, name: &str, sql: &str, types: &[u32]) -> Self {
        self.with(|out| frontend::parse(name, sql, types.iter().copied(), out))
    }

    pub fn bind(self, portal: &str, statement: &str) -> Self {
        self.bind_with(portal, statement, &[])
    }

    /// Parameters and results as text.
    pub fn bind_with(self, portal: &str, statement: &str, params: &[&str]) -> Self {
        let params: Vec<Option<&str>> = params.iter().copied().map(Some).collect();
        self.bind_as(portal, statement, &params, false)
    }

    /// Parameters as text, `None` is NULL; results as text or in binary.
    pub fn bind_as(
        self,
        portal: &str,
        statement: &str,
        params: &[Option<&str>],
        binary: bool,
    ) -> Self {
        self.with(|out| {
            let values = params.iter().copied();
            let put = |text: Option<&str>, out: &mut BytesMut| {
                let Some(text) = text else {
                    return Ok(IsNull::Yes);
                };
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            };
            let formats = binary.then_some(1);
            frontend::bind(portal, statement, [], values, put, formats, out)
                .map_err(|_| std::io::Error::other("Bind"))
        })
    }

    /// The answer to a server that asks for COPY data.
    pub fn copy_fail(self, reason: &str) -> Self {
        self.with(|out| frontend::copy_fail(reason, out))
    }

    /// `max_rows` 0: all.
    pub fn execute(self, portal: &str, max_rows: i32) -> Self {
        self.with(|out| frontend::execute(portal, max_rows, out))
    }

    /// Parse, Bind and Execute under the unnamed ones.
    pub fn run(self, sql: &str) -> Self {
        self.parse("", sql).bind("", "").execute("", 0)
    }

    pub fn describe_portal(self, name: &str) -> Self {
        self.with(|out| frontend::describe(b'P', name, out))
    }

    pub fn describe_statement(self, name: &str) -> Self {
        self.with(|out| frontend::describe(b'S', name, out))
    }

    pub fn close_portal(self, name: &str) -> Self {
        self.with(|out| frontend::close(b'P', name, out))
    }

    pub fn close_statement(self, name: &str) -> Self {
        self.with(|out| frontend::close(b'S', name, out))
    }

    /// FunctionCall: arguments and result as text.
    pub fn function_call(mut self, function: u32, args: &[String]) -> Self {
        let number = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes();
        let mut body = function.to_be_bytes().to_vec();
        body.extend(number(0)); // all arguments are text
        body.extend(number(args.len()));
        for arg in args {
            body.extend(u32::try_from(arg.len()).unwrap_or(u32::MAX).to_be_bytes());
            body.extend(arg.as_bytes());
        }
        body.extend(number(0));
        let length = u32::try_from(body.len() + size_of::<u32>()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(b"F");
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(&body);
        self
    }

    pub fn flush(mut self) -> Self {
        frontend::flush(&mut self.0);
        self
    }

    pub fn sync(mut self) -> Self {
        frontend::sync(&mut self.0);
        self
    }
}

impl Raw {
    pub fn connect(connect: &Connect, application: &str) -> Result<Self> {
        match Self::try_connect(connect, &[("application_name", application)])? {
            Ok(raw) => Ok(raw),
            Err(told) => bail!("not admitted: {told}"),
        }
    }

    /// With any start-up parameters besides `user` and `database`; what is refused is told.
    pub fn try_connect(connect: &Connect, params: &[(&str, &str)]) -> Result<Result<Self, Told>> {
        let socket = TcpStream::connect((connect.host.as_str(), connect.port))?;
        socket.set_nodelay(true)?;
        let mut raw = Self {
            socket,
            input: BytesMut::new(),
            answer_limit: ANSWER_LIMIT,
            greeting: Answers::default(),
        };
        let mut packet = BytesMut::new();
        let who = [
            ("user", connect.user.as_str()),
            ("database", connect.database.as_str()),
        ];
        frontend::startup_message(who.into_iter().chain(params.iter().copied()), &mut packet)?;
        raw.socket.write_all(&packet)?;
        raw.log_in(&connect.password)
    }

    fn log_in(mut self, password: &str) -> Result<Result<Self, Told>> {
        let mut scram = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
        loop {
            let message = self.message()?;
            match message.tag {
                b'R' => {
                    if let Some(answer) = proof(&mut scram, &message.body)? {
                        self.socket.write_all(&answer)?;
                    }
                }
                b'E' => return Ok(Err(Told::of(&message.body))),
                b'Z' => return Ok(Ok(self)),
                _ => self.greeting.messages.push(message),
            }
        }
    }

    /// Parameters, the cancel key, notices: what came at login.
    pub fn greeting(&self) -> &Answers {
        &self.greeting
    }

    /// How long to wait for a message.
    pub fn set_answer_limit(&mut self, limit: Duration) {
        self.answer_limit = limit;
    }

    pub fn send(&mut self, pipeline: &Pipeline) -> Result<()> {
        self.socket.write_all(&pipeline.0)?;
        Ok(())
    }

    /// Sends what ends in a Sync or is one Query, and takes its answers.
    pub fn ask(&mut self, pipeline: &Pipeline) -> Result<Answers> {
        self.send(pipeline)?;
        self.answers()
    }

    pub fn query(&mut self, sql: &str) -> Result<Answers> {
        self.ask(&Pipeline::new().query(sql))
    }

    /// Up to the next ReadyForQuery.
    pub fn answers(&mut self) -> Result<Answers> {
        let mut answers = Answers::default();
        loop {
            match self.message() {
                Ok(message) => {
                    let ready = message.tag == b'Z';
                    answers.messages.push(message);
                    if ready {
                        return Ok(answers);
                    }
                }
                Err(error) => {
                    return Err(error.context(format!("after {}", answers.summary())));
                }
            }
        }
    }

    /// The next `count` messages.
    pub fn take(&mut self, count: usize) -> Result<Answers> {
        let messages = (0..count).map(|_| self.message()).collect::<Result<_>>()?;
        Ok(Answers { messages })
    }

    /// Everything up to the end of the connection, however it ends; rows cut in two don't count.
    pub fn rest(&mut self) -> Answers {
        let mut messages = Vec::new();
        while let Ok(message) = self.message() {
            messages.push(message);
        }
        Answers { messages }
    }

    pub fn message(&mut self) -> Result<Message> {
        let until = Instant::now() + self.answer_limit;
        loop {
            if let Some(message) = take_message(&mut self.input)? {
                return Ok(message);
            }
            let left = until.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "no answer within {:?}", self.answer_limit);
            self.socket.set_read_timeout(Some(left))?;
            let mut chunk = [0; 16 * 1024];
            let read = self.socket.read(&mut chunk).context("no answer")?;
            ensure!(read > 0, "the connection was closed");
            self.input
                .extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }

    /// Closes the socket without a word, as a client does that dies.
    pub fn leave(self) {
        drop(self);
    }
}

fn take_message(input: &mut BytesMut) -> Result<Option<Message>> {
    let Some([tag, a, b, c, d]) = input.first_chunk::<HEAD_BYTES>().copied() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    ensure!(length >= 4, "a message of length {length}");
    if input.len() <= length {
        return Ok(None);
    }
    input.advance(HEAD_BYTES);
    let body = input.split_to(length - 4).to_vec();
    Ok(Some(Message { tag, body }))
}

/// The answer to an Authentication message, where it asks for one.
fn proof(scram: &mut ScramSha256, body: &[u8]) -> Result<Option<BytesMut>> {
    let (kind, data) = body.split_first_chunk().context("Authentication")?;
    let mut answer = BytesMut::new();
    match i32::from_be_bytes(*kind) {
        SASL => frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut answer)?,
        SASL_CONTINUE => {
            scram.update(data)?;
            frontend::sasl_response(scram.message(), &mut answer)?;
        }
        SASL_FINAL => scram.finish(data)?,
        PASSED => {}
        other => bail!("authentication {other} is not spoken here"),
    }
    Ok((!answer.is_empty()).then_some(answer))
}

impl Told {
    fn of(body: &[u8]) -> Self {
        let mut told = Self::default();
        for field in body.split(|byte| *byte == 0) {
            let Some((kind, text)) = field.split_first() else {
                continue;
            };
            let text = String::from_utf8_lossy(text).into_owned();
            match kind {
                b'C' => told.sqlstate = text,
                b'M' => told.message = text,
                b'D' => told.detail = text,
                b'H' => told.hint = text,
                _ => {}
            }
        }
        told
    }
}

impl Told {
    /// An ErrorResponse of these fields alone.
    pub(crate) fn to_message(&self) -> Message {
        let fields = [
            ('C', &self.sqlstate),
            ('M', &self.message),
            ('D', &self.detail),
            ('H', &self.hint),
        ];
        let mut body: String = fields
            .map(|(kind, text)| format!("{kind}{text}\0"))
            .concat();
        body.push('\0');
        Message {
            tag: b'E',
            body: body.into_bytes(),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.sqlstate, self.message)
    }
}

impl Message {
    /// The values of a DataRow as text.
    pub fn values(&self) -> Vec<Option<String>> {
        let mut body = self.body.get(2..).unwrap_or_default();
        let mut values = Vec::new();
        while let Some((length, rest)) = body.split_first_chunk() {
            let value = usize::try_from(i32::from_be_bytes(*length))
                .ok()
                .and_then(|length| rest.split_at_checked(length));
            body = value.map_or(rest, |(_, rest)| rest);
            values.push(value.map(|(value, _)| String::from_utf8_lossy(value).into_owned()));
        }
        values
    }

    fn text(&self) -> String {
        let text = self.body.split(|byte| *byte == 0).next();
        String::from_utf8_lossy(text.unwrap_or_default()).into_owned()
    }
}

impl Answers {
    fn of(&self, tag: u8) -> impl Iterator<Item = &Message> {
        self.messages
            .iter()
            .filter(move |message| message.tag == tag)
    }

    /// All rows, of whichever statement.
    pub fn rows(&self) -> Vec<Vec<Option<String>>> {
        self.of(b'D').map(Message::values).collect()
    }

    pub fn row_count(&self) -> usize {
        self.of(b'D').count()
    }

    pub fn errors(&self) -> Vec<Told> {
        self.of(b'E')
            .map(|message| Told::of(&message.body))
            .collect()
    }

    /// The SQLSTATE of the only error; empty where there was none.
    pub fn sqlstate(&self) -> String {
        let states: Vec<String> = self
            .errors()
            .into_iter()
            .map(|error| error.sqlstate)
            .collect();
        states.join(",")
    }

    /// What CommandComplete said.
    pub fn done(&self) -> Vec<String> {
        self.of(b'C').map(Message::text).collect()
    }

    /// `I`, `T` or `E` of the last ReadyForQuery.
    pub fn status(&self) -> char {
        let last = self
            .of(b'Z')
            .last()
            .and_then(|message| message.body.first());
        last.map_or('?', |status| char::from(*status))
    }

    /// The names of the columns of every RowDescription.
    pub fn columns(&self) -> Vec<String> {
        let mut names = Vec::new();
        for message in self.of(b'T') {
            let mut body = message.body.get(2..).unwrap_or_default();
            while let Some(end) = body.iter().position(|byte| *byte == 0) {
                let (name, rest) = body.split_at(end);
                names.push(String::from_utf8_lossy(name).into_owned());
                body = rest.get(1 + 18..).unwrap_or_default();
            }
        }
        names
    }

    /// For messages of failed trials: tags with their numbers, and the errors.
    pub fn summary(&self) -> String {
        let mut tags: Vec<(char, usize)> = Vec::new();
        for message in &self.messages {
            let tag = char::from(message.tag);
            match tags.last_mut() {
                Some((last, count)) if *last == tag => *count += 1,
                _ => tags.push((tag, 1)),
            }
        }
        let tags: Vec<String> = tags
            .iter()
            .map(|(tag, count)| format!("{tag}×{count}"))
            .collect();
        let errors: Vec<String> = self.errors().iter().map(ToString::to_string).collect();
        format!("[{}] {}", tags.join(" "), errors.join(" | "))
    }
}
