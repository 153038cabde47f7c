//! What masks show, and what they must not.

mod every;
mod hostile_values;
mod substitutes;

use portcullis_contract::{Columns, Mask};

use crate::world::{World, contract_of, scope};

const TABLE: &str = "CREATE TABLE clinic.wide (id int PRIMARY KEY, t text, v varchar(20), c char(18), i2 int2, i4 int4, i8 int8, n numeric, n102 numeric(10,2), \
     f4 float4, f8 float8, d date, ts timestamp, tz timestamptz, u uuid, b bytea, j jsonb, a text[]); \
     GRANT SELECT ON clinic.wide TO steward; \
     INSERT INTO clinic.wide VALUES \
     (1, '王小明', 'abcdef', '310123456789012345', -32768, -2147483648, -9223372036854775808, 'NaN', -99999999.99, '-Infinity', '-Infinity', '-infinity', 'infinity', '-infinity', gen_random_uuid(), '\\x00', '{}', '{x}'), \
     (2, '王', 'a', 'x', 32767, 2147483647, 9223372036854775807, -12.5, 99999999.99, 'NaN', '1e300', '2001-05-17', '2001-05-17 12:13:14', '2001-05-17 12:13:14+08', gen_random_uuid(), '\\xff', '[1]', '{}'), \
     (3, '', '', '', 17, 17, 17, 17.5, 17.25, 17.5, 17.5, '1999-12-31', '1999-12-31 23:59', '2000-01-01 00:30+01', gen_random_uuid(), '', '1', NULL), \
     (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)";

#[tokio::test(flavor = "multi_thread")]
async fn masks_show_what_they_say_and_nothing_else() {
    let world = World::start().await;
    world.sql(TABLE).await;
    masks_show_what_they_say(&world).await;
    hashes_join_within_the_contract_only_and_their_key_is_out_of_reach(&world).await;
}

async fn masks_show_what_they_say(world: &World) {
    let text: &[&str] = &["t", "v", "c"];
    let numbers: &[&str] = &["i2", "i4", "i8", "n", "n102", "f4", "f8"];
    let dates: &[&str] = &["d", "ts", "tz"];
    let code = |shown, width| Mask::Code { shown, width };
    let shown: &[(Mask, &[&str], [&str; 4])] = &[
        (
            Mask::First(1),
            text,
            [
                "王** | a***** | 3*****************",
                "* | * | *",
                " |  | ",
                "NULL | NULL | NULL",
            ],
        ),
        (
            Mask::Last(4),
            text,
            [
                "*** | **cdef | **************2345",
                "* | * | *",
                " |  | ",
                "NULL | NULL | NULL",
            ],
        ),
        (
            Mask::Head(2),
            text,
            [
                "王小*** | ab*** | 31***",
                "*** | *** | ***",
                "*** | *** | ***",
                "NULL | NULL | NULL",
            ],
        ),
        (
            Mask::Tail(4),
            text,
            [
                "*** | ***cdef | ***2345",
                "*** | *** | ***",
                "*** | *** | ***",
                "NULL | NULL | NULL",
            ],
        ),
        (
            code(2, None),
            text,
            [
                "王小 | ab | 31",
                "王 | a | x",
                " |  | ",
                "NULL | NULL | NULL",
            ],
        ),
        (
            code(2, Some(6)),
            text,
            [
                "王小0000 | ab0000 | 310000",
                "王00000 | a00000 | x00000",
                "000000 | 000000 | 000000",
                "NULL | NULL | NULL",
            ],
        ),
        (
            Mask::Constant("x".into()),
            text,
            ["x | x | x", "x | x | x", "x | x | x", "x | x | x"],
        ),
        (
            Mask::Null,
            text,
            [
                "NULL | NULL | NULL",
                "NULL | NULL | NULL",
                "NULL | NULL | NULL",
                "NULL | NULL | NULL",
            ],
        ),
        (
            Mask::Bucket(10),
            numbers,
            [
                "-32768 | -2147483648 | -9223372036854775808 | NaN | -99999999.00 | -3.4e+38 | -Infinity",
                "32760 | 2147483640 | 9223372036854775800 | -20 | 99999990.00 | NaN | 1e+300",
                "10 | 10 | 10 | 10 | 10.00 | 10 | 10",
                "NULL | NULL | NULL | NULL | NULL | NULL | NULL",
            ],
        ),
        (
            Mask::Year,
            dates,
            [
                "-infinity | infinity | -infinity",
                "2001-01-01 | 2001-01-01 00:00:00 | 2001-01-01 00:00:00+00",
                "1999-01-01 | 1999-01-01 00:00:00 | 1999-01-01 00:00:00+00",
                "NULL | NULL | NULL",
            ],
        ),
        (
            Mask::Month,
            dates,
            [
                "-infinity | infinity | -infinity",
                "2001-05-01 | 2001-05-01 00:00:00 | 2001-05-01 00:00:00+00",
                "1999-12-01 | 1999-12-01 00:00:00 | 1999-12-01 00:00:00+00",
                "NULL | NULL | NULL",
            ],
        ),
    ];
    let mut tables = Vec::new();
    for (number, (mask, columns, _)) in shown.iter().enumerate() {
        world
            .sql(&format!("CREATE TABLE clinic.w{number} AS SELECT id, {} FROM clinic.wide; GRANT SELECT ON clinic.w{number} TO steward", columns.join(", ")))
            .await;
        let mut table = scope(&format!("clinic.w{number}"), None, Columns::All);
        table.mask = columns
            .iter()
            .map(|c| ((*c).to_owned(), mask.clone()))
            .collect();
        tables.push(table);
    }
    let surface = world.install(&contract_of(tables)).await;
    let client = world.login(&world.role(&surface, "g1").await).await;
    client.batch_execute("SET timezone = 'UTC'").await.unwrap();
    for (number, (mask, columns, expected)) in shown.iter().enumerate() {
        let list = columns
            .iter()
            .map(|c| format!("coalesce({c}::text, 'NULL')"))
            .collect::<Vec<_>>()
            .join(" || ' | ' || ");
        let sql = format!(
            "SELECT {list} FROM portcullis_clinic_ops_2026.\"clinic.w{number}\" ORDER BY id"
        );
        let rows = client
            .query(&sql, &[])
            .await
            .unwrap_or_else(|e| panic!("{mask:?}: {e:?}"));
        let rows: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(rows, *expected, "{mask:?}");
    }
}

