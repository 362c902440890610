//! Whom to trust: certificate authorities from the system, the bundle, files and folders.
//!
//! It notes where roots come from, and gathers them when a configuration is built. A source that was named must hold
//! at least one root: an empty one is a mistake that would otherwise show up much later, as an unknown issuer.

use crate::tls::error::{TlsConfigError, TlsConfigFault};
use crate::tls::pem;
use asyncnet_core::tls::rustls::RootCertStore;
use asyncnet_core::tls::rustls::pki_types::CertificateDer;
use rustls_native_certs::ErrorKind;
use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Default)]
pub(super) struct Roots {
    sources: Vec<Source>,
}

#[derive(Clone, Debug)]
enum Source {
    System,
    Bundled,
    File(PathBuf),
    Folder(PathBuf),
    Store(RootCertStore),
}

impl Roots {
    pub(super) fn system() -> Self {
        Self { sources: vec![Source::System] }
    }

    pub(super) fn add_system(&mut self) {
        self.sources.push(Source::System);
    }

    pub(super) fn add_bundled(&mut self) {
        self.sources.push(Source::Bundled);
    }

    pub(super) fn add_file(&mut self, path: PathBuf) {
        self.sources.push(Source::File(path));
    }

    pub(super) fn add_folder(&mut self, path: PathBuf) {
        self.sources.push(Source::Folder(path));
    }

    pub(super) fn add_store(&mut self, store: RootCertStore) {
        self.sources.push(Source::Store(store));
    }

    /// Whether no source was named.
    pub(super) fn is_unset(&self) -> bool {
        self.sources.is_empty()
    }

    /// All roots of all sources: at least one, if there is a source.
    pub(super) fn load(&self) -> Result<RootCertStore, TlsConfigError> {
        let mut gathered = Gathered { store: RootCertStore::empty(), seen: HashSet::new() };
        for source in &self.sources {
            match source {
                Source::System => gathered.take_system()?,
                Source::Bundled => gathered.store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
                Source::File(path) => gathered.take_file(path)?,
                Source::Folder(path) => gathered.take_folder(path)?,
                Source::Store(store) => gathered.take_store(store)?,
            }
        }
        Ok(gathered.store)
    }
}

struct Gathered {
    store: RootCertStore,
    /// A folder that `openssl rehash` has seen holds each certificate twice, once under the hash of its name.
    seen: HashSet<CertificateDer<'static>>,
}

impl Gathered {
    fn take_store(&mut self, store: &RootCertStore) -> Result<(), TlsConfigError> {
        if store.is_empty() {
            let missing = TlsConfigError::new(TlsConfigFault::RootsMissing);
            return Err(missing.because("the store that was given is empty"));
        }
        self.store.extend(store.roots.iter().cloned());
        Ok(())
    }

    fn take_file(&mut self, path: &Path) -> Result<(), TlsConfigError> {
        match self.take_certificates(path)? {
            0 => Err(TlsConfigError::new(TlsConfigFault::CertificateMissing).at(path)),
            _ => Ok(()),
        }
    }

    /// All files of a folder, in the order of their names, so that the same mistake is told each time.
    fn take_folder(&mut self, folder: &Path) -> Result<(), TlsConfigError> {
        let mut found = 0;
        for path in files(folder).map_err(|error| TlsConfigError::unreadable(folder, error))? {
            found += self.take_certificates(&path)?;
        }
        if found == 0 {
            return Err(TlsConfigError::new(TlsConfigFault::CertificateMissing).at(folder));
        }
        Ok(())
    }

    fn take_certificates(&mut self, path: &Path) -> Result<usize, TlsConfigError> {
        let certificates = pem::certificates(path)?;
        let count = certificates.len();
        for (at, certificate) in certificates.into_iter().enumerate() {
            if self.seen.contains(&certificate) {
                continue;
            }
            if let Err(error) = self.store.add(certificate.clone()) {
                let fault = TlsConfigFault::CertificateMalformed { at };
                return Err(TlsConfigError::new(fault).at(path).because(error));
            }
            self.seen.insert(certificate);
        }
        Ok(count)
    }

    /// Systems carry old roots that cannot be parsed, and lists of folders that are not all there: these are passed
    /// over, as OpenSSL does. But a file that is named and cannot be read is an error.
    fn take_system(&mut self) -> Result<(), TlsConfigError> {
        let (file, folders) = (env::var_os("SSL_CERT_FILE"), env::var_os("SSL_CERT_DIR"));
        let found = rustls_native_certs::load_native_certs();
        let mut first = None;
        for error in found.errors {
            match error.kind {
                ErrorKind::Io { inner, path } if file.as_deref() == Some(path.as_os_str()) => {
                    return Err(TlsConfigError::unreadable(&path, inner));
                }
                _ => first = first.or(Some(error)),
            }
        }
        let mut usable = 0;
        for certificate in found.certs {
            if self.seen.contains(&certificate) || self.store.add(certificate.clone()).is_ok() {
                usable += 1;
                self.seen.insert(certificate);
            }
        }
        if usable == 0 {
            return Err(no_system_roots(file.or(folders), first));
        }
        Ok(())
    }
}

/// The regular files of a folder, sorted. Links are followed, those that lead nowhere are left out.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => files.push(path),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    files.sort();
    Ok(files)
}

