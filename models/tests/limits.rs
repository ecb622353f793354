//! What a model cannot be is an error of one line when its graph is built: for every model and each of
//! its settings.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::case::{Case, models};

/// The message of an impossible configuration, without the model's name.
fn message(case: &Case) -> String {
    let message = match case.graph() {
        Ok(_) => panic!("{case:?} can be built"),
        Err(error) => format!("{error:#}"),
    };
    assert!(!message.contains('\n'), "{message}");
    let prefix = format!("model {}: ", case.model);
    message
        .strip_prefix(&prefix)
        .map(str::to_owned)
        .unwrap_or(message)
}

/// The settings of a model, which the error about an unknown one lists.
fn settings(id: &str) -> Vec<String> {
    let case = Case::full(id).unwrap().with(&[("no_such_setting", "1")]);
    let message = message(&case);
    let list = message.split_once("(known here: ").unwrap().1;
    let names = list.trim_end_matches(')').split(", ");
    names.map(str::to_owned).collect()
}

fn images() -> impl Iterator<Item = Case> {
    let cases = models()
        .unwrap()
        .into_iter()
        .map(|id| Case::full(id).unwrap());
    cases.filter(|case| case.image.is_some())
}

fn texts() -> impl Iterator<Item = Case> {
    let cases = models()
        .unwrap()
        .into_iter()
        .map(|id| Case::full(id).unwrap());
    cases.filter(|case| case.seq.is_some())
}

#[test]
fn every_model_reads_text_or_images() {
    assert_eq!(images().count() + texts().count(), models().unwrap().len());
    assert!(models().unwrap().len() >= 21);
}

#[test]
fn no_setting_takes_what_is_no_size_or_choice() {
    for id in models().unwrap() {
        for key in settings(id) {
            for value in ["0", "-1", "", "x", "1.5", "99999999999999999999", "1,2"] {
                let found = message(&Case::full(id).unwrap().with(&[(&key, value)]));
                assert!(found.contains(&key), "{id} {key}={value}: {found}");
            }
        }
    }
}

#[test]
fn the_largest_value_of_a_setting_builds_or_says_why_not() {
    for id in models().unwrap() {
        for key in settings(id) {
            for value in ["1048576", "1048577", "18446744073709551615"] {
                let case = Case::full(id).unwrap().with(&[(&key, value)]);
                let built = case.graph();
                let message = built.as_ref().map(|_| String::new());
                let message = message.unwrap_or_else(|error| format!("{error:#}"));
                assert!(!message.contains('\n'), "{id} {key}={value}: {message}");
                let largest = value == "1048576";
                assert!(largest || built.is_err(), "{id} {key}={value} can be built");
            }
        }
    }
}

#[test]
fn the_largest_runs_build_or_say_why_not() {
    for id in models().unwrap() {
        let full = Case::full(id).unwrap();
        let huge = Some(1 << 20);
        let runs = [
            Case {
                batch: 1 << 20,
                ..full.clone()
            },
            Case {
                seq: full.seq.and(huge),
                image: full.image.and(huge),
                ..full.clone()
            },
            Case {
                batch: 1 << 20,
                seq: full.seq.and(huge),
                image: full.image.and(huge),
                ..full.clone()
            },
        ];
        for case in runs {
            if let Err(error) = case.graph() {
                assert!(!format!("{error:#}").contains('\n'), "{id}: {error:#}");
            }
        }
    }
}

#[test]
fn a_run_of_nothing_is_an_error() {
    for id in models().unwrap() {
        let full = Case::full(id).unwrap();
        let empty = Case {
            batch: 0,
            ..full.clone()
        };
        let found = message(&empty);
        assert!(
            found.starts_with("batch must be from 1 to "),
            "{id}: {found}"
        );
        let what = match full.seq {
            Some(_) => ["sequence length", "a sequence length (--seq)"],
            None => ["image size", "an image size (--image)"],
        };
        let sized = |size| Case {
            seq: full.seq.and(size),
            image: full.image.and(size),
            ..full.clone()
        };
        let expected = format!("{} must be from 1 to 1048576, got 0", what[0]);
        assert_eq!(message(&sized(Some(0))), expected, "{id}");
        let expected = format!("the model needs {}", what[1]);
        assert_eq!(message(&sized(None)), expected, "{id}");
    }
}

#[test]
fn heads_must_divide_what_they_share() {
    for id in models().unwrap() {
        let (full, known) = (Case::full(id).unwrap(), settings(id));
        for (key, value) in [
            ("heads", "7"),
            ("heads", "3,5,7,9"),
            ("kv_heads", "5"),
            ("decoder_heads", "7"),
        ] {
            if !known.iter().any(|name| name == key) {
                continue;
            }
            let found = message(&full.clone().with(&[(key, value)]));
            let stages = value.contains(',');
            let per_stage =
                found == format!("setting {key}={value}: give 4 numbers, one for each stage");
            let divides = found.contains("is not divisible by") && found.contains(key);
            let wanted =
                divides || !stages && per_stage || stages && found.contains("setting heads=");
            assert!(wanted, "{id} {key}={value}: {found}");
        }
    }
}

#[test]
fn a_sequence_beyond_the_position_table_is_an_error() {
    for full in texts() {
        let positions = message(&Case {
            seq: Some(1 << 20),
            ..full.clone()
        });
        let wanted = "sequence length 1048576 exceeds the model's ";
        assert!(positions.starts_with(wanted), "{}: {positions}", full.model);
        let rest = positions.strip_prefix(wanted).unwrap();
        let table: usize = rest.split(' ').next().unwrap().parse().unwrap();
        let last = Case {
            seq: Some(table),
            ..full.clone()
        };
        last.graph().unwrap();
        let next = Case {
            seq: Some(table + 1),
            ..full
        };
        message(&next);
    }
}

/// The smallest image of each model as published, and what is said of the next smaller one.
#[test]
fn images_that_are_too_small_are_errors() {
    let patch = |size| format!("image size {size} is smaller than a patch of {}", size + 1);
    let window = |size, last| {
        format!(
            "image size {size} is too small: the last stage has {last} tokens a side, fewer than a window of 7"
        )
    };
    let smallest = |id: &str| -> (usize, String) {
        match id {
            "vit-b16" | "vit-l16" => (16, patch(15)),
            "vit-h14" => (14, patch(13)),
            "swin-t" | "swin-s" | "swin-b" => (193, window(192, 6)),
            "segformer-b0" => (29, "image size 28 is too small: a stage has 7 tokens a side, which cannot be reduced by 8".to_owned()),
            _ => (1, "image size must be from 1 to 1048576, got 0".to_owned()),
        }
    };
    for full in images() {
        let (side, expected) = smallest(&full.model);
        let sized = |side| Case {
            image: Some(side),
            ..full.clone()
        };
        sized(side).graph().unwrap();
        assert_eq!(message(&sized(side - 1)), expected, "{}", full.model);
    }
}

#[test]
fn images_of_broken_patches_are_errors_where_the_reference_does_not_pad() {
    for full in images() {
        let odd = Case {
            image: Some(227),
            ..full.clone()
        };
        match full.model.as_str() {
            "vit-b16" | "vit-l16" => {
                assert_eq!(message(&odd), "image size 227 is not divisible by patch 16");
            }
            "vit-h14" => {
                assert_eq!(message(&odd), "image size 227 is not divisible by patch 14");
            }
            _ => drop(odd.graph().unwrap()),
        }
    }
}
