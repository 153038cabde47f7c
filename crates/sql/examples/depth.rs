//! Reads one nested form on a stack of a given size: `depth FORM N KIB`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a tool for developers"
)]
#[path = "../tests/it/world.rs"]
mod world;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: usize = args[2].parse().unwrap();
    let kib: usize = args[3].parse().unwrap();
    let text = match args[1].as_str() {
        "sub" => format!("select {}1{}", "(select ".repeat(n), ")".repeat(n)),
        "from" => format!(
            "{}select 1 {}",
            "select * from (".repeat(n),
            ") x".repeat(n)
        ),
        "fn" => format!("select {}1{}", "abs(".repeat(n), ")".repeat(n)),
        "case" => format!(
            "select {}1{}",
            "case when true then ".repeat(n),
            " end".repeat(n)
        ),
        "plus" => format!("select 1{}", "+1".repeat(n)),
        "neg" => format!("select {}1", "- ".repeat(n)),
        "union" => format!("select 1{}", " union all select 1".repeat(n)),
        "and" => format!("select {}true{}", "(true and ".repeat(n), ")".repeat(n)),
        "join" => format!(
            "select 1 from clinic.wards w{}",
            (0..n)
                .map(|i| format!(" join clinic.wards w{i} on true"))
                .collect::<String>()
        ),
        "exists" => format!("select {}1{}", "exists (select ".repeat(n), ")".repeat(n)),
        "in" => format!("select {}1{}", "1 in (select ".repeat(n), ")".repeat(n)),
        "array" => format!("select {}1{}", "array[".repeat(n), "]".repeat(n)),
        "with" => format!(
            "{}select 1{}",
            "with x as (".repeat(n),
            ") select 1".repeat(n)
        ),
        _ => panic!(),
    };
    let surface = world::surface();
    let session = world::session(&surface);
    std::thread::Builder::new()
        .stack_size(kib << 10)
        .spawn(move || {
            println!(
                "{:?}",
                portcullis_sql::understand(&text, &surface, &session)
                    .map(|s| s.len())
                    .map_err(|r| r.to_string())
            );
        })
        .unwrap()
        .join()
        .unwrap();
}