fn no_system_roots(named: Option<OsString>, error: Option<rustls_native_certs::Error>) -> TlsConfigError {
    let missing = TlsConfigError::new(TlsConfigFault::RootsMissing);
    match (named, error) {
        (Some(path), Some(error)) => missing.at(Path::new(&path)).because(error),
        (Some(path), None) => missing.at(Path::new(&path)),
        (None, Some(error)) => missing.because(error),
        (None, None) => missing.because("none was found where this system keeps them"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Roots, TlsConfigError, TlsConfigFault};
    use crate::tls::ClientTls;
    use std::env;
    use std::ffi::OsStr;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    const NO_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nQUI=\n-----END CERTIFICATE-----\n";

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(["a.test".to_owned()]).unwrap().cert.pem()
    }

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn count(fill: impl FnOnce(&mut Roots)) -> Result<usize, TlsConfigError> {
        let mut roots = Roots::default();
        fill(&mut roots);
        roots.load().map(|store| store.len())
    }

    #[test]
    fn a_folder_is_read_file_by_file_and_each_certificate_once() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        let (one, two) = (certificate(), certificate());
        write(folder, "README", "Ours.");
        write(folder, "one.pem", &one);
        write(folder, "copy.crt", &one);
        write(folder, "both", &format!("{two}{one}"));
        fs::create_dir(folder.join("below")).unwrap();
        write(folder, "below/bad.pem", NO_CERTIFICATE);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("one.pem", folder.join("5ed36f99.0")).unwrap();
            std::os::unix::fs::symlink("gone.pem", folder.join("dangling.0")).unwrap();
        }
        assert_eq!(count(|roots| roots.add_folder(folder.to_owned())).unwrap(), 2);
        // The same authority, named twice over.
        let twice = count(|roots| {
            roots.add_folder(folder.to_owned());
            roots.add_file(folder.join("one.pem"));
        });
        assert_eq!(twice.unwrap(), 2);

        let bad = write(folder, "bad.pem", &format!("{one}{NO_CERTIFICATE}"));
        let error = count(|roots| roots.add_folder(folder.to_owned())).unwrap_err();
        assert_eq!(error.fault(), TlsConfigFault::CertificateMalformed { at: 1 });
        assert_eq!(error.path(), Some(&*bad));
    }

    #[test]
    fn sources_add_up() {
        let scratch = tempfile::tempdir().unwrap();
        let path = write(scratch.path(), "ca.pem", &certificate());
        let bundled = count(Roots::add_bundled).unwrap();
        let more = count(|roots| {
            roots.add_bundled();
            roots.add_file(path);
        });
        assert_eq!(more.unwrap(), bundled + 1);
    }

    /// What `SSL_CERT_FILE` and `SSL_CERT_DIR` do shows in a process that has them: they cannot be set in this one.
    fn in_a_child(file: Option<&Path>, folders: Option<&OsStr>, ours: &Path) -> String {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "--ignored", "--nocapture", "tls::roots::tests::report_of_a_child"]);
        child.env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR").env("OURS", ours);
        child.envs(file.map(|file| ("SSL_CERT_FILE", file)));
        child.envs(folders.map(|folders| ("SSL_CERT_DIR", folders)));
        let output = child.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    #[ignore = "run by the test below, in a process of its own"]
    fn report_of_a_child() {
        let ours = PathBuf::from(env::var_os("OURS").unwrap_or_default());
        match count(Roots::add_system) {
            Ok(count) => println!("[{count} roots]"),
            Err(error) => println!("[{:?} at {:?}]", error.fault(), error.path().unwrap_or(Path::new(""))),
        }
        println!("[by default: {}]", ClientTls::new().build().is_ok());
        println!("[ours alone: {}]", ClientTls::new().ca_file(&ours).build().is_ok());
        println!("[ours beside them: {}]", ClientTls::new().system_roots().ca_file(&ours).build().is_ok());
    }

    #[test]
    fn the_environment_replaces_the_systems_roots() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path();
        let ours = write(folder, "ours.pem", &certificate());
        let two = write(folder, "two.pem", &format!("{}{}", certificate(), certificate()));
        let half = write(folder, "half.pem", &format!("{}{NO_CERTIFICATE}", certificate()));
        let none = write(folder, "none.pem", "no certificate");
        let gone = folder.join("gone.pem");
        let (a, b) = (folder.join("a"), folder.join("b"));
        fs::create_dir(&a).unwrap();
        fs::create_dir(&b).unwrap();
        write(&a, "a.pem", &certificate());
        write(&b, "b.pem", &certificate());
        let listed = env::join_paths([&a, &folder.join("no-folder"), &b]).unwrap();

        let check = |file: Option<&Path>, folders: Option<&OsStr>, expected: &str| {
            let report = in_a_child(file, folders, &ours);
            assert!(report.contains(expected), "{file:?} {folders:?}: {expected} is not in {report}");
            let usable = expected.ends_with(" roots]");
            assert!(report.contains(&format!("[by default: {usable}]")), "{report}");
            assert!(report.contains("[ours alone: true]"), "{report}");
            assert!(report.contains(&format!("[ours beside them: {usable}]")), "{report}");
        };
        check(Some(&two), None, "[2 roots]");
        check(None, Some(a.as_os_str()), "[1 roots]");
        check(None, Some(&listed), "[2 roots]");
        check(Some(&two), Some(&listed), "[4 roots]");
        check(Some(&half), None, "[1 roots]");
        check(Some(&none), None, &format!("[RootsMissing at {none:?}]"));
        check(Some(&gone), None, &format!("[Unreadable at {gone:?}]"));
        check(Some(&gone), Some(&listed), &format!("[Unreadable at {gone:?}]"));
        check(None, Some(gone.as_os_str()), &format!("[RootsMissing at {gone:?}]"));
    }
}
