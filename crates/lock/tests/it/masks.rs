//! Every mask on every type that it takes: the type stays, the value does not show, nothing fails.

use std::collections::BTreeMap;

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
async fn masks_keep_types_and_never_fail() {
    let world = World::start().await;
    world.sql(TABLE).await;
    let every: Vec<&str> = vec![
        "t", "v", "c", "i2", "i4", "i8", "n", "n102", "f4", "f8", "d", "ts", "tz", "u", "b", "j",
        "a",
    ];
    let text = vec!["t", "v", "c"];
    let numbers = vec!["i2", "i4", "i8", "n", "n102", "f4", "f8"];
    let dates = vec!["d", "ts", "tz"];
    for (mask, columns, first, third) in [
        (Mask::Null, every, "", ""),
        (
            Mask::First(1),
            text.clone(),
            "王** | a***** | 3*****************",
            " |  | ",
        ),
        (
            Mask::Last(4),
            text.clone(),
            "*** | **cdef | **************2345",
            " |  | ",
        ),
        (
            Mask::Constant("x".into()),
            text.clone(),
            "x | x | x",
            "x | x | x",
        ),
        (
            Mask::Bucket(10),
            numbers,
            "-32768 | -2147483648 | -9223372036854775808 | NaN | -99999999.00 | -3.4e+38 | -Infinity",
            "10 | 10 | 10 | 10 | 10.00 | 10 | 10",
        ),
        (
            Mask::Year,
            dates.clone(),
            "-infinity | infinity | -infinity",
            "1999-01-01 | 1999-01-01 00:00:00 | 1999-01-01 00:00:00+00",
        ),
        (
            Mask::Month,
            dates,
            "-infinity | infinity | -infinity",
            "1999-12-01 | 1999-12-01 00:00:00 | 1999-12-01 00:00:00+00",
        ),
    ] {
        let mut wide = scope("clinic.wide", None, Columns::All);
        wide.mask = columns
            .iter()
            .map(|c| ((*c).to_owned(), mask.clone()))
            .collect::<BTreeMap<_, _>>();
        let surface = world.install(&contract_of(vec![wide])).await;
        let client = world.login(&world.role(&surface, "g1").await).await;
        client.batch_execute("SET timezone = 'UTC'").await.unwrap();
        let list = columns
            .iter()
            .map(|c| format!("coalesce(\"{c}\"::text, '')"))
            .collect::<Vec<_>>()
            .join(" || ' | ' || ");
        let rows = client
            .query(
                &format!(
                    "SELECT {list} FROM portcullis_clinic_ops_2026.\"clinic.wide\" ORDER BY id"
                ),
                &[],
            )
            .await
            .unwrap_or_else(|e| panic!("{mask:?}: {e:?}"));
        if mask != Mask::Null {
            assert_eq!(rows[0].get::<_, &str>(0), first, "{mask:?}");
            assert_eq!(
                rows[2].get::<_, &str>(0).trim_end(),
                third.trim_end(),
                "{mask:?}"
            );
        } else {
            assert!(
                rows.iter()
                    .all(|r| r.get::<_, &str>(0).replace([' ', '|'], "").is_empty())
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hashes_join_within_the_contract_only_and_their_key_is_out_of_reach() {
    let world = World::start().await;
    world.sql(TABLE).await;
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
