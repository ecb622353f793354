//! Whether what the paper's numbers say together holds for the runs.

use super::data::What;
use super::pair::{Pair, device};

/// One sentence for each finding that the runs can be held against.
pub(super) fn summary(pairs: &[Pair<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (what, says) in [
        (What::Top, "the same group costs most"),
        (
            What::NonGemm,
            "non-GEMM operators take the same side of half the time",
        ),
    ] {
        let of: Vec<&Pair<'_>> = pairs
            .iter()
            .filter(|pair| pair.point.what == what)
            .collect();
        if of.is_empty() {
            continue;
        }
        let agree = of.iter().filter(|pair| pair.agrees()).count();
        let alike: Vec<_> = of.iter().filter(|pair| pair.is_alike()).collect();
        let alike_agree = alike.iter().filter(|pair| pair.agrees()).count();
        lines.push(format!(
            "{says} in {agree} of {}; on the paper's device and flow in {alike_agree} of {}",
            of.len(),
            alike.len()
        ));
    }
    lines.extend(rise(pairs));
    for device in ["cpu", "cuda"] {
        lines.extend(ranking(pairs, device));
    }
    lines
}

/// Whether the accelerator raises the non-GEMM share, as it does in every row of the paper's.
fn rise(pairs: &[Pair<'_>]) -> Option<String> {
    let shares: Vec<&Pair<'_>> = alike_shares(pairs).collect();
    let mut models: Vec<&str> = Vec::new();
    let mut rising = 0;
    for cpu in shares.iter().filter(|pair| device(pair.run) == "cpu") {
        let twin = shares.iter().find(|other| {
            device(other.run) == "cuda"
                && other.point.model == cpu.point.model
                && other.run.spec.batch == cpu.run.spec.batch
        });
        if let Some(twin) = twin {
            models.push(&cpu.point.model);
            rising += usize::from(twin.breakdown.non_gemm().share > cpu.breakdown.non_gemm().share);
        }
    }
    (!models.is_empty()).then(|| {
        format!(
            "the GPU raises the non-GEMM share in {rising} of {} models, in the paper in all of them",
            models.len()
        )
    })
}

/// How many pairs of numbers are in the paper's order: the concordant ones of Kendall's tau. Numbers of
/// equal size in the paper have no order.
fn ranking(pairs: &[Pair<'_>], on: &str) -> Option<String> {
    let shares: Vec<&Pair<'_>> = alike_shares(pairs)
        .filter(|pair| device(pair.run) == on)
        .collect();
    let (mut concordant, mut all) = (0, 0);
    for (index, a) in shares.iter().enumerate() {
        for b in &shares[index + 1..] {
            let paper = a.point.percent - b.point.percent;
            // The same run stands for both where one of them was not measured at its batch size.
            if paper == 0.0 || a.run.id == b.run.id {
                continue;
            }
            let own = a.breakdown.non_gemm().share - b.breakdown.non_gemm().share;
            all += 1;
            concordant += usize::from(own * paper > 0.0);
        }
    }
    (all > 0).then(|| {
        format!(
            "ranking by non-GEMM share on {on}: {concordant} of {all} pairs are in the paper's order \
             (Kendall's tau {:+.2})",
            (2 * concordant) as f64 / f64::from(all) - 1.0
        )
    })
}

/// Non-GEMM shares measured on the paper's kind of device and flow.
fn alike_shares<'p, 'a>(pairs: &'p [Pair<'a>]) -> impl Iterator<Item = &'p Pair<'a>> {
    let of = |pair: &&Pair<'_>| pair.point.what == What::NonGemm && pair.is_alike();
    pairs.iter().filter(of)
}