async fn hashes_join_within_the_contract_only_and_their_key_is_out_of_reach(world: &World) {
    world.sql("ALTER TABLE clinic.wide DROP COLUMN n102; CREATE TABLE clinic.wide2 AS SELECT * FROM clinic.wide; GRANT SELECT ON clinic.wide2 TO steward").await;
    let hashed = |table: &str| {
        let mut wide = scope(table, None, Columns::All);
        wide.mask = ["t", "v", "c", "i4", "i8", "n", "u", "b"]
            .iter()
            .map(|c| ((*c).to_owned(), Mask::Hash))
            .collect();
        wide
    };
    let first = world
        .install(&contract_of(vec![
            hashed("clinic.wide"),
            hashed("clinic.wide2"),
        ]))
        .await;
    let mut other = contract_of(vec![hashed("clinic.wide")]);
    other.id = "second".into();
    let second = world.install(&other).await;
    let client = world.login(&world.role(&first, "g1").await).await;
    let s = "portcullis_clinic_ops_2026";
    let joined: i64 = client.query_one(&format!("SELECT count(*) FROM {s}.\"clinic.wide\" x JOIN {s}.\"clinic.wide2\" y USING (t, v, c, i4, i8, n, u, b)"), &[]).await.unwrap().get(0);
    assert_eq!(joined, 3);
    let all = "t || v || c || i4 || i8 || n || u || b";
    let mine: String = client
        .query_one(
            &format!("SELECT {all} FROM {s}.\"clinic.wide\" WHERE id = 2"),
            &[],
        )
        .await
        .unwrap()
        .get(0);
    let theirs: String = world
        .login(&world.role(&second, "g2").await)
        .await
        .query_one(
            &format!("SELECT {all} FROM portcullis_second.\"clinic.wide\" WHERE id = 2"),
            &[],
        )
        .await
        .unwrap()
        .get(0);
    assert_ne!(mine, theirs);
    assert!(!mine.contains('王') && !mine.contains("2147483647"));
    assert!(
        client
            .query(
                &format!("SELECT * FROM {s}.\"clinic.wide\" WHERE t = encode(sha256('王'), 'hex')"),
                &[]
            )
            .await
            .unwrap()
            .is_empty()
    );
    for refused in [
        "SELECT * FROM portcullis_keys.mask_key",
        "SELECT * FROM portcullis_keys.grant_role",
        "SELECT * FROM portcullis_second.\"clinic.wide\"",
    ] {
        assert!(client.query(refused, &[]).await.is_err(), "{refused}");
    }
}
