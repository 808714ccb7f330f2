//! Embeds the files below `sql/`, so that adding a signal is adding one file.
//!
//! In: the folder beside this crate. Out: `$OUT_DIR/signals.rs`, a list of (path, text).

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let root = manifest.join("../../sql").canonicalize()?;

    println!("cargo::rerun-if-changed=build.rs");
    // Cargo looks at a directory and everything in it, so that a new file counts too.
    println!("cargo::rerun-if-changed={}", root.display());
    let mut list = String::from("pub(super) static BUILT_IN: &[(&str, &str)] = &[\n");
    for folder in entries(&root)?.iter().filter(|path| path.is_dir()) {
        for file in entries(folder)?.iter().filter(|path| is_sql(path)) {
            let name = text(file.strip_prefix(&root).map_err(io::Error::other)?)?;
            let path = text(file)?;
            writeln!(list, "    ({name:?}, include_str!({path:?})),").map_err(io::Error::other)?;
        }
    }
    list.push_str("];\n");

    fs::write(Path::new(&variable("OUT_DIR")?).join("signals.rs"), list)
}

fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}

fn text(path: &Path) -> io::Result<&str> {
    path.to_str()
        .ok_or_else(|| io::Error::other("the path is not UTF-8"))
}

fn is_sql(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a build script has no other input"
)]
fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
