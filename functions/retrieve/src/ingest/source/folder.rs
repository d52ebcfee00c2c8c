//! The files of a folder that are documents.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::is_document;

/// Folders in folders, at most.
const DEEPEST: usize = 16;

/// A file, and how many bytes it has, or why nobody can tell.
pub(super) type Found = (PathBuf, Result<u64, String>);

/// The documents of a folder and of those in it. Hidden ones and links to folders are passed over; what cannot be looked
/// at is reported with the rest.
pub(super) fn list(folder: &Path, files: &mut Vec<Found>) -> io::Result<()> {
    list_to(folder, DEEPEST, files)
}

fn list_to(folder: &Path, depth: usize, files: &mut Vec<Found>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                let below = if path.is_symlink() { Ok(()) } else { list_below(&path, depth, files) };
                below.unwrap_or_else(|reason| files.push((path, Err(reason))));
            }
            Ok(metadata) if metadata.is_file() && is_document(&path) => files.push((path, Ok(metadata.len()))),
            // Pipes and sockets are no documents, nor is what has another extension.
            Ok(_) => {}
            Err(error) if is_document(&path) => files.push((path, Err(error.to_string()))),
            Err(_) => {}
        }
    }
    Ok(())
}

fn list_below(folder: &Path, depth: usize, files: &mut Vec<Found>) -> Result<(), String> {
    if depth == 0 {
        return Err(format!("more than {DEEPEST} folders deep"));
    }
    list_to(folder, depth - 1, files).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Item, Source},
        *,
    };

    #[test]
    fn links_that_lead_nowhere_are_reported_and_do_not_end_it() {
        let folder = std::env::temp_dir().join(format!("navigator-{}", uuid::Uuid::new_v4()));
        fs::create_dir_all(folder.join("plans")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("a.md")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.join("a.png")).unwrap();
        std::os::unix::fs::symlink("..", folder.join("plans/up")).unwrap();
        fs::write(folder.join("plans/b.txt"), "Words.").unwrap();
        let deep = (0..=DEEPEST).fold(folder.clone(), |path, _| path.join("d"));
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("c.txt"), "Too deep.").unwrap();
        let items: Vec<Item> = Source::open(&folder).unwrap().collect();
        fs::remove_dir_all(&folder).unwrap();
        let seen: Vec<_> = items.iter().map(|i| (i.place.as_str(), i.draft.is_ok())).collect();
        assert_eq!((seen.len(), seen[0], seen[2]), (3, ("a.md", false), ("plans/b.txt", true)), "{seen:?}");
        assert_eq!(items[1].draft.as_ref().unwrap_err(), "more than 16 folders deep");
    }
}
