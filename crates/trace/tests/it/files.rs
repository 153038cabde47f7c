//! Every format, as real tools write it: the same subjects come out.

use std::io::Write as _;
use std::process::{Command, Stdio};

use portcullis_trace::{Format, Leaked, Survey, Values};

fn open(bytes: &[u8]) -> Leaked {
    Leaked::open(bytes.to_vec()).unwrap()
}

fn columns(leaked: &Leaked) -> Vec<String> {
    let mut survey = Survey::default();
    leaked.read(&mut survey).unwrap();
    survey
        .columns()
        .into_iter()
        .map(|column| column.name)
        .collect()
}

fn values(leaked: &Leaked, column: &str) -> Vec<String> {
    let mut values = Values::of(column);
    leaked.read(&mut values).unwrap();
    values.into_vec()
}

#[track_caller]
fn check(bytes: &[u8], format: Format, column: &str, expected: &[&str]) {
    let leaked = open(bytes);
    assert_eq!(leaked.format(), format);
    let found = values(&leaked, column);
    assert_eq!(found, expected, "columns: {:?}", columns(&leaked));
}

#[test]
fn delimited_with_and_without_header() {
    check(
        b"id,name\n7001,a\n7002,b\n",
        Format::Csv,
        "id",
        &["7001", "7002"],
    );
    check(b"7001,a\n7002,b\n", Format::Csv, "1", &["7001", "7002"]);
    check(
        b"name\tid\na\t7001\nb\t7002\n",
        Format::Csv,
        "id",
        &["7001", "7002"],
    );
    check(
        b"a;7001\r\n\"b;c\";7002\r\n",
        Format::Csv,
        "2",
        &["7001", "7002"],
    );
    check(
        b"name|id\n\"x \"\"y\"\"\nz\"|7001\nb|7002\nc|7003\n",
        Format::Csv,
        "id",
        &["7001", "7002", "7003"],
    );
    check(
        b"7001\n7002\n7003\n",
        Format::Csv,
        "1",
        &["7001", "7002", "7003"],
    );
    check(b"id\n7001\n7002\n", Format::Csv, "id", &["7001", "7002"]);
    // A quote that nobody closes is part of the text.
    check(
        b"id,size\n7001,5\" disk\n7002,\"3\n7003,x\n7004,y\n",
        Format::Csv,
        "id",
        &["7001", "7002", "7003", "7004"],
    );
    // Ragged rows.
    check(
        b"id,name\n7001\n7002,b,c\n7003,d\n7004,e\n7005,f\n",
        Format::Csv,
        "id",
        &["7001", "7002", "7003", "7004", "7005"],
    );
}

#[test]
fn psql_shows_and_exports() {
    let row = |n: u32| format!("       {n} | 李*\n");
    let shown: String = (7001..7013).map(row).collect();
    let shown = format!(" patient_id | name \n------------+------\n{shown}(12 rows)\n\n");
    let leaked = open(shown.as_bytes());
    assert_eq!(leaked.format(), Format::Csv);
    let found = values(&leaked, "patient_id");
    assert!(
        found.contains(&"7001".to_owned()) && found.contains(&"7002".to_owned()),
        "{found:?}"
    );
}

#[test]
fn every_encoding_is_found() {
    let text = "编号,姓名\n7001,李伟\n7002,王芳\n";
    let expected = ["7001", "7002"];
    check(text.as_bytes(), Format::Csv, "编号", &expected);
    check(
        &[b"\xef\xbb\xbf", text.as_bytes()].concat(),
        Format::Csv,
        "编号",
        &expected,
    );
    let (gb, _, _) = encoding_rs::GB18030.encode(text);
    check(&gb, Format::Csv, "编号", &expected);
    for marked in [true, false] {
        let mut little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        if marked {
            little.splice(0..0, [0xff, 0xfe]);
            big.splice(0..0, [0xfe, 0xff]);
        }
        check(&little, Format::Csv, "编号", &expected);
        check(&big, Format::Csv, "编号", &expected);
    }
    check(
        b"id,name\n7001,Andr\xe9\xff\n7002,Zo\xeb\n",
        Format::Csv,
        "id",
        &expected,
    );
}

#[test]
fn json_in_all_its_shapes() {
    check(
        br#"[{"id": 7001, "n": "a"}, {"id": "7002"}]"#,
        Format::Json,
        "id",
        &["7001", "7002"],
    );
    check(
        br#"{"data": {"rows": [{"p": {"id": 7001}}, {"p": {"id": 7002}}]}}"#,
        Format::Json,
        "data.rows.p.id",
        &["7001", "7002"],
    );
    check(
        b"{\"id\":7001}\n{\"id\":7002}\n",
        Format::JsonLines,
        "id",
        &["7001", "7002"],
    );
    check(b"[7001, 7002]", Format::Json, "value", &["7001", "7002"]);
    check(
        br#"{"7001": {"n": "a"}, "7002": {"n": "b"}}"#,
        Format::Json,
        "{}",
        &["7001", "7002"],
    );
    check(
        br#"[[7001, "a"], [7002, "b"]]"#,
        Format::Json,
        "value",
        &["7001", "7002", "a", "b"],
    );
    // What looks like JSON and is none.
    check(
        b"[note] 7001 and 7002",
        Format::Text,
        "words",
        &["7001", "7002", "and", "note"],
    );
}

