// SPDX-License-Identifier: Apache-2.0
//! The images of `build.Dockerfile` and the network of `docker-compose.yml`, as far as it can be told without building
//! them. `make images` builds them and runs the demo from them.

use anyhow::{Context, Result, ensure};
use offstage_e2e::{network::binary, ports::free_ports, workspace::root};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

#[test]
fn the_targets_that_users_ask_for_are_there_and_run_as_nobody_in_particular() {
    let stages = stages();
    for (target, program, is_watched) in [
        ("deployed-worker", "offstage-worker", true),
        ("deployed-client", "offstage", false),
        ("deployed-node", "offstage-node", true),
    ] {
        let lines = inherited(&stages, target);
        let last = |word: &str| lines.iter().rev().find(|line| line.starts_with(word)).map(String::as_str);
        assert_eq!(last("USER "), Some("USER 10001:10001"), "{target}");
        assert_eq!(last("VOLUME "), Some("VOLUME /data"), "{target}");
        assert_eq!(last("WORKDIR "), Some("WORKDIR /data"), "{target}");
        let entry = format!("ENTRYPOINT [\"/usr/local/bin/{program}\"]");
        assert_eq!(last("ENTRYPOINT "), Some(entry.as_str()), "{target}");
        assert_eq!(last("HEALTHCHECK ").is_some(), is_watched, "{target}");
    }
    let (name, last) = stages.last().expect("stages");
    assert_eq!((name.as_str(), last.base.as_str()), ("binaries", "scratch"), "what `--output` writes");
}

#[test]
fn each_target_builds_only_what_it_needs() {
    let stages = stages();
    for (target, stranger) in
        [("worker", "node"), ("client", "worker"), ("client", "node"), ("node", "worker")]
    {
        let needed = needed(&stages, &format!("deployed-{target}"));
        assert!(needed.contains(&format!("{target}-build")), "{target}: {needed:?}");
        assert!(!needed.iter().any(|stage| stage.starts_with(stranger)), "{target}: {needed:?}");
        assert!(needed.contains("asked"), "{target} does not look at its arguments: {needed:?}");
    }
    // A builder without a notion of what is needed goes from the top.
    let place = |name: &str| stages.iter().position(|(stage, _)| stage == name).expect("a stage");
    assert!(place("deployed-worker") < place("node-dependencies"));
}

/// A layer in front of the sources has all that comes from elsewhere, so that a change of a source compiles no more
/// than it must.
#[test]
fn dependencies_are_compiled_before_the_sources_are_there() {
    for (name, stage) in stages() {
        if name.ends_with("-dependencies") {
            assert!(!stage.lines.iter().any(|line| line.starts_with("COPY . ")), "{name} has the sources");
            let compile = stage.lines.iter().find(|line| line.contains("cargo build")).expect("it compiles");
            assert!(
                compile.ends_with("&& cargo clean --release --locked --workspace"),
                "what {name} makes of the skeleton must not be taken for what is made of the sources: {compile}"
            );
        }
        if name.ends_with("-build") {
            assert!(stage.base.ends_with("-dependencies"), "{name} is from {}", stage.base);
        }
    }
}

#[test]
fn the_skeleton_changes_with_the_manifests_and_with_nothing_else() {
    let skeleton = |source: &str, version: &str| {
        let workspace = TempDir::new().unwrap();
        let write = |path: &str, text: &str| {
            let path = workspace.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let manifest = format!("[package]\nname = \"offstage-said\"\nversion = \"{version}\"\n");
        write("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"crates/said\"]\n");
        write(
            "Cargo.lock",
            &format!("version = 4\n\n[[package]]\nname = \"offstage-said\"\nversion = \"{version}\"\n"),
        );
        write("rust-toolchain.toml", "");
        write(".cargo/config.toml", "");
        write("crates/said/Cargo.toml", &manifest);
        write("crates/said/src/lib.rs", source);
        write("crates/said/src/bin/said.rs", source);
        write("crates/said/src/module.rs", source);
        fs::create_dir(workspace.path().join("scripts")).unwrap();
        let script = workspace.path().join("scripts/image-skeleton.sh");
        fs::copy(root().join("scripts/image-skeleton.sh"), &script).unwrap();
        let to = workspace.path().join("skeleton");
        let done = Command::new("sh").arg(script).arg(&to).status().unwrap();
        assert!(done.success());
        let mut tar = Command::new("tar");
        tar.args(["-c", "--sort=name", "--owner=0", "--group=0", "-C"]).arg(&to).arg(".");
        tar.output().unwrap().stdout
    };
    let first = skeleton("fn one() {}", "0.1.0");
    assert!(first.windows(12).any(|part| part == b"fn main() {}"));
    assert!(!first.windows(9).any(|part| part == b"module.rs"));
    assert_eq!(first, skeleton("fn another() {}", "0.1.0"), "a source changed it");
    assert_ne!(first, skeleton("fn one() {}", "0.2.0"), "a manifest did not");
}

/// Cargo finds the same packages in it, so that it compiles the same dependencies.
#[test]
fn the_skeleton_has_every_package_of_the_workspace() {
    let folder = TempDir::new().unwrap();
    let skeleton = folder.path().join("skeleton");
    let made =
        Command::new("sh").arg(root().join("scripts/image-skeleton.sh")).arg(&skeleton).status().unwrap();
    assert!(made.success());
    let packages = |manifest: &Path| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "metadata",
                "--no-deps",
                "--format-version",
                "1",
                "--locked",
                "--offline",
                "--manifest-path",
            ])
            .arg(manifest)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let programs = |package: &serde_json::Value| {
            let targets = package["targets"].as_array().into_iter().flatten();
            let programs = targets.filter(|target| target["kind"][0] != "test").map(|target| &target["name"]);
            programs.map(ToString::to_string).collect::<Vec<_>>()
        };
        let packages = metadata["packages"].as_array().into_iter().flatten();
        packages.map(|package| (package["name"].to_string(), programs(package))).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(packages(&skeleton.join("Cargo.toml")), packages(&root().join("Cargo.toml")));
}

