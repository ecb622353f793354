//! Every command of the book is run, or understood where it cannot be.

mod common;

use common::book::{chapters, check, check_readme};

macro_rules! chapters {
    ($($test:ident: $chapter:literal),* $(,)?) => {
        $(#[test] fn $test() { check($chapter, None); })*

        #[test]
        fn every_chapter_is_checked() {
            assert_eq!(chapters(), [$($chapter),*]);
        }
    };
}

chapters! {
    quick_start: "quick-start",
    concepts: "concepts",
    reading: "reading",
    models: "models",
    extending: "extending",
    energy: "energy",
    gpus_and_clusters: "clusters",
    operators: "operators",
    questions: "faq",
}

#[test]
fn the_commands_of_the_readme_are_understood() {
    check_readme();
}

#[test]
fn the_table_of_operators_is_up_to_date() {
    common::support::check();
}
