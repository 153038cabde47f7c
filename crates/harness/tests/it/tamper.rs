//! R5: any change of the log is noticed, and the first bad place named; going back to an older copy is
//! noticed with a checkpoint kept outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::{Seeded, World, ask, clinic, run, session};

const EDITS: u64 = 320;

/// Every file of the log with its length without the zeros of a preallocated end.
fn log_files(dir: &Path) -> Vec<(PathBuf, usize)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.join("log")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = fs::read(&path).unwrap();
                let written = content
                    .iter()
                    .rposition(|byte| *byte != 0)
                    .map_or(0, |last| last + 1);
                if written > 0 {
                    found.push((path, written));
                }
            }
        }
    }
    found.sort();
    found
}

#[test]
fn edits_cuts_and_removals_are_noticed() {
    let mut world = clinic(300, |contract| contract);
    (1..40).for_each(|key| look_up(&world, key));
    world.gate.stop().unwrap();
    let honest = world.gate.log_verify(&[]).unwrap();
    assert_eq!(honest.code, 0, "{}{}", honest.stdout, honest.stderr);

    let files = log_files(&world.gate.data_dir());
    assert!(!files.is_empty());
    let mut seeded = Seeded(5);
    let mut unnoticed = Vec::new();
    for edit in 0..EDITS {
        let (path, written) = &files[seeded.below(files.len() as u64) as usize];
        let content = fs::read(path).unwrap();
        let mut changed = content.clone();
        let place = seeded.below(*written as u64) as usize;
        let what = match edit % 4 {
            0 => {
                changed.truncate(place);
                "cut"
            }
            1 => {
                // A piece taken out, the rest moved up: a leaf removed or two of them swapped.
                let end = (place + 64).min(*written);
                changed.drain(place..end);
                "piece removed"
            }
            _ => {
                changed[place] ^= 1 << seeded.below(8);
                "bit"
            }
        };
        fs::write(path, &changed).unwrap();
        let answer = world.gate.log_verify(&[]).unwrap();
        fs::write(path, &content).unwrap();
        if answer.code != 1 {
            unnoticed.push(format!(
                "{what} at {place} of {written} in {}: {}",
                path.display(),
                answer.code
            ));
        }
    }
    for (path, _) in &files {
        let aside = path.with_extension("aside");
        fs::rename(path, &aside).unwrap();
        let answer = world.gate.log_verify(&[]).unwrap();
        fs::rename(&aside, path).unwrap();
        if answer.code != 1 {
            unnoticed.push(format!("{} removed: {}", path.display(), answer.code));
        }
    }
    assert!(
        unnoticed.is_empty(),
        "{} unnoticed: {unnoticed:#?}",
        unnoticed.len()
    );
    assert_eq!(
        world.gate.log_verify(&[]).unwrap().code,
        0,
        "the trial put everything back"
    );
}

fn look_up(world: &World, key: u32) {
    run(async {
        let client = session(&world.connect, "writes").await.unwrap();
        let sql = format!("select patient_id from clinic.patients where patient_id = {key}");
        assert_eq!(
            ask(&client, &sql)
                .await
                .error
                .map(|error| error.to_string()),
            None
        );
    });
}

#[test]
fn an_older_copy_is_noticed_with_a_checkpoint_kept_outside() {
    let mut world = clinic(300, |contract| contract);
    look_up(&world, 1);
    world.gate.stop().unwrap();
    let old = world.gate.path("old");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(world.gate.data_dir())
        .arg(&old)
        .status()
        .unwrap();
    assert!(copied.success());

    world.gate.restart().unwrap();
    look_up(&world, 2);
    let checkpoint = world.gate.officer(2).run(&["log", "checkpoint"]).unwrap();
    let note = checkpoint["checkpoint"]
        .as_str()
        .unwrap_or_else(|| panic!("{checkpoint}"));
    let kept = world.gate.path("kept.checkpoint");
    fs::write(&kept, note).unwrap();
    world.gate.stop().unwrap();

    let kept = kept.to_str().unwrap();
    let now = world.gate.log_verify(&["--checkpoint", kept]).unwrap();
    assert_eq!(now.code, 0, "{}{}", now.stdout, now.stderr);
    let old = old.to_str().unwrap();
    assert_eq!(
        world.gate.log_verify(&["--data", old]).unwrap().code,
        0,
        "consistent by itself"
    );
    let rolled_back = world
        .gate
        .log_verify(&["--data", old, "--checkpoint", kept])
        .unwrap();
    assert_eq!(
        rolled_back.code, 1,
        "{}{}",
        rolled_back.stdout, rolled_back.stderr
    );
}