#[test]
fn dumps_of_pg_dump_and_mysqldump() {
    let copy = "--\n-- PostgreSQL database dump\n--\nSET x = 1;\nCREATE TABLE clinic.patients (patient_id integer);\n\
        COPY clinic.patients (patient_id, name) FROM stdin;\n7001\ta\\tb\n7002\t\\N\n\\.\n\nSELECT 1;\n";
    check(
        copy.as_bytes(),
        Format::SqlDump,
        "clinic.patients.patient_id",
        &["7001", "7002"],
    );
    check(
        copy.as_bytes(),
        Format::SqlDump,
        "clinic.patients.name",
        &["a\tb"],
    );
    let inserts = "INSERT INTO clinic.patients VALUES (7001, 'O''Neill', NULL);\n\
        INSERT INTO clinic.patients VALUES (7002, E'x);y', '2026-01-01'::date);\n";
    check(
        inserts.as_bytes(),
        Format::SqlDump,
        "clinic.patients.1",
        &["7001", "7002"],
    );
    let mysql = "-- MySQL dump\nLOCK TABLES `patients` WRITE;\n\
        INSERT INTO `patients` (`id`, `name`) VALUES (7001,'it\\'s (a), test'),(7002,'b;');\nUNLOCK TABLES;\n";
    check(
        mysql.as_bytes(),
        Format::SqlDump,
        "patients.id",
        &["7001", "7002"],
    );
    check(
        mysql.as_bytes(),
        Format::SqlDump,
        "patients.name",
        &["b;", "it's (a), test"],
    );
}

#[test]
fn every_word_of_a_text() {
    check(
        "患者4100004242已出院。ID:7001, (7002) p-17; end.".as_bytes(),
        Format::Text,
        "words",
        &["17", "4100004242", "7001", "7002", "ID", "end", "p", "p-17"],
    );
}

/// Files that Python's own writers make.
#[test]
fn what_python_writes_is_read() {
    let script = r#"
import csv, json, gzip, sys, io
rows = [(7000 + n, 'name, "%d"\nline' % n, 0.5) for n in range(50)]
out = io.StringIO()
w = csv.writer(out, delimiter=';', quoting=csv.QUOTE_ALL); w.writerow(['id','name','x']); w.writerows(rows)
d = out.getvalue().encode('utf-16')
j = json.dumps([dict(id=i, name=n) for i, n, _ in rows], indent=1).encode()
z = gzip.compress('\n'.join(json.dumps(dict(id=i, name=n)) for i, n, _ in rows).encode())
for part in (d, j, z):
    sys.stdout.buffer.write(len(part).to_bytes(4, 'big') + part)
"#;
    let Ok(output) = Command::new("python3")
        .args(["-c", script])
        .stderr(Stdio::null())
        .output()
    else {
        eprintln!("no python3: skipped");
        return;
    };
    let expected: Vec<String> = (7000..7050).map(|n| n.to_string()).collect();
    let mut rest = output.stdout.as_slice();
    for format in [Format::Csv, Format::Json, Format::JsonLines] {
        let (length, after) = rest.split_at(4);
        let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
        let leaked = open(&after[..length]);
        assert_eq!(leaked.format(), format);
        assert_eq!(values(&leaked, "id"), expected);
        rest = &after[length..];
    }
}

/// A workbook as Excel lays it out; with `stored` nothing is packed.
pub fn workbook(sheet: &str, strings: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    for (name, text) in [
        ("[Content_Types].xml", "<Types/>"),
        ("xl/workbook.xml", "<workbook/>"),
        ("xl/sharedStrings.xml", strings),
        ("xl/worksheets/sheet1.xml", sheet),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn workbooks() {
    let strings = r#"<sst xmlns="x"><si><t>patient id</t></si><si><t xml:space="preserve">A &amp; B</t></si>
        <si><r><t>70</t></r><r><rPr/><t>02</t></r></si></sst>"#;
    let sheet = r#"<worksheet xmlns="x"><sheetData>
        <row r="1"><c r="B1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>name</t></is></c></row>
        <row r="2"><c r="B2"><v>7001</v></c><c r="C2" t="s"><v>1</v></c></row>
        <row r="3"><c r="A3" t="b"><v>1</v></c><c r="B3" t="s"><v>2</v></c></row>
        <row r="4"><c r="B4" s="3"/><c r="AB4"><v>5</v></c></row>
        </sheetData></worksheet>"#;
    let book = workbook(sheet, strings);
    check(&book, Format::Excel, "sheet1.patient id", &["7001", "7002"]);
    check(&book, Format::Excel, "sheet1.name", &["A & B"]);
    check(&book, Format::Excel, "sheet1.AB", &["5"]);
}

#[test]
fn parquet_with_every_packing() {
    use parquet::basic::{Compression, ZstdLevel};
    use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    let schema = "message leak { required int64 id; optional binary name (UTF8); }";
    let schema = std::sync::Arc::new(parquet::schema::parser::parse_message_type(schema).unwrap());
    for packing in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(Default::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ] {
        let properties =
            std::sync::Arc::new(WriterProperties::builder().set_compression(packing).build());
        let mut bytes = Vec::new();
        let mut writer = SerializedFileWriter::new(&mut bytes, schema.clone(), properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<Int64Type>()
            .write_batch(&[7001, 7002, 7003], None, None)
            .unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let names = [ByteArray::from("a"), ByteArray::from("b")];
        column
            .typed::<ByteArrayType>()
            .write_batch(&names, Some(&[1, 0, 1]), None)
            .unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        check(&bytes, Format::Parquet, "id", &["7001", "7002", "7003"]);
        check(&bytes, Format::Parquet, "name", &["a", "b"]);
    }
}
