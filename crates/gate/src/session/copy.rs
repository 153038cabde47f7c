//! COPY … TO STDOUT: the method `export`, row by row like any other result.

use portcullis_sql::{CopyFormat, Kind};
use portcullis_wire::backend;
use portcullis_wire::build::server as build;
use portcullis_wire::copy::{Layout, Piece, Strip};

use super::{End, Session};
use portcullis_ledger::RowCharge;

fn broke(error: impl std::fmt::Display) -> End {
    End::DatabaseBroke(error.to_string())
}

impl Session {
    pub(super) fn take_copy_out(&mut self, body: &[u8]) -> Result<(), End> {
        self.begin_answer()?;
        let Some(running) = &self.current else {
            return Err(broke("copy out of turn"));
        };
        let Kind::CopyOut(copy) = &running.cleared.kind else {
            return Err(broke("a copy that was not asked for"));
        };
        let layout = match copy.format {
            CopyFormat::Text => Layout::Text {
                delimiter: copy.delimiter,
            },
            CopyFormat::Csv => Layout::Csv {
                delimiter: copy.delimiter,
            },
            CopyFormat::Binary => Layout::Binary,
        };
        let taps = running.source.taps.len();
        self.copy = Some(Strip::new(layout, copy.header, taps).map_err(broke)?);
        let mut response = backend::copy_response(body).map_err(broke)?;
        let kept = response
            .columns
            .len()
            .checked_sub(taps)
            .ok_or_else(|| broke("fewer columns than taps"))?;
        response.columns.truncate(kept);
        build::copy_out_response(self.out.protocol(), &response).map_err(broke)
    }

    pub(super) fn take_copy_data(&mut self, data: &[u8]) -> Result<(), End> {
        let (Some(mut running), Some(mut strip)) = (self.current.take(), self.copy.take()) else {
            return Err(broke("copy data out of turn"));
        };
        let taken = if running.cut.is_some() {
            Ok(())
        } else {
            self.strip_and_charge(&mut running, &mut strip, data)
        };
        self.current = Some(running);
        self.copy = Some(strip);
        taken
    }

    fn strip_and_charge(
        &mut self,
        running: &mut super::running::Running,
        strip: &mut Strip,
        data: &[u8],
    ) -> Result<(), End> {
        let mut stripped = bytes::BytesMut::with_capacity(data.len() + 8);
        let Piece::Row { tap } = strip.strip(data, &mut stripped).map_err(broke)? else {
            self.out.put_slice(&stripped);
            return Ok(());
        };
        let mut batch = std::mem::take(&mut self.batch);
        batch.clear();
        let mut subjects = 0;
        let mut scratch = Vec::new();
        for (index, field) in tap.enumerate() {
            let value = super::tap::copy_tap(field, &mut scratch).map_err(broke)?;
            if let Some(id) = Self::subject_id(running, index, value) {
                batch.push_id(id, index);
                subjects += 1;
            }
        }
        batch.push_charge(RowCharge {
            bytes: u32::try_from(stripped.len()).unwrap_or(u32::MAX),
            subjects,
        });
        let (paid, reserved) = self.charge(running, &mut batch);
        if paid == 1 {
            self.out.disclosing(&reserved).extend_from_slice(&stripped);
        }
        batch.clear();
        self.batch = batch;
        Ok(())
    }
}
