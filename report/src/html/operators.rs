//! The operators of all runs, by columns.
//!
//! Runs of one model have most columns in common (names, modules, attributes; shapes too where only the
//! flow differs), so each different column is held once, and every text once.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use nongemm_core::dtype::DType;
use nongemm_core::op::OpGroup;
use nongemm_core::record::{OpRow, Profile, RunRecord};
use serde::Serialize;

use super::pack::Short;
use crate::hotspots;

/// In a column of texts, numbers of texts or groups: there is none.
const NONE: i64 = -1;

/// A column: its name and its value.
type Column<'c, T> = (&'static str, &'c dyn Fn(&OpRow) -> T);

/// Everything once, found again by its place.
#[derive(Serialize)]
#[serde(transparent)]
struct Pool<T> {
    list: Vec<T>,
    #[serde(skip)]
    places: HashMap<T, i64>,
}

impl<T: Clone + Eq + Hash> Pool<T> {
    fn new() -> Self {
        Pool {
            list: Vec::new(),
            places: HashMap::new(),
        }
    }

    fn place(&mut self, value: T) -> i64 {
        if let Some(place) = self.places.get(&value) {
            return *place;
        }
        let place = self.list.len() as i64;
        self.list.push(value.clone());
        self.places.insert(value, place);
        place
    }
}

/// The document.
#[derive(Serialize)]
pub(super) struct Operators {
    strings: Pool<String>,
    columns: Pool<Vec<i64>>,
    runs: Vec<Option<Columns>>,
}

/// The columns of one run: places in [`Operators::columns`], and its times in nanoseconds.
#[derive(Serialize)]
struct Columns {
    #[serde(flatten)]
    shared: BTreeMap<&'static str, i64>,
    host: Short,
    /// MADs on the host.
    mad: Short,
    device: Option<Short>,
}

impl Operators {
    /// Of all runs; `groups` are the spellings that indices stand for.
    pub(super) fn new(runs: &[RunRecord], groups: &[&str]) -> Self {
        let mut all = Operators {
            strings: Pool::new(),
            columns: Pool::new(),
            runs: Vec::with_capacity(runs.len()),
        };
        for run in runs {
            let columns = run.profile.as_ref();
            let columns = columns.map(|profile| all.columns(profile, run.spec.dtype, groups));
            all.runs.push(columns);
        }
        all
    }

    fn columns(&mut self, profile: &Profile, dtype: DType, groups: &[&str]) -> Columns {
        let ops = &profile.ops;
        let mut shared = BTreeMap::new();
        let texts: [Column<'_, String>; 9] = [
            ("id", &|row| row.id.clone()),
            ("op", &|row| row.op.clone()),
            ("scope", &|row| row.scope.clone()),
            ("parent", &|row| row.parent.clone().unwrap_or_default()),
            ("attrs", &|row| hotspots::attrs(&row.attrs, &row.op)),
            ("inputs", &|row| hotspots::shapes(&row.inputs, dtype)),
            ("outputs", &|row| hotspots::shapes(&row.outputs, dtype)),
            ("fused", &|row| row.fused.join(", ")),
            ("provider", &|row| row.provider.clone().unwrap_or_default()),
        ];
        for (name, text) in texts {
            let column = ops.iter().map(|row| self.text(text(row))).collect();
            shared.insert(name, self.columns.place(column));
        }
        let group = |group: OpGroup| index(groups, group.name());
        let numbers: [Column<'_, i64>; 4] = [
            ("group", &|row| group(row.group)),
            ("part", &|row| row.part_group.map_or(NONE, group)),
            ("flops", &|row| amount(row.flops)),
            ("bytes", &|row| amount(row.bytes)),
        ];
        for (name, number) in numbers {
            let column = ops.iter().map(number).collect();
            shared.insert(name, self.columns.place(column));
        }
        let device = profile.device.is_some();
        Columns {
            shared,
            host: Short(ops.iter().map(|row| row.host_ns.median).collect()),
            mad: Short(ops.iter().map(|row| row.host_ns.mad).collect()),
            device: device.then(|| Short(ops.iter().map(|row| profile.time_of(row)).collect())),
        }
    }

    fn text(&mut self, text: String) -> i64 {
        match text.is_empty() {
            true => NONE,
            false => self.strings.place(text),
        }
    }
}

/// The index of a spelling.
pub(super) fn index(groups: &[&str], name: &str) -> i64 {
    let place = groups.iter().position(|known| *known == name);
    place.map_or(NONE, |place| place as i64)
}

fn amount(value: Option<u64>) -> i64 {
    value.map_or(NONE, |value| i64::try_from(value).unwrap_or(i64::MAX))
}
