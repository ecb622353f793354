//! What makes a result less than it seems.

use std::collections::BTreeSet;

use nongemm_core::measure::Stop;
use nongemm_core::op::OpGroup;
use nongemm_core::record::{
    Energy, EnergyRow, HEAVY_ABOVE, Latency, Profile, ReferenceCheck, RunRecord, UNRELIABLE_ABOVE,
};

use super::page::{Page, Style};
use crate::format::{change, half_width, percent, plural};

/// Share of time in no operator from which on it is worth a warning.
const UNATTRIBUTED_ABOVE: f64 = 0.10;

/// Writes the warnings of a run, if there are any.
pub(super) fn list(page: &mut Page, run: &RunRecord) {
    let warnings = of(run);
    if warnings.is_empty() {
        return;
    }
    page.blank();
    for warning in warnings {
        page.wrapped((Style::Warning, "! "), 2, Style::Warning, &warning);
    }
}

/// All warnings of a run. Each says what to do where something can be done.
pub(crate) fn of(run: &RunRecord) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(profile) = &run.profile {
        warnings.extend(unreliable(profile));
    }
    if let Some(latency) = &run.latency {
        warnings.extend(imprecise(latency));
        if !latency.steady {
            warnings.push(
                "times were not steady yet when warm-up ended, so early samples may be slow; raise \
                 max-warmup in the manifest"
                    .to_owned(),
            );
        }
    }
    let disturbed = run
        .noise
        .as_ref()
        .map_or(0.0, |noise| noise.disturbed_share);
    if disturbed > HEAVY_ABOVE {
        warnings.push(format!(
            "something else used the processor during {} of the samples; stop other work and run again",
            percent(disturbed)
        ));
    }
    if let Some(Energy::Measured(rows)) = &run.energy {
        warnings.extend(rows.iter().filter_map(disagreeing));
    }
    warnings.extend(
        run.energy_left_out
            .iter()
            .map(|reason| format!("energy sensor left out: {reason}")),
    );
    if let Some(profile) = &run.profile {
        warnings.extend(scattered(profile));
    }
    if let Some(profile) = &run.profile {
        warnings.extend(unclassified(profile));
    }
    if run.checks.as_ref().is_some_and(|checks| !checks.finite) {
        warnings.push("outputs hold NaN or infinity".to_owned());
    }
    let reference = run.checks.as_ref().and_then(|c| c.reference.as_ref());
    warnings.extend(reference.and_then(differing));
    warnings
}

/// Two energy sensors of the same thing that are apart.
fn disagreeing(row: &EnergyRow) -> Option<String> {
    let other = row.reconciled.as_ref().filter(|other| !other.agrees)?;
    Some(format!(
        "energy by {} {} is {} from that by {} {}: trust neither",
        row.probe,
        row.sensor,
        change(other.difference),
        other.probe,
        other.sensor
    ))
}

/// Outputs that are not those of another flow.
fn differing(reference: &ReferenceCheck) -> Option<String> {
    let mut found = Vec::new();
    if reference.max_rel_err > reference.tolerance {
        found.push(format!(
            "apart by {:.1e} of the largest, {:.0e} at most is rounding",
            reference.max_rel_err, reference.tolerance
        ));
    }
    found.extend(reference.differing.iter().cloned());
    (!reference.within).then(|| {
        format!(
            "outputs differ from those of {} on {}: {}; one of the two is wrong, or the model amplifies \
             rounding",
            reference.backend,
            reference.device,
            found.join(", ")
        )
    })
}

fn unreliable(profile: &Profile) -> Option<String> {
    profile.unreliable.then(|| {
        format!(
            "shares are unreliable: instrumenting slowed the run by {}, more than {:.0}%; a larger \
             --batch makes it matter less",
            percent(profile.perturbation),
            UNRELIABLE_ABOVE * 100.0
        )
    })
}

/// Much time that no operator accounts for.
fn scattered(profile: &Profile) -> Option<String> {
    let timeline = profile.timeline();
    let unattributed = timeline.unattributed_ns / timeline.wall_median_ns;
    (unattributed > UNATTRIBUTED_ABOVE).then(|| match profile.device {
        None => format!(
            "{} of the time lies between operators, in none of them",
            percent(unattributed)
        ),
        Some(_) => format!(
            "{} of the device's time lies between operators: it waits for the host to launch them",
            percent(unattributed)
        ),
    })
}

fn imprecise(latency: &Latency) -> Option<String> {
    let width = half_width(latency.ci95_ns, latency.median_ns);
    if latency.n < 6 {
        return Some(format!(
            "{} are too few for a 95% interval, so the range is given; raise --min-samples",
            plural(latency.n, "sample")
        ));
    }
    let target = percent(latency.target_ci);
    if (latency.ci95_ns[1] - latency.ci95_ns[0]) / 2.0 <= latency.target_ci * latency.median_ns {
        return None;
    }
    match latency.stop {
        Stop::TargetCi => None,
        Stop::MaxTime => Some(format!(
            "the interval ({width}) is wider than asked for (±{target}) because time was up; raise \
             --max-time"
        )),
        Stop::MaxSamples => Some(format!(
            "the interval ({width}) is wider than asked for (±{target}) at the largest number of \
             samples; raise max-samples in the manifest"
        )),
        Stop::Interrupted => Some(format!(
            "sampling was interrupted: the interval ({width}) is wider than asked for (±{target})"
        )),
    }
}

fn unclassified(profile: &Profile) -> Option<String> {
    let unknown = || {
        profile
            .ops
            .iter()
            .filter(|row| row.group == OpGroup::Unclassified)
    };
    let names: BTreeSet<&str> = unknown().map(|row| row.op.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let names: Vec<&str> = names.into_iter().collect();
    let ns: f64 = unknown().map(|row| profile.time_of(row)).sum();
    Some(format!(
        "no classifier knows {} ({}, {} of the time); give each a group under [classify] in the manifest",
        names.join(", "),
        plural(unknown().count(), "operator"),
        percent(ns / profile.timeline().wall_median_ns)
    ))
}
