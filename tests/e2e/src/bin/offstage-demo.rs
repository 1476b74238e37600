// SPDX-License-Identifier: Apache-2.0
//! `make demo`: the whole system on this machine, with every check; exit code 0 and `demo passed`, or what is wrong.

use anyhow::Result;
use offstage_devnet::process;
use offstage_e2e::{demo, network::Network};
use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let folder = std::env::args_os().nth(1).map_or_else(default_folder, PathBuf::from);
    println!("logs and data: {}", folder.display());
    // The demo waits for processes, so it has a thread of its own; this one listens for signals.
    let demo = std::thread::spawn({
        let folder = folder.clone();
        move || play(&folder)
    });
    let interrupted = end_children_on_signal(&demo);
    match (demo.join(), interrupted) {
        (Ok(Ok(())), Ok(false)) => {
            println!("{}", colour("demo passed", "32"));
            ExitCode::SUCCESS
        }
        (Ok(Ok(()) | Err(_)), Ok(true)) => {
            failed(&anyhow::anyhow!("interrupted; its processes were ended"), &folder)
        }
        (Ok(Err(error)), Ok(false)) | (_, Err(error)) => failed(&error, &folder),
        (Err(_), Ok(_)) => failed(&anyhow::anyhow!("a defect in the demo itself"), &folder),
    }
}

fn play(folder: &Path) -> Result<()> {
    let begun = Instant::now();
    let mut network = Network::on_default_ports(folder)?;
    tokio::runtime::Runtime::new()?.block_on(demo::run(&mut network, &|line| say(begun, line)))
}

/// Waits for the end of the demo. When it is interrupted (Ctrl-C, a closed terminal, `kill`) ends its processes, so
/// that the demo fails and cleans up.
fn end_children_on_signal(demo: &JoinHandle<Result<()>>) -> Result<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let mut quit = signal(SignalKind::quit())?;
        let mut interrupted = false;
        while !demo.is_finished() {
            tokio::select! {
                _ = interrupt.recv() => interrupted = true,
                _ = terminate.recv() => interrupted = true,
                _ = hangup.recv() => interrupted = true,
                _ = quit.recv() => interrupted = true,
                () = tokio::time::sleep(Duration::from_millis(100)) => {},
            }
            if interrupted {
                process::end_children();
            }
        }
        Ok(interrupted)
    })
}

fn failed(error: &anyhow::Error, folder: &Path) -> ExitCode {
    eprintln!("{} {error:#}", colour("demo failed:", "31"));
    eprintln!("the logs are in {}", folder.display());
    ExitCode::FAILURE
}

fn say(begun: Instant, line: &str) {
    println!("{} {line}", colour(&format!("[{:>5.1} s]", begun.elapsed().as_secs_f64()), "2"));
    let _ = std::io::stdout().flush();
}

fn colour(text: &str, code: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

fn default_folder() -> PathBuf {
    std::env::temp_dir().join(format!("offstage-demo-{}", std::process::id()))
}
