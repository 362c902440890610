//! One test for each case and adapter.

#![expect(clippy::print_stderr, reason = "a skip says why, beside the test that it is of")]

use asyncnet_conformance::adapters::{all_jobs, any_child};
use asyncnet_conformance::{Job, Outcome};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    if any_child() {
        return;
    }
    let trials = all_jobs().into_iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn trial(job: Job) -> Trial {
    Trial::test(format!("{}/{}", job.adapter, job.case), move || match job.run().outcome {
        Outcome::Pass => Ok(()),
        Outcome::Fail(reason) => Err(Failed::from(reason)),
        Outcome::Skip(reason) => {
            eprintln!("skipped: {}/{}: {reason}", job.adapter, job.case);
            Ok(())
        }
    })
}