#[test]
fn what_an_image_cannot_be_is_refused_with_the_reason() {
    let asked = |mode: &str, platform: &str, features: &str| -> Output {
        let script = root().join("scripts/image-arguments.sh");
        Command::new("sh").arg(script).args([mode, platform, features]).output().unwrap()
    };
    assert!(asked("offchain-worker", "SW", "").status.success());
    for (arguments, reason) in [
        (
            ["sidechain", "SW", ""],
            "WORKER_MODE_ARG=sidechain is not supported: Offstage runs off-chain workers only",
        ),
        (["teeracle", "SW", ""], "WORKER_MODE_ARG=teeracle is not supported"),
        (["", "SW", ""], "WORKER_MODE_ARG= is not supported"),
        (["offchain-worker", "HW", ""], "SGX_MODE=HW is not supported: there is no SGX platform yet"),
        (["offchain-worker", "SW", "evm"], "ADDITIONAL_FEATURES_ARG=evm is not supported"),
    ] {
        let refusal = asked(arguments[0], arguments[1], arguments[2]);
        let told = String::from_utf8_lossy(&refusal.stderr).into_owned();
        assert_eq!(refusal.status.code(), Some(1), "{arguments:?}");
        assert!(told.starts_with("error: ") && told.contains(reason), "{arguments:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
    // The file hands over what the builder was given, under the names that the SDK's documentation has.
    let asked = inherited(&stages(), "asked").join("\n");
    for line in ["ARG WORKER_MODE_ARG=offchain-worker", "ARG SGX_MODE=SW", "ARG ADDITIONAL_FEATURES_ARG="] {
        assert!(asked.lines().any(|has| has == line), "{line}: {asked}");
    }
    assert!(
        asked
            .ends_with("/image-arguments.sh \"$WORKER_MODE_ARG\" \"$SGX_MODE\" \"$ADDITIONAL_FEATURES_ARG\"")
    );
}

#[test]
fn the_health_check_says_what_the_server_says() {
    let check = |port: u16, path: &str| {
        Command::new("bash")
            .arg(root().join("scripts/http-ok.sh"))
            .args([&port.to_string(), path])
            .output()
            .unwrap()
            .status
            .success()
    };
    for (answer, is_well) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n200", false),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", false),
        ("", false),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let lines = BufReader::new(&client).lines().map(Result::unwrap);
            let question: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
            (&client).write_all(answer.as_bytes()).unwrap();
            question
        });
        assert_eq!(check(port, "/is_initialized"), is_well, "{answer:?}");
        let question = server.join().unwrap();
        assert_eq!(question[0], "GET /is_initialized HTTP/1.1");
    }
    let [nobodys] = free_ports().unwrap();
    assert!(!check(nobodys, "/is_initialized"), "nobody listens");
}

#[test]
fn the_programs_know_what_the_compose_file_tells_them() {
    let stages = stages();
    let services = services();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["demo", "node", "worker-1", "worker-2"]);
    for (name, service) in &services {
        let target = service.image.replace("offstage-", "deployed-");
        // Whatever a service does not build, Docker looks for in its registry.
        assert_eq!(service.target, target, "{name}");
        let lines = inherited(&stages, &target);
        let known = match service.list("entrypoint") {
            Some(entry) => fs::read_to_string(root().join(format!("scripts/{}.sh", entry[0]))).unwrap(),
            None => help(&service.image).unwrap(),
        };
        let command = service.list("command").unwrap();
        for word in command.iter().filter(|word| word.starts_with('-')) {
            let is_known = match word.strip_prefix("--") {
                Some(_) => known.split(|sign: char| !is_of_flag(sign)).any(|has| has == word),
                None => known.contains(&format!("{}) ", &word[1..])),
            };
            assert!(is_known, "{name}: nothing of {word} in\n{known}");
        }
        // The health check is the image's.
        if let Some(check) = service.list("test") {
            let check = format!("CMD {}", serde_json::to_string(&check[1..]).unwrap().replace(',', ", "));
            let image = lines.iter().find(|line| line.starts_with("HEALTHCHECK ")).unwrap();
            assert!(image.ends_with(&check), "{name}: {check}, but {image}");
        }
    }
    let commands = ["worker-1", "worker-2"].map(|name| services[name].list("command").unwrap().join(" "));
    assert_eq!(
        commands[0].replace("worker-1", "worker-2"),
        commands[1],
        "the workers differ in their names alone"
    );
}

