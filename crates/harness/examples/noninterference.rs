//! The long run of the non-interference trials: cases until the time is up, from seeds that count up.
//! `scripts/noninterference` builds and calls it.
//!
//! ```text
//! noninterference [--seed N] [--minutes M] [--plans] [--contract C] [--road gate|bare|direct] [--file SQL] [--show]
//! ```
//! `--plans`: the two clusters plan differently on purpose. `--file`: the file's lines instead of made
//! statements. `--show`: every answer of side 1.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use portcullis_harness::conformance::{Case, Road, Run, Twins, TwinsOptions};

const CASES_A_SEED: usize = 100;

struct Options {
    seed: u64,
    minutes: u64,
    plans: bool,
    contract: String,
    road: Road,
    file: Option<PathBuf>,
    show: bool,
}

fn options() -> Result<Options> {
    let mut options = Options {
        seed: 1,
        minutes: 10,
        plans: false,
        contract: "ops".to_owned(),
        road: Road::Gate,
        file: None,
        show: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .with_context(|| format!("{word} needs a value"))
        };
        match word.as_str() {
            "--seed" => options.seed = value()?.parse()?,
            "--minutes" => options.minutes = value()?.parse()?,
            "--plans" => options.plans = true,
            "--contract" => options.contract = value()?,
            "--file" => options.file = Some(value()?.into()),
            "--show" => options.show = true,
            "--road" => {
                options.road = match value()?.as_str() {
                    "gate" => Road::Gate,
                    "bare" => Road::Bare,
                    "direct" => Road::Direct,
                    other => bail!("no road `{other}`"),
                }
            }
            other => bail!("unknown: {other}"),
        }
    }
    Ok(options)
}

fn main() -> Result<()> {
    let options = options()?;
    let twins = Twins::start_with(match options.plans {
        true => TwinsOptions::other_plans(),
        false => TwinsOptions::default(),
    })?;
    let mut run = Run::new(&twins, options.road);
    if let Some(file) = &options.file {
        for line in std::fs::read_to_string(file)?
            .lines()
            .filter(|line| !line.is_empty())
        {
            let case = Case::query(&options.contract, line);
            if options.show {
                show(&twins, options.road, &case)?;
            }
            run.take("file", &case)?;
        }
    } else {
        let until = Instant::now() + Duration::from_secs(options.minutes * 60);
        let mut seed = options.seed;
        while run.take_seed(seed, CASES_A_SEED, until)? {
            seed += 1;
        }
        println!(
            "seeds {} to {seed}, {CASES_A_SEED} cases each",
            options.seed
        );
    }
    for failure in &run.failures {
        println!("{failure}\n");
    }
    println!("{run}");
    if !run.failures.is_empty() {
        std::process::exit(1);
    }
    Ok(())
}

fn show(twins: &Twins, road: Road, case: &Case) -> Result<()> {
    let outcome = twins.case(road, case)?;
    for step in &case.steps {
        println!("{step}");
    }
    for line in outcome.a.shown() {
        println!("    {line}");
    }
    Ok(())
}
