//! Cancelling what a session in the database is doing, over a connection of its own.

use bytes::BytesMut;
use portcullis_wire::build::client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::error::UpstreamError;
use super::{Target, negotiate};

/// Sends the request and waits until the server has taken it: it then closes the connection.
pub async fn cancel(
    target: &Target,
    process_id: u32,
    secret_key: &[u8],
) -> Result<(), UpstreamError> {
    let whole = async {
        let mut stream = negotiate::open(target).await?;
        let mut request = BytesMut::new();
        client::cancel_request(&mut request, process_id, secret_key)?;
        stream
            .write_all(&request)
            .await
            .map_err(UpstreamError::Io)?;
        stream.flush().await.map_err(UpstreamError::Io)?;
        // However it closes: nothing is answered, and nothing that came would be believed.
        let _closed = stream.read(&mut [0]).await;
        Ok(())
    };
    tokio::time::timeout(target.within, whole)
        .await
        .map_err(|_| UpstreamError::Deadline {
            within: target.within,
        })?
}
