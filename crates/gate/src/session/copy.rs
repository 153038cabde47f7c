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
            self.strip_row(&mut running, &mut strip, data)
        };
        self.current = Some(running);
        self.copy = Some(strip);
        taken
    }

    /// Puts a row among those to be charged together; a header or trailer is no row.
    fn strip_row(
        &mut self,
        running: &mut super::running::Running,
        strip: &mut Strip,
        data: &[u8],
    ) -> Result<(), End> {
        let mut copied = std::mem::take(&mut self.batch.copied);
        let before = copied.len();
        let piece = strip.strip(data, &mut copied).map_err(broke)?;
        let Piece::Row { tap } = piece else {
            // The rows before it are charged first, so that it stays in its place.
            let piece = copied.split_off(before);
            self.batch.copied = copied;
            return self.put_piece(running, &piece);
        };
        let bytes = u32::try_from(copied.len() - before).unwrap_or(u32::MAX);
        self.batch.copied = copied;
        let mut subjects = 0;
        for (index, field) in tap.enumerate() {
            let value = super::tap::copy_tap(field, &mut self.scratch).map_err(broke)?;
            if let Some((id, table)) = Self::subject_id(running, index, value) {
                self.batch.push_id(id, table);
                subjects += 1;
            }
        }
        self.batch.push_charge(RowCharge { bytes, subjects });
        Ok(())
    }

    fn put_piece(
        &mut self,
        running: &mut super::running::Running,
        piece: &[u8],
    ) -> Result<(), End> {
        if self.batch.is_empty() {
            self.out.put_slice(piece);
            return Ok(());
        }
        let mut batch = std::mem::take(&mut self.batch);
        let rows = batch.len();
        let (paid, reserved) = self.charge(running, &mut batch);
        if paid > 0 {
            self.out
                .disclosing(&reserved)
                .extend_from_slice(batch.copied_prefix(paid));
        }
        batch.clear();
        self.batch = batch;
        if paid == rows {
            self.out.put_slice(piece);
        }
        Ok(())
    }
}
