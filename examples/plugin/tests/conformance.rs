//! The operator on every backend that is linked, against the outputs that its case states.

use nongemm_core::conformance::{Verdict, of_crate};
use nongemm_plugin_example as _;

#[test]
fn every_backend_has_a_kernel_that_computes_it() {
    for report in of_crate("nongemm-plugin-example").unwrap() {
        assert!(
            report.with(Verdict::Supported) == ["squared_relu"],
            "{report}"
        );
    }
}
