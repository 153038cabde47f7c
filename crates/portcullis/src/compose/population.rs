//! How many subjects there are: counted on the database, kept for an hour and told with its time.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use portcullis_lock::SubjectTable;

use super::server::Server;

/// A count is good for so long; the share of all moves slowly.
const GOOD_FOR: SignedDuration = SignedDuration::from_hours(1);
/// A database that did not answer is not asked again at once: each question would wait for it.
const FAILURE_GOOD_FOR: SignedDuration = SignedDuration::from_secs(30);
/// A table that takes longer is told without its share.
const COUNTED_WITHIN: Duration = Duration::from_secs(20);

/// How many subjects a table had, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    pub subjects: u64,
    pub at: Timestamp,
}

type Key = (String, String, String);
type Known = Result<Counted, (String, Timestamp)>;

#[derive(Default)]
pub struct Populations {
    known: Mutex<HashMap<Key, Known>>,
    /// One count at a time: they scan tables.
    turn: tokio::sync::Mutex<()>,
}

impl Populations {
    /// As of now or of at most an hour ago; else why it is not known.
    pub async fn of(
        &self,
        server: &Server,
        resource: &str,
        table: &SubjectTable,
    ) -> Result<Counted, String> {
        let key = (resource.to_owned(), table.qualified(), table.column.clone());
        if let Some(known) = self.fresh(&key) {
            return known;
        }
        let _turn = self.turn.lock().await;
        if let Some(known) = self.fresh(&key) {
            return known;
        }
        let counted = count(server, resource, table).await;
        let now = Timestamp::now();
        let known = counted
            .map(|subjects| Counted { subjects, at: now })
            .map_err(|why| (why, now));
        self.known.lock().insert(key, known.clone());
        known.map_err(|(why, _)| why)
    }

    fn fresh(&self, key: &Key) -> Option<Result<Counted, String>> {
        let now = Timestamp::now();
        let within = |at: Timestamp, limit| now.duration_since(at).abs() < limit;
        match self.known.lock().get(key)? {
            Ok(counted) if within(counted.at, GOOD_FOR) => Some(Ok(*counted)),
            Err((why, at)) if within(*at, FAILURE_GOOD_FOR) => Some(Err(why.clone())),
            _ => None,
        }
    }
}

async fn count(server: &Server, resource: &str, table: &SubjectTable) -> Result<u64, String> {
    let target = server
        .resource(resource)
        .ok_or_else(|| format!("no resource `{resource}`"))?;
    let steward = server
        .locks
        .steward(&target)
        .await
        .map_err(|denied| denied.message)?;
    portcullis_lock::count_subjects(&steward, table, COUNTED_WITHIN)
        .await
        .map_err(|error| error.to_string())
}
