//! What a file may cost. Beyond a limit reading ends in a clear error.

/// A file, as it lies on the disk and as it is unpacked.
pub const FILE_BYTES_MAX: u64 = 1 << 30;
/// Of a workbook's or a Parquet file's parts together, unpacked.
pub const UNPACKED_BYTES_MAX: u64 = 2 << 30;
/// How much larger than itself a packed part may become.
pub const UNPACKED_RATIO_MAX: u64 = 1100;
/// A line or a quoted field of a text; longer ones are no table.
pub const LINE_BYTES_MAX: usize = 16 << 20;
/// A value that is longer is no key, and is passed over.
pub const VALUE_BYTES_MAX: usize = 256;
pub const COLUMNS_MAX: usize = 4096;
pub const COLUMN_NAME_BYTES_MAX: usize = 200;
/// Deeper JSON is refused (the parser's own limit, told).
pub const JSON_DEPTH_MAX: usize = 120;
/// Distinct values of one column.
pub const VALUES_MAX: usize = 5_000_000;
pub const VALUES_BYTES_MAX: usize = 128 << 20;
/// Sampled of all columns together, to find the one with the subjects.
pub const SAMPLES_MAX: usize = 40_000;
pub const SAMPLE_OF_COLUMN: usize = 2_000;
pub const SHEETS_MAX: usize = 256;
