//! Writes the documents of `honest/` anew, signed with new keys that nobody keeps.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("honest");
    std::fs::create_dir_all(&folder)?;
    rolegate_fuzz::honest::files()
        .into_iter()
        .try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
}
