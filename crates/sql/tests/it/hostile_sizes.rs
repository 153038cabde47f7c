//! Texts made to cost much: long lists, wide lists, what multiplies when it is expanded, what invites
//! a comparison of each with each.

pub fn texts() -> Vec<(&'static str, String)> {
    let numbers = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    let each =
        |n: usize, make: &dyn Fn(usize) -> String| (0..n).map(make).collect::<Vec<_>>().join(",");
    let from = |n: usize| each(n, &|i| format!("clinic.visits v{i}"));
    let mut doubling = "with c0 as (select * from clinic.wards)".to_owned();
    for level in 1..25 {
        doubling.push_str(&format!(
            ", c{level} as (select * from c{0} a, c{0} b)",
            level - 1
        ));
    }
    let wide = each(1_600, &|i| format!("{i} AS c{i}"));
    let wide_from = format!("(SELECT 1 FROM {})", each(200, &|i| format!("w a{i}")));
    vec![
        (
            "wide from",
            format!(
                "WITH w AS (SELECT {wide}) SELECT {}",
                vec![wide_from; 10].join(",")
            ),
        ),
        ("list 20 kB", format!("select name from clinic.patients where patient_id in ({})", numbers(4_200))),
        ("list 1 MB", format!("select name from clinic.patients where patient_id in ({})", vec!["1"; 520_000].join(","))),
        ("strings 1 MB", format!("select name from clinic.patients where name in ({})", vec!["''"; 340_000].join(","))),
        ("targets 1 MB", format!("select {}", vec!["1"; 520_000].join(","))),
        ("values 1 MB", format!("values {}", vec!["(1)"; 260_000].join(","))),
        ("array 1 MB", format!("select array[{}]", vec!["1"; 520_000].join(","))),
        ("columns 1 MB", format!("select {} from clinic.wards", vec!["ward"; 200_000].join(","))),
        ("names 1 MB", format!("select {} from clinic.wards", vec!["a"; 520_000].join(","))),
        ("stars", format!("select {} from clinic.visits", vec!["*"; 500_000].join(","))),
        ("stars of 200", format!("select {} from {}", vec!["*"; 500].join(","), from(200))),
        ("doubling", format!("{doubling} select * from c24")),
        ("columns of 200", format!("select {} from {}", each(30_000, &|i| format!("v{}.cost", i % 200)), from(200))),
        ("bare of 200", format!("select {} from {}, clinic.wards", vec!["floor"; 30_000].join(","), from(199))),
        ("edges", format!("select v0.cost from {} where {}", from(200), (0..6_000).map(|i| format!("v{}.patient_id = v{}.patient_id", i % 200, (i * 7 + 1) % 200)).collect::<Vec<_>>().join(" and "))),
        ("natural", format!("select 1 from clinic.visits v{}", (0..199).map(|i| format!(" natural join clinic.visits x{i}")).collect::<String>())),
        ("using", format!("select * from clinic.visits v{}", (0..199).map(|i| format!(" join clinic.visits x{i} using (patient_id, visit_id, visit_date, cost)")).collect::<String>())),
        ("groups", format!("select {} from clinic.visits group by {}", each(5_000, &|i| format!("cost + {i}")), each(5_000, &|i| format!("cost + {i}")))),
        ("group columns", format!("select {} from clinic.visits group by {}", vec!["cost"; 50_000].join(","), vec!["cost"; 50_000].join(","))),
        ("orders", format!("select {} from clinic.visits order by {}", each(40_000, &|i| format!("cost a{i}")), each(40_000, &|i| format!("a{i}")))),
        ("distinct on", format!("select distinct on ({}) cost from clinic.visits", vec!["cost"; 100_000].join(","))),
        ("sets", format!("select 1 from clinic.visits group by grouping sets ({})", vec!["(cost,visit_date)"; 20_000].join(","))),
        ("with many", format!("with {} select {}", each(4_000, &|i| format!("c{i} as (select {i} x)")), each(2_000, &|i| format!("(select x from c{i})")))),
        ("with chain", format!("with c0 as (select 1 x) {} select * from c2500", (1..=2_500).map(|i| format!(", c{i} as (select * from c{})", i - 1)).collect::<String>())),
        ("windows", format!("select {} from clinic.visits window {}", each(2_000, &|i| format!("count(*) over w{i}")), each(2_000, &|i| format!("w{i} as (partition by patient_id)")))),
        ("nested selects", format!("select {}1{}", "(select ".repeat(1_800), ")".repeat(1_800))),
        ("nested from", format!("{}select * from clinic.visits{}", "select * from (".repeat(900), ") x".repeat(900))),
        ("nested wide", format!("{}select * from clinic.visits a, clinic.visits b, clinic.visits c{}", "select * from (".repeat(900), ") x".repeat(900))),
        ("correlated", format!("select 1 from clinic.patients p where {}true{}", "exists (select 1 from clinic.visits v where v.patient_id = p.patient_id and ".repeat(900), ")".repeat(900))),
        ("unions", format!("select ward from clinic.wards{}", " union all select ward from clinic.wards".repeat(2_000))),
        ("ands", format!("select 1 from clinic.wards where {}", vec!["floor=1"; 9_000].join(" and "))),
        ("operators", format!("select 1{}", "+1".repeat(19_000))),
        ("cases", format!("select case {} end", "when true then 1 ".repeat(50_000))),
        ("functions", format!("select {}", vec!["abs(1)"; 19_000].join(","))),
        ("parentheses", format!("select {}1{}", "(".repeat(19_000), ")".repeat(19_000))),
        ("statements", vec!["select p.name, v.cost from clinic.patients p join clinic.visits v on v.patient_id = p.patient_id where p.patient_id = 1"; 1_000].join(";")),
        ("small statements", "select 1;".repeat(116_000)),
        ("semicolons", ";".repeat(1 << 20)),
        ("long name", format!("select {} from clinic.wards", "a".repeat(1_000_000))),
        ("long string", format!("select '{}'", "a".repeat(1_000_000))),
        ("long comment", format!("select 1 /*{}*/", "/* ".repeat(150_000) + &" */".repeat(150_000))),
        ("long number", format!("select {}", "9".repeat(1_000_000))),
        ("insert 1 MB", format!("insert into clinic.wards values {}", vec!["(1)"; 260_000].join(","))),
        ("json", format!("select json_array({})", vec!["1"; 500_000].join(","))),
    ]
}
