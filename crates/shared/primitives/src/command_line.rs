// SPDX-License-Identifier: Apache-2.0
//! How a program refuses a command line: in one line that says what to do. The same in every program of Offstage.

use alloc::{format, string::String, vec::Vec};

/// What cannot be understood of a command line, in one line.
///
/// `explained` is what the parser (clap) says in several: the error, perhaps tips, the usage and where help is. Kept is
/// what comes before the usage. `help` is where help is, such as `offstage --help`. The line begins with `error: ` when
/// `explained` does.
pub fn refusal(explained: &str, help: &str) -> String {
    format!("{}; see {help}", explanation(explained))
}

/// As [`refusal`], without the hint where help is.
pub fn explanation(explained: &str) -> String {
    let said: Vec<&str> = explained
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    said.join(" ").replace(" tip:", "; tip:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clap_says_becomes_one_line() {
        let explained = "error: unexpected argument '--clean-rest' found\n\n  tip: a similar argument exists: \
            '--clean-reset'\n\n\
                         Usage: offstage-worker run [OPTIONS]\n\nFor more information, try '--help'.\n";
        assert_eq!(
            refusal(explained, "offstage-worker --help"),
            "error: unexpected argument '--clean-rest' found; tip: a similar argument exists: '--clean-reset'; see \
             offstage-worker --help"
        );
        let missing = "error: the following required arguments were not provided:\n  --socket <PATH>\n  --data-dir \
            <PATH>\n\n\
                       For more information, try '--help'.";
        assert_eq!(
            explanation(missing),
            "error: the following required arguments were not provided: --socket <PATH> --data-dir <PATH>"
        );
        assert_eq!(explanation(""), "");
    }
}