/// A stage of the file: what it is from, and its instructions, a line each.
struct Stage {
    base: String,
    lines: Vec<String>,
}

fn stages() -> Vec<(String, Stage)> {
    let text = fs::read_to_string(root().join("build.Dockerfile")).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let mut stages: Vec<(String, Stage)> = Vec::new();
    for line in joined.lines().filter(|line| !line.is_empty()) {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        match (line.strip_prefix("FROM ").and_then(|from| from.split_once(" AS ")), stages.last_mut()) {
            (Some((base, name)), _) => {
                assert!(stages.iter().all(|(other, _)| other != name), "two stages {name}");
                stages.push((name.to_owned(), Stage { base: base.to_owned(), lines: Vec::new() }));
            }
            (None, Some((_, stage))) => stage.lines.push(line),
            (None, None) => assert!(line.starts_with("ARG BASE="), "{line}"),
        }
    }
    stages
}

fn stage<'a>(stages: &'a [(String, Stage)], name: &str) -> Option<&'a Stage> {
    stages.iter().find(|(stage, _)| stage == name).map(|(_, stage)| stage)
}

/// The instructions of a stage, those of what it is from first.
fn inherited(stages: &[(String, Stage)], name: &str) -> Vec<String> {
    let Some(stage) = stage(stages, name) else {
        assert!(["scratch", "${BASE}"].contains(&name), "no stage {name}");
        return Vec::new();
    };
    [inherited(stages, &stage.base), stage.lines.clone()].concat()
}

/// The stages that a stage is made of.
fn needed(stages: &[(String, Stage)], name: &str) -> BTreeSet<String> {
    let Some(stage) = stage(stages, name) else { return BTreeSet::new() };
    let copied = stage.lines.iter().filter_map(|line| line.split_once("--from=")?.1.split(' ').next());
    let mut all = BTreeSet::from([name.to_owned()]);
    for other in copied.chain([stage.base.as_str()]) {
        all.extend(needed(stages, other));
    }
    all
}

/// A service of the compose file: its image, the target that it builds, and the lists of words that it has, by their
/// keys.
#[derive(Default)]
struct Service {
    image: String,
    target: String,
    lists: BTreeMap<String, Vec<String>>,
}

impl Service {
    fn list(&self, key: &str) -> Option<&[String]> {
        self.lists.get(key).map(Vec::as_slice)
    }
}

/// The services. The file keeps its lists in brackets, as JSON has them; `make images` reads all of it.
fn services() -> BTreeMap<String, Service> {
    let text = fs::read_to_string(root().join("docker-compose.yml")).unwrap();
    let text = text.split_once("\nservices:\n").unwrap().1.split_once("\nvolumes:\n").unwrap().0;
    let text = text.replace(",\n", ",");
    let mut services = BTreeMap::<String, Service>::new();
    let mut name = "";
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.strip_prefix("  ").filter(|key| !key.starts_with([' ', '#'])) {
            Some(key) => {
                assert!(value.is_empty(), "{line}");
                name = key;
            }
            None => {
                let service = services.entry(name.to_owned()).or_default();
                match key.trim() {
                    "image" => service.image = value.to_owned(),
                    "target" => service.target = value.to_owned(),
                    key if value.starts_with('[') => {
                        let list =
                            serde_json::from_str(value).unwrap_or_else(|error| panic!("{line}: {error}"));
                        service.lists.insert(key.to_owned(), list);
                    }
                    _ => {}
                }
            }
        }
    }
    services
}

/// What a program says of its flags, and of those of `run`, when it has that.
fn help(program: &str) -> Result<String> {
    let ask = |arguments: &[&str]| -> Result<String> {
        let output = Command::new(binary(program)?).args(arguments).output().context("cannot run it")?;
        ensure!(output.status.success(), "{program} {arguments:?} ended with {}", output.status);
        Ok(String::from_utf8(output.stdout)?)
    };
    Ok(ask(&["--help"])?
        + &if program == "offstage-worker" { ask(&["run", "--help"])? } else { String::new() })
}

fn is_of_flag(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '-'
}
