//! The operators of a run against the machine's ceilings: attained rate over arithmetic intensity, both
//! logarithmic, as roofline plots are drawn.

use std::collections::HashMap;

use nongemm_core::dtype::DType;
use nongemm_core::op::OpGroup;
use nongemm_core::record::{OpRow, Profile, RunRecord};

use super::canvas::{Anchor, Canvas, FAINT, INK};
use super::{Figure, file_name};
use crate::format::{percent, time};
use crate::hotspots;
use crate::palette;
use crate::roofline::Roof;

/// The plot's frame.
const FRAME: [f64; 4] = [70.0, 64.0, 480.0, 300.0];
const SMALL: f64 = 10.0;

/// Equal calls as one mark.
struct Mark<'a> {
    row: &'a OpRow,
    calls: usize,
    ns: f64,
    /// FLOPs of all calls.
    flops: f64,
    /// Bytes of all calls.
    bytes: f64,
}

/// The figure of a run; `None` without an operator breakdown or without ceilings.
pub(super) fn of(run: &RunRecord) -> Option<Figure> {
    let profile = run.profile.as_ref()?;
    let roof = Roof::of(run).ok()?;
    let marks = marks(profile);
    let scale = Scale::of(&roof, &marks);
    let [left, top, width, height] = FRAME;
    let mut canvas = Canvas::new(left + width + 20.0, top + height + 50.0);
    let spec = &run.spec;
    let title = format!("{} on {}, {}", spec.model, spec.backend, spec.device);
    canvas.text([left, 22.0], 14.0, Anchor::Start, 0.0, &title);
    let what = format!("{} b{}, {}", spec.dtype, spec.batch, run.machine.cpu);
    canvas.text([left, 42.0], SMALL, Anchor::Start, 0.0, &what);
    scale.grid(&mut canvas);
    let ridge = roof.flops_per_s / roof.bytes_per_s;
    let [low, high] = scale.intensity.map(|decade| 10f64.powi(decade));
    canvas.line(
        &[
            scale.point(low, low * roof.bytes_per_s),
            scale.point(ridge, roof.flops_per_s),
            scale.point(high, roof.flops_per_s),
        ],
        INK,
        1.5,
    );
    let wall = profile.timeline().wall_median_ns;
    for mark in &marks {
        draw(&mut canvas, &scale, &roof, mark, (spec.dtype, wall));
    }
    Some(Figure {
        name: format!("roofline-{}", file_name(&run.id)),
        svg: canvas.finish(),
    })
}

fn draw(
    canvas: &mut Canvas,
    scale: &Scale,
    roof: &Roof,
    mark: &Mark<'_>,
    (dtype, wall): (DType, f64),
) {
    let share = mark.ns / wall;
    let [x, y] = scale.point(mark.flops / mark.bytes, mark.flops / (mark.ns / 1e9));
    let bound = roof
        .place(mark.row.flops, mark.row.bytes, mark.ns / mark.calls as f64)
        .map_or("", |placed| placed.bound.name());
    let title = format!(
        "{} {} ({} calls): {} of the time, {}, {bound}-bound",
        mark.row.op,
        hotspots::shapes(&mark.row.inputs, dtype),
        mark.calls,
        percent(share),
        time(mark.ns)
    );
    let radius = (22.0 * share.max(0.0).sqrt()).clamp(2.0, 13.0);
    canvas.circle([x, y, radius], palette::of(mark.row.group).light, &title);
}

/// Calls of known cost, equal ones added up, those that take most time first: small marks lie on top.
fn marks(profile: &Profile) -> Vec<Mark<'_>> {
    let mut found: HashMap<(&str, OpGroup, u64, u64), Mark<'_>> = HashMap::new();
    for row in &profile.ops {
        let ns = profile.time_of(row);
        let (Some(flops), Some(bytes)) = (row.flops, row.bytes) else {
            continue;
        };
        if flops == 0 || bytes == 0 || ns <= 0.0 {
            continue;
        }
        let mark = found.entry((&row.op, row.group, flops, bytes));
        let mark = mark.or_insert(Mark {
            row,
            calls: 0,
            ns: 0.0,
            flops: 0.0,
            bytes: 0.0,
        });
        mark.calls += 1;
        mark.ns += ns;
        mark.flops += flops as f64;
        mark.bytes += bytes as f64;
    }
    let mut marks: Vec<Mark<'_>> = found.into_values().collect();
    marks.sort_by(|a, b| {
        let by_time = b.ns.total_cmp(&a.ns);
        by_time.then_with(|| a.row.id.cmp(&b.row.id))
    });
    marks
}

/// Decades of both axes.
struct Scale {
    intensity: [i32; 2],
    rate: [i32; 2],
}

impl Scale {
    fn of(roof: &Roof, marks: &[Mark<'_>]) -> Self {
        let ridge = roof.flops_per_s / roof.bytes_per_s;
        let intensities = marks.iter().map(|mark| mark.flops / mark.bytes);
        let rates = marks.iter().map(|mark| mark.flops / (mark.ns / 1e9));
        Scale {
            intensity: decades(intensities.chain([ridge / 10.0, ridge * 10.0])),
            rate: decades(rates.chain([roof.flops_per_s / 1e3, roof.flops_per_s * 1.2])),
        }
    }

    fn point(&self, intensity: f64, rate: f64) -> [f64; 2] {
        let [left, top, width, height] = FRAME;
        let place = |value: f64, [low, high]: [i32; 2]| {
            (value.log10() - f64::from(low)) / f64::from(high - low)
        };
        [
            left + width * place(intensity, self.intensity),
            top + height * (1.0 - place(rate, self.rate)),
        ]
    }

    fn grid(&self, canvas: &mut Canvas) {
        let [left, top, width, height] = FRAME;
        for decade in self.intensity[0]..=self.intensity[1] {
            let [x, _] = self.point(10f64.powi(decade), 1.0);
            canvas.line(&[[x, top], [x, top + height]], FAINT, 0.75);
            canvas.text(
                [x, top + height + 14.0],
                SMALL,
                Anchor::Middle,
                0.0,
                &power(decade),
            );
        }
        for decade in self.rate[0]..=self.rate[1] {
            let [_, y] = self.point(1.0, 10f64.powi(decade));
            canvas.line(&[[left, y], [left + width, y]], FAINT, 0.75);
            let rate = format!("{}FLOP/s", power(decade));
            canvas.text([left - 6.0, y + 3.5], SMALL, Anchor::End, 0.0, &rate);
        }
        let below = [left + width / 2.0, top + height + 34.0];
        canvas.text(
            below,
            11.0,
            Anchor::Middle,
            0.0,
            "arithmetic intensity, FLOPs per byte",
        );
    }
}

/// The decades that hold all values.
fn decades(values: impl Iterator<Item = f64>) -> [i32; 2] {
    let logs = values.map(f64::log10).filter(|log| log.is_finite());
    let [low, high] = logs.fold([f64::MAX, f64::MIN], |[low, high], log| {
        [low.min(log), high.max(log)]
    });
    [
        low.floor() as i32,
        (high.ceil() as i32).max(low.floor() as i32 + 1),
    ]
}

/// A power of ten as people write it: `0.01`, `10`, `100 G`.
fn power(decade: i32) -> String {
    const UNITS: [&str; 5] = ["", " k", " M", " G", " T"];
    if decade < 0 {
        return format!("{:.*}", decade.unsigned_abs() as usize, 10f64.powi(decade));
    }
    let unit = (decade / 3).min(4);
    format!("{}{}", 10f64.powi(decade - 3 * unit), UNITS[unit as usize])
}
